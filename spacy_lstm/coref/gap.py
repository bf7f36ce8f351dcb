"""GAP and its like: which of the given names a pronoun stands for (Webster et al. 2018).

Every pronoun comes with candidates, each labelled true or false; GAP has two, other sets
from one to a dozen. Two settings share the scores: *detected*, where a candidate is true if
the resolver put a mention of it in the pronoun's cluster, and *given*, where the resolver
chose among the candidates and "none of them".
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from spacy_lstm.coref.mentions import Span, head_span, holds, pronoun_class
from spacy_lstm.coref.metrics import Tally

__all__ = [
    "Gender",
    "PairRecord",
    "Stereotype",
    "choose_detected",
    "choose_given",
    "gap_scores",
    "pronoun_gender",
    "winobias_scores",
]

Gender = Literal["M", "F"]
Stereotype = Literal["pro", "anti"]


class PairRecord(NamedTuple):
    """One pronoun: the truth of each candidate, what was predicted, the pronoun's gender, and
    whether the truth goes with a stereotype or against it, where the data says so."""

    labels: tuple[bool, ...]
    predicted: tuple[bool, ...]
    gender: Gender | None
    stereotype: Stereotype | None = None

    @property
    def is_right(self) -> bool:
        """Whether a single candidate was predicted and is true, or none was and none is."""
        if not any(self.predicted):
            return not any(self.labels)
        return sum(self.predicted) == 1 and self.labels[self.predicted.index(True)]


def pronoun_gender(text: str) -> Gender | None:
    """ "M" for the forms of *he*, "F" for those of *she*, None for any other text."""
    name = pronoun_class(text)
    if name == "he":
        return "M"
    return "F" if name == "she" else None


def choose_detected(
    text: str,
    pronoun: Span,
    candidates: Sequence[Span],
    cluster: Iterable[Span],
    antecedent: Span | None,
) -> tuple[bool, ...]:
    """Which candidate the predicted cluster of a pronoun names: one, or none.

    A mention names a candidate if its head word lies in the candidate's span: of "Alice
    Smith" that holds for "Smith" and "Miss Alice Smith", and not for "Alice Smith's mother".
    Of several named candidates the one that the pronoun's antecedent names is kept; if it
    names none of them or several, then among those left the nearest one before the pronoun,
    or, with none before, the first after it.

    text: the document; all spans are character spans of it.
    candidates: the names asked about, in order.
    cluster: the mentions predicted to corefer with the pronoun; empty if there are none.
    antecedent: the mention that the pronoun was linked to.
    """
    heads = {head_span(text, mention) for mention in cluster if mention != pronoun}
    named = [i for i, name in enumerate(candidates) if any(holds(name, head) for head in heads)]
    if len(named) > 1 and antecedent is not None:
        head = head_span(text, antecedent)
        named = [i for i in named if holds(candidates[i], head)] or named
    if len(named) > 1:
        before = [i for i in named if candidates[i][1] <= pronoun[0]]
        named = [max(before, key=lambda i: candidates[i]) if before else named[0]]
    return tuple(i in named for i in range(len(candidates)))


def choose_given(probabilities: Sequence[float]) -> tuple[bool, ...]:
    """Which candidate is the most probable: one, or none.

    probabilities: one a candidate, and that of "none of them" last. The earliest wins a tie.
    """
    if not probabilities:
        raise ValueError('choose_given got no probabilities; that of "none" comes last.')
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    return tuple(i == best for i in range(len(probabilities) - 1))


def gap_scores(records: Iterable[PairRecord], prefix: str = "gap") -> dict[str, float | None]:
    """The scores of GAP's paper over all pronoun-candidate pairs.

    `_p`, `_r` and `_f` of the label true, `_f_masculine` and `_f_feminine` over the pronouns of
    one gender, `_bias` (feminine F over masculine F), and `_accuracy`: the share of pronouns
    for which a single candidate was predicted and is true, or none was and none is. Two
    predicted at once are never right there. Scores without data are None.
    """
    kept = list(records)
    masculine = [record for record in kept if record.gender == "M"]
    feminine = [record for record in kept if record.gender == "F"]
    f_masculine = _tally(masculine).f if masculine else None
    f_feminine = _tally(feminine).f if feminine else None
    bias = None
    if f_feminine is not None and f_masculine:
        bias = f_feminine / f_masculine
    total = _tally(kept)
    return {
        f"{prefix}_p": total.precision if kept else None,
        f"{prefix}_r": total.recall if kept else None,
        f"{prefix}_f": total.f if kept else None,
        f"{prefix}_f_masculine": f_masculine,
        f"{prefix}_f_feminine": f_feminine,
        f"{prefix}_bias": bias,
        f"{prefix}_accuracy": _accuracy(kept),
    }


def winobias_scores(
    records: Iterable[PairRecord], prefix: str = "winobias"
) -> dict[str, float | None]:
    """How much better pronouns are resolved if the truth goes with a stereotype (Zhao et al.
    2018).

    `_pro` and `_anti`: the accuracy, as in `gap_scores`, over the pronouns whose truth goes with
    a stereotype of who has which occupation, and against one; `_gap`: the first minus the
    second. Records without a stereotype do not count; scores without data are None.
    """
    kept = list(records)
    pro, anti = (
        _accuracy([record for record in kept if record.stereotype == side])
        for side in ("pro", "anti")
    )
    gap = None if pro is None or anti is None else pro - anti
    return {f"{prefix}_pro": pro, f"{prefix}_anti": anti, f"{prefix}_gap": gap}


def _accuracy(records: Sequence[PairRecord]) -> float | None:
    return sum(record.is_right for record in records) / len(records) if records else None


def _tally(records: Iterable[PairRecord]) -> Tally:
    total = Tally()
    for record in records:
        hits = sum(a and b for a, b in zip(record.labels, record.predicted, strict=True))
        total += Tally(hits, sum(record.predicted), hits, sum(record.labels))
    return total
