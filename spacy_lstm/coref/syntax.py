"""What the syntactic second task tells apart: the universal tags and relations."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["HEAD_REACH", "RELATIONS", "TAGS", "SyntaxTargets", "relation_number", "tag_number"]

# Universal Dependencies, version 2 (de Marneffe et al. 2021).
_TAG_ROW = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
_RELATION_ROW = (
    "acl advcl advmod amod appos aux case cc ccomp clf compound conj cop csubj dep det discourse "
    "dislocated expl fixed flat goeswith iobj list mark nmod nsubj nummod obj obl orphan "
    "parataxis punct reparandum root vocative xcomp"
)
TAGS: Final = {name: number for number, name in enumerate(_TAG_ROW.split())}
RELATIONS: Final = {name: number for number, name in enumerate(_RELATION_ROW.split())}
HEAD_REACH: Final = 24
"""Words between a word and its head, at most; the few that lie further are not learned from."""


class SyntaxTargets(NamedTuple):
    """Gold trees of a batch, a number a token; -1 where nothing is known."""

    tags: npt.NDArray[np.int64]
    """Number of the tag. *Shape:* ``(tokens,)``"""
    relations: npt.NDArray[np.int64]
    """Number of the relation to the head. *Shape:* ``(tokens,)``"""
    heads: npt.NDArray[np.int64]
    """Place of the head, counted from `HEAD_REACH` words before the token; a root is its own
    head. *Shape:* ``(tokens,)``"""


def tag_number(tag: str) -> int:
    """Of a universal tag, -1 for none."""
    return TAGS.get(tag, -1)


def relation_number(relation: str) -> int:
    """Of a universal relation, subtypes aside ("nsubj:pass"), -1 for none."""
    return RELATIONS.get(relation.split(":")[0].lower(), -1)
