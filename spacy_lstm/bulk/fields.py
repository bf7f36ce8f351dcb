"""The columns that come from the input: which are kept, and their Arrow types.

Parquet and datasets know their columns. Rows of JSONL may each have others: there the first
rows of the input decide, and what does not fit stands in the column `other_fields`.
"""

import base64
import datetime
import decimal
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from ..corpora.fields import row_columns
from ..errors import LstmError
from .options import Options

__all__ = ["OTHER_FIELDS", "SourceFields", "find_fields", "is_kept", "to_json", "to_plain"]

OTHER_FIELDS: Final = "other_fields"
_INT64: Final = 2**63

Row = Mapping[str, Any]


@dataclass(frozen=True)
class SourceFields:
    """The columns of the input as the output has them.

    schema: of what is kept, without `other_fields`.
    as_json: columns whose values stand there as JSON: nested ones, and those of several types.
    other: the name of the column for what does not fit; None where everything does.
    tables: whether all of the input comes as Arrow tables, which pass with their own types.
    """

    schema: pa.Schema
    as_json: frozenset[str] = frozenset()
    other: str | None = None
    tables: bool = False

    def fit_rows(self, rows: Sequence[Row], options: Options) -> pa.Table:
        """Rows as a table."""
        columns: dict[str, list[Any]] = {name: [] for name in self.schema.names}
        rest: list[str | None] = []
        for row in rows:
            left = {name: value for name, value in row.items() if is_kept(name, options)}
            for field in self.schema:
                value = left.pop(field.name, None)
                if field.name in self.as_json:
                    value = None if value is None else to_json(value)
                elif not _fits(value, field.type):
                    left[field.name] = value
                    value = None
                columns[field.name].append(value)
            rest.append(to_json(left) if left else None)
        table = pa.table(columns, schema=self.schema)
        if self.other is not None:
            table = table.append_column(self.other, pa.array(rest, pa.string()))
        return table

    def fit_table(self, table: pa.Table) -> pa.Table:
        """A table of one source, with the columns that others have as well."""
        arrays = [
            table.column(field.name).cast(field.type)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in self.schema
        ]
        # Without a column a table would forget how many rows it has.
        return pa.table(arrays, schema=self.schema) if arrays else table.select([])


def is_kept(name: str, options: Options) -> bool:
    """Whether a column of the input is wanted in the output."""
    if name == options.id_field:
        return True
    return name not in options.drop and (options.keep is None or name in options.keep)


def find_fields(
    schemas: Sequence[pa.Schema],
    rows: Sequence[Row],
    csv_columns: Iterable[str],
    options: Options,
    *,
    loose: bool,
) -> SourceFields:
    """The columns that the output keeps.

    schemas: of an input that comes as tables.
    rows: the first ones of one that does not.
    csv_columns: the columns of CSV files, which hold nothing but text.
    loose: whether there may be rows with other fields, or values of other types.

    Raises LstmError where tables that belong together have columns of other types.
    """
    csv_columns = list(csv_columns)
    if schemas:
        wanted = [
            pa.schema([field for field in schema if is_kept(field.name, options)])
            for schema in schemas
        ]
        try:
            kept = pa.unify_schemas(wanted, promote_options="permissive")
        except pa.ArrowException as error:
            why = str(error).splitlines()[0]
            raise LstmError(
                f"the files differ in the types of their columns: {why}: leave such columns out"
            ) from error
        return SourceFields(kept, tables=True)
    names = list(dict.fromkeys([*csv_columns, *row_columns(rows)]))
    fields, as_json = [], set()
    for name in names:
        if not is_kept(name, options):
            continue
        kind = _type_of([row[name] for row in rows if row.get(name) is not None])
        if kind is None and name not in csv_columns:
            as_json.add(name)
        fields.append(pa.field(name, kind or pa.string()))
    other = options.prefix + OTHER_FIELDS if loose else None
    return SourceFields(pa.schema(fields), frozenset(as_json), other)


def _type_of(values: Sequence[Any]) -> pa.DataType | None:
    """The type that all of the values have; None where that is not one of Arrow's plain ones."""
    for kind in (pa.string(), pa.bool_(), pa.int64(), pa.float64()):
        if values and all(_fits(value, kind) for value in values):
            return kind
    return None


def _fits(value: Any, kind: pa.DataType) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(kind))
    if isinstance(value, int):
        if pa.types.is_floating(kind):
            return abs(value) <= 2**53
        return bool(pa.types.is_integer(kind)) and -_INT64 <= value < _INT64
    if isinstance(value, float):
        return bool(pa.types.is_floating(kind))
    return isinstance(value, str) and bool(pa.types.is_string(kind))


def to_json(value: Any) -> str:
    """A value as JSON, on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_plain(value: Any) -> Any:
    """A value out of an Arrow table in what JSON knows: times in ISO 8601, bytes in Base64;
    numbers that JSON does not know become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, decimal.Decimal) else repr(value)
