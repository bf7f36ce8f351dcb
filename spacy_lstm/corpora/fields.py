"""Looking up a row's fields by our names: the column map, dotted names, the exclude filter."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LstmError

__all__ = ["Fields", "is_excluded", "lookup", "row_columns"]

Row = Mapping[str, Any]


def lookup(row: Row, name: str) -> Any:
    """The value of a column, or of a dotted name inside nested objects; None where absent."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def row_columns(rows: Sequence[Row]) -> list[str]:
    """The columns that any of these rows has, in order of appearance."""
    return list(dict.fromkeys(column for row in rows for column in row))


def is_excluded(row: Row, exclude: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a field of the row has one of the values to leave out."""
    return any(
        value is not None and str(value) in {str(unwanted) for unwanted in values}
        for value, values in ((lookup(row, name), exclude[name]) for name in exclude)
    )


class Fields:
    """Our field names → a dataset's columns.

    Args:
        columns: our field → their column, dotted for nested objects; other fields keep
            their name.
    """

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        self._columns = dict(columns or {})

    def column(self, name: str) -> str:
        """Their column for our field."""
        return self._columns.get(name, name)

    def get(self, row: Row, name: str) -> Any:
        """The row's value for our field; None where absent."""
        return lookup(row, self.column(name))

    def has(self, rows: Sequence[Row], name: str) -> bool:
        """Whether any of the rows has the field, be it empty."""
        column = self.column(name)
        return any(column in row or lookup(row, column) is not None for row in rows)

    def require(self, source: str, rows: Sequence[Row], names: Sequence[str]) -> None:
        """Raise if a field that the kind needs is in none of the first rows."""
        missing = [name for name in names if not self.has(rows, name)]
        if missing:
            raise LstmError(
                f"{source}: no column {self.column(missing[0])!r}; it has "
                f"{', '.join(row_columns(rows))}: name the right one by the column map "
                f"{missing[0]}=COLUMN"
            )
