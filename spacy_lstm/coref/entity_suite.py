"""Questions about what a text feels of its persons and things, and what the answers are worth."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..errors import LstmError
from .mentions import Span, is_pronoun

__all__ = [
    "LABELS",
    "Answer",
    "EntityQuestion",
    "match_record",
    "name_of",
    "read_entities",
    "tally_answers",
]

LABELS: Final = ("NEGATIVE", "NEUTRAL", "POSITIVE")
_ARTICLE: Final = re.compile(
    r"(?:the|an?|this|that|these|those|my|your|his|her|its|our|their)\s+", re.IGNORECASE
)


class EntityQuestion(NamedTuple):
    """What is asked: one mention of a person or thing, and what the text feels about it."""

    name: str
    span: Span
    """In characters."""
    label: str


class Answer(NamedTuple):
    """What a pipeline and the sentence average say to a question."""

    kind: str
    """The class of the text."""
    label: str
    score: float | None
    """Of the record; None where there is none."""
    sentence: float
    """Of the sentence in which the mention stands."""


def read_entities(fields: Mapping[str, Any], text: str, id: str) -> list[EntityQuestion]:
    """The questions of one case. Raises LstmError where there are none and on those that do not
    fit the text."""
    try:
        found = [
            EntityQuestion(row["name"], (int(row["start"]), int(row["end"])), row["label"])
            for row in fields["entities"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise LstmError(
            f"{id} asks about nobody: expected entities, each with name, start, end and label"
        ) from error
    if not found:
        raise LstmError(f"{id} asks about nobody: its entities are empty: add one or leave it out")
    for name, (start, end), label in found:
        if label not in LABELS:
            raise LstmError(f"{id}: the label {label!r}: expected one of {', '.join(LABELS)}")
        if start < 0 or text[start:end] != name or not name:
            raise LstmError(
                f"{id}: {name!r} is not what stands at {start} to {end}: mend the offsets"
            )
    return found


def match_record(text: str, span: Span, records: Iterable[Sequence[Span]]) -> int | None:
    """Which of some records is about a gold mention, None for none.

    That one, a mention of which overlaps it and begins where it does (a leading article or
    possessive aside) or, failing that, ends where it does; of several the one with the most in
    common. Pronouns within it are somebody else ("*her* garden").

    span: of the gold mention, in characters.
    records: the mentions of each record, in characters.
    """
    best, which = 0.0, None
    starts = _starts(text, span)
    for number, mentions in enumerate(records):
        for start, end in mentions:
            common = min(end, span[1]) - max(start, span[0])
            begins = bool(starts & _starts(text, (start, end)))
            inner = (start, end) != span and is_pronoun([text[start:end]])
            if common <= 0 or inner or not (begins or end == span[1]):
                continue
            worth = begins + common / (max(end, span[1]) - min(start, span[0]))
            if worth > best:
                best, which = worth, number
    return which


def _starts(text: str, span: Span) -> set[int]:
    article = _ARTICLE.match(text, *span)
    return {span[0], article.end() if article else span[0]}


def name_of(score: float, neutral: float) -> str:
    """The label of a score: NEUTRAL up to a threshold on either side of 0."""
    return LABELS[1 + (score > neutral) - (score < -neutral)]


def tally_answers(
    answers: Sequence[Answer], *, neutral: float, sentence_neutral: float
) -> dict[str, Any]:
    """Accuracy over three labels, of all and of each class.

    neutral, sentence_neutral: up to these scores of records and of sentences, on either side of
        0, the label is NEUTRAL.
    RETURNS: `entities`, how many; `found`, the share with a record; `accuracy`, where those
        without one count as wrong; `sentence_accuracy`; `per_class`.
    """
    kinds = dict.fromkeys(answer.kind for answer in answers)

    def tally(chosen: Sequence[Answer]) -> dict[str, Any]:
        right = [
            answer.score is not None and name_of(answer.score, neutral) == answer.label
            for answer in chosen
        ]
        naive = [name_of(answer.sentence, sentence_neutral) == answer.label for answer in chosen]
        return {
            "entities": len(chosen),
            "found": sum(answer.score is not None for answer in chosen) / len(chosen),
            "accuracy": sum(right) / len(chosen),
            "sentence_accuracy": sum(naive) / len(chosen),
        }

    per_class = {kind: tally([a for a in answers if a.kind == kind]) for kind in kinds}
    return {**tally(answers), "per_class": per_class}
