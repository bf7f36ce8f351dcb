"""Files that are whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LstmError

__all__ = ["replacing"]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside the target, to write to; at the end it is renamed to the target, and until
    then what was there stays. Missing folders are made.

    Raises LstmError, with the target's own name, where it cannot be written.
    """
    beside = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise LstmError(f"cannot write {target}: {why}: choose another") from error
