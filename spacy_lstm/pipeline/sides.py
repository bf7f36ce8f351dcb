"""Which labels speak for a text and which against it, and the odds between the two."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..labels import SIDES

__all__ = ["Sides"]


class Sides(NamedTuple):
    """The places of the labels of each side: POSITIVE and VERY_POSITIVE, NEGATIVE and
    VERY_NEGATIVE."""

    positive: list[int]
    negative: list[int]

    @classmethod
    def find(cls, labels: Sequence[str]) -> "Sides | None":
        """None where POSITIVE or NEGATIVE is missing."""
        if not SIDES.keys() <= set(labels):
            return None
        negative, positive = (
            [place for place, label in enumerate(labels) if label in members]
            for members in SIDES.values()
        )
        return cls(positive, negative)

    def probabilities(self, probabilities: Sequence[float]) -> tuple[float, float]:
        """Of the positive and of the negative side, from one a label."""
        positive, negative = (sum(probabilities[place] for place in side) for side in self)
        return positive, negative

    def score(self, probabilities: Sequence[float]) -> float:
        """How much more probable the positive side is: what `doc.sentiment` is."""
        positive, negative = self.probabilities(probabilities)
        return positive - negative

    def balance(self, probabilities: Sequence[float]) -> list[float]:
        """The same with as much on either side, shared evenly among its labels."""
        listed = list(probabilities)
        half = sum(self.probabilities(probabilities)) / 2
        for side in self:
            for place in side:
                listed[place] = half / len(side)
        return listed

    def log_odds(
        self, logits: npt.NDArray[Any], shares: npt.NDArray[Any]
    ) -> tuple[float, npt.NDArray[Any]]:
        """Of the positive side over the negative one; and each token's share, which sum to it.

        logits: *shape* ``(labels,)``
        shares: the tokens' shares of them. *Shape:* ``(tokens, labels)``
        RETURNS: the log odds, and an array of the *shape* ``(tokens,)``.
        """
        (positive, its), (negative, others) = (_weigh(logits, shares, side) for side in self)
        return positive - negative, its - others


def _weigh(
    logits: npt.NDArray[Any], shares: npt.NDArray[Any], places: Sequence[int]
) -> tuple[float, npt.NDArray[Any]]:
    """The logit of some labels together, log Σ exp z, and each token's share of it.

    It is Σ p z, which falls apart into tokens as the logits z do, and the entropy of p = softmax
    z, of which all tokens bear the same part, as they do of the bias. One label has none.
    """
    own = logits[places].astype(np.float64)
    total = float(np.logaddexp.reduce(own))
    weights = np.exp(own - total)
    entropy = total - float(weights @ own)
    return total, shares[:, places].astype(np.float64) @ weights + entropy / max(1, len(shares))
