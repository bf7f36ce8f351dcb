"""What an input is made of, and how it falls into parts."""

import glob
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..corpora.files import file_format
from ..corpora.loading import DatasetTable, is_saved_dataset, open_table, split_files
from ..corpora.skipped import UnusableRowError
from ..errors import LstmError
from .options import Options
from .parts import Part, Record, Source
from .records import DamagedError, read_header, read_through
from .storage import find_place, is_url, reporting

__all__ = ["cut", "cut_source", "find_sources", "read_schema", "read_table"]

_KINDS: Final = ("jsonl", "csv", "parquet")
_COMPRESSIONS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
_STAMPS: Final = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
_EXPECTED: Final = (
    ".jsonl, .csv or .parquet files (.jsonl and .csv also as .gz, .bz2, .xz), a folder or glob of "
    "them, or a Hugging Face dataset"
)


def find_sources(place: str, options: Options) -> list[Source]:
    """The files or the dataset that an input names, in a fixed order.

    place: a file, folder, glob or URL of fsspec; what is none of these is a name on the hub.

    Raises LstmError where there is nothing to read.
    """
    # What is remembered of earlier calls may have changed.
    _open_dataset.cache_clear()
    _open_parquet.cache_clear()
    if not place.strip():
        raise LstmError("the input has an empty name: expected a file, folder, URL or dataset")
    if not is_url(place):
        local = Path(place).expanduser()
        if local.is_dir():
            place = str(local)
            if is_saved_dataset(local):
                return [_dataset(place, options)]
            if options.split is not None or options.name is not None:
                paths = split_files(local, name=options.name, split=options.split)
                return [_file(str(path)) for path in paths]
        elif not local.exists() and not glob.has_magic(place):
            return [_dataset(place, options)]
    for option, value in (("configuration", options.name), ("split", options.split)):
        if value is not None:
            raise LstmError(
                f"{place} has no {option} ({value!r} was given): leave it out, or give a dataset's "
                "folder or its name on the hub"
            )
    return [_file(url) for url in _list_files(place)]


def _list_files(place: str) -> list[str]:
    system, path = find_place(place)
    with reporting(place, "read"):
        if system.isdir(path):
            base = path.rstrip("/") + "/"
            every = (str(each) for each in system.find(path))
            found = [each for each in every if _is_data(each.removeprefix(base))]
        elif system.exists(path):
            found = [path]
        elif glob.has_magic(place):
            matches = system.glob(path, detail=True).items()
            found = [str(name) for name, info in matches if info["type"] != "directory"]
        else:
            raise LstmError(f"no such file or folder: {place}: check the name")
    if not found:
        raise LstmError(f"nothing to annotate in {place}: expected {_EXPECTED}")
    return sorted(str(system.unstrip_protocol(each)) if is_url(place) else each for each in found)


def _is_data(name: str) -> bool:
    """Whether a file of a folder is meant: nothing hidden, and no notes of other programs."""
    return file_format(name) in _KINDS and not any(
        step.startswith((".", "_")) for step in name.split("/")
    )


def _file(url: str) -> Source:
    kind, suffix = file_format(url), Path(url).suffix.lower()
    compression = _COMPRESSIONS.get(suffix)
    if kind not in _KINDS or (kind == "parquet" and compression):
        raise LstmError(f"{url}: a file of unknown form: expected {_EXPECTED}")
    system, path = find_place(url)
    with reporting(url, "read"):
        info: Mapping[str, Any] = system.info(path)
    if info.get("type") == "directory":
        raise LstmError(f"{url} is a folder, where a file was expected: name its parent")
    stamp = next((str(info[name]) for name in _STAMPS if info.get(name)), "")
    source = Source(url, kind, compression, int(info.get("size") or 0), stamp)
    return _look_inside(source)


