"""Whom clauses are about, by trees written by hand."""

import pytest

from spacy_lstm.coref.opinions import find_opinions

# What is felt of whom: + about, - against.
CASES = [
    ("maria/PROPN/nsubj>1 hated/VERB/root>1 hotels/NOUN/obj>1", "+hotels"),
    ("noise/NOUN/nsubj>1 annoyed/VERB/root>1 tom/PROPN/obj>1", "+noise"),
    ("noise/NOUN/nsubj>1 annoyed/VERB/root>1 tom/PROPN/nsubj>1", "+noise"),
    ("thieves/NOUN/nsubj>1 robbed/VERB/root>1 tom/PROPN/obj>1", "+thieves"),
    ("i/PRON/nsubj>1 cleaned/VERB/root>1 rooms/NOUN/obj>1", "+rooms"),
    ("avoid/VERB/root>0 rooms/NOUN/obj>0", "+rooms"),
    ("we/PRON/nsubj>1 ate/VERB/root>1 at/ADP/case>3 luigi/PROPN/obl>1", "+luigi"),
    (
        "we/PRON/nsubj>1 went/VERB/root>1 from/ADP/case>3 rome/PROPN/obl>1 to/ADP/case>5 "
        "pisa/PROPN/obl>1",
        "",
    ),
    (
        "tom/PROPN/nsubj>2 was/AUX/aux>2 annoyed/VERB/root>2 by/ADP/case>4 noise/NOUN/obl>2",
        "+noise",
    ),
    (
        "tom/PROPN/nsubj>2 was/AUX/aux>2 robbed/VERB/root>2 by/ADP/case>4 thieves/NOUN/obl>2",
        "+thieves",
    ),
    ("soup/NOUN/nsubj>2 was/AUX/aux>2 burnt/VERB/root>2", "+soup"),
    (
        "plays/NOUN/nsubj>2 were/AUX/aux>2 despised/VERB/root>2 by/ADP/case>4 critics/NOUN/obl>2",
        "+plays",
    ),
    ("critics/NOUN/nsubj>1 rave/VERB/root>1 about/ADP/case>3 it/PRON/obl>1", "+it"),
    (
        "kids/NOUN/nsubj>1 fell/VERB/root>1 in/ADP/case>3 love/NOUN/obl>1 with/ADP/case>5 "
        "dogs/NOUN/nmod>3 at/ADP/case>7 once/ADV/obl>1",
        "+dogs",
    ),
    ("soup/NOUN/nsubj>2 was/AUX/cop>2 cold/ADJ/root>2", "+soup"),
    (
        "nobody/PRON/nsubj>2 was/AUX/cop>2 happy/ADJ/root>2 with/ADP/case>4 soup/NOUN/obl>2",
        "+soup",
    ),
    ("great/ADJ/amod>1 view/NOUN/root>1", "+view"),
    (
        "tea/NOUN/nsubj>2 was/AUX/cop>2 better/ADJ/root>2 than/ADP/case>4 coffee/NOUN/obl>2",
        "+tea -coffee",
    ),
    (
        "i/PRON/nsubj>1 prefer/VERB/root>1 tea/NOUN/obj>1 to/ADP/case>4 coffee/NOUN/obl>1",
        "+tea -coffee",
    ),
    (
        "compared/VERB/advcl>5 with/ADP/case>2 huts/NOUN/obl>0 tents/NOUN/nsubj>5 are/AUX/cop>5 "
        "fine/ADJ/root>5",
        "+tents -huts",
    ),
    (
        "compared/ADP/case>2 with/ADP/fixed>0 huts/NOUN/obl>5 tents/NOUN/nsubj>5 are/AUX/cop>5 "
        "fine/ADJ/root>5",
        "+tents -huts",
    ),
    (
        "pizza/NOUN/nsubj>2 was/AUX/cop>2 good/ADJ/root>2 ,/PUNCT/punct>4 best/ADJ/parataxis>2",
        "+pizza +pizza",
    ),
    (
        "fish/NOUN/obj>2 we/PRON/nsubj>2 ate/VERB/root>2 which/PRON/nsubj>5 was/AUX/cop>5 "
        "raw/ADJ/acl>0",
        "+fish +fish",
    ),
    (
        "books/NOUN/nsubj>5 that/PRON/obj>3 ann/PROPN/nsubj>3 loved/VERB/acl>0 were/AUX/cop>5 "
        "dull/ADJ/root>5",
        "+books +books",
    ),
    (
        "towns/NOUN/root>0 where/ADV/advmod>3 ann/PROPN/nsubj>3 wept/VERB/acl>0",
        "+towns +ann",
    ),
    ("waiters/NOUN/root>0 were/AUX/cop>2 rude/ADJ/ccomp>0", "+waiters +waiters"),
    ("he/PRON/nsubj>1 lied/VERB/root>1 and/CCONJ/cc>3 left/VERB/conj>1", "+he +he"),
    ("stories/NOUN/root>0 made/VERB/conj>0 sense/NOUN/obj>1", "+stories +stories"),
    (
        "he/PRON/nsubj>1 met/VERB/root>1 ann/PROPN/obj>1 a/DET/det>5 kind/ADJ/amod>5 "
        "soul/NOUN/appos>2",
        "+he +ann +soul",
    ),
    (
        "ann/PROPN/nsubj>4 and/CCONJ/cc>2 tom/PROPN/conj>0 were/AUX/cop>4 rude/ADJ/root>4",
        "+ann +tom",
    ),
    (
        "disappointed/ADJ/root>0 in/ADP/case>2 you/PRON/obl>0 peter/PROPN/vocative>0",
        "+you +peter",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_whom_clauses_are_about(tree_of, clauses_of, text, wanted):
    tree = tree_of(text)
    found = []
    for opinion in find_opinions(tree, clauses_of(tree)):
        found += [f"+{tree.words[i]}" for i in sorted(opinion.about)]
        found += [f"-{tree.words[i]}" for i in sorted(opinion.against)]
    assert sorted(found) == sorted(wanted.split())
