"""Annotated rows → the bytes of a shard; shards → one file."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from .fields import to_json, to_plain

__all__ = ["OutputForm", "join_shards"]

# Text and JSON shrink little beyond this, and take three times as long.
_GZIP_LEVEL: Final = 6
_ROW_GROUP: Final = 50_000


@dataclass(frozen=True)
class OutputForm:
    """How rows are written.

    format: "parquet", "jsonl" or "csv".
    compression: one of `options.COMPRESSIONS`.
    schema: the columns; None for JSONL, whose rows each have their own.
    """

    format: str
    compression: str
    schema: pa.Schema | None

    @property
    def ending(self) -> str:
        """What the names of its files end in."""
        packed = self.format != "parquet" and self.compression == "gzip"
        return f".{self.format}{'.gz' if packed else ''}"

    @property
    def head(self) -> bytes:
        """What a file begins with."""
        if self.format != "csv" or self.schema is None:
            return b""
        return self.pack(_csv_lines([self.schema.names]))

    def write_table(self, table: pa.Table) -> bytes:
        """A shard of Parquet."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=self.compression, row_group_size=_ROW_GROUP)
        content: bytes = sink.getvalue().to_pybytes()
        return content

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """A shard of JSONL or CSV, without what a file begins with."""
        if self.format == "jsonl":
            return self.pack("".join(f"{to_json(row)}\n" for row in rows).encode())
        assert self.schema is not None
        names = self.schema.names
        return self.pack(_csv_lines([_cell(row.get(name)) for name in names] for row in rows))

    def pack(self, content: bytes) -> bytes:
        """Compress; the same content always gives the same bytes."""
        if self.compression != "gzip" or not content:
            return content
        return gzip.compress(content, _GZIP_LEVEL, mtime=0)


def _csv_lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue().encode()


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else to_json(to_plain(value))


def join_shards(form: OutputForm, shards: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of one file that holds the rows of all shards, in order.

    shards: as `OutputForm` wrote them, with no heads.
    """
    if form.format == "parquet":
        yield from _join_parquet(form, shards)
        return
    yield form.head
    yield from shards


def _join_parquet(form: OutputForm, shards: Iterable[bytes]) -> Iterator[bytes]:
    sink = _Pieces()
    tables: list[pa.Table] = []
    with pq.ParquetWriter(sink, form.schema, compression=form.compression) as writer:
        for shard in shards:
            tables.append(pq.read_table(pa.BufferReader(shard)))
            if sum(table.num_rows for table in tables) >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(tables))
                tables.clear()
                yield sink.take()
        if tables:
            writer.write_table(pa.concat_tables(tables))
    yield sink.take()


class _Pieces(io.RawIOBase):
    """A file whose content is taken away while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content
