"""Logits → probabilities that mean what they say (Guo et al. 2017)."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Tempering"]

# Texts as long as this have the temperature itself.
_USUAL_LENGTH: Final = 20
# Longer ones are too few to tell more from.
_LONGEST: Final = 1000


class Tempering(NamedTuple):
    """What logits are divided by, and what NEUTRAL gets on top; the default changes nothing.

    A temperature keeps every answer as it is. One for all texts makes long ones, whose pooled
    evidence is a mean or maximum over more tokens, too unsure and short ones too sure, or the
    other way round; so it follows a power of the length.
    """

    temperature: float = 1.0
    """Of a text of 20 tokens."""
    length_exponent: float = 0.0
    """Below 0 longer texts have a lower temperature."""
    neutral_offset: float = 0.0
    """Added to the tempered logit of NEUTRAL."""

    def temperatures(self, lengths: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """One a text.

        lengths: tokens of each text.
        """
        relative = np.clip(np.asarray(lengths), 1, _LONGEST) / _USUAL_LENGTH
        powers: npt.NDArray[Any] = self.temperature * relative**self.length_exponent
        return powers

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
        offsets = [self.neutral_offset if label == "NEUTRAL" else 0.0 for label in labels]
        tempered = logits / self.temperatures(lengths)[:, None] + offsets
        total: npt.NDArray[Any] = np.logaddexp.reduce(tempered, axis=1, keepdims=True)
        log_probabilities: npt.NDArray[Any] = tempered - total
        return log_probabilities
