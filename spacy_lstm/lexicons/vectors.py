"""Pretrained word vectors, cut to the frequent words and kept as 8-bit numbers."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import LstmError

__all__ = ["WordVectors", "create_word_vectors", "quantize", "round_rows"]


class WordVectors(NamedTuple):
    """A table of vectors: row i is ``codes[i] * scales[i]``."""

    words: list[str]
    """Lower-case words, most frequent first."""
    codes: npt.NDArray[np.int8]
    """*Shape:* ``(words, width)``"""
    scales: npt.NDArray[np.float32]
    """*Shape:* ``(words, 1)``"""


def create_word_vectors(path: str | None, limit: int = 60_000) -> Callable[[], WordVectors] | None:
    """Registered as `spacy_lstm.WordVectors.v1`: reads the file when a model is initialized,
    and never again, since the vectors travel with the weights.

    path: an `.npz` with `words` (joined by newlines, UTF-8 bytes) and `vectors`, or the text
        form of GloVe, word2vec and fastText (`.txt` or `.vec`, gzipped or not). None for no
        vectors, so that a config with them can be used without, as in `--paths.vectors null`.
    limit: how many words to keep from the top of the file.
    """
    if limit < 1:
        raise LstmError(f"limit = {limit} in spacy_lstm.WordVectors.v1: expected 1 or more.")
    if path is None:
        return None

    def load() -> WordVectors:
        source = Path(path)
        if not source.is_file():
            raise LstmError(
                f"No word vectors at {source}: give the path of an .npz or a text file, or set "
                "vectors = null to train without."
            )
        pairs = _read_npz(source) if source.suffix == ".npz" else _read_text(source)
        rows: dict[str, npt.NDArray[np.float32]] = {}
        for word, vector in pairs:
            rows.setdefault(word.lower(), vector)
            if len(rows) == limit:
                break
        if not rows:
            raise LstmError(f"{source} holds no word vectors: expected a word and numbers a line.")
        return quantize(list(rows), np.stack(list(rows.values())))

    return load


def quantize(words: list[str], vectors: npt.NDArray[np.float32]) -> WordVectors:
    """A table of vectors, rounded by `round_rows`.

    vectors: *Shape:* ``(words, width)``
    """
    return WordVectors(words, *round_rows(vectors))


def round_rows(
    rows: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Round each row to 255 steps between its extremes: row i is ``codes[i] * scales[i]``.

    rows: *Shape:* ``(n, width)``
    RETURNS: codes, *shape* ``(n, width)``, and scales that half precision holds, *shape*
        ``(n, 1)``.
    """
    scales = np.abs(rows).max(axis=1, keepdims=True) / 127
    scales = np.maximum(scales, np.finfo(np.float16).tiny).astype(np.float16)
    scales = scales.astype(np.float32)
    codes = np.clip(np.rint(rows / scales), -127, 127).astype(np.int8)
    return codes, scales


def _read_npz(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    with np.load(path) as arrays:
        if not {"words", "vectors"} <= set(arrays.files):
            raise LstmError(
                f"{path} holds the arrays {', '.join(arrays.files)}: expected words and vectors."
            )
        words = bytes(arrays["words"]).decode("utf8").split("\n")
        yield from zip(words, arrays["vectors"].astype(np.float32), strict=True)


def _read_text(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    width = None
    with opener(path, "rt", encoding="utf8") as lines:
        for number, line in enumerate(lines, start=1):
            word, *numbers = line.rstrip().split(" ")
            if number == 1 and len(numbers) == 1:
                continue  # word2vec's first line: number of words, width
            width = width or len(numbers)
            try:
                vector = np.array(numbers, dtype=np.float32)
            except ValueError:
                vector = np.empty(0, dtype=np.float32)
            if len(vector) != width:
                raise LstmError(
                    f"{path}, line {number}: expected a word and {width} numbers, got "
                    f"{line[:40].strip()!r}."
                )
            yield word, vector
