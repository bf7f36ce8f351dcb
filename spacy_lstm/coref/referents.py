"""The persons and things of a text, and what its clauses feel about each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from .clauses import Tree, find_head, find_noun_phrases
from .mentions import Span, is_pronoun
from .opinions import Opinion
from .phrases import word_set

__all__ = ["Referent", "find_referents", "index_opinions", "weigh_opinions"]

# Pronouns of things. Where they are in no cluster, what they stand for is guessed.
_OF_THINGS: Final = word_set("it they them")


class Referent(NamedTuple):
    """A person or thing of a text."""

    name: Span
    """Its first mention that is no pronoun."""
    mentions: list[Span]
    """In text order."""
    heads: frozenset[int]
    """The head of each mention, and pronouns that may stand for it."""


def find_referents(
    tree: Tree, clauses: Sequence[int], clusters: Iterable[Sequence[Span]]
) -> list[Referent]:
    """One for each cluster that has a name or noun, and for each noun phrase that is in none;
    those of one name are one. In text order.

    clauses: from `clauses.find_clauses`.
    """
    found: list[tuple[Span, list[Span], set[int]]] = []
    taken: set[int] = set()
    for cluster in clusters:
        heads = {find_head(tree, span) for span in cluster}
        named = [span for span in cluster if not is_pronoun(tree.words[slice(*span)])]
        if named:
            taken |= heads
            found.append((named[0], list(cluster), heads))
    phrases = list(find_noun_phrases(tree))
    names: dict[tuple[str, ...], int] = {}
    for head, span in phrases:
        if head in taken:
            continue
        key = tuple(tree.words[slice(*span)])
        if tree.tags[head] == "PROPN" and key in names:
            found[names[key]][1].append(span)
            found[names[key]][2].add(head)
        else:
            names[key] = len(found)
            found.append((span, [span], {head}))
    owners = {head: number for number, (_, _, heads) in enumerate(found) for head in heads}
    for pronoun, head in _guess_pronouns(tree, clauses, [head for head, _ in phrases], taken):
        if head in owners:
            found[owners[head]][2].add(pronoun)
    ordered = sorted(found, key=lambda referent: referent[1][0])
    return [Referent(name, mentions, frozenset(heads)) for name, mentions, heads in ordered]


def _guess_pronouns(
    tree: Tree, clauses: Sequence[int], heads: Sequence[int], taken: set[int]
) -> Iterable[tuple[int, int]]:
    """Of each *it* or *they* outside the clusters the noun that it may stand for: of the last
    clause before with nouns in it the object, else a subject that is no name, else its last."""
    for i, word in enumerate(tree.words):
        if word not in _OF_THINGS or i in taken:
            continue
        before = [head for head in heads if head < i and clauses[head] != clauses[i]]
        near = [head for head in before if clauses[head] == clauses[before[-1]]]
        objects = [head for head in near if tree.relations[head] == "obj"]
        subjects = [
            head for head in near if tree.relations[head] == "nsubj" and tree.tags[head] != "PROPN"
        ]
        for head in (objects or subjects or near)[-1:]:
            yield i, head


def index_opinions(opinions: Iterable[Opinion]) -> dict[int, list[Opinion]]:
    """Of each token the opinions for or against it: in a long text a referent has to do with few
    of them."""
    found: dict[int, list[Opinion]] = {}
    for opinion in opinions:
        for token in opinion.about | opinion.against:
            found.setdefault(token, []).append(opinion)
    return found


def weigh_opinions(
    referent: Referent, opinions: Mapping[int, Sequence[Opinion]], scores: Mapping[int, float]
) -> float:
    """What clauses feel about a referent: the mean of their sentiment, each weighed by how strong
    it is, so that clauses which merely mention it do not wash out those that judge it.

    opinions: from `index_opinions`.
    scores: sentiment of each clause, by its predicate, in [-1, 1].
    RETURNS: in [-1, 1]; 0 where no clause is about it.
    """
    found = []
    # One that is about several of its mentions counts once.
    for opinion in {opinion for head in referent.heads for opinion in opinions.get(head, ())}:
        score = scores.get(opinion.clause, 0.0)
        if referent.heads & opinion.about:
            found.append(score)
        if referent.heads & opinion.against:
            found.append(-score)
    strength = math.fsum(map(abs, found))
    return math.fsum(score * abs(score) for score in found) / strength if strength else 0.0
