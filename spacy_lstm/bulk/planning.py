"""Which columns the output has: a look at the first rows of the input, before any is annotated."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from ..corpora.fields import lookup, row_columns
from ..corpora.skipped import UnusableRowError
from ..errors import LstmError
from .columns import Column
from .fields import SourceFields, find_fields, is_kept, to_plain
from .layout import Layout
from .options import Options
from .parts import Source
from .records import DamagedError, parse_record, read_range, read_through
from .sources import read_schema, read_table
from .writing import OutputForm

__all__ = ["plan_columns"]

# Rows and sources that tell which columns an input has.
_SAMPLED_ROWS: Final = 1000
_SAMPLED_SOURCES: Final = 20
_SAMPLED_TABLE_ROWS: Final = 10

Row = Mapping[str, Any]


def plan_columns(
    sources: Sequence[Source], columns: Sequence[Column], layout: Layout, options: Options
) -> tuple[SourceFields, OutputForm]:
    """The columns of the input that are kept, and how rows are written.

    columns: that are added.

    Raises LstmError for columns that the input does not have, and for added ones that it has.
    """
    tables = [source for source in sources if source.kind in {"parquet", "dataset"}]
    others = [source for source in sources if source not in tables]
    schemas = [read_schema(source) for source in tables]
    rows = list(_sample(others))
    for source in tables[:_SAMPLED_SOURCES]:
        found = _head_of(source)
        rows += [to_plain(row) for row in found]
    header = [name for source in others for name in source.header]
    names = [name for schema in schemas for name in schema.names]
    known = list(dict.fromkeys([*names, *header, *row_columns(rows)]))
    if known:
        _check_names(known, rows, options)
    _check_text(schemas, options)
    loose = bool(tables) or any(source.kind == "jsonl" for source in others)
    if others:
        fields = find_fields([], rows, header, options, loose=loose)
    else:
        fields = find_fields(schemas, [], [], options, loose=False)
    _check_clash([name for name in known if is_kept(name, options)], columns, fields)
    if layout.format == "jsonl":
        # Each row keeps what it has.
        form = OutputForm(layout.format, layout.compression, None)
        return SourceFields(pa.schema([]), tables=fields.tables), form
    added = [pa.field(column.name, column.type) for column in columns]
    rest = [] if fields.other is None else [pa.field(fields.other, pa.string())]
    schema = pa.schema([*fields.schema, *rest, *added])
    return fields, OutputForm(layout.format, layout.compression, schema)


def _sample(sources: Sequence[Source]) -> Iterator[Row]:
    sampled = sources[:_SAMPLED_SOURCES]
    for source in sampled:
        whole = read_range(source, 0, source.size) if source.seekable else read_through(source)
        try:
            for record in islice(whole, _SAMPLED_ROWS // len(sampled)):
                try:
                    yield parse_record(source, record)
                except UnusableRowError:
                    # It will stand in the file of errors.
                    continue
        except DamagedError:
            continue


def _head_of(source: Source) -> list[Row]:
    rows = min(_SAMPLED_TABLE_ROWS, sum(source.group_rows))
    try:
        found: list[Row] = read_table(source, 0, rows).to_pylist() if rows else []
    except DamagedError:
        return []
    return found


def _check_names(known: Sequence[str], rows: Sequence[Row], options: Options) -> None:
    asked = {
        "the text": (options.text_field,),
        "an id": (options.id_field,) if options.id_field else (),
        "what to keep": options.keep or (),
        "what to leave out": options.drop,
    }
    for what, names in asked.items():
        for name in names:
            if name not in known and all(lookup(row, name) is None for row in rows):
                raise LstmError(
                    f"no field {name!r} for {what}: the input has {', '.join(known)}: name one"
                )


def _check_text(schemas: Sequence[pa.Schema], options: Options) -> None:
    for schema in schemas:
        if options.text_field not in schema.names:
            continue
        kind = schema.field(options.text_field).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not any(test(kind) for test in _TEXTS):
            raise LstmError(
                f"the field {options.text_field!r} is {kind}: expected strings: name another"
            )


_TEXTS: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_null,
)


def _check_clash(kept: Sequence[str], columns: Sequence[Column], fields: SourceFields) -> None:
    added = [column.name for column in columns] + ([fields.other] if fields.other else [])
    for name in kept:
        if name in added:
            raise LstmError(
                f"the input has a column {name!r} already: give a prefix for those that are "
                "added, or leave that one out"
            )
