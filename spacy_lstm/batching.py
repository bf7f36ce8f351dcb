"""Batches of bounded size."""

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ["batch_by_tokens"]

Tokens = TypeVar("Tokens", bound=Sized)


def batch_by_tokens(texts: Iterable[Tokens], limit: int) -> Iterator[list[Tokens]]:
    """Texts in order, together up to so many tokens; a longer one comes alone.

    texts: documents, or tokens in any form: their length counts.
    """
    batch: list[Tokens] = []
    tokens = 0
    for text in texts:
        if batch and tokens + len(text) > limit:
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += len(text)
    if batch:
        yield batch
