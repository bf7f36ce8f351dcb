"""The labels of sentiment that have a meaning: two sides, each with a stronger label or without."""

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["SIDES", "fold_labels", "know_degrees"]

SIDES: Final = {
    "NEGATIVE": ("NEGATIVE", "VERY_NEGATIVE"),
    "POSITIVE": ("POSITIVE", "VERY_POSITIVE"),
}
"""The labels of each side, by the name that it has where there is only one."""


def know_degrees(labels: Iterable[str]) -> bool:
    """Whether a side has its stronger label among these."""
    return not {label for _, label in SIDES.values()}.isdisjoint(labels)


def fold_labels(cats: Mapping[str, float]) -> dict[str, float]:
    """Probabilities with those of VERY_NEGATIVE and VERY_POSITIVE added to their side's; others
    as they are. A side's stronger label alone, without the side's own, is left as it is."""
    folded = dict(cats)
    for side, members in SIDES.items():
        if side in folded:
            folded[side] = sum(folded.pop(member, 0.0) for member in members)
    return folded