def _look_inside(source: Source) -> Source:
    """With what a plan has to know of the content."""
    known = {key: getattr(source, key) for key in ("url", "kind", "compression", "size", "stamp")}
    if source.kind == "csv":
        try:
            header = read_header(source)
        except (DamagedError, UnusableRowError, UnicodeDecodeError) as error:
            raise LstmError(f"{source.url}: {error}: expected CSV with a header") from error
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise LstmError(f"{source.url}: two columns named {repeated[0]!r}: rename one")
        return Source(**known, header=tuple(header))
    if source.kind == "parquet":
        found = _open_parquet(source.url).metadata
        groups = [found.row_group(number) for number in range(found.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        rows = tuple(group.num_rows for group in groups)
        return Source(**known, group_rows=rows, row_bytes=max(1.0, size / max(1, sum(rows))))
    return source


def _dataset(place: str, options: Options) -> Source:
    arguments = {
        "path": place,
        "name": options.name,
        "split": options.split,
        "revision": options.revision,
    }
    table = _open_dataset(*arguments.values())
    size = max(1.0, table.row_bytes)
    return Source(
        place,
        "dataset",
        size=int(size * table.rows),
        stamp=table.fingerprint,
        group_rows=(table.rows,),
        row_bytes=size,
        dataset=arguments,
    )


# A worker goes through the parts of a few files at a time.
@lru_cache(maxsize=4)
def _open_dataset(
    path: str, name: str | None, split: str | None, revision: str | None
) -> DatasetTable:
    return open_table(path, name=name, split=split, revision=revision)


@lru_cache(maxsize=4)
def _open_parquet(url: str) -> pq.ParquetFile:
    system, path = find_place(url)
    with reporting(url, "read"):
        try:
            return pq.ParquetFile(path, filesystem=system, pre_buffer=False)
        except pa.ArrowInvalid as error:
            why = str(error).splitlines()[0]
            raise LstmError(f"{url}: not Parquet: {why}: check the file") from error


def read_schema(source: Source) -> pa.Schema:
    """The columns of a Parquet file or a dataset."""
    if source.kind == "parquet":
        return _open_parquet(source.url).schema_arrow.remove_metadata()
    return _open_dataset(*source.dataset.values()).data.features.arrow_schema.remove_metadata()


def read_table(source: Source, start: int, stop: int) -> pa.Table:
    """Rows of a Parquet file or a dataset.

    Raises DamagedError where they cannot be read.
    """
    if source.kind == "dataset":
        table: pa.Table = _open_dataset(*source.dataset.values()).read(start, stop)
        return table.replace_schema_metadata(None)
    with reporting(source.url, "read"):
        try:
            return _read_groups(source, start, stop)
        except (pa.ArrowException, OSError) as error:
            # What a codec says of damaged data has no number, unlike what the system says.
            if getattr(error, "errno", None) is not None:
                raise
            raise DamagedError(f"the file is damaged: {str(error).splitlines()[0]}") from error


def _read_groups(source: Source, start: int, stop: int) -> pa.Table:
    file = _open_parquet(source.url)
    ends = list(accumulate(source.group_rows))
    wanted = [
        number
        for number, (rows, end) in enumerate(zip(source.group_rows, ends, strict=True))
        if end > start and end - rows < stop
    ]
    at = ends[wanted[0]] - source.group_rows[wanted[0]]
    slices = []
    # As large as a part, so that no more than that waits in memory.
    for batch in file.iter_batches(batch_size=stop - start, row_groups=wanted):
        first, last = max(start - at, 0), min(stop - at, batch.num_rows)
        if first < last:
            slices.append(batch.slice(first, last - first))
        at += batch.num_rows
        if at >= stop:
            break
    return pa.Table.from_batches(slices, file.schema_arrow).replace_schema_metadata(None)


def cut(sources: Sequence[Source], part_bytes: int) -> Iterator[Part]:
    """The parts of the input, in order; the same ones whenever it is cut."""
    for number, source in enumerate(sources):
        yield from cut_source(number, source, part_bytes)


def cut_source(number: int, source: Source, part_bytes: int) -> Iterator[Part]:
    """The parts of one source."""
    if not source.seekable:
        yield from _cut_records(number, source, part_bytes)
        return
    total, step = source.size, part_bytes
    if not source.counts_bytes:
        total, step = sum(source.group_rows), max(1, round(part_bytes / source.row_bytes))
    for place, start in enumerate(range(0, total, step)):
        yield Part(number, place, start, min(start + step, total))


def _cut_records(number: int, source: Source, part_bytes: int) -> Iterator[Part]:
    records: list[Record] = []
    place = size = 0
    damage = None
    try:
        for record in read_through(source):
            records.append(record)
            size += len(record.content)
            if size >= part_bytes:
                yield Part(number, place, records=tuple(records))
                records, size, place = [], 0, place + 1
    except DamagedError as error:
        damage = str(error)
    if records or damage:
        yield Part(number, place, records=tuple(records), damage=damage)
