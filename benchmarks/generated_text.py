"""Text of any length whose words are as frequent as those of a language."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["words_of", "write_text"]

TYPES = 400_000
# English letters by falling frequency.
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
LINE, LINES = 60, 8
_BLOCK = LINE * LINES * 500


def _spellings(rng: np.random.Generator) -> list[str]:
    """Different words, short ones first as frequent words are."""
    found: dict[str, None] = {}
    while len(found) < TYPES:
        places = np.minimum(rng.geometric(0.12, size=(TYPES, 10)) - 1, len(LETTERS) - 1)
        lengths = rng.integers(2, 11, size=TYPES)
        for row, length in zip(places.tolist(), lengths.tolist(), strict=True):
            found.setdefault("".join(LETTERS[place] for place in row[:length]))
    return sorted(list(found)[:TYPES], key=len)


def words_of(count: int, seed: int = 0) -> Iterator[list[str]]:
    """So many words, a block at a time, by the law of Zipf and Mandelbrot: the share of the word of
    rank k is in proportion to 1 / (k + 2.7) ** 1.2."""
    rng = np.random.default_rng(seed)
    spellings = np.array(_spellings(rng), dtype=object)
    shares = (np.arange(TYPES) + 3.7) ** -1.2
    bounds = np.cumsum(shares / shares.sum())
    for first in range(0, count, _BLOCK):
        drawn = np.searchsorted(bounds, rng.random(min(_BLOCK, count - first)))
        yield spellings[np.minimum(drawn, TYPES - 1)].tolist()


def write_text(path: Path, count: int) -> None:
    """A text for `pretrain`: documents of 480 words, a paragraph a line, every sentence with a full
    stop, which is a token more."""
    with path.open("w", encoding="utf-8") as stream:
        for words in words_of(count):
            lines = [" ".join(words[i : i + LINE]) + "." for i in range(0, len(words), LINE)]
            for first in range(0, len(lines), LINES):
                stream.write("\n".join(lines[first : first + LINES]) + "\n\n")
