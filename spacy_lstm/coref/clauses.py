"""The clauses of a text and its noun phrases, by a predicted tree: plain lists, no pipeline."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from .mentions import Span
from .syntax import RELATIONS, TAGS
from .words import CALENDAR_NAMES

__all__ = [
    "USER_DATA_KEY",
    "Tree",
    "find_clauses",
    "find_head",
    "find_noun_phrases",
    "read_tree",
    "store_tree",
]

USER_DATA_KEY: Final = "lstm_coref"
"""Where a document keeps its tree."""

_TAG_NAMES: Final = tuple(TAGS)
_RELATION_NAMES: Final = tuple(RELATIONS)

_CLAUSAL: Final = frozenset({"root", "advcl", "ccomp", "acl", "parataxis", "csubj"})
_NOUNS: Final = frozenset({"NOUN", "PROPN"})
_VERBS: Final = frozenset({"VERB", "AUX"})
_ARGUMENTS: Final = frozenset({"nsubj", "obj", "obl", "nmod"})
# What stands before the head in its phrase, and after it in a name.
_BEFORE: Final = frozenset({"det", "amod", "compound", "nummod", "nmod", "flat", "advmod", "case"})
_INNER: Final = frozenset({"compound", "flat", "amod", "goeswith", "nummod", "fixed"})
_POSSESSIVE: Final = frozenset({"'s", "’s", "'", "’"})


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


def store_tree(columns: Any) -> dict[str, list[int]]:
    """A tree as plain data, to be kept with a document: small numbers, a byte each when stored.

    columns: of each token the numbers of its tag and its relation, and the distance to its head.
        *Shape:* ``(tokens, 3)``
    """
    return dict(zip(("tags", "relations", "heads"), columns.T.tolist(), strict=True))


def read_tree(words: Sequence[str], stored: Any) -> Tree | None:
    """The tree that `lstm_coref` stored with a document; None where there is none or where it
    belongs to other tokens.

    stored: as `store_tree` makes it.
    """
    if not stored or len(stored["heads"]) != len(words):
        return None
    return Tree(
        [word.lower() for word in words],
        [_TAG_NAMES[number] for number in stored["tags"]],
        [_RELATION_NAMES[number] for number in stored["relations"]],
        [i + distance for i, distance in enumerate(stored["heads"])],
    )


def find_clauses(tree: Tree) -> list[int]:
    """Of each token the predicate of its clause.

    A clause opens at roots, subordinate clauses, and at what is joined to another predicate
    and has a verb or a subject of its own ("the food was good but the waiter was rude"); so
    does a noun that stands for a sentence ("great view, awful beds").
    """
    opens = _find_openings(tree)
    found = [-1] * len(opens)
    for i in range(len(opens)):
        path: list[int] = []
        place = i
        while found[place] < 0 and not opens[place]:
            # Heads are predicted one by one, and may go round in a circle.
            found[place] = i
            path.append(place)
            place = tree.heads[place]
        owner = place if opens[place] else found[place]
        found[place] = owner
        for passed in path:
            found[passed] = owner
    return found


def _find_openings(tree: Tree) -> list[bool]:
    subject_of = {
        head
        for head, relation in zip(tree.heads, tree.relations, strict=True)
        if relation in ("nsubj", "csubj", "cop")
    }
    described = {
        head
        for head, relation in zip(tree.heads, tree.relations, strict=True)
        if relation == "amod"
    }
    opens = []
    for i, (tag, relation, head) in enumerate(
        zip(tree.tags, tree.relations, tree.heads, strict=True)
    ):
        own = relation in _CLAUSAL or head == i
        joined = relation == "conj" and (
            tag in _VERBS or (tag in _NOUNS and tree.relations[head] == "root")
        )
        # "The castle, a magnificent place": as if it said that the castle is one.
        apposed = relation == "appos" and i in described
        opens.append(tag != "PUNCT" and (own or joined or apposed or i in subject_of))
    return opens


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
