"""Records of text files, one after another, with their positions: lines of JSONL, rows of CSV.

What a file has wrong in one place is told by the record of that place; the rest is read on.
"""

import csv
import io
import json
import lzma
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from gzip import BadGzipFile
from typing import IO, Any, Final, cast

from ..corpora.skipped import UnusableRowError
from .parts import Record, Source
from .storage import find_place, reporting

__all__ = ["DamagedError", "parse_record", "read_header", "read_range", "read_through"]

# A longer line is no row but a file of another kind, or one without line ends.
MAX_LINE: Final = 64_000_000
_BOM: Final = b"\xef\xbb\xbf"

Row = dict[str, Any]


class DamagedError(Exception):
    """A file cannot be read any further."""


@contextmanager
def _opened(source: Source) -> Iterator[IO[bytes]]:
    system, path = find_place(source.url)
    with (
        reporting(source.url, "read"),
        _reporting_damage(source),
        system.open(path, "rb", compression=source.compression) as stream,
    ):
        if source.packed:
            # It stops reading a line that has no end by itself, and a buffer around it would
            # keep back what there is before a damage.
            yield stream
            return
        with io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20) as buffered:
            yield cast(IO[bytes], buffered)


@contextmanager
def _reporting_damage(source: Source) -> Iterator[None]:
    try:
        yield
    except (BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DamagedError(f"the file is damaged, or not {source.compression}: {error}") from error
    except OSError as error:
        # What bz2 says of other data has no number, unlike what the system says.
        if source.compression is None or error.errno is not None:
            raise
        raise DamagedError(f"the file is damaged, or not {source.compression}: {error}") from error


def read_range(source: Source, start: int, stop: int) -> Iterator[Record]:
    """The lines that begin between two bytes of a file that is not compressed."""
    with _opened(source) as stream:
        at = max(0, start - 1)
        stream.seek(at)
        if start:
            # To the end of the line that the part before has; of none, if it ends there.
            at += sum(map(len, _pieces(stream)))
        for position, content, fault in _lines(stream, at):
            if position >= stop:
                return
            if content.strip() or fault:
                yield Record(position, content, fault)


def read_through(source: Source) -> Iterator[Record]:
    """All records of a file.

    Raises DamagedError where compressed data ends or is none.
    """
    with _opened(source) as stream:
        if source.kind == "csv":
            yield from _csv_records(stream)
            return
        lines = (line for line in _lines(stream, 0) if line.content.strip() or line.fault)
        for number, line in enumerate(lines):
            yield line._replace(position=number)


def read_header(source: Source) -> list[str]:
    """The columns of a CSV file; none in an empty one."""
    with _opened(source) as stream:
        first = next(_csv_rows(stream), None)
    if first is None:
        return []
    if first.fault is not None:
        raise UnusableRowError(first.fault)
    return _split(first.content)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a line, a few megabytes at a time."""
    while piece := stream.readline(1 << 22):
        yield piece
        if piece.endswith(b"\n"):
            return


def _lines(stream: IO[bytes], at: int) -> Iterator[Record]:
    while line := stream.readline(MAX_LINE):
        start, at = at, at + len(line)
        fault = None
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            at += sum(map(len, _pieces(stream)))
            fault = f"a line of {at - start:,} bytes: expected at most {MAX_LINE:,}"
            line = line[:1000]
        if start == 0:
            line = line.removeprefix(_BOM)
        yield Record(start, line, fault)


def _csv_records(stream: IO[bytes]) -> Iterator[Record]:
    rows = _csv_rows(stream)
    next(rows, None)
    for number, row in enumerate(rows):
        yield row._replace(position=number)


def _csv_rows(stream: IO[bytes]) -> Iterator[Record]:
    """The rows of a CSV file, its header first, each with the lines that it takes."""
    taken: list[bytes] = []
    rest = _lines(stream, 0)

    def lines() -> Iterator[str]:
        for _, line, fault in rest:
            taken.append(line)
            if fault:
                raise UnusableRowError(fault)
            # Marks are ASCII, which no other byte of UTF-8 is, nor the Latin-1 it passes for.
            yield line.decode("latin-1")

    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    while True:
        fault = None
        try:
            # A reader a row: after an error the next begins with the line after it.
            row = next(csv.reader(lines(), strict=True))
        except StopIteration:
            return
        except (csv.Error, UnusableRowError) as error:
            fault = f"not CSV: {error}"
        content = b"".join(taken)
        taken.clear()
        if fault or row:
            yield Record(0, content, fault)


def _split(content: bytes) -> list[str]:
    """The values of a CSV row; each is decoded by itself."""
    values = next(csv.reader(io.StringIO(content.decode("latin-1"), newline=""), strict=True))
    return [value.encode("latin-1").decode("utf-8") for value in values]


def parse_record(source: Source, record: Record) -> Row:
    """The row that a record holds.

    Raises UnusableRowError with the reason where it holds none.
    """
    if record.fault is not None:
        raise UnusableRowError(record.fault)
    try:
        if source.kind == "csv":
            return _fit(source.header, _split(record.content))
        text = record.content.decode("utf-8")
        row = json.loads(text, parse_constant=lambda _: None, parse_float=_read_float)
    except UnicodeDecodeError as error:
        raise UnusableRowError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise UnusableRowError(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise UnusableRowError(f"expected a JSON object, got {type(row).__name__}")
    if "\\u" in text:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UnusableRowError("not valid Unicode (a lone surrogate)") from None
    return row


def _read_float(text: str) -> float | None:
    """A number; None, as for NaN, where it is too large to be one."""
    value = float(text)
    return value if math.isfinite(value) else None


def _fit(header: Sequence[str], values: Sequence[str]) -> Row:
    if len(values) > len(header):
        raise UnusableRowError(f"{len(values)} values: the header has {len(header)} columns")
    padding = [None] * (len(header) - len(values))
    return dict(zip(header, [*values, *padding], strict=True))
