"""What became of each third-person pronoun of a document: right, wrong, or left alone.

One judgement a pronoun, on which accuracy, calibration and the analysis of errors all draw.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

from spacy_lstm.coref.mentions import (
    THIRD_PERSON_CLASSES,
    Span,
    find_pronoun,
    heads_match,
    pronoun_class,
)
from spacy_lstm.coref.metrics import Tally

__all__ = [
    "PronounTally",
    "Response",
    "Verdict",
    "judge_pronouns",
    "nearest_antecedents",
    "tally_pronouns",
]


class Response(NamedTuple):
    """What was predicted for one document; all spans are character spans of it."""

    clusters: Sequence[Sequence[Span]]
    links: Mapping[Span, Span]
    """Anaphor to antecedent."""
    probabilities: Mapping[Span, float]
    """Of the link of each anaphor, where it is known."""


class Verdict(NamedTuple):
    """The judgement on one third-person pronoun."""

    pronoun: Span
    name: str
    """Its class, one of THIRD_PERSON_CLASSES."""
    names: list[Span]
    """The gold mentions of its cluster that are no personal pronouns, in text order."""
    is_annotated: bool
    """Whether it is a gold mention; one that is not refers to nothing."""
    guess: Span | None
    """The antecedent that it was linked to."""
    probability: float | None
    """Of that link; None without a link, or where the links came without."""
    is_right: bool
    """Whether the guess is one of `names`."""
    is_led: bool
    """Whether the mention just before it in its predicted cluster, a pronoun perhaps, is one
    of its gold cluster."""

    @property
    def is_resolvable(self) -> bool:
        """Whether a gold name or noun stands before it."""
        return any(name[1] <= self.pronoun[0] for name in self.names)


def judge_pronouns(
    text: str,
    key: Sequence[Sequence[Span]],
    response: Response,
    *,
    mentions: Iterable[Span] = (),
    complete: bool = True,
) -> list[Verdict]:
    """Whether each third-person pronoun of one document found whom it stands for.

    A predicted antecedent is right if its head matches (`heads_match`) that of a gold mention
    in the pronoun's gold cluster which is no personal pronoun itself.

    text: the document. All spans are character spans of it.
    key: the gold clusters.
    mentions: further gold mentions (singletons): an antecedent for one of those is an error.
    complete: whether the gold marks every pronoun that refers. Then one that it does not mark
        and that was given an antecedent is an error; otherwise nothing is known of it.

    Returns the gold pronouns, then the unmarked ones that were linked, if those count.
    """
    cluster_of: dict[Span, Sequence[Span]] = {}
    for cluster in key:
        for span in cluster:
            cluster_of.setdefault(span, cluster)
    for span in mentions:
        cluster_of.setdefault(span, (span,))
    before = _mentions_before(response.clusters)
    unmarked = [span for span in response.links if span not in cluster_of] if complete else []
    verdicts = []
    for span in (*cluster_of, *unmarked):
        name = pronoun_class(text[slice(*span)])
        if name is None or name not in THIRD_PERSON_CLASSES:
            continue
        cluster = cluster_of.get(span, ())
        names = sorted(other for other in cluster if find_pronoun(text[slice(*other)]) is None)
        guess, near = response.links.get(span), before.get(span)
        verdicts.append(
            Verdict(
                pronoun=span,
                name=name,
                names=names,
                is_annotated=span in cluster_of,
                guess=guess,
                probability=response.probabilities.get(span),
                is_right=_is_among(text, guess, names),
                is_led=_is_among(text, near, cluster),
            )
        )
    return verdicts


def _mentions_before(clusters: Iterable[Sequence[Span]]) -> dict[Span, Span]:
    """The nearest mention of its cluster that ends before each mention begins."""
    found: dict[Span, Span] = {}
    for cluster in clusters:
        ordered = sorted(cluster)
        for span in cluster:
            place = bisect_left(ordered, span)
            earlier = (ordered[i] for i in range(place - 1, -1, -1))
            near = next((other for other in earlier if other[1] <= span[0]), None)
            if near is not None:
                found.setdefault(span, near)
    return found


def _is_among(text: str, span: Span | None, mentions: Iterable[Span]) -> bool:
    return span is not None and any(heads_match(text, span, other) for other in mentions)


@dataclass(frozen=True)
class PronounTally:
    """What became of the third-person pronouns of one class, to be added over documents.

    resolvable: gold pronouns with an earlier non-pronominal mention in their cluster.
    resolved: those of them whose predicted antecedent is right.
    led: those of them that were put into the right cluster.
    predicted: annotated gold pronouns that were given an antecedent.
    right: those of them whose antecedent is right.
    """

    resolvable: int = 0
    resolved: int = 0
    led: int = 0
    predicted: int = 0
    right: int = 0

    def __add__(self, other: "PronounTally") -> "PronounTally":
        return PronounTally(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def scores(self) -> dict[str, float]:
        """accuracy, link_accuracy, p, r, f, and n, the number of resolvable pronouns.

        `accuracy` asks for the antecedent, a name or noun: where a pronoun follows pronouns,
        all of the chain back to it has to be right. `link_accuracy` asks whether the pronoun
        was put into the right cluster: the mention just before it in its predicted cluster,
        of any kind, has to be one of its gold cluster. It says how well single decisions are
        made, and does not count a mistake again at every pronoun that follows it.
        """
        tally = Tally(self.right, self.predicted, self.resolved, self.resolvable)
        return {
            "accuracy": tally.recall,
            "link_accuracy": self.led / self.resolvable if self.resolvable else 0.0,
            "p": tally.precision,
            "r": tally.recall,
            "f": tally.f,
            "n": float(self.resolvable),
        }


def tally_pronouns(verdicts: Iterable[Verdict]) -> dict[str, PronounTally]:
    """A tally for each class of THIRD_PERSON_CLASSES that occurs.

    Pronouns that the gold does not annotate are left out; those without a link count against
    recall.
    """
    tallies: dict[str, PronounTally] = {}
    for verdict in verdicts:
        if not verdict.is_annotated:
            continue
        is_resolvable = verdict.is_resolvable
        tallies[verdict.name] = tallies.get(verdict.name, PronounTally()) + PronounTally(
            resolvable=int(is_resolvable),
            resolved=int(is_resolvable and verdict.is_right),
            led=int(is_resolvable and verdict.is_led),
            predicted=int(verdict.guess is not None),
            right=int(verdict.is_right),
        )
    return tallies


def nearest_antecedents(text: str, clusters: Iterable[Sequence[Span]]) -> dict[Span, Span]:
    """Links for the personal pronouns of clusters that came without any.

    The antecedent is the nearest mention before the pronoun that is no personal pronoun, or,
    with none before, the first of the others.
    """
    links = {}
    for cluster in clusters:
        names = sorted(span for span in cluster if find_pronoun(text[slice(*span)]) is None)
        for span in cluster if names else ():
            if span not in names:
                before = [name for name in names if name[1] <= span[0]]
                links[span] = before[-1] if before else names[0]
    return links
