"""Scores of mentions and candidates → clusters, links and probabilities."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, permutations
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
_CONFLICTS: Final = frozenset(permutations((_MASC, _FEM, _NEUT), 2))
_PLURAL: Final = int(Number.PLURAL)
# What odds in single precision may be off by.
_ROUNDING: Final = 1e-3

_Row = Sequence[tuple[int, float]]
"""Candidates with their probabilities."""
_Choice = tuple[int, float, _Row]
"""A mention, the probability that it has no antecedent, and the candidates that count."""


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
            Pairs.find(candidates),
        )


class Link(NamedTuple):
    """A resolved anaphor: spans, and the probability that it leads to the antecedent, directly or
    over the mentions between. Where the anaphor was joined by others alone (a pronoun that a
    later name led back to), it is that of the antecedent's decision."""

    anaphor: Span
    antecedent: Span
    score: float


class Clustering(NamedTuple):
    """The clusters of a text, each in text order, the links in each, and the tree."""

    clusters: list[list[Span]]
    links: list[list[Link]]
    tree: str | None = None
    """As `clauses.store_trees` makes it."""


def with_null_bias(scores: CorefScores, bias: Mapping[str, float]) -> CorefScores:
    """The same scores with something added to having no antecedent.

    bias: name of a `words.Kind` → what is added for mentions of this kind.
    """
    if not bias:
        return scores
    by_kind = _order_by_kind(tuple(bias.items()))
    return scores._replace(null_logits=scores.null_logits + by_kind[scores.mentions.kind])


@lru_cache(maxsize=8)
def _order_by_kind(bias: tuple[tuple[str, float], ...]) -> npt.NDArray[np.float32]:
    named = dict(bias)
    return np.array([named.get(kind.name, 0.0) for kind in Kind], dtype=np.float32)


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
    lengths: Sequence[int],
    *,
    pronouns_only: bool,
    threshold: float,
    temperature: float = 1.0,
    link_scale: float = 1.0,
    link_own: float = 0.0,
    link_offset: float = 0.0,
) -> list[Clustering]:
    """Join mentions to clusters from left to right, and find the links in them.

    A mention joins the cluster whose mentions have the most probability together, where that
    is more than the probability of no antecedent, and where cluster and mention are not of two
    genders; *he*, *she* and *it* join no plural. Links less probable than the threshold are
    left out, and with them the mentions that no other link leads to; so are pronouns of a
    cluster without a name or noun whose decision is.

    lengths: tokens of each document of the batch.
    pronouns_only: only pronouns look for a cluster; each noun and name stays apart.
    link_scale, link_own, link_offset: a link's log-odds are those of its chain and those of
        the mention's own decision, weighed by the first two, plus the third, which makes
        calibrated probabilities of them (Platt 1999).
    RETURNS: clusters and links of each document, in its own tokens.
    """
    choices = _find_choices(scores, temperature, pronouns_only)
    forest = _Forest(scores.mentions)
    forest.decide(choices)
    document = scores.mentions.document
    first = np.cumsum([0, *lengths])[document]
    places = scores.mentions.start - first, scores.mentions.end - first
    links = _LinkFinder(
        *places,
        scores.mentions.is_pronoun,
        {i: row for i, _, row in choices},
        forest.joined,
        (link_scale, link_own, link_offset),
    )
    owner = document.tolist()
    found = [Clustering([], []) for _ in lengths]
    for cluster in forest.clusters():
        links.collect(cluster, threshold, found[owner[cluster[0]]])
    return found


