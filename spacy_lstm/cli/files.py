"""Files that are whole or not there."""

from pathlib import Path

from ..errors import LstmError

__all__ = ["write_atomically"]


def write_atomically(path: str | Path, text: str) -> None:
    """Write beside, then rename; missing folders are made.

    Args:
        path: the file, replaced if it is there.
        text: its content, written as UTF-8.

    Raises LstmError, with the file's own name, where it cannot be written.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise LstmError(f"cannot write {target}: {error.strerror}: choose another") from error
