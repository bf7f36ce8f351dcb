"""Scores of mentions and candidates → clusters, links and probabilities."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..lexicons.gender import GENDERS
from .candidates import Bools, Ints, Mentions, Pairs
from .mentions import Span
from .words import Kind, Number

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
# Keeps log-odds finite.
_LEAST: Final = 1e-9
_MOST: Final = 40.0
# Mentions of one cluster that may be nested in each other, at most.
_NESTED: Final = 8
_MASC, _FEM, _NEUT = (GENDERS.index(name) for name in ("masc", "fem", "neut"))
_CONFLICTS: Final = ({_MASC, _FEM}, {_MASC, _NEUT}, {_FEM, _NEUT})


class CorefScores(NamedTuple):
    """What the model says of a batch."""

    pair_logits: npt.NDArray[np.float32]
    """*Shape:* ``(mentions, candidates)``; -inf where there is no candidate."""
    null_logits: npt.NDArray[np.float32]
    """Of having no antecedent. *Shape:* ``(mentions,)``"""
    mentions: Mentions
    pairs: Pairs
    trees: Ints | None = None
    """Of each token of the batch the numbers of its tag and of its relation, and the distance to
    its head. *Shape:* ``(tokens, 3)``; None where the model reads no trees."""

    def of_document(self, document: int) -> "CorefScores":
        """The part of one document; its offsets stay those in tokens of the batch. Without its
        tree."""
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
    """A resolved anaphor: spans in tokens of the batch, and the probability that it leads to the
    antecedent, directly or over the mentions between. Where the anaphor was joined by others
    alone (a pronoun that a later name led back to), it is that of the antecedent's decision."""

    anaphor: Span
    antecedent: Span
    score: float


class Clustering(NamedTuple):
    """The clusters of a batch, each in text order, the links in each, and the tree."""

    clusters: list[list[Span]]
    links: list[list[Link]]
    tree: dict[str, list[int]] | None = None
    """Of one document, as `clauses.store_tree` makes it."""


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
    scores: CorefScores,
    *,
    pronouns_only: bool,
    threshold: float,
    temperature: float = 1.0,
    link_scale: float = 1.0,
    link_own: float = 0.0,
    link_offset: float = 0.0,
) -> Clustering:
    """Join mentions to clusters from left to right.

    A mention joins the cluster whose mentions have the most probability together, where that
    is more than the probability of no antecedent, and where cluster and mention are not of two
    genders; *he*, *she* and *it* join no plural. Links less probable than the threshold are
    left out, and with them the mentions that no other link leads to; so are pronouns of a
    cluster without a name or noun whose decision is.

    pronouns_only: only pronouns look for a cluster; each noun and name stays apart.
    link_scale, link_own, link_offset: a link's log-odds are those of its chain and those of
        the mention's own decision, weighed by the first two, plus the third, which makes
        calibrated probabilities of them (Platt 1999).
    """
    mentions = scores.mentions
    p = antecedent_probabilities(scores, temperature)
    forest = _Forest(mentions)
    joined: dict[int, float] = {}
    anaphors = p[:, 0] < 0.5
    if pronouns_only:
        anaphors &= mentions.is_pronoun
    columns = (p[:, 1:] > _NEGLIGIBLE) & anaphors[:, None]
    choices = _rows(columns, scores.pairs.candidates, p[:, 1:])
    none = p[:, 0].tolist()
    for i, row in choices.items():
        sums: dict[int, float] = {}
        for j, probability in row:
            root = forest.find(j)
            sums[root] = sums.get(root, 0.0) + probability
        for root in sorted(sums, key=sums.__getitem__, reverse=True):
            if sums[root] <= none[i]:
                break
            if not forest.conflicts(i, root):
                forest.join(i, root)
                joined[i] = min(1.0, sums[root])
                break
    links = _LinkFinder(mentions, choices, joined, (link_scale, link_own, link_offset))
    return _collect(forest, links, threshold)


def _rows(mask: Bools, candidates: Ints, p: npt.NDArray[Any]) -> dict[int, list[tuple[int, float]]]:
    """Per anaphor its candidates and their probabilities, plain."""
    rows: dict[int, list[tuple[int, float]]] = {}
    i, c = mask.nonzero()
    found = zip(i.tolist(), candidates[i, c].tolist(), p[i, c].tolist(), strict=True)
    for anaphor, candidate, probability in found:
        rows.setdefault(anaphor, []).append((candidate, probability))
    return rows


