"""Logits → probabilities that mean what they say (Guo et al. 2017)."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .sides import Sides

__all__ = ["Tempering"]

# Texts as long as this have the temperature itself.
_USUAL_LENGTH: Final = 20
# Longer ones are too few to tell more from.
_LONGEST: Final = 1000


class Tempering(NamedTuple):
    """What logits are divided by, and what NEUTRAL gets on top; the default changes nothing.

    A temperature keeps every answer as it is. One for all texts makes long ones, whose pooled
    evidence is a mean or maximum over more tokens, too unsure and short ones too sure, or the
    other way round; so it follows a power of the length. And one for all answers leaves those
    that are strongly for or against too sure, or undecided and neutral ones too unsure; so it
    follows the polarity |P(POSITIVE) - P(NEGATIVE)| at temperature 1.
    """

    temperature: float = 1.0
    """Of a text of 20 tokens and no polarity."""
    length_exponent: float = 0.0
    """Below 0 longer texts have a lower temperature."""
    neutral_offset: float = 0.0
    """Added to the tempered logit of NEUTRAL."""
    polarity_exponent: float = 0.0
    """Above 0 polar texts have a higher temperature: e to this power at a polarity of 1."""

    def temperatures(
        self,
        logits: npt.NDArray[Any],
        lengths: Sequence[int] | npt.NDArray[np.int64],
        labels: Sequence[str],
    ) -> npt.NDArray[Any]:
        """One a text.

        logits: *shape* ``(texts, labels)``
        lengths: tokens of each text.
        """
        relative = np.clip(np.asarray(lengths), 1, _LONGEST) / _USUAL_LENGTH
        powers: npt.NDArray[Any] = self.temperature * relative**self.length_exponent
        sides = Sides.find(labels)
        if sides is None or not self.polarity_exponent:
            return powers
        probabilities = np.exp(_normalize(np.asarray(logits, dtype=np.float64)))
        polarity = abs(sides.score(probabilities))
        polar: npt.NDArray[Any] = powers * np.exp(self.polarity_exponent * polarity)
        return polar

    def log_probabilities(
        self,
        logits: npt.NDArray[Any],
        lengths: Sequence[int] | npt.NDArray[np.int64],
        labels: Sequence[str],
    ) -> npt.NDArray[Any]:
        """Of labels that exclude each other.

        logits: *shape* ``(texts, labels)``
        lengths: tokens of each text.
        RETURNS: *shape* ``(texts, labels)``
        """
        return self.temper(logits, lengths, labels)[0]

    def temper(
        self,
        logits: npt.NDArray[Any],
        lengths: Sequence[int] | npt.NDArray[np.int64],
        labels: Sequence[str],
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Both `log_probabilities` and `temperatures`."""
        temperatures = self.temperatures(logits, lengths, labels)
        offsets = [self.neutral_offset if label == "NEUTRAL" else 0.0 for label in labels]
        return _normalize(logits / temperatures[:, None] + offsets), temperatures


def _normalize(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Their log softmax, row by row."""
    # Texts are many and labels few: one label after the other.
    total = np.logaddexp.reduce(np.ascontiguousarray(logits.T), axis=0)
    normalized: npt.NDArray[Any] = logits - total[:, None]
    return normalized
