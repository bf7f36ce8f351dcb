"""Files that are whole or not there."""

from collections.abc import Callable
from pathlib import Path

from spacy.tokens import DocBin

from ..errors import LstmError

__all__ = ["write_atomically", "write_doc_bin"]


def write_atomically(path: str | Path, text: str) -> None:
    """Write beside, then rename; missing folders are made.

    Args:
        path: the file, replaced if it is there.
        text: its content, written as UTF-8.

    Raises LstmError, with the file's own name, where it cannot be written.
    """
    _write_beside(Path(path), lambda beside: beside.write_text(text, encoding="utf-8"))


def write_doc_bin(path: str | Path, binary: DocBin) -> None:
    """Write documents as `write_atomically` writes text."""
    _write_beside(Path(path), binary.to_disk)


def _write_beside(target: Path, write: Callable[[Path], object]) -> None:
    beside = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise LstmError(f"cannot write {target}: {error.strerror}: choose another") from error
