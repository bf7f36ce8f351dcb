"""The clauses of a text and its noun phrases, by a predicted tree: plain numbers, no pipeline.

Clauses are found of many documents at once, and by numbers alone; the words are asked for where
somebody wants to know what is said of whom.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .candidates import Bools, Ints
from .mentions import Span
from .syntax import HEAD_REACH, RELATIONS, TAGS
from .words import CALENDAR_NAMES

__all__ = [
    "USER_DATA_KEY",
    "Tree",
    "find_clauses",
    "find_head",
    "find_noun_phrases",
    "is_tree",
    "load_trees",
    "number_clauses",
    "read_tree",
    "store_trees",
]

USER_DATA_KEY: Final = "lstm_coref"
"""Where a document keeps its tree."""

_TAG_NAMES: Final = tuple(TAGS)
_RELATION_NAMES: Final = tuple(RELATIONS)

# Tag, relation, distance to the head; stored as the characters from "#" on, 49 of them at most.
_COLUMNS: Final = 3
_OFFSETS: Final = np.array([0, 0, HEAD_REACH], dtype=np.int8) + np.int8(ord("#"))
# Enough for heads that lie 2^5 words deep.
_ROUNDS: Final = 5

_NOUNS: Final = frozenset({"NOUN", "PROPN"})
_ARGUMENTS: Final = frozenset({"nsubj", "obj", "obl", "nmod"})
# What stands before the head in its phrase, and after it in a name.
_BEFORE: Final = frozenset({"det", "amod", "compound", "nummod", "nmod", "flat", "advmod", "case"})
_INNER: Final = frozenset({"compound", "flat", "amod", "goeswith", "nummod", "fixed"})
_POSSESSIVE: Final = frozenset({"'s", "’s", "'", "’"})


# What a relation says, in bits.
_OPENS, _SUBJECT, _DESCRIBES, _JOINED, _APPOSED, _ROOT = (1 << bit for bit in range(6))


def _read_relations(rows: Mapping[int, Collection[str]]) -> npt.NDArray[np.uint8]:
    table = np.zeros(len(RELATIONS), dtype=np.uint8)
    for bit, names in rows.items():
        table[[RELATIONS[name] for name in names]] |= bit
    return table


_SAYS: Final = _read_relations(
    {
        _OPENS: ("root", "advcl", "ccomp", "acl", "parataxis", "csubj"),
        _SUBJECT: ("nsubj", "csubj", "cop"),
        _DESCRIBES: ("amod",),
        _JOINED: ("conj",),
        _APPOSED: ("appos",),
        _ROOT: ("root",),
    }
)
_IS_VERB, _IS_NOUN, _IS_PUNCT = (
    np.isin(_TAG_NAMES, list(names)) for names in (("VERB", "AUX"), _NOUNS, ("PUNCT",))
)


class Tree(NamedTuple):
    """The predicted tree of one text. Every list has one entry a token."""

    words: Sequence[str]
    """In small letters."""
    tags: Sequence[str]
    """Universal tags."""
    relations: Sequence[str]
    """Universal relations to the head."""
    heads: Sequence[int]
    """Token that governs; a root is its own."""

    def children(self) -> list[list[int]]:
        """Of each token what it governs, in order."""
        found: list[list[int]] = [[] for _ in self.heads]
        for i, head in enumerate(self.heads):
            if head != i:
                found[head].append(i)
        return found


def store_trees(columns: npt.NDArray[Any], lengths: Sequence[int]) -> list[str]:
    """Trees as plain data, each to be kept with its document: three characters a token, which any
    format can store and which cost next to nothing to write and to read.

    columns: of each token of all documents the numbers of its tag and its relation, and the
        distance to its head. *Shape:* ``(tokens, 3)``
    lengths: tokens of each document.
    """
    text = (columns + _OFFSETS).astype(np.uint8).tobytes().decode("ascii")
    ends = [_COLUMNS * end for end in accumulate(lengths, initial=0)]
    return [text[start:end] for start, end in pairwise(ends)]


def is_tree(stored: Any, tokens: int) -> bool:
    """Whether this is a tree as `store_trees` makes it, and of so many tokens: after tokens are
    merged or cut off, what is stored belongs to others."""
    return isinstance(stored, str) and len(stored) == _COLUMNS * tokens


def load_trees(stored: Iterable[str]) -> npt.NDArray[np.int8]:
    """The columns of some stored trees, one after the other. *Shape:* ``(tokens, 3)``"""
    data = np.frombuffer("".join(stored).encode("ascii"), dtype=np.int8)
    columns: npt.NDArray[np.int8] = data.reshape(-1, _COLUMNS) - _OFFSETS
    return columns


def read_tree(words: Sequence[str], columns: npt.NDArray[np.int8]) -> Tree:
    """The tree of one document.

    columns: from `load_trees`.
    """
    tags, relations, distances = columns.T.tolist()
    return Tree(
        [word.lower() for word in words],
        [_TAG_NAMES[number] for number in tags],
        [_RELATION_NAMES[number] for number in relations],
        [i + distance for i, distance in enumerate(distances)],
    )


def find_clauses(columns: npt.NDArray[np.int8]) -> Ints:
    """Of each token the predicate of its clause.

    A clause opens at roots, subordinate clauses, and at what is joined to another predicate
    and has a verb or a subject of its own ("the food was good but the waiter was rude"); so
    does a noun that stands for a sentence ("great view, awful beds").

    columns: trees of any number of documents, from `load_trees`.
    RETURNS: tokens, counted as in `columns`. *Shape:* ``(tokens,)``
    """
    tags, relations, distances = columns.T.astype(np.intp)
    every = np.arange(len(columns))
    heads = every + distances
    opens = _find_openings(tags, relations, heads)
    found = np.where(opens, every, heads)
    # Each round doubles how far up the tree a token looks, until it stands at an opening.
    for _ in range(_ROUNDS):
        if opens[found].all():
            return found
        found = found[found]
    _follow_one_by_one(found, heads, ~opens[found])
    return found


def _follow_one_by_one(found: Ints, heads: Ints, lost: Bools) -> None:
    """Fill in, in place, what no opening was found for: what lies very deep, and heads that go
    round in a circle, for they are predicted one by one. All that leads into a circle without an
    opening is one clause, whose predicate is the first of these tokens."""
    found[lost] = -1
    for i in np.flatnonzero(lost).tolist():
        path: list[int] = []
        place = i
        while found[place] < 0:
            found[place] = i
            path.append(place)
            place = int(heads[place])
        found[path] = found[place]


def _find_openings(tags: Ints, relations: Ints, heads: Ints) -> Bools:
    says = _SAYS[relations]
    subject_of, described = np.zeros((2, len(heads)), dtype=np.bool_)
    subject_of[heads[says & _SUBJECT > 0]] = True
    described[heads[says & _DESCRIBES > 0]] = True
    own = (says & _OPENS > 0) | (heads == np.arange(len(heads)))
    beside_root = says[heads] & _ROOT > 0
    joined = (says & _JOINED > 0) & (_IS_VERB[tags] | (_IS_NOUN[tags] & beside_root))
    # "The castle, a magnificent place": as if it said that the castle is one.
    apposed = (says & _APPOSED > 0) & described
    opens: Bools = (own | joined | apposed | subject_of) & ~_IS_PUNCT[tags]
    return opens


def number_clauses(clauses: Ints) -> tuple[Ints, Ints]:
    """Number clauses in the order in which they begin.

    clauses: from `find_clauses`.
    RETURNS: of each token the number of its clause, and of each clause its predicate.
    """
    backwards = np.arange(len(clauses))[::-1]
    first = np.empty(len(clauses), dtype=np.intp)
    # The last one that is written stays.
    first[clauses[::-1]] = backwards
    begins = first[clauses] == np.arange(len(clauses))
    numbers = np.cumsum(begins) - 1
    return numbers[first[clauses]], clauses[begins]


def find_head(tree: Tree, span: Span) -> int:
    """The token of a span that a word outside governs. Where all go round, for heads are predicted
    one by one, the last one that is not a mere part of a name or phrase."""
    start, end = span
    for i in range(start, end):
        if tree.heads[i] == i or not start <= tree.heads[i] < end:
            return i
    return max(range(start, end), key=lambda i: (tree.relations[i] not in _INNER, i))


def find_noun_phrases(tree: Tree) -> Iterator[tuple[int, Span]]:
    """The head and the span of each noun phrase that stands for something: what is only said of
    a thing ("she is *a teacher*"), days, numbers and emoji stand for none. Without what follows the
    head ("*the view* from the tower")."""
    children = tree.children()
    for i, (tag, relation) in enumerate(zip(tree.tags, tree.relations, strict=True)):
        predicate = any(tree.relations[child] in ("cop", "nsubj") for child in children[i])
        # "The first", "the new one"
        nominal = (
            tag in ("ADJ", "NUM", "PRON")
            and relation in _ARGUMENTS
            and any(tree.relations[child] == "det" for child in children[i])
        )
        if not (tag in _NOUNS or nominal) or relation in _INNER or predicate:
            continue
        # Emoji and marks are tagged as nouns where nothing else is there.
        is_word = any(map(str.isalnum, tree.words[i]))
        if not is_word or tree.words[i].capitalize() in CALENDAR_NAMES:
            continue
        start, end = i, i + 1
        for child in reversed([child for child in children[i] if child < i]):
            if tree.relations[child] not in _BEFORE or _is_preposition(tree, child):
                break
            start = min(start, _leftmost(tree, children, child))
        while end in children[i] and tree.relations[end] in ("flat", "compound"):
            end += 1
        yield i, (start, end)


def _is_preposition(tree: Tree, i: int) -> bool:
    return tree.relations[i] == "case" and tree.words[i] not in _POSSESSIVE


def _leftmost(tree: Tree, children: list[list[int]], i: int) -> int:
    place = i
    for _ in children:
        below = [child for child in children[place] if child < place]
        if not below or _is_preposition(tree, below[0]):
            break
        place = below[0]
    return place
