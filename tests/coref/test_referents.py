"""Persons and things, and what is felt about each."""

import pytest

from spacy_lstm.coref.opinions import Opinion
from spacy_lstm.coref.referents import (
    Referent,
    find_referents,
    index_opinions,
    weigh_opinions,
)


def names(tree, found):
    return {
        " ".join(tree.words[slice(*referent.name)]): sorted(referent.heads) for referent in found
    }


def test_clusters_and_what_is_in_none(tree_of, clauses_of):
    tree = tree_of(
        "maria/PROPN/nsubj>1 hated/VERB/root>1 the/DET/det>3 hotel/NOUN/obj>1 it/PRON/nsubj>5 "
        "stank/VERB/root>5 she/PRON/nsubj>7 left/VERB/root>7 them/PRON/obj>7"
    )
    clauses = clauses_of(tree)
    found = find_referents(tree, clauses, [[(2, 4), (4, 5)], [(8, 9)]])
    assert [(r.name, r.mentions) for r in found] == [((0, 1), [(0, 1)]), ((2, 4), [(2, 4), (4, 5)])]
    # A cluster of nothing but pronouns names nobody, and *them* is guessed.
    assert names(tree, found) == {"maria": [0], "the hotel": [3, 4, 8]}


def test_a_name_whose_heads_go_round_is_one_record(tree_of, clauses_of):
    tree = tree_of(
        "larry/PROPN/root>1 king/PROPN/flat>0 left/VERB/root>2 he/PRON/nsubj>4 slept/VERB/root>4"
    )
    (found,) = find_referents(tree, clauses_of(tree), [[(0, 2), (3, 4)]])
    assert found == Referent((0, 2), [(0, 2), (3, 4)], frozenset({0, 3}))


def test_the_same_name_is_the_same_person(tree_of, clauses_of):
    tree = tree_of(
        "tom/PROPN/nsubj>1 ate/VERB/root>1 tom/PROPN/nsubj>3 slept/VERB/root>3 dogs/NOUN/nsubj>5 "
        "ate/VERB/root>5 dogs/NOUN/nsubj>7 slept/VERB/root>7"
    )
    found = find_referents(tree, clauses_of(tree), [])
    assert [referent.mentions for referent in found] == [
        [(0, 1), (2, 3)],
        [(4, 5)],
        [(6, 7)],
    ]


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ("tom/PROPN/nsubj>1 sold/VERB/root>1 ann/PROPN/iobj>1 bikes/NOUN/obj>1", "bikes"),
        ("bikes/NOUN/nsubj>1 came/VERB/root>1 on/ADP/case>3 trains/NOUN/obl>1", "bikes"),
        ("tom/PROPN/nsubj>1 went/VERB/root>1 to/ADP/case>3 parties/NOUN/obl>1", "parties"),
    ],
)
def test_what_a_lone_it_may_stand_for(tree_of, clauses_of, first, wanted):
    tree = tree_of(f"{first} it/PRON/nsubj>5 shone/VERB/root>5")
    found = names(tree, find_referents(tree, clauses_of(tree), []))
    assert [name for name, heads in found.items() if 4 in heads] == [wanted]


def weigh(referent, opinions, scores):
    return weigh_opinions(referent, index_opinions(opinions), scores)


def test_opinions_are_found_by_their_tokens():
    first = Opinion(1, frozenset({0, 2}), frozenset({3}))
    second = Opinion(5, frozenset({2}), frozenset())
    assert index_opinions([first, second]) == {0: [first], 2: [first, second], 3: [first]}
    # Of two mentions in one clause the clause counts once.
    both = Referent((0, 1), [(0, 1), (2, 3)], frozenset({0, 2}))
    assert weigh(both, [first, second], {1: -0.1, 5: 0.7}) == pytest.approx(0.6)


def test_strong_opinions_weigh_more():
    tom = Referent((0, 1), [(0, 1)], frozenset({0, 4}))
    about = [Opinion(1, frozenset({0, 2}), frozenset()), Opinion(5, frozenset({4}), frozenset())]
    assert weigh(tom, about, {1: -0.1, 5: 0.7}) == pytest.approx(0.6)
    assert weigh(tom, [Opinion(1, frozenset(), frozenset({4}))], {1: 0.5}) == -0.5
    assert weigh(tom, [Opinion(1, frozenset({2}), frozenset())], {1: 0.5}) == 0.0
    assert weigh(tom, about, {}) == 0.0
