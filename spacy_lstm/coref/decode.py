"""Scores of mentions and candidates → clusters, links and probabilities."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .candidates import Bools, Ints, Mentions, Pairs
from .mentions import Span
from .words import Kind

__all__ = [
    "Clustering",
    "CorefScores",
    "Link",
    "antecedent_logits",
    "antecedent_probabilities",
    "decode",
    "reach",
    "with_null_bias",
]

# Candidates below this probability cannot change a decision.
_NEGLIGIBLE: Final = 0.01
# Mentions of one cluster that may be nested in each other, at most.
_NESTED: Final = 8
_MASC, _FEM = 1, 2


class CorefScores(NamedTuple):
    """What the model says of a batch."""

    pair_logits: npt.NDArray[np.float32]
    """*Shape:* ``(mentions, candidates)``; -inf where there is no candidate."""
    null_logits: npt.NDArray[np.float32]
    """Of having no antecedent. *Shape:* ``(mentions,)``"""
    mentions: Mentions
    pairs: Pairs

    def of_document(self, document: int) -> "CorefScores":
        """The part of one document; its offsets stay those in tokens of the batch."""
        first, last = np.searchsorted(self.mentions.document, (document, document + 1))
        mentions = Mentions._make(column[first:last] for column in self.mentions)
        candidates = self.pairs.candidates[first:last]
        candidates = np.where(candidates >= 0, candidates - first, -1)
        return CorefScores(
            self.pair_logits[first:last],
            self.null_logits[first:last],
            mentions,
            Pairs(candidates, *(candidates >= 0).nonzero()),
        )


class Link(NamedTuple):
    """A resolved anaphor: spans in tokens of the batch, and the probability of the decision
    that joined it to the antecedent's cluster. Where the anaphor was joined by others alone
    (a pronoun that a later name led back to), the decision is the antecedent's."""

    anaphor: Span
    antecedent: Span
    score: float


class Clustering(NamedTuple):
    """The clusters of a batch, each in text order, and the links in each."""

    clusters: list[list[Span]]
    links: list[list[Link]]


def with_null_bias(scores: CorefScores, bias: Mapping[str, float]) -> CorefScores:
    """The same scores with something added to having no antecedent.

    bias: name of a `words.Kind` → what is added for mentions of this kind.
    """
    if not bias:
        return scores
    by_kind = np.array([bias.get(kind.name, 0.0) for kind in Kind], dtype=np.float32)
    return scores._replace(null_logits=scores.null_logits + by_kind[scores.mentions.kind])


def antecedent_logits(scores: CorefScores) -> npt.NDArray[np.float64]:
    """Of no antecedent, then of each candidate. *Shape:* ``(mentions, 1 + candidates)``"""
    logits = np.concatenate([scores.null_logits[:, None], scores.pair_logits], axis=1)
    return logits.astype(np.float64)


def antecedent_probabilities(scores: CorefScores, temperature: float = 1.0) -> npt.NDArray[Any]:
    """Of no antecedent, then of each candidate; rows sum to 1.

    RETURNS: *Shape:* ``(mentions, 1 + candidates)``
    """
    logits = antecedent_logits(scores) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def decode(
    scores: CorefScores, *, pronouns_only: bool, threshold: float, temperature: float = 1.0
) -> Clustering:
    """Join mentions to clusters from left to right.

    A mention joins the cluster whose mentions have the most probability together, where that
    is more than the probability of no antecedent and at least the threshold, and where cluster
    and mention are not of two genders.

    pronouns_only: only pronouns look for a cluster; each noun and name stays apart.
    """
    mentions = scores.mentions
    p = antecedent_probabilities(scores, temperature)
    forest = _Forest(mentions.gender.tolist())
    joined: dict[int, float] = {}
    anaphors = p[:, 0] < 0.5
    if pronouns_only:
        anaphors &= mentions.is_pronoun
    columns = (p[:, 1:] > _NEGLIGIBLE) & anaphors[:, None]
    choices = _rows(columns, scores.pairs.candidates, p[:, 1:])
    for i, row in choices.items():
        sums: dict[int, float] = {}
        for j, probability in row:
            root = forest.find(j)
            sums[root] = sums.get(root, 0.0) + probability
        allowed = {root: s for root, s in sums.items() if not forest.conflicts(i, root)}
        if not allowed:
            continue
        best = max(allowed, key=lambda root: allowed[root])
        if allowed[best] > p[i, 0] and allowed[best] >= threshold:
            forest.join(i, best)
            joined[i] = min(1.0, allowed[best])
    return _collect(forest, joined, mentions)


