"""What a behavioural suite asks about pronouns, and whether an answer is right.

Two fields of a case: `pronoun` is {"start", "end"} in characters of the text; `answer` is a list
of such spans, each of them right, or empty where the pronoun stands for nothing in the text.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ..errors import LstmError
from .mentions import Span, head_span, heads_match, holds

__all__ = ["Question", "judge_pronoun", "read_question"]

_JOINT: Final = re.compile(r"(?:\s*,)?\s+(?:and|&)\s+", re.IGNORECASE)
_COMMA: Final = re.compile(r"\s*,\s*")


class Question(NamedTuple):
    """A pronoun, and the mentions that it may be said to stand for; character spans."""

    pronoun: Span
    answers: tuple[Span, ...]


def read_question(fields: Mapping[str, Any], text: str, name: str) -> Question:
    """The question of a case.

    Raises LstmError, with the case's name, where a field is missing or a span lies outside the
    text.
    """
    answers = fields.get("answer")
    if not isinstance(answers, list):
        raise LstmError(f"{name} has no list 'answer': expected spans, or [] for none")
    spans = [_read_span(value, text, name) for value in (fields.get("pronoun"), *answers)]
    return Question(spans[0], tuple(spans[1:]))


def _read_span(value: Any, text: str, name: str) -> Span:
    span = (value.get("start"), value.get("end")) if isinstance(value, Mapping) else (None, None)
    start, end = span
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
        raise LstmError(f"{name}: {value} is no span: expected start and end inside the text")
    return start, end


def judge_pronoun(text: str, answers: Iterable[Span], predicted: Span | None) -> str:
    """How a predicted antecedent compares with those that are right.

    Returns "right", "wrong" (another antecedent), "missed" (none, where there is one) or
    "spurious" (one, where there is none).
    """
    wanted = tuple(answers)
    if predicted is None:
        return "missed" if wanted else "right"
    if not wanted:
        return "spurious"
    return "right" if any(_same(text, predicted, answer) for answer in wanted) else "wrong"


def _same(text: str, predicted: Span, answer: Span) -> bool:
    """Whether heads match, and "Tom and Ann" is not taken for Ann, nor Ann for both."""
    if not heads_match(text, predicted, answer):
        return False
    parts = _parts(text, answer)
    if len(parts) == 1:
        return len(_parts(text, predicted)) == 1
    return all(holds(predicted, head_span(text, part)) for part in parts)


def _parts(text: str, span: Span) -> list[Span]:
    """The conjuncts of a coordination, or the whole mention."""
    joints = list(_JOINT.finditer(text, *span))
    if not joints:
        return [span]
    joints += _COMMA.finditer(text, span[0], joints[0].start())
    cuts = sorted((joint.start(), joint.end()) for joint in joints)
    starts = [span[0], *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), span[1]]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
