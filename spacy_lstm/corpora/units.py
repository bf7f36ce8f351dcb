"""Raw text cut into units (sentences, paragraphs or documents), and a sample of them."""

import hashlib
import heapq
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Generic, TypeVar

import spacy

from ..errors import LstmError

__all__ = ["UNITS", "Sample", "read_units", "text_digest"]

T = TypeVar("T")

UNITS = ("sentence", "paragraph", "document")


def read_units(documents: Iterable[list[str]], unit: str, *, lang: str = "en") -> Iterator[str]:
    """The units of documents, in order.

    documents: paragraphs of each, as `read_documents` gives them.
    unit: "sentence" (by spaCy's rules: punctuation ends one), "paragraph" or "document"
        (paragraphs joined by line feeds).
    lang: whose tokenizer the rules are for.
    """
    if unit not in UNITS:
        raise LstmError(f"unknown unit {unit!r}: expected one of {', '.join(UNITS)}")
    if unit == "document":
        return ("\n".join(paragraphs) for paragraphs in documents)
    paragraphs = chain.from_iterable(documents)
    return paragraphs if unit == "paragraph" else _sentences(paragraphs, lang)


def _sentences(paragraphs: Iterable[str], lang: str) -> Iterator[str]:
    nlp = spacy.blank(lang)
    nlp.add_pipe("sentencizer")
    # The limit is there for parsers: rules need no memory beyond the text's own.
    nlp.max_length = sys.maxsize
    for doc, text in nlp.pipe(((text, text) for text in paragraphs), as_tuples=True):
        for sentence in doc.sents:
            stripped = text[sentence.start_char : sentence.end_char].strip()
            if stripped:
                yield stripped


def text_digest(text: str, seed: int = 0) -> int:
    """A number of 64 bits, the same on every machine; different texts have different ones."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=str(seed).encode())
    return int.from_bytes(digest.digest(), "big")


class Sample(Generic[T]):
    """So many different texts out of a stream, any as likely as any other, in bounded memory.

    Those with the smallest digests are kept, so that which they are depends on the seed and on
    what texts there are, not on their order or on how often one is there.

    size: how many texts at most.
    seed: of the draw.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self._size = size
        self._seed = seed
        self._offered = 0
        # The largest digest, negative, comes first: it is the next to go.
        self._heap: list[tuple[int, int, T]] = []
        self._digests: set[int] = set()

    def __len__(self) -> int:
        return len(self._heap)

    def offer(self, text: str, item: T) -> None:
        """Keep the item, which belongs to this text, or do not."""
        self._offered += 1
        digest = text_digest(text, self._seed)
        if digest in self._digests:
            return
        entry = (-digest, self._offered, item)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        else:
            pushed_out = heapq.heappushpop(self._heap, entry)
            self._digests.discard(-pushed_out[0])
            if pushed_out is entry:
                return
        self._digests.add(digest)

    def items(self) -> list[tuple[int, T]]:
        """What was kept, each with its place among all that was offered, in that order."""
        return sorted(((place, item) for _, place, item in self._heap), key=lambda pair: pair[0])
