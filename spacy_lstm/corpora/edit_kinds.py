"""Which kind of edit, if any, a document of the training data gets."""

import random
from collections.abc import Mapping, Sequence

from ..errors import LstmError

__all__ = ["EditKinds", "check_share"]


class EditKinds:
    """Kinds of edit, of which at most one is drawn for a document.

    Args:
        kinds: all there are.
        shares: probability of each; 0 where it is missing.
        what: the edits' name, for errors.
        number: what their probabilities are called there.
    """

    def __init__(
        self, kinds: Sequence[str], shares: Mapping[str, float], *, what: str, number: str
    ) -> None:
        unknown = shares.keys() - set(kinds)
        if unknown:
            raise LstmError(
                f"{what} of kind {', '.join(sorted(unknown))}: expected {', '.join(kinds)}"
            )
        for kind, share in shares.items():
            check_share(number, kind, share)
        if sum(shares.values()) > 1 + 1e-9:
            raise LstmError(
                f"the probabilities of {what} sum to {sum(shares.values()):g}: expected at most 1"
            )
        self._shares = [(kind, shares.get(kind, 0.0)) for kind in kinds]

    def draw(self, rng: random.Random) -> str | None:
        """A kind, or None for no edit."""
        draw = rng.random()
        for kind, share in self._shares:
            draw -= share
            if draw < 0:
                return kind
        return None


def check_share(number: str, name: str, share: float) -> None:
    """Raise what is wrong with a share, called `number` of `name`."""
    if not 0 <= share <= 1:
        raise LstmError(f"{number} of {name} is {share}: expected a number from 0 to 1")
