"""Hashes of words that are the same on every machine and in every version."""

from hashlib import blake2b

__all__ = ["hash_word"]


def hash_word(text: str) -> int:
    """A 64-bit hash of the text (BLAKE2b). Lone surrogates hash like any other character."""
    digest = blake2b(text.encode("utf8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
