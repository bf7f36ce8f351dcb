"""One part of the input: read, annotated, written. What both engines run."""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.fields import lookup
from ..corpora.skipped import UnusableRowError
from ..pretrained import load_pipeline
from .columns import Column, choose_columns
from .fields import is_kept, to_plain
from .job import Done, Job, peak_memory
from .parts import Part, Record, Source, shard_name
from .records import DamagedError, parse_record, read_range
from .sources import read_table
from .storage import Folder

__all__ = ["ATTEMPTS", "DONE", "ERRORS", "Annotator"]

DONE: Final = "done"
ERRORS: Final = "errors"
ATTEMPTS: Final = "attempts"
"""Folders, in that for work, of a file for each part."""

# Documents that a component gets at once.
_BATCH: Final = 512
# So often a part may take its process with it before it is read row by row, to find the row
# that does it; and so often in all, before what is left of it is given up.
_DEATHS: Final = 2
_MOST_DEATHS: Final = 10
# Of a row, in the error file.
_SHOWN: Final = 2000

Row = Mapping[str, Any]
Annotation = dict[str, Any]


@dataclass
class _Item:
    """A row on its way.

    content: the record's bytes, for the error file.
    row: its fields; of a row in a table only those that are asked for by name.
    place: its place in the table.
    """

    position: int
    content: bytes = b""
    row: Row | None = None
    place: int = 0
    text: str = ""
    words: int = 0
    found: Annotation | None = None
    fault: str | None = None


@dataclass
class _Attempts:
    """What is known of earlier tries at a part, in the run that has this name."""

    run: str
    deaths: int = 0
    current: int | None = None
    killers: tuple[int, ...] = ()


