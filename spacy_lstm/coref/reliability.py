"""Whether probabilities mean what they say, and what leaving doubtful answers out brings.

Expected calibration error after Naeini et al. 2015, with 15 bins of equal width as in Guo et
al. 2017.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Final, NamedTuple

__all__ = [
    "Answer",
    "calibration_error",
    "precision_at_half",
    "reliability_curve",
    "threshold_curve",
]

_BINS: Final = 15
_THRESHOLDS: Final = tuple(step / 10 for step in range(10))


class Answer(NamedTuple):
    """A decision that was made."""

    probability: float
    is_right: bool


def reliability_curve(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Bins of equal width with what fell into them, from low to high; empty ones are left out.

    Each has `from` and `to` (it holds what is more than the one and at most the other), `n`,
    and means over its answers: `probability`, and `accuracy`, the share of right ones.
    """
    bins: dict[int, list[Answer]] = {}
    for answer in answers:
        # 0 belongs to the first bin, like what is just above.
        place = max(0, ceil(answer.probability * _BINS) - 1)
        bins.setdefault(place, []).append(answer)
    return [
        {
            "from": place / _BINS,
            "to": (place + 1) / _BINS,
            "n": len(found),
            "probability": sum(answer.probability for answer in found) / len(found),
            "accuracy": _share_right(found),
        }
        for place, found in sorted(bins.items())
    ]


def calibration_error(answers: Sequence[Answer]) -> float | None:
    """The mean distance of probability and accuracy over the bins, each by its share of the
    answers; None without answers."""
    if not answers:
        return None
    distances = (
        row["n"] * abs(row["probability"] - row["accuracy"]) for row in reliability_curve(answers)
    )
    return float(sum(distances) / len(answers))


def precision_at_half(answers: Sequence[Answer], wanted: int) -> float | None:
    """The share of right ones among the most probable answers, half as many as are wanted.

    wanted: to how many questions there is an answer. None if fewer than half as many answers
        were made, or none is wanted.
    """
    half = (wanted + 1) // 2
    best = sorted(answers, key=lambda answer: -answer.probability)[:half]
    return _share_right(best) if half and len(best) == half else None


def threshold_curve(answers: Sequence[Answer], wanted: int) -> list[dict[str, Any]]:
    """What remains if answers below a probability are left out.

    wanted: to how many questions there is an answer.

    Returns for each threshold 0, 0.1, … 0.9 the `threshold`, `n` answers left, their precision
    `p` (None without any) and recall `r`, the right ones by the number wanted.
    """
    rows = []
    for threshold in _THRESHOLDS if wanted else ():
        kept = [answer for answer in answers if answer.probability >= threshold]
        right = sum(answer.is_right for answer in kept)
        rows.append(
            {
                "threshold": threshold,
                "n": len(kept),
                "p": right / len(kept) if kept else None,
                "r": right / wanted,
            }
        )
    return rows


def _share_right(answers: Sequence[Answer]) -> float:
    return sum(answer.is_right for answer in answers) / len(answers)