def _find_choices(scores: CorefScores, temperature: float, pronouns_only: bool) -> list[_Choice]:
    """The mentions for which an antecedent is likelier than none, in order; of each the
    probability of none, and the candidates that count with theirs."""
    # Half of the mentions and more have no antecedent, which single precision can tell of most.
    with np.errstate(over="ignore"):
        odds = np.exp((scores.pair_logits - scores.null_logits[:, None]) / temperature)
    likely = odds.sum(axis=1) > 1 - _ROUNDING
    if pronouns_only:
        likely &= scores.mentions.is_pronoun
    rows = np.flatnonzero(likely)
    p = antecedent_probabilities(
        scores._replace(pair_logits=scores.pair_logits[rows], null_logits=scores.null_logits[rows]),
        temperature,
    )
    chosen = p[:, 0] < 0.5
    rows, p = rows[chosen], p[chosen]
    # Places of a row are found five times as fast as those of a table.
    (places,) = (p[:, 1:] > _NEGLIGIBLE).ravel().nonzero()
    row, column = np.divmod(places, max(1, p.shape[1] - 1))
    pairs = list(
        zip(
            scores.pairs.candidates[rows[row], column].tolist(),
            p[row, column + 1].tolist(),
            strict=True,
        )
    )
    ends = np.searchsorted(row, np.arange(len(rows) + 1)).tolist()
    return [
        (i, none, pairs[start:end])
        for i, none, (start, end) in zip(
            rows.tolist(), p[:, 0].tolist(), pairwise(ends), strict=True
        )
    ]


class _Forest:
    """Mentions that are joined to clusters (union-find), with the gender and the number of each
    cluster."""

    def __init__(self, mentions: Mentions) -> None:
        self.joined: dict[int, float] = {}
        """Of each mention that joined a cluster the probability of that."""
        self._parent: dict[int, int] = {}
        self._gender: list[int] = mentions.gender.tolist()
        self._number: list[int] = mentions.number.tolist()
        self._is_singular: list[bool] = mentions.is_kind(Kind.HE, Kind.SHE, Kind.IT).tolist()

    def decide(self, choices: Iterable[_Choice]) -> None:
        """Let each mention join the likeliest cluster that it can be of, where that is likelier
        than none. They come in order, each once: until then one is the root of those that joined
        it."""
        for i, none, row in choices:
            sums: dict[int, float] = {}
            for j, probability in row:
                root = self._find(j) if j in self._parent else j
                sums[root] = sums.get(root, 0.0) + probability
            for root in sorted(sums, key=sums.__getitem__, reverse=True) if len(sums) > 1 else sums:
                if sums[root] <= none:
                    break
                if not self._conflicts(i, root):
                    self._join(i, root)
                    self.joined[i] = min(1.0, sums[root])
                    break

    def _find(self, i: int) -> int:
        """The root of a mention that has joined another."""
        root = self._parent[i]
        if root in self._parent:
            while root in self._parent:
                root = self._parent[root]
            self._parent[i] = root
        return root

    def _conflicts(self, i: int, root: int) -> bool:
        """Whether a mention cannot be of a cluster, by what is known of either."""
        if (self._gender[i], self._gender[root]) in _CONFLICTS:
            return True
        return self._is_singular[i] and self._number[root] == _PLURAL

    def _join(self, i: int, root: int) -> None:
        if root == i:
            # Through an earlier mention that has joined it.
            return
        self._parent[i] = root
        if self._gender[root] not in (_MASC, _FEM):
            self._gender[root] = self._gender[i] or self._gender[root]
        self._number[root] = self._number[root] or self._number[i]

    def clusters(self) -> list[list[int]]:
        """The mentions of each cluster of two or more, both in order."""
        members: dict[int, list[int]] = {}
        for i in sorted({*self._parent, *self._parent.values()}):
            root = self._find(i) if i in self._parent else i
            members.setdefault(root, []).append(i)
        return list(members.values())


