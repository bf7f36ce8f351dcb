"""What commands write: texts, rows and documents, whole or not at all."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spacy.tokens import DocBin

from ..files import replacing

__all__ = ["write_atomically", "write_doc_bin", "write_rows"]


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write beside, then rename; missing folders are made.

    Args:
        path: the file, replaced if it is there.
        content: what it holds; text is written as UTF-8.

    Raises LstmError, with the file's own name, where it cannot be written.
    """
    with replacing(Path(path)) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def write_doc_bin(path: str | Path, binary: DocBin) -> None:
    """Write documents as `write_atomically` writes text."""
    with replacing(Path(path)) as beside:
        binary.to_disk(beside)


def write_rows(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as they come, one JSON object a line, as `write_atomically` writes text.

    path: the file; gzip compresses it if its name ends in .gz.
    """

    with replacing(Path(path)) as beside, beside.open("wb") as stream:
        # Without a name or a time in it, the same rows make the same file.
        compressed = Path(path).suffix == ".gz"
        packed = gzip.GzipFile("", "wb", fileobj=stream, mtime=0) if compressed else stream
        with packed:
            for row in rows:
                packed.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
