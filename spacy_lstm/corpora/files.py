"""Rows of local JSON, JSONL, CSV and TSV files, plain or compressed.

They are read line by line with the standard library: rows may differ in their keys and types
(a `meta` object that changes from row to row), for which a table with one schema has no room,
and an error can name its line.
"""

import bz2
import csv
import gzip
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import LstmError

__all__ = [
    "TABLE_FORMATS",
    "TEXT_FORMATS",
    "file_format",
    "read_documents",
    "read_rows",
    "read_text",
]

Row = dict[str, Any]

TEXT_FORMATS = ("jsonl", "json", "csv", "tsv")
TABLE_FORMATS = ("parquet", "arrow")
_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


def file_format(path: str | Path) -> str | None:
    """The format that a file's name tells, compression aside; None for an unknown one."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in _OPENERS:
        suffixes.pop()
    name = suffixes[-1][1:] if suffixes else ""
    name = "jsonl" if name == "ndjson" else name
    return name if name in (*TEXT_FORMATS, *TABLE_FORMATS) else None


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one file, in order.

    Raises LstmError, with the line, for what is not JSON, not UTF-8 or badly compressed.
    """
    readers = {"jsonl": _jsonl, "json": _json, "csv": _csv, "tsv": _tsv}
    reader = readers[file_format(path) or ""]
    with _open(path) as stream:
        yield from reader(path, stream)


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    """A text file, compressed or not, whose faults are told in one line each."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise LstmError(f"{path}: damaged or not {path.suffix[1:]}: {error}") from error
    except UnicodeDecodeError as error:
        raise LstmError(f"{path}: not UTF-8 ({error.reason}): save it as UTF-8") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise LstmError(f"{path}: cannot be read: {reason}") from error


def read_text(path: Path) -> str:
    """All of a text file, plain or compressed."""
    with _open(path) as stream:
        return stream.read()


def read_documents(path: Path) -> Iterator[list[str]]:
    """The documents of a text file, plain or compressed: a paragraph a line, a blank line
    between documents.

    Raises LstmError for what is not UTF-8 or badly compressed.
    """
    paragraphs: list[str] = []
    with _open(path) as stream:
        for line in stream:
            if line.strip():
                paragraphs.append(line.strip())
            elif paragraphs:
                yield paragraphs
                paragraphs = []
    if paragraphs:
        yield paragraphs


def _jsonl(path: Path, stream: IO[str]) -> Iterator[Row]:
    # Only line feeds end a line: a text may hold other line separators unescaped.
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield _json_object(path, line, number)


def _json_object(path: Path, line: str, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LstmError(f"{path} line {number}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise LstmError(f"{path} line {number}: expected a JSON object, got {_kind(row)}")
    return row


def _json(path: Path, stream: IO[str]) -> Iterator[Row]:
    """An array of objects, or one object a line in spite of the name."""
    text = stream.read()
    if not text.lstrip().startswith("["):
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield _json_object(path, line, number)
        return
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LstmError(f"{path}: not JSON: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise LstmError(f"{path} item {number}: expected an object, got {_kind(row)}")
        yield row


def _kind(value: Any) -> str:
    return type(value).__name__


def _csv(path: Path, stream: IO[str]) -> Iterator[Row]:
    try:
        for number, row in enumerate(csv.DictReader(stream, strict=True), start=2):
            yield _fitting(path, row, number)
    except csv.Error as error:
        raise LstmError(f"{path}: not CSV: {error}") from error


def _fitting(path: Path, row: dict[Any, Any], number: int) -> Row:
    """DictReader files surplus values under None and fills missing ones with None."""
    if None in row:
        raise LstmError(f"{path} row {number}: more values than the header has columns")
    return row


def _tsv(path: Path, stream: IO[str]) -> Iterator[Row]:
    """Tab-separated lines: quotes are text, save where they wrap a whole field as CSV does."""
    header: list[str] | None = None
    for number, line in enumerate(stream, start=1):
        values = [_unquoted(value) for value in line.rstrip("\r\n").split("\t")]
        if header is None:
            header = values
        elif line.strip():
            if len(values) > len(header):
                raise LstmError(f"{path} row {number}: more values than the header has columns")
            padding = [None] * (len(header) - len(values))
            yield dict(zip(header, [*values, *padding], strict=True))


def _unquoted(value: str) -> str:
    inner = value[1:-1]
    if len(value) < 2 or not (value[0] == value[-1] == '"'):
        return value
    # A field that merely begins and ends with quotes has single ones inside or none at all.
    if '"' not in inner or '"' in inner.replace('""', ""):
        return value
    return inner.replace('""', '"')
