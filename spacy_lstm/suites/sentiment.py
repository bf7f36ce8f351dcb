"""What a behavioural suite asks about sentiment, and whether an answer is right.

Fields of a case, of which it has `labels` or `base` or both:

- `labels`: the labels that are right, one or more of NEGATIVE, NEUTRAL and POSITIVE.
- `base`: the id of another case of its `group`, with which this one is compared, and `tolerance`:
  the label must be the same, and the score, P(POSITIVE) - P(NEGATIVE), at most that far from the
  score of the base.
- `direction`: "up" or "down"; then the score alone is compared, and must not be lower ("up") or
  higher ("down") than that of the base by more than the tolerance.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..errors import LstmError
from . import RIGHT, Case

__all__ = ["LABELS", "Answer", "Question", "judge_sentiment", "read_questions"]

LABELS: Final = ("NEGATIVE", "NEUTRAL", "POSITIVE")

_SIGNS: Final = {"up": 1, "down": -1}


class Question(NamedTuple):
    """What a case asks; no `labels`: any; no `base`: no comparison."""

    labels: tuple[str, ...]
    base: str | None = None
    tolerance: float = 0.0
    direction: str | None = None


class Answer(NamedTuple):
    """What a model says of a text."""

    label: str
    """The most probable one of all that the model knows."""
    score: float
    """P(POSITIVE) - P(NEGATIVE), in [-1, 1]."""


def read_questions(cases: Sequence[Case]) -> list[Question]:
    """The questions of a suite, in order.

    Raises LstmError, with the case's id, on fields that are missing or not what they should be.
    """
    groups = {case.id: case.group for case in cases}
    return [_read_question(case, groups) for case in cases]


def _read_question(case: Case, groups: Mapping[str, str | None]) -> Question:
    fields = case.fields
    if "labels" not in fields and "base" not in fields:
        raise LstmError(f"{case.id} asks nothing: expected labels, or base and tolerance")
    labels = _read_labels(case.id, fields["labels"]) if "labels" in fields else ()
    if "base" not in fields:
        lost = [name for name in ("tolerance", "direction") if name in fields]
        if lost:
            raise LstmError(f"{case.id} has {lost[0]} without base: add the id of the other case")
        return Question(labels)
    base, direction = fields["base"], fields.get("direction")
    other = groups.get(base) if isinstance(base, str) and base != case.id else None
    if other is None or other != case.group:
        raise LstmError(f"{case.id}: base = {base!r}: expected the id of another case of its group")
    if "direction" in fields and direction not in tuple(_SIGNS):
        raise LstmError(f"{case.id}: direction = {direction!r}: expected 'up' or 'down'")
    return Question(labels, base, _read_tolerance(case.id, fields.get("tolerance")), direction)


def _read_labels(name: str, labels: Any) -> tuple[str, ...]:
    if not isinstance(labels, list) or not labels or any(label not in LABELS for label in labels):
        raise LstmError(f"{name}: labels = {labels!r}: expected a list of {', '.join(LABELS)}")
    return tuple(labels)


def _read_tolerance(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise LstmError(f"{name}: tolerance = {value!r}: expected a number from 0 to 2")
    return float(value)


def judge_sentiment(question: Question, answer: Answer, base: Answer | None = None) -> str:
    """How an answer compares with the right labels, and with the answer to the base.

    Returns "right", "wrong" (another label), "changed" (not as the base is, though nothing that
    matters differs) or "weaker" (less extreme than the base, though the text is stronger).
    """
    if question.labels and answer.label not in question.labels:
        return "wrong"
    if base is None:
        return RIGHT
    gained = answer.score - base.score
    if question.direction is not None:
        return RIGHT if _SIGNS[question.direction] * gained >= -question.tolerance else "weaker"
    same = answer.label == base.label and abs(gained) <= question.tolerance
    return RIGHT if same else "changed"
