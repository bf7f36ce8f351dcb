"""Clauses and noun phrases of trees written by hand, and of no trees at all."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.clauses import (
    Tree,
    find_head,
    find_noun_phrases,
    is_tree,
    load_trees,
    number_clauses,
    read_tree,
    store_trees,
)
from spacy_lstm.coref.opinions import find_opinions
from spacy_lstm.coref.referents import find_referents, index_opinions, weigh_opinions
from spacy_lstm.coref.syntax import HEAD_REACH, RELATIONS, TAGS

CLAUSES = [
    (
        "food/NOUN/nsubj>2 was/AUX/cop>2 good/ADJ/root>2 but/CCONJ/cc>6 beds/NOUN/nsubj>6 "
        "were/AUX/cop>6 hard/ADJ/conj>2 ./PUNCT/punct>2",
        [2, 2, 2, 6, 6, 6, 6, 2],
    ),
    ("cold/ADJ/root>0 and/CCONJ/cc>2 tasteless/ADJ/conj>0", [0, 0, 0]),
    (
        "great/ADJ/amod>1 view/NOUN/root>1 ,/PUNCT/punct>4 bad/ADJ/amod>4 beds/NOUN/conj>1",
        [1, 1, 4, 4, 4],
    ),
    (
        "ann/PROPN/nsubj>2 who/PRON/nsubj>2 left/VERB/root>2 ,/PUNCT/punct>5 a/DET/det>5 "
        "fool/NOUN/appos>0",
        [2] * 6,
    ),
    (
        "he/PRON/nsubj>1 saw/VERB/root>1 ann/PROPN/obj>1 a/DET/det>5 kind/ADJ/amod>5 "
        "soul/NOUN/appos>2",
        [1, 1, 1, 5, 5, 5],
    ),
    ("fish/NOUN/root>0 which/PRON/nsubj>3 was/AUX/cop>3 raw/ADJ/acl>0", [0, 3, 3, 3]),
]
PHRASES = [
    (
        "the/DET/det>2 old/ADJ/amod>2 view/NOUN/nsubj>6 from/ADP/case>5 the/DET/det>5 "
        "tower/NOUN/nmod>2 pleases/VERB/root>6",
        ["the old view", "the tower"],
    ),
    ("she/PRON/nsubj>3 is/AUX/cop>3 a/DET/det>3 teacher/NOUN/root>3", []),
    ("on/ADP/case>1 monday/PROPN/obl>3 it/PRON/nsubj>3 rained/VERB/root>3", []),
    ("mrs./PROPN/compound>1 palmer/PROPN/nsubj>2 left/VERB/root>2", ["mrs. palmer"]),
    ("anna/PROPN/nsubj>2 karlsson/PROPN/flat>0 left/VERB/root>2", ["anna karlsson"]),
    (
        "an/DET/det>2 old/ADJ/amod>2 man/NOUN/nmod>4 's/PART/case>2 wallet/NOUN/obj>5 "
        "vanished/VERB/root>5",
        ["an old man", "an old man 's wallet"],
    ),
    (
        "this/PRON/nsubj>1 beats/VERB/root>1 the/DET/det>3 first/ADJ/obj>1",
        ["the first"],
    ),
    ("😀/NOUN/root>0 。/NOUN/dep>0 tea/NOUN/dep>0", ["tea"]),
]


@pytest.mark.parametrize(("text", "wanted"), CLAUSES)
def test_clauses(tree_of, clauses_of, text, wanted):
    assert clauses_of(tree_of(text)) == wanted


@pytest.mark.parametrize(("text", "wanted"), PHRASES)
def test_noun_phrases(tree_of, text, wanted):
    tree = tree_of(text)
    found = dict(find_noun_phrases(tree))
    assert [" ".join(tree.words[slice(*span)]) for span in found.values()] == wanted
    assert all(start <= head < end for head, (start, end) in found.items())


def test_heads_of_spans(tree_of):
    tree = tree_of("the/DET/det>1 view/NOUN/nsubj>3 there/ADV/advmod>1 is/VERB/root>3")
    assert [find_head(tree, span) for span in ((0, 2), (0, 3), (2, 4), (0, 1))] == [1, 1, 2, 0]
    circle = tree_of("a/NOUN/dep>1 b/NOUN/dep>0 c/VERB/root>2")
    assert find_head(circle, (0, 2)) == 1
    # The head of its noun phrase, too.
    name = tree_of("larry/PROPN/root>1 king/PROPN/flat>0 left/VERB/root>2")
    assert [(find_head(name, span), span) for _, span in find_noun_phrases(name)] == [(0, (0, 2))]


def test_trees_are_kept_as_text():
    columns = np.array(
        [
            [TAGS["PRON"], RELATIONS["nsubj"], 1],
            [TAGS["VERB"], RELATIONS["root"], 0],
            [TAGS["X"], RELATIONS["xcomp"], -HEAD_REACH],
        ]
    )
    first, empty, second = store_trees(columns, [2, 0, 1])
    assert [len(first), len(empty), len(second)] == [6, 0, 3]
    assert is_tree(first, 2)
    tree = read_tree(["She", "left"], load_trees([first]))
    assert tree == Tree(["she", "left"], ["PRON", "VERB"], ["nsubj", "root"], [1, 1])
    assert load_trees([first, empty, second]).tolist() == columns.tolist()
    assert not any(is_tree(stored, 3) for stored in (first, None, [0] * 9, {"heads": [0] * 9}))


@st.composite
def trees(draw):
    n = draw(st.integers(1, 12))
    words = st.sampled_from(["it", "hated", "compared", "than", "who", "annoyed", "you", "x"])
    columns = [
        draw(st.lists(values, min_size=n, max_size=n))
        for values in (
            words,
            st.sampled_from(sorted(TAGS)),
            st.sampled_from(sorted(RELATIONS)),
            st.integers(0, n - 1),
        )
    ]
    return Tree(*columns)


def plain_clauses(tree):
    """The same by definition, one token after the other."""
    subjects = {
        head
        for head, relation in zip(tree.heads, tree.relations, strict=True)
        if relation in ("nsubj", "csubj", "cop")
    }
    described = {
        head
        for head, relation in zip(tree.heads, tree.relations, strict=True)
        if relation == "amod"
    }
    opens = [
        tag != "PUNCT"
        and (
            i == head
            or i in subjects
            or relation in ("root", "advcl", "ccomp", "acl", "parataxis", "csubj")
            or (relation == "conj" and tag in ("VERB", "AUX"))
            or (relation == "conj" and tag in ("NOUN", "PROPN") and tree.relations[head] == "root")
            or (relation == "appos" and i in described)
        )
        for i, (tag, relation, head) in enumerate(
            zip(tree.tags, tree.relations, tree.heads, strict=True)
        )
    ]
    found, circles = [], {}
    for i in range(len(opens)):
        path = []
        place = i
        while not opens[place] and place not in path:
            path.append(place)
            place = tree.heads[place]
        if opens[place]:
            found.append(place)
        else:
            # The first token that leads into this circle speaks for it.
            found.append(circles.setdefault(frozenset(path[path.index(place) :]), i))
    return found


@given(trees())
def test_clauses_are_those_of_the_definition(clauses_of, tree):
    assert clauses_of(tree) == plain_clauses(tree)


@pytest.mark.parametrize("tag", ["VERB", "PUNCT"])
def test_heads_that_lie_deep(clauses_of, tag):
    # Each governs the one before it. A mark opens no clause, and goes round by itself.
    n = 100
    tree = Tree(["x"] * n, [tag] * n, ["dep"] * n, [*range(1, n), n - 1])
    assert clauses_of(tree) == [n - 1 if tag == "VERB" else 0] * n


@given(st.lists(trees(), min_size=1, max_size=5))
def test_clauses_of_many_documents_at_once(clauses_of, batch):
    first, heads = 0, []
    for tree in batch:
        heads += [first + head for head in tree.heads]
        first += len(tree.heads)
    columns = [[item for tree in batch for item in tree[k]] for k in range(3)]
    together = clauses_of(Tree(*columns, heads))
    alone = [clauses_of(tree) for tree in batch]
    ends = list(accumulate(map(len, alone)))
    assert together == [
        end - len(found) + owner for found, end in zip(alone, ends, strict=True) for owner in found
    ]
    numbers, predicates = number_clauses(np.array(together))
    assert predicates.tolist() == list(dict.fromkeys(together))
    assert predicates[numbers].tolist() == together


@given(trees())
def test_any_heads_at_all(clauses_of, tree):
    """Heads are predicted one by one: they may go round, and no root need be."""
    clauses = clauses_of(tree)
    assert all(clauses[owner] == owner for owner in clauses)
    opinions = list(find_opinions(tree, clauses))
    assert [opinion.clause for opinion in opinions] == sorted(set(clauses))
    indexed = index_opinions(opinions)
    scores = {opinion.clause: (-1) ** i * 0.9 for i, opinion in enumerate(opinions)}
    referents = find_referents(tree, clauses, [[(0, 1)]])
    assert [r.mentions for r in referents] == sorted(r.mentions for r in referents)
    for referent in referents:
        assert referent.name in referent.mentions
        assert -0.9 <= weigh_opinions(referent, indexed, scores) <= 0.9
