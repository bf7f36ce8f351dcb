"""The plan: an input cut into parts, the same ones in the same order every time.

A part is annotated and written as a whole. Sources that can be entered anywhere (plain JSONL,
Parquet, datasets) are cut without reading them; those that can only be read from their start
(CSV, compressed files) are read through, and their parts carry their records with them.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

__all__ = ["Part", "Record", "Source", "parse_key", "shard_name"]

_SHARD: Final = "part-"


class Record(NamedTuple):
    """One row as it stands in its file."""

    position: int
    """Its number in its source, from 0; or in a file that is entered anywhere its first byte."""
    content: bytes
    fault: str | None = None
    """Why it cannot be a row, where that showed while it was read."""


@dataclass(frozen=True)
class Source:
    """One file or dataset of the input.

    url: what it is called.
    kind: "jsonl", "csv", "parquet" or "dataset".
    compression: as fsspec names it, or None.
    size: in bytes, as far as it is known.
    stamp: changes when the content does: a checksum or the time of the last change.
    header: the columns of a CSV file.
    group_rows: rows of a Parquet file's row groups.
    row_bytes: of a row of Parquet or a dataset, about.
    dataset: arguments that open a dataset.
    """

    url: str
    kind: str
    compression: str | None = None
    size: int = 0
    stamp: str = ""
    header: tuple[str, ...] = ()
    group_rows: tuple[int, ...] = ()
    row_bytes: float = 1.0
    dataset: dict[str, Any] = field(default_factory=dict)

    @property
    def seekable(self) -> bool:
        """Whether it can be read from anywhere."""
        return self.kind in {"parquet", "dataset"} or (self.kind == "jsonl" and not self.packed)

    @property
    def packed(self) -> bool:
        """Whether it is compressed as a whole."""
        return self.compression is not None

    @property
    def counts_bytes(self) -> bool:
        """Whether a record's position is its first byte."""
        return self.kind == "jsonl" and not self.packed


@dataclass(frozen=True)
class Part:
    """A piece of a source.

    source: its number.
    number: of the part within the source.
    start, stop: bytes, or rows, of a source that can be entered anywhere.
    records: those of any other.
    damage: why the source cannot be read any further.
    """

    source: int
    number: int
    start: int = 0
    stop: int = 0
    records: tuple[Record, ...] | None = None
    damage: str | None = None

    @property
    def key(self) -> str:
        """Its name, in the order of the input."""
        return f"{self.source:05d}-{self.number:06d}"


def shard_name(key: str, ending: str) -> str:
    """The file that a part's annotated rows are written to."""
    return f"{_SHARD}{key}{ending}"


def parse_key(name: str) -> tuple[int, int] | None:
    """Source and number of a part, from its key or the name of a file of its own."""
    source, _, number = name.removeprefix(_SHARD).partition(".")[0].partition("-")
    return (int(source), int(number)) if source.isdigit() and number.isdigit() else None
