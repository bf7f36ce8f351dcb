"""Where the mentions of a pair stand to each other in the sentence, from predicted heads."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .candidates import Mentions
from .syntax import RELATIONS
from .words import FINE_TYPES

__all__ = ["DISTANCES", "GROUPS", "ROLE_FEATURES", "STRUCTURES", "RoleFeatures", "Roles"]

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

GROUPS: Final = (
    ("nsubj", "csubj"),
    ("obj", "iobj", "xcomp", "ccomp"),
    ("obl", "advcl"),
    ("nmod",),
    ("root", "conj", "parataxis", "vocative"),
)
"""Relations that are told apart; all others are one more."""
_GROUP_OF: Final = np.full(len(RELATIONS), len(GROUPS), dtype=np.int64)
for _number, _names in enumerate(GROUPS):
    _GROUP_OF[[RELATIONS[name] for name in _names]] = _number
_ROLES: Final = len(GROUPS) + 1
STRUCTURES: Final = (
    "no close tie",
    "one phrase",
    "depends on the candidate",
    "the candidate depends on it",
    "of one verb",
    "in a clause about the candidate",
    "the candidate's clause is about it",
    "one level below the candidate",
    "one level above the candidate",
    "of one verb two levels up",
)
"""What is told apart of how a pair hangs together, closest first: where several hold, the first
counts."""
# By how close the closest tie is, 0 for none.
_STRUCTURE_OF: Final = np.array(
    [0, *range((len(STRUCTURES) - 1) * FINE_TYPES, 0, -FINE_TYPES)], dtype=np.int32
)
DISTANCES: Final = 3
"""Distances in sentences that are told apart: 0, 1 and more."""

ROLE_FEATURES: Final = {
    "structure": len(STRUCTURES) * FINE_TYPES,
    "roles": _ROLES * _ROLES * DISTANCES,
}
"""The features of a pair, with the number of values of each."""


class Roles(NamedTuple):
    """Of each mention, by the predicted tree."""

    relation: Ints
    """Number of its head word's relation. *Shape:* ``(mentions,)``"""
    governor: Ints
    """Token that governs its head word; the head word itself at a root. *Shape:* ``(mentions,)``"""
    second: Ints
    """Token that governs the governor. *Shape:* ``(mentions,)``"""


class RoleFeatures:
    """The features of pairs of a batch's mentions.

    What binding theory asks for can be read from them: whether both depend on one word, as a
    reflexive and its subject do and a plain pronoun and its antecedent do not; whether one
    stands inside the other's phrase or clause.

    sentence: number of each token's sentence. *Shape:* ``(tokens,)``
    """

    def __init__(self, roles: Roles, mentions: Mentions, sentence: Ints) -> None:
        ties = (mentions.head, roles.governor, roles.second)
        self._ties = [tokens.astype(np.int32) for tokens in ties]
        self._sentence = sentence[mentions.head].astype(np.int32)
        self._fine = mentions.fine.astype(np.int32)
        group = _GROUP_OF[roles.relation] * DISTANCES
        self._other = group.astype(np.int32)
        self._own = (group * _ROLES + ROLE_FEATURES["structure"]).astype(np.int32)

    def of(self, i: Ints, j: Ints) -> Numbers:
        """Feature values of each pair, numbered through all features.

        i, j: the mention and the candidate of each pair. *Shape:* ``(pairs,)``
        RETURNS: *Shape:* ``(pairs, len(ROLE_FEATURES))``
        """
        hi, gi, si = (tokens.take(i) for tokens in self._ties)
        hj, gj, sj = (tokens.take(j) for tokens in self._ties)
        holds = (
            hi == hj,  # one phrase within the other
            gi == hj,  # "his wife" and his: i depends on j
            gj == hi,
            gi == gj,  # arguments of one verb
            si == hj,  # j is what i's clause says something of
            sj == hi,
            si == gj,  # "John sold his car", "John said that he": i deeper than j
            gi == sj,  # "John's mother saw him": j deeper than i
            si == sj,
        )
        # The first that holds has the largest number; a maximum is many times faster than a choice.
        closest = np.zeros(len(i), dtype=np.uint8)
        for number, held in zip(range(len(holds), 0, -1), holds, strict=True):
            np.maximum(closest, held.view(np.uint8) * np.uint8(number), out=closest)
        distance = np.abs(self._sentence.take(i) - self._sentence.take(j))
        found = np.empty((len(i), len(ROLE_FEATURES)), dtype=np.int32)
        found[:, 0] = _STRUCTURE_OF.take(closest) + self._fine.take(i)
        found[:, 1] = self._own.take(i) + self._other.take(j) + np.minimum(distance, DISTANCES - 1)
        return found
