"""Files that are whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LstmError

__all__ = ["replacing"]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside the target, to write to; at the end it is renamed to the target, and until
    then what was there stays. Missing folders are made. Where the target is a link, it stays one;
    a device or a pipe, like /dev/null, is given itself.

    Raises LstmError, with the target's own name, where it cannot be written.
    """
    if not target.name:
        raise LstmError(f"cannot write a file named {str(target)!r}: expected a file's name")
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            yield target
            return
        place = target.resolve() if target.is_symlink() else target
        beside = place.with_name(f".{place.name}.partial")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise LstmError(f"cannot write {target}: {why}: choose another") from error
