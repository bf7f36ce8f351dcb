"""What a command prints: one JSON object, or lines and tables for people."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

__all__ = ["format_table", "only_json", "print_json", "to_plain"]


@contextmanager
def only_json(active: bool) -> Iterator[None]:
    """Send everything printed in here to standard error, where `--json` was asked for."""
    if not active:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def print_json(value: Mapping[str, Any]) -> None:
    """The one JSON object of a command."""
    print(json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False))


def to_plain(value: Any) -> Any:
    """The same value in what JSON knows; numbers that it does not know become null."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if hasattr(value, "item"):
        return to_plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under a header: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    rule = ["-" * width for width in widths]
    lines = []
    for row in (header, rule, *rows):
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