class _Forest:
    """Mentions that are joined to clusters (union-find), with the gender and the number of each
    cluster."""

    def __init__(self, mentions: Mentions) -> None:
        self.parent = list(range(len(mentions.gender)))
        self.gender: list[int] = mentions.gender.tolist()
        self.number: list[int] = mentions.number.tolist()
        self.is_singular = mentions.is_kind(Kind.HE, Kind.SHE, Kind.IT).tolist()
        self._joined: set[int] = set()

    def find(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def conflicts(self, i: int, root: int) -> bool:
        """Whether a mention cannot be of a cluster, by what is known of either."""
        if {self.gender[self.find(i)], self.gender[root]} in _CONFLICTS:
            return True
        return self.is_singular[i] and self.number[root] == Number.PLURAL

    def join(self, i: int, root: int) -> None:
        own = self.find(i)
        self.parent[own] = root
        self._joined |= {i, root}
        if self.gender[root] not in (_MASC, _FEM):
            self.gender[root] = self.gender[own] or self.gender[root]
        self.number[root] = self.number[root] or self.number[own]

    def clusters(self) -> list[list[int]]:
        """The mentions of each cluster of two or more, both in order."""
        members: dict[int, list[int]] = {}
        for i in sorted(self._joined):
            members.setdefault(self.find(i), []).append(i)
        return list(members.values())


def _collect(forest: _Forest, finder: "_LinkFinder", threshold: float) -> Clustering:
    result = Clustering([], [])
    for cluster in forest.clusters():
        found = finder.find(cluster)
        links = [link for link in found if link[2] >= threshold]
        if threshold > 0:
            cluster = _sure(cluster, found, links, finder, threshold)
            if len(cluster) < 2:
                continue
        result.clusters.append([finder.span(i) for i in cluster])
        result.links.append([Link(finder.span(i), finder.span(j), score) for i, j, score in links])
    return result


def _sure(
    cluster: list[int],
    found: list[tuple[int, int, float]],
    links: list[tuple[int, int, float]],
    finder: "_LinkFinder",
    threshold: float,
) -> list[int]:
    """What is left of a cluster with those of the found links that reach the threshold."""
    ends = {i for link in links for i in link[:2]}
    linked = {i for i, _, _ in found}
    return [
        i
        for i in cluster
        if i in ends or (i not in linked and finder.stays(i, bool(found), threshold))
    ]


class _LinkFinder:
    """Which noun or name each mention of a cluster leads to, and how probably."""

    def __init__(
        self,
        mentions: Mentions,
        choices: dict[int, list[tuple[int, float]]],
        joined: dict[int, float],
        calibration: tuple[float, float, float],
    ) -> None:
        self._start, self._end = mentions.start.tolist(), mentions.end.tolist()
        self._is_pronoun = mentions.is_pronoun.tolist()
        self._choices = choices
        self._joined = joined
        self._calibration = calibration

    def span(self, i: int) -> Span:
        return self._start[i], self._end[i]

    def stays(self, i: int, among_links: bool, threshold: float) -> bool:
        """Whether a mention without a link has joined its cluster surely enough. The one that
        joined nothing stays where there are no links at all."""
        if i not in self._joined:
            return not among_links
        return self._calibrated(self._joined[i], i, i) >= threshold

    def find(self, cluster: list[int]) -> list[tuple[int, int, float]]:
        """Each anaphor with the nearest earlier noun or name, or else the nearest later one."""
        names = [i for i in cluster if not self._is_pronoun[i]]
        links: list[tuple[int, int, float]] = []
        # Of the mentions so far, which antecedent they lead to and how probably.
        leads: dict[int, tuple[int, float]] = {}
        members = set(cluster)
        for i in cluster:
            antecedent = self._antecedent(i, names)
            if antecedent is not None:
                probability = self._probability(i, antecedent, leads, members)
                leads[i] = antecedent, probability
                links.append((i, antecedent, self._calibrated(probability, i, antecedent)))
        return links

    def _antecedent(self, i: int, names: list[int]) -> int | None:
        place = bisect_left(names, i)
        # A mention is no antecedent of one inside it: "his wife" does not tell who he is.
        for j in reversed(names[max(0, place - _NESTED) : place]):
            if self._end[j] <= self._start[i]:
                return j
        for j in names[place : place + _NESTED] if self._is_pronoun[i] else ():
            if self._end[i] <= self._start[j]:
                return j
        return None

    def _probability(
        self, i: int, antecedent: int, leads: dict[int, tuple[int, float]], members: set[int]
    ) -> float:
        if i not in self._joined:
            # One mention of a cluster at most joined nothing itself, so the other one did.
            return self._joined[antecedent]
        # What leads past the antecedent, to mentions that it joined itself, is as right as that.
        behind = self._joined.get(antecedent, 1.0)
        total = 0.0
        for j, probability in self._choices[i]:
            if j not in members:
                continue
            target, onward = leads.get(j, (None, 1.0))
            if j == antecedent:
                total += probability
            else:
                total += probability * (onward if target == antecedent else behind)
        return min(1.0, total)

    def _calibrated(self, probability: float, i: int, antecedent: int) -> float:
        scale, own, offset = self._calibration
        decision = self._joined[i] if i in self._joined else self._joined[antecedent]
        odds = scale * _log_odds(probability) + own * _log_odds(decision) + offset
        return 1.0 / (1.0 + math.exp(-min(max(odds, -_MOST), _MOST)))


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1.0 - _LEAST)
    return math.log(bounded / (1.0 - bounded))


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
