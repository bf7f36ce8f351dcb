"""Hashes of words that are the same on every machine and in every version."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

__all__ = ["LONGEST_WORD", "hash_word"]

# The components ask for the same words and affixes again and again, a batch apart; it takes some
# megabytes, and never more, since what is longer than a word is not kept.
_CACHED: Final = 1 << 15
LONGEST_WORD: Final = 40


def hash_word(text: str) -> int:
    """A 64-bit hash of the text (BLAKE2b). Lone surrogates hash like any other character."""
    return _hash_short(text) if len(text) <= LONGEST_WORD else _hash(text)


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


_hash_short = lru_cache(maxsize=_CACHED)(_hash)
