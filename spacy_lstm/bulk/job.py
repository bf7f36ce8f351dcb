"""What every worker is told, and what it tells of a part that is done."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .fields import SourceFields
from .options import Options
from .parts import Source
from .writing import OutputForm

__all__ = ["Done", "Job", "peak_memory"]

_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs.

    run: differs from run to run, so that a worker knows which deaths were of this one.
    shards: the folder that annotated rows go to.
    work: the folder of what is only needed until all is done.
    headed: whether each shard is a file of its own, with a head.
    """

    run: str
    options: Options
    sources: tuple[Source, ...]
    fields: SourceFields
    form: OutputForm
    shards: str
    work: str
    headed: bool


@dataclass(frozen=True)
class Done:
    """A part that is written.

    rows: that were annotated.
    words: tokens of these.
    errors: rows in the error file.
    memory: the most that the process ever took, in bytes; 0 where the system does not tell.
    """

    key: str
    rows: int
    words: int
    errors: int
    memory: int = 0

    def to_json(self) -> bytes:
        """As the folder of finished parts keeps it: without what differs from run to run."""
        kept = {key: value for key, value in asdict(self).items() if key != "memory"}
        return json.dumps(kept).encode()

    @classmethod
    def from_json(cls, content: bytes | str) -> "Done":
        """What `to_json` wrote."""
        found: Mapping[str, Any] = json.loads(content)
        return cls(**found)


def peak_memory() -> int:
    """The most memory that this process ever took, in bytes; 0 where the system does not tell."""
    if not _STATUS.is_file():
        return 0
    lines = _STATUS.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
