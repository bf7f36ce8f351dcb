"""Coreference scores on plain clusters.

MUC (Vilain et al. 1995), B-cubed (Bagga and Baldwin 1998), CEAF with the entity similarity
phi4 (Luo 2005), LEA (Moosavi and Strube 2016), mention detection, and the mean of the first
three, "CoNLL". Predicted mentions that are not gold, and gold ones that are not predicted,
are treated as in the reference scorer, version 8 (Pradhan et al. 2014): neither side is
edited, every mention counts in the denominators of its own side.

Numerators and denominators add up over documents and are divided once, as there. Written
here because no maintained library offers these on plain data: scorch rests since 2020, the
others read CoNLL files.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

__all__ = ["CorefTally", "Tally", "conll_f", "tally_clusters"]

Mention = TypeVar("Mention", bound=Hashable)


@dataclass(frozen=True)
class Tally:
    """Numerators and denominators of precision and recall, to be added over documents.

    What divides by nothing is 0, as in the reference scorer.
    """

    p_num: float = 0.0
    p_den: float = 0.0
    r_num: float = 0.0
    r_den: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.p_num + other.p_num,
            self.p_den + other.p_den,
            self.r_num + other.r_num,
            self.r_den + other.r_den,
        )

    @property
    def precision(self) -> float:
        return self.p_num / self.p_den if self.p_den else 0.0

    @property
    def recall(self) -> float:
        return self.r_num / self.r_den if self.r_den else 0.0

    @property
    def f(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class CorefTally:
    """One Tally a metric; `sum(tallies, CorefTally())` scores a corpus."""

    muc: Tally = Tally()
    b_cubed: Tally = Tally()
    ceafe: Tally = Tally()
    lea: Tally = Tally()
    mention: Tally = Tally()

    def __add__(self, other: "CorefTally") -> "CorefTally":
        return CorefTally(
            **{
                metric.name: getattr(self, metric.name) + getattr(other, metric.name)
                for metric in fields(self)
            }
        )


def conll_f(tally: CorefTally) -> float:
    """The mean F of MUC, B-cubed and CEAFe, the figure of the CoNLL-2012 shared task."""
    return (tally.muc.f + tally.b_cubed.f + tally.ceafe.f) / 3


def tally_clusters(
    key: Iterable[Iterable[Mention]],
    response: Iterable[Iterable[Mention]],
    *,
    singletons: bool = False,
) -> CorefTally:
    """Compare the gold clusters of one document with the predicted ones.

    key, response: clusters of mentions, a mention being anything hashable. One that stands
        twice counts only where it stands first.
    singletons: False drops clusters of one mention from both sides: CoNLL's data has none.
    """
    gold = _normalize(key, singletons)
    predicted = _normalize(response, singletons)
    overlaps = _overlaps(gold, predicted)
    back = {(j, i): count for (i, j), count in overlaps.items()}
    similarity = _ceafe_similarity(gold, predicted, overlaps)
    gold_mentions = {mention for cluster in gold for mention in cluster}
    predicted_mentions = {mention for cluster in predicted for mention in cluster}
    shared = len(gold_mentions & predicted_mentions)
    return CorefTally(
        muc=_join(_muc(predicted, back), _muc(gold, overlaps)),
        b_cubed=_join(_b_cubed(predicted, back), _b_cubed(gold, overlaps)),
        ceafe=Tally(similarity, len(predicted), similarity, len(gold)),
        lea=_join(_lea(predicted, gold, back), _lea(gold, predicted, overlaps)),
        mention=Tally(shared, len(predicted_mentions), shared, len(gold_mentions)),
    )


_Clusters = list[frozenset[Mention]]
_Overlaps = Mapping[tuple[int, int], int]


def _normalize(clusters: Iterable[Iterable[Mention]], singletons: bool) -> _Clusters[Mention]:
    seen: set[Mention] = set()
    kept = []
    for cluster in clusters:
        mentions = frozenset(cluster) - seen
        seen |= mentions
        if len(mentions) > (0 if singletons else 1):
            kept.append(mentions)
    return kept


def _overlaps(gold: _Clusters[Mention], predicted: _Clusters[Mention]) -> Counter[tuple[int, int]]:
    """How many mentions gold cluster i shares with predicted cluster j, where any."""
    at = {mention: j for j, cluster in enumerate(predicted) for mention in cluster}
    return Counter(
        (i, at[mention]) for i, cluster in enumerate(gold) for mention in cluster if mention in at
    )


def _join(precision: tuple[float, float], recall: tuple[float, float]) -> Tally:
    return Tally(*precision, *recall)


def _muc(side: _Clusters[Mention], overlaps: _Overlaps) -> tuple[float, float]:
    """Links kept and links in all: the sum of |S| - |p(S)| over that of |S| - 1.

    p(S), the partition of S by the other side, has a part for every overlap and one for every
    mention that the other side lacks.
    """
    covered, parts = _cover(side, overlaps)
    kept = sum(covered[i] - parts[i] for i in range(len(side)))
    return kept, sum(len(cluster) - 1 for cluster in side)


def _cover(side: _Clusters[Mention], overlaps: _Overlaps) -> tuple[list[int], list[int]]:
    covered, parts = [0] * len(side), [0] * len(side)
    for (i, _), count in overlaps.items():
        covered[i] += count
        parts[i] += 1
    return covered, parts


def _b_cubed(side: _Clusters[Mention], overlaps: _Overlaps) -> tuple[float, float]:
    """Sum over mentions of the share of their cluster that shares their other cluster."""
    kept = sum(count**2 / len(side[i]) for (i, _), count in overlaps.items())
    return kept, sum(len(cluster) for cluster in side)


def _ceafe_similarity(
    gold: _Clusters[Mention], predicted: _Clusters[Mention], overlaps: _Overlaps
) -> float:
    """The sum of phi4, 2 |K & R| / (|K| + |R|), under the best one-to-one alignment."""
    if not overlaps:
        return 0.0
    # It takes 0.2 seconds, and every pipeline with a scorer imports this module.
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    phi = np.zeros((len(gold), len(predicted)))
    for (i, j), count in overlaps.items():
        phi[i, j] = 2 * count / (len(gold[i]) + len(predicted[j]))
    rows, columns = linear_sum_assignment(phi, maximize=True)
    return float(phi[rows, columns].sum())


def _lea(
    side: _Clusters[Mention], other: _Clusters[Mention], overlaps: _Overlaps
) -> tuple[float, float]:
    """Sum over clusters of importance (size) times the share of its links that are resolved.

    The one link of a singleton is with itself; only a singleton resolves it.
    """
    resolved = 0.0
    for (i, j), count in overlaps.items():
        size = len(side[i])
        if size == 1:
            resolved += float(len(other[j]) == 1)
        else:
            resolved += size * _n_links(count) / _n_links(size)
    return resolved, sum(len(cluster) for cluster in side)


def _n_links(size: int) -> float:
    return size * (size - 1) / 2