class _LinkFinder:
    """Which noun or name each mention of a cluster leads to, and how probably."""

    def __init__(
        self,
        start: Ints,
        end: Ints,
        is_pronoun: Bools,
        choices: Mapping[int, _Row],
        joined: Mapping[int, float],
        calibration: tuple[float, float, float],
    ) -> None:
        self._start, self._end = start.tolist(), end.tolist()
        self._is_pronoun = is_pronoun.tolist()
        self._choices = choices
        self._joined = joined
        self._calibration = calibration

    def collect(self, cluster: list[int], threshold: float, result: Clustering) -> None:
        """Add a cluster to a document's, with the links in it that reach the threshold."""
        found = self._find(cluster)
        links = found
        if threshold > 0:
            links = [link for link in found if link[2] >= threshold]
            cluster = self._sure(cluster, found, links, threshold)
            if len(cluster) < 2:
                return
        spans = {i: (self._start[i], self._end[i]) for i in cluster}
        result.clusters.append(list(spans.values()))
        result.links.append([Link(spans[i], spans[j], score) for i, j, score in links])

    def _sure(
        self,
        cluster: list[int],
        found: list[tuple[int, int, float]],
        links: list[tuple[int, int, float]],
        threshold: float,
    ) -> list[int]:
        """What is left of a cluster with those of the found links that reach the threshold."""
        ends = {i for link in links for i in link[:2]}
        linked = {i for i, _, _ in found}
        return [
            i
            for i in cluster
            if i in ends or (i not in linked and self._stays(i, bool(found), threshold))
        ]

    def _stays(self, i: int, among_links: bool, threshold: float) -> bool:
        """Whether a mention without a link has joined its cluster surely enough. The one that
        joined nothing stays where there are no links at all."""
        if i not in self._joined:
            return not among_links
        return self._calibrated(self._joined[i], self._joined[i]) >= threshold

    def _find(self, cluster: list[int]) -> list[tuple[int, int, float]]:
        """Each anaphor with the nearest earlier noun or name, or else the nearest later one."""
        names = [i for i in cluster if not self._is_pronoun[i]]
        links: list[tuple[int, int, float]] = []
        if not names:
            return links
        joined = self._joined
        # Of the mentions so far, which antecedent they lead to and how probably.
        leads: dict[int, tuple[int, float]] = {}
        members = set(cluster)
        place = 0
        for i in cluster:
            antecedent = self._antecedent(i, names, place)
            place += not self._is_pronoun[i]
            if antecedent is None:
                continue
            if i in joined:
                decision = joined[i]
                probability = self._probability(i, antecedent, leads, members)
            else:
                # One mention of a cluster at most joined nothing itself, so the other one did.
                probability = decision = joined[antecedent]
            leads[i] = antecedent, probability
            links.append((i, antecedent, self._calibrated(probability, decision)))
        return links

    def _antecedent(self, i: int, names: list[int], place: int) -> int | None:
        """place: how many of the names come before."""
        start = self._start[i]
        # A mention is no antecedent of one inside it: "his wife" does not tell who he is.
        for k in range(place - 1, max(-1, place - 1 - _NESTED), -1):
            if self._end[names[k]] <= start:
                return names[k]
        if self._is_pronoun[i]:
            end = self._end[i]
            for j in names[place : place + _NESTED]:
                if end <= self._start[j]:
                    return j
        return None

    def _probability(
        self, i: int, antecedent: int, leads: dict[int, tuple[int, float]], members: set[int]
    ) -> float:
        # What leads past the antecedent, to mentions that it joined itself, is as right as that.
        behind = self._joined.get(antecedent, 1.0)
        total = 0.0
        for j, probability in self._choices[i]:
            if j == antecedent:
                total += probability
            elif j in members:
                target, onward = leads.get(j, (None, 1.0))
                total += probability * (onward if target == antecedent else behind)
        return min(1.0, total)

    def _calibrated(self, probability: float, decision: float) -> float:
        """decision: how surely the mention, or else its antecedent, joined the cluster."""
        scale, own, offset = self._calibration
        odds = scale * _log_odds(probability) + own * _log_odds(decision) + offset
        if not -_MOST < odds < _MOST:
            odds = math.copysign(_MOST, odds)
        return 1.0 / (1.0 + math.exp(-odds))


def _log_odds(probability: float) -> float:
    if not _LEAST < probability < 1.0 - _LEAST:
        probability = min(max(probability, _LEAST), 1.0 - _LEAST)
    return math.log(probability / (1.0 - probability))


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
