"""Where the mentions of a pair stand to each other in the sentence, from predicted heads."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .candidates import Mentions, Pairs
from .syntax import RELATIONS
from .words import FINE_TYPES

__all__ = ["DISTANCES", "GROUPS", "ROLE_FEATURES", "STRUCTURES", "Roles", "role_features"]

Ints = npt.NDArray[np.int64]

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


def role_features(roles: Roles, mentions: Mentions, sentence: Ints, pairs: Pairs) -> Ints:
    """Feature values of each pair, numbered through all features.

    What binding theory asks for can be read from them: whether both depend on one word, as a
    reflexive and its subject do and a plain pronoun and its antecedent do not; whether one
    stands inside the other's phrase or clause.

    sentence: number of each token's sentence. *Shape:* ``(tokens,)``
    RETURNS: *Shape:* ``(pairs, len(ROLE_FEATURES))``
    """
    i, j = pairs.anaphor, pairs.antecedent
    head, first, second = mentions.head, roles.governor, roles.second
    hi, hj, gi, gj, si, sj = head[i], head[j], first[i], first[j], second[i], second[j]
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
    structure = np.select(holds, np.arange(1, len(STRUCTURES)), default=0)
    distance = np.minimum(np.abs(sentence[hi] - sentence[hj]), DISTANCES - 1)
    group = _GROUP_OF[roles.relation]
    columns = (
        structure * FINE_TYPES + mentions.fine[i],
        (group[i] * _ROLES + group[j]) * DISTANCES + distance,
    )
    offsets = np.cumsum([0, *ROLE_FEATURES.values()])[:-1]
    return np.asarray(np.stack(columns, axis=1) + offsets)
