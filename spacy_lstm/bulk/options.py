"""What a bulk annotation is asked for, checked before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ..errors import LstmError

__all__ = ["COMPRESSIONS", "DEFAULT_PART_BYTES", "FORMATS", "Options"]

FORMATS: Final = ("parquet", "jsonl", "csv")
COMPRESSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "parquet": ("zstd", "snappy", "gzip", "none"),
    "jsonl": ("none", "gzip"),
    "csv": ("none", "gzip"),
}
"""Of each format, the default first."""
DEFAULT_PART_BYTES: Final = 2_000_000


@dataclass(frozen=True)
class Options:
    """What changes the output; a run goes on only where another with the same stopped.

    model: a bundle's name, a pipeline's folder or package.
    text_field: the column with the text; dotted for a field inside nested objects.
    id_field: a column that the error file names rows by, and that is always kept.
    columns: annotations to add; None for the usual ones of what the pipeline has.
    keep: columns of the source to keep; None for all.
    drop: columns of the source to leave out.
    prefix: put before the names of the columns that are added.
    format, compression: of the output; None: by its name, or else Parquet, and the format's usual.
    max_words: tokens of a text at most; 0 for no limit.
    max_chars: characters of a text at most; 0 for the pipeline's own `max_length`.
    part_bytes: a part, which is annotated and written as a whole, holds about so many bytes.
    name, split, revision: configuration, split and revision of a dataset.
    precision: of the components, "single" or "bfloat16"; None for what the pipeline's config says.
    """

    model: str
    text_field: str = "text"
    id_field: str | None = None
    columns: tuple[str, ...] | None = None
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    prefix: str = ""
    format: str | None = None
    compression: str | None = None
    max_words: int = 0
    max_chars: int = 0
    part_bytes: int = DEFAULT_PART_BYTES
    name: str | None = None
    split: str | None = None
    revision: str | None = None
    precision: str | None = None

    def __post_init__(self) -> None:
        _one_of("format", self.format, FORMATS)
        allowed = COMPRESSIONS[self.format] if self.format else _all_compressions()
        _one_of("compression", self.compression, allowed)
        for name in ("max_words", "max_chars"):
            if getattr(self, name) < 0:
                raise LstmError(f"{name} = {getattr(self, name)}: expected 0 (no limit) or more")
        if self.part_bytes < 1:
            raise LstmError(f"part_bytes = {self.part_bytes}: expected 1 or more")
        if not self.text_field:
            raise LstmError("the text field has an empty name: expected a column")

    def describe(self) -> dict[str, Any]:
        """Everything as JSON knows it."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in plain.items()
        }


def _all_compressions() -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for kinds in COMPRESSIONS.values() for each in kinds))


def _one_of(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise LstmError(f"{name} {value!r}: expected one of {', '.join(allowed)}")
