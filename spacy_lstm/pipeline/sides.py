"""Which labels speak for a text and which against it, and the odds between the two."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..labels import SIDES

__all__ = ["Sides"]

Floats = npt.NDArray[Any]


class Sides(NamedTuple):
    """The places of the labels of each side: POSITIVE and VERY_POSITIVE, NEGATIVE and
    VERY_NEGATIVE."""

    positive: list[int]
    negative: list[int]

    @classmethod
    def find(cls, labels: Sequence[str]) -> "Sides | None":
        """None where POSITIVE or NEGATIVE is missing."""
        return _find_sides(tuple(labels))

    def probabilities(self, probabilities: Floats) -> tuple[Floats, Floats]:
        """Of the positive and of the negative side.

        probabilities: *shape* ``(texts, labels)``
        RETURNS: two arrays of the *shape* ``(texts,)``.
        """
        positive, negative = (probabilities[:, side].sum(axis=1) for side in self)
        return positive, negative

    def score(self, probabilities: Floats) -> Floats:
        """How much more probable the positive side is: what `doc.sentiment` is. *Shapes* as of
        `probabilities`."""
        positive, negative = self.probabilities(probabilities)
        return positive - negative

    def balance(self, probabilities: Sequence[float]) -> list[float]:
        """One text's with as much on either side, shared evenly among its labels."""
        listed = list(probabilities)
        half = sum(listed[place] for side in self for place in side) / 2
        for side in self:
            for place in side:
                listed[place] = half / len(side)
        return listed

    def log_odds(
        self, logits: Floats, shares: Floats, lengths: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """Of the positive side over the negative one; and each token's share, which sum to those
        of its text.

        logits: *shape* ``(texts, labels)``
        shares: the tokens' shares of them. *Shape:* ``(tokens, labels)``
        lengths: tokens of each text.
        RETURNS: arrays of the *shapes* ``(texts,)`` and ``(tokens,)``.
        """
        (positive, its), (negative, others) = (
            _weigh(logits[:, side], shares[:, side], lengths) for side in self
        )
        return positive - negative, its - others


@lru_cache(maxsize=16)
def _find_sides(labels: tuple[str, ...]) -> Sides | None:
    if not SIDES.keys() <= set(labels):
        return None
    negative, positive = (
        [place for place, label in enumerate(labels) if label in members]
        for members in SIDES.values()
    )
    return Sides(positive, negative)


def _weigh(logits: Floats, shares: Floats, lengths: Sequence[int]) -> tuple[Floats, Floats]:
    """The logit of some labels together, log Σ exp z, and each token's share of it.

    It is Σ p z, which falls apart into tokens as the logits z do, and the entropy of p = softmax
    z, of which all tokens of a text bear the same part, as they do of the bias. One label has none.
    """
    own, split = logits.astype(np.float64), shares.astype(np.float64)
    if own.shape[1] == 1:
        return own[:, 0], split[:, 0]
    total = np.logaddexp.reduce(own, axis=1)
    weights = np.exp(own - total[:, None])
    entropy = total - (own * weights).sum(axis=1)
    each = entropy / np.maximum(1, lengths)
    weighted = (split * np.repeat(weights, lengths, axis=0)).sum(axis=1)
    return total, weighted + np.repeat(each, lengths)