def _rows(mask: Bools, candidates: Ints, p: npt.NDArray[Any]) -> dict[int, list[tuple[int, float]]]:
    """Per anaphor its candidates and their probabilities, plain."""
    rows: dict[int, list[tuple[int, float]]] = {}
    i, c = mask.nonzero()
    found = zip(i.tolist(), candidates[i, c].tolist(), p[i, c].tolist(), strict=True)
    for anaphor, candidate, probability in found:
        rows.setdefault(anaphor, []).append((candidate, probability))
    return rows


class _Forest:
    """Mentions that are joined to clusters (union-find), with the gender of each cluster."""

    def __init__(self, genders: list[int]) -> None:
        self.parent = list(range(len(genders)))
        self.gender = genders

    def find(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def conflicts(self, i: int, root: int) -> bool:
        return {self.gender[self.find(i)], self.gender[root]} == {_MASC, _FEM}

    def join(self, i: int, root: int) -> None:
        own = self.find(i)
        self.parent[own] = root
        if self.gender[root] not in (_MASC, _FEM):
            self.gender[root] = self.gender[own] or self.gender[root]


def _collect(forest: _Forest, joined: dict[int, float], mentions: Mentions) -> Clustering:
    members: dict[int, list[int]] = {}
    for i in range(len(forest.parent)):
        members.setdefault(forest.find(i), []).append(i)
    start, end = mentions.start.tolist(), mentions.end.tolist()
    pronoun = mentions.is_pronoun.tolist()
    result = Clustering([], [])
    for cluster in members.values():
        if len(cluster) < 2:
            continue
        result.clusters.append([(start[i], end[i]) for i in cluster])
        result.links.append(
            [
                Link((start[i], end[i]), (start[j], end[j]), score)
                for i, j, score in _links(cluster, joined, pronoun, start, end)
            ]
        )
    return result


def _links(
    cluster: list[int],
    joined: dict[int, float],
    pronoun: list[bool],
    start: list[int],
    end: list[int],
) -> list[tuple[int, int, float]]:
    """Each anaphor with the nearest earlier noun or name, or else the nearest later one."""
    links = []
    names = [i for i in cluster if not pronoun[i]]
    for i in cluster:
        place = bisect_left(names, i)
        # A mention is no antecedent of one inside it: "his wife" does not tell who he is.
        earlier = (
            j for j in reversed(names[max(0, place - _NESTED) : place]) if end[j] <= start[i]
        )
        later = (j for j in names[place : place + _NESTED] if pronoun[i] and end[i] <= start[j])
        antecedent = next(earlier, None)
        if antecedent is None:
            antecedent = next(later, None)
        if antecedent is not None:
            # One mention of a cluster at most joined nothing itself, so one of the two did.
            links.append((i, antecedent, joined[i] if i in joined else joined[antecedent]))
    return links


def reach(p: npt.NDArray[Any], scores: CorefScores, row: int, hits: Bools) -> npt.NDArray[Any]:
    """Probability that a mention leads to each of some targets, directly or over at most two
    mentions between.

    p: from `antecedent_probabilities`, of one document.
    row: the mention.
    hits: which mentions are which target. *Shape:* ``(mentions, targets)``
    RETURNS: *Shape:* ``(targets,)``; sums to at most 1.
    """
    n = len(p)
    candidates = scores.pairs.candidates
    P = np.zeros((n, n + 1))
    np.put_along_axis(P, np.where(candidates >= 0, candidates, n), p[:, 1:], axis=1)
    P = P[:, :n]
    direct = P @ hits
    # A chain ends at its first target, so that no probability counts twice.
    between = P * ~hits.any(axis=1)
    one = between @ direct
    return np.asarray((direct + one + between @ one)[row])
