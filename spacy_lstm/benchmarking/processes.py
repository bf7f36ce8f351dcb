"""Start-up and memory, each measured in a process that did nothing before."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import LstmError

__all__ = ["Asked", "run_fresh"]

_PROGRAM: Final = Path(__file__).with_name("fresh.py")


class Asked(NamedTuple):
    """What is measured, as `load_pipeline` takes it."""

    model: str
    precision: str | None


def run_fresh(
    asked: Asked,
    exclude: Sequence[str],
    *,
    first: str,
    warm_up: Sequence[str] = (),
    documents: Sequence[str] = (),
    cpu: bool = False,
) -> dict[str, Any]:
    """Import, load and annotate in a fresh process, with one thread.

    exclude: names of components to leave out.
    first: the text that the first result is of.
    warm_up: texts before the documents, whose memory does not count.
    documents: texts to measure, one after the other.
    cpu: count the process's CPU time and not that of the clock.
    RETURNS: seconds of "import", "load", "first" and all of them, "start"; "base", the megabytes
        that the process then has; and of each document "words", "seconds" and "extra_megabytes",
        the most that was taken beside what was there before it. Memory is None where the system
        does not tell.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, text in enumerate(documents):
            path = Path(folder) / f"{number}.txt"
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
        request = {
            **asked._asdict(),
            "exclude": list(exclude),
            "first": first,
            "warm_up": list(warm_up),
            "documents": paths,
            "cpu": cpu,
        }
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.read_text(encoding="utf-8")],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise LstmError(f"a fresh process with {asked.model} did not come to an end: {lines[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
