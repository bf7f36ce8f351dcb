"""Batches of bounded size."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import TypeVar

__all__ = ["batch_by_tokens", "run_by_length"]

Tokens = TypeVar("Tokens", bound=Sized)
Result = TypeVar("Result")


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


def run_by_length(
    run: Callable[[list[Tokens]], Sequence[Result]], texts: Iterable[Tokens], limit: int
) -> list[Result]:
    """Run over all texts, in batches of like length, which need little padding.

    run: gives a result for each of some texts.
    limit: tokens of a batch, as in `batch_by_tokens`.
    RETURNS: the results in the order of the texts.
    """
    ordered = sorted(enumerate(texts), key=lambda item: len(item[1]))
    found: dict[int, Result] = {}
    places = iter(place for place, _ in ordered)
    for batch in batch_by_tokens((text for _, text in ordered), limit):
        found.update((next(places), result) for result in run(batch))
    return [found[place] for place in range(len(found))]
