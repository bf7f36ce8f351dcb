"""What went wrong with a pronoun: the classes of errors, for reading and counting."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from spacy_lstm.coref.gap import PairRecord
from spacy_lstm.coref.mentions import Span, heads_match, pronoun_class
from spacy_lstm.coref.pronouns import Verdict

__all__ = [
    "ERROR_KINDS",
    "ERROR_REMARKS",
    "ErrorKind",
    "PronounError",
    "Remark",
    "find_errors",
    "find_pair_error",
    "in_quotation",
]

ErrorKind = Literal[
    "wrong candidate", "under-resolved", "over-resolved", "mention missed", "cataphora"
]
Remark = Literal["quoted speech", "inherited", "right if given"]

ERROR_KINDS: Final[dict[ErrorKind, str]] = {
    "wrong candidate": "another antecedent was chosen than the gold one, which was weighed too",
    "under-resolved": "no antecedent was chosen, and the gold one was weighed",
    "over-resolved": "an antecedent was chosen, and the gold has none",
    "mention missed": "the gold antecedent was not found as a mention",
    "cataphora": "the gold antecedents all come after the pronoun",
}
"""Each class with what is in it. An error is in one class: in over-resolved, else in
cataphora, else in mention missed, else in one of the first two."""

ERROR_REMARKS: Final[dict[Remark, str]] = {
    "quoted speech": "the pronoun stands within quotation marks",
    "inherited": "the mention just before it in its predicted cluster is right, and itself led "
    "to the wrong antecedent or to none",
    "right if given": "asked to choose among the given candidates, the model was right",
}
"""What else may be said of an error, several at once."""

# GAP and other tokenized text has `` and ''.
_OPENING: Final = ("“", "«", "「", "『", "``")
_CLOSING: Final = ("”", "»", "」", "』", "''")


class PronounError(NamedTuple):
    """A pronoun that was resolved wrongly. Spans are character spans of the text."""

    text: str
    document: str
    """What the document is called in its data."""
    source: str
    """The data set; may be empty."""
    pronoun: Span
    name: str
    """The pronoun's class."""
    gold: Span | None
    """The gold antecedent nearest before the pronoun, or else the first one after it."""
    guess: Span | None
    probability: float | None
    """Of the guess; None without one, or where it is not known."""
    kind: ErrorKind
    remarks: tuple[Remark, ...]


def find_errors(
    text: str,
    verdicts: Iterable[Verdict],
    considered: Sequence[Span],
    *,
    document: str = "",
    source: str = "",
) -> list[PronounError]:
    """The errors among the pronouns of a document, in text order.

    A pronoun is wrong if its antecedent is not in its gold cluster, if it has none and one is
    there, or if it has one and none is there.

    considered: the mentions that were weighed, in clusters or not.
    document, source: what to write into the records.
    """
    errors = []
    for verdict in verdicts:
        if verdict.is_right or (verdict.guess is None and not verdict.names):
            continue
        gold = _nearest(verdict.pronoun, verdict.names)
        remarks: list[Remark] = []
        if in_quotation(text, verdict.pronoun[0]):
            remarks.append("quoted speech")
        if verdict.is_led and gold is not None:
            remarks.append("inherited")
        kind = _classify(text, verdict.pronoun, gold, verdict.guess, considered)
        errors.append(
            PronounError(
                text=text,
                document=document,
                source=source,
                pronoun=verdict.pronoun,
                name=verdict.name,
                gold=gold,
                guess=verdict.guess,
                probability=verdict.probability,
                kind=kind,
                remarks=tuple(remarks),
            )
        )
    return sorted(errors, key=lambda error: error.pronoun)


def find_pair_error(
    text: str,
    pronoun: Span,
    candidates: Sequence[Span],
    record: PairRecord,
    considered: Sequence[Span],
    *,
    antecedent: Span | None,
    probability: float | None,
    is_right_if_given: bool = False,
    document: str = "",
    source: str = "",
) -> PronounError | None:
    """The error that was made with a pronoun and its candidates, if one was.

    record: the candidates' labels and which one the predicted cluster names.
    considered: the mentions that were weighed, in clusters or not.
    antecedent: what the pronoun was linked to, a candidate or not, with its probability.
    is_right_if_given: whether the choice among the given candidates was right.
    document, source: what to write into the record.
    """
    if record.is_right:
        return None
    true = [span for span, label in zip(candidates, record.labels, strict=True) if label]
    named = [span for span, is_named in zip(candidates, record.predicted, strict=True) if is_named]
    gold = _nearest(pronoun, true)
    guess = named[0] if named else antecedent
    remarks: list[Remark] = []
    if in_quotation(text, pronoun[0]):
        remarks.append("quoted speech")
    if is_right_if_given:
        remarks.append("right if given")
    return PronounError(
        text=text,
        document=document,
        source=source,
        pronoun=pronoun,
        name=pronoun_class(text[slice(*pronoun)]) or text[slice(*pronoun)].lower(),
        gold=gold,
        guess=guess,
        probability=probability,
        kind=_classify(text, pronoun, gold, guess, considered),
        remarks=tuple(remarks),
    )


def _nearest(pronoun: Span, names: Sequence[Span]) -> Span | None:
    before = [name for name in names if name[1] <= pronoun[0]]
    if before:
        return max(before)
    return min(names, default=None)


def _classify(
    text: str, pronoun: Span, gold: Span | None, guess: Span | None, considered: Sequence[Span]
) -> ErrorKind:
    if gold is None:
        return "over-resolved"
    if gold[0] >= pronoun[1]:
        return "cataphora"
    if not any(heads_match(text, gold, mention) for mention in considered):
        return "mention missed"
    return "under-resolved" if guess is None else "wrong candidate"


def in_quotation(text: str, offset: int) -> bool:
    """Whether the character at the offset stands within double quotation marks.

    Marks are counted from the start of the paragraph, since each paragraph of a long speech
    opens them anew. Single ones are not: most of them are apostrophes.
    """
    paragraph = text[text.rfind("\n\n", 0, offset) + 1 : offset]
    opened = sum(paragraph.count(mark) for mark in _OPENING)
    closed = sum(paragraph.count(mark) for mark in _CLOSING)
    return opened > closed or paragraph.count('"') % 2 == 1