class Annotator:
    """Reads, annotates and writes parts with one pipeline.

    owns_process: the process does nothing else until it ends, so that Python's garbage collector
        need not go through what is there after loading again and again.
    """

    def __init__(self, job: Job, *, owns_process: bool = False) -> None:
        self.job = job
        self.nlp, self.columns = load_annotator(job)
        if owns_process:
            gc.collect()
            gc.freeze()
        self.shards = Folder(job.shards)
        self.work = Folder(job.work)

    def annotate(self, part: Part) -> Done:
        """Write a part's rows, its errors, and then that it is done.

        Killed at any moment, it can be called again: a file is there as a whole or not at all, and
        the same part always makes the same files.
        """
        attempts = self._begin(part)
        source = self.job.sources[part.source]
        items, table = self._read(part, source)
        if attempts.deaths < _DEATHS:
            self._annotate(items)
        else:
            self._annotate_warily(part, items, attempts)
        good = [item for item in items if item.fault is None]
        bad = [item for item in items if item.fault is not None]
        errors = [self._describe_error(part, source, item) for item in bad]
        if part.damage is not None:
            errors.append({"source": source.url, "part": part.key, "reason": part.damage})
        # Of no rows there is no shard: some readers stumble over empty ones.
        if good:
            content = self._encode(good, table)
            self.shards.write(shard_name(part.key, self.job.form.ending), content)
        if errors:
            lines = "".join(json.dumps(error) + "\n" for error in errors)
            self.work.write(f"{ERRORS}/{part.key}.jsonl", lines.encode())
        words = sum(item.words for item in good)
        done = Done(part.key, len(good), words, len(errors), peak_memory())
        self.work.write(f"{DONE}/{part.key}.json", done.to_json())
        self.work.remove(f"{ATTEMPTS}/{part.key}.json")
        return done

    def _begin(self, part: Part) -> _Attempts:
        """Note that this part is tried, and count the processes that died of it."""
        name = f"{ATTEMPTS}/{part.key}.json"
        before = self.work.read(name)
        found = json.loads(before) if before else {}
        attempts = _Attempts(self.job.run)
        if found.get("run") == self.job.run:
            killers = [*found["killers"], *([] if found["current"] is None else [found["current"]])]
            attempts = _Attempts(self.job.run, found["deaths"] + 1, None, tuple(killers))
        self._note(part, attempts)
        return attempts

    def _note(self, part: Part, attempts: _Attempts) -> None:
        self.work.write(f"{ATTEMPTS}/{part.key}.json", json.dumps(vars(attempts)).encode())

    def _read(self, part: Part, source: Source) -> tuple[list[_Item], pa.Table | None]:
        """The rows of a part; of a part of a table also that."""
        if source.kind in {"parquet", "dataset"}:
            try:
                table = read_table(source, part.start, part.stop)
            except DamagedError as error:
                fault = f"rows {part.start} to {part.stop - 1}: {error}"
                return [_Item(part.start, fault=fault)], None
            return list(self._read_items(part, table)), table
        records = part.records
        if records is None:
            records = tuple(read_range(source, part.start, part.stop))
        return [self._read_item(source, record) for record in records], None

    def _read_items(self, part: Part, table: pa.Table) -> Iterator[_Item]:
        asked = [self.job.options.text_field, self.job.options.id_field]
        tops = {
            name if name in table.column_names else name.split(".")[0] for name in asked if name
        }
        columns = {name: table.column(name) for name in tops if name in table.column_names}
        named = table.select(list(columns)).to_pylist() if columns else [{}] * table.num_rows
        for place, row in enumerate(named):
            item = _Item(part.start + place, row=row, place=place)
            self._take_text(item)
            yield item

    def _read_item(self, source: Source, record: Record) -> _Item:
        item = _Item(record.position, record.content)
        try:
            item.row = parse_record(source, record)
        except UnusableRowError as error:
            item.fault = str(error)
            return item
        self._take_text(item)
        if item.fault is None and self.job.form.format == "jsonl":
            taken = [column.name for column in self.columns if column.name in item.row]
            taken = [name for name in taken if is_kept(name, self.job.options)]
            if taken:
                item.fault = f"the row has a field {taken[0]!r} already: give a prefix"
        return item

    def _take_text(self, item: _Item) -> None:
        name = self.job.options.text_field
        text = lookup(item.row or {}, name)
        if isinstance(text, str):
            item.text = text
        elif text is None:
            item.fault = f"no text: the field {name!r} is missing or null"
        else:
            item.fault = f"the field {name!r} is {type(text).__name__}: expected a string"

    def _annotate(self, items: Sequence[_Item]) -> None:
        """Give each item what was found, or its fault."""
        # Texts of like length go through a model together, which is half as fast again.
        ordered = sorted((each for each in items if each.fault is None), key=lambda x: len(x.text))
        with self.nlp.memory_zone():
            try:
                # Docs are made as the pipeline asks for them: all of a part's take much memory.
                docs = self.nlp.pipe(self._make_docs(ordered), batch_size=_BATCH, as_tuples=True)
                for doc, item in docs:
                    item.found = self._look(doc)
            except Exception:
                # Whichever of them it is, the others can do without it.
                for item in ordered:
                    if item.found is None and item.fault is None:
                        self._annotate_one(item)

    def _make_docs(self, items: Iterable[_Item]) -> Iterator[tuple[Doc, _Item]]:
        for item in items:
            doc = self._make_doc(item)
            if doc is not None:
                yield doc, item

    def _annotate_one(self, item: _Item) -> None:
        doc = self._make_doc(item)
        try:
            item.found = None if doc is None else self._look(self.nlp(doc))
        except Exception as error:
            item.fault = f"the pipeline fails: {type(error).__name__}: {error}".split("\n")[0]

    def _annotate_warily(self, part: Part, items: list[_Item], attempts: _Attempts) -> None:
        """One row at a time, each noted before, so that the next try knows which one it was."""
        for item in items:
            if item.position in attempts.killers:
                item.fault = "the process died of it (of memory?): try it alone, or leave it out"
            elif item.fault is None and attempts.deaths >= _MOST_DEATHS:
                item.fault = f"given up: {attempts.deaths} processes died of this part"
            elif item.fault is None:
                attempts.current = item.position
                self._note(part, attempts)
                with self.nlp.memory_zone():
                    self._annotate_one(item)

    def _make_doc(self, item: _Item) -> Doc | None:
        most = self.job.options.max_words
        if len(item.text) > self.nlp.max_length:
            item.fault = f"too long: {len(item.text):,} characters, at most {self.nlp.max_length:,}"
            return None
        try:
            doc = self.nlp.make_doc(item.text)
        except Exception as error:
            item.fault = f"the tokenizer fails: {type(error).__name__}: {error}".split("\n")[0]
            return None
        if most and len(doc) > most:
            item.fault = f"too long: {len(doc):,} words, at most {most:,}"
            return None
        item.words = len(doc)
        return doc

    def _look(self, doc: Doc) -> Annotation:
        return {column.name: column.read(doc) for column in self.columns}

    def _encode(self, items: Sequence[_Item], table: pa.Table | None) -> bytes:
        """The shard of the rows that could be annotated."""
        form, fields = self.job.form, self.job.fields
        if form.format == "parquet":
            if fields.tables and table is not None:
                kept = fields.fit_table(table.take([item.place for item in items]))
            else:
                kept = fields.fit_rows(self._rows(items, table), self.job.options)
            return form.write_table(self._append(kept, items))
        rows = self._rows(items, table)
        if form.format == "csv" and not fields.tables:
            rows = fields.fit_rows(rows, self.job.options).to_pylist()
        pairs = zip(rows, items, strict=True)
        full = [
            {name: value for name, value in row.items() if self._passes(name)} | (item.found or {})
            for row, item in pairs
        ]
        return (form.head if self.job.headed else b"") + form.write_rows(full)

    def _passes(self, name: str) -> bool:
        return name == self.job.fields.other or is_kept(name, self.job.options)

    def _append(self, kept: pa.Table, items: Sequence[_Item]) -> pa.Table:
        """The columns of the source with ours."""
        arrays = {name: kept.column(name) for name in kept.column_names}
        for column in self.columns:
            values = [(item.found or {})[column.name] for item in items]
            arrays[column.name] = pa.array(values, column.type)
        return pa.table(arrays, schema=self.job.form.schema)

    def _rows(self, items: Sequence[_Item], table: pa.Table | None) -> list[Row]:
        """The fields of rows as JSON knows them."""
        if table is None:
            return [item.row or {} for item in items]
        return [to_plain(row) for row in table.take([item.place for item in items]).to_pylist()]

    def _describe_error(self, part: Part, source: Source, item: _Item) -> dict[str, Any]:
        where = "offset" if source.counts_bytes else "row"
        content = item.content.decode("utf-8", errors="replace").rstrip("\r\n")
        described = {"source": source.url, "part": part.key, where: item.position}
        name = self.job.options.id_field
        if name is not None and item.row is not None:
            described["id"] = to_plain(lookup(item.row, name))
        described["reason"] = item.fault
        if content:
            described["record"] = content[:_SHOWN]
        return described


def load_annotator(job: Job) -> tuple[Language, list[Column]]:
    """A job's pipeline, and what it adds."""
    options = job.options
    nlp = load_pipeline(options.model, precision=options.precision)
    if options.max_chars:
        nlp.max_length = options.max_chars
    return nlp, choose_columns(nlp, options.columns, options.prefix)
