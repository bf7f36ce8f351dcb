"""Which capitalized words are persons, which are not, and which are left open."""

import random
from pathlib import Path

import pytest

from spacy_lstm.corpora.persons import (
    NO_PERSON,
    PERSON,
    UNCLEAR,
    NameLists,
    PersonFinder,
    WordCounts,
    find_runs,
)
from spacy_lstm.errors import LstmError

from .silver_lists import read_lists, write_lists


@pytest.fixture
def lists(tmp_path):
    return read_lists(tmp_path)


def judged(lists, text, subject=None, corpus=""):
    counts = WordCounts()
    counts.add(corpus or text, lists)
    paragraphs = text.split("\n")
    runs = [run for part in PersonFinder(lists, counts, subject).find(paragraphs) for run in part]
    return [
        (" ".join(run.words), run.verdict, run.person.gender if run.person else None)
        for run in runs
    ]


def test_runs_of_capitalized_words():
    text = "When Ludwig van Beethoven met O'Neill's aunt in New York, Dr. J. S. Hill-Jones left."
    runs = list(find_runs(text))
    names = ["Ludwig van Beethoven", "O'Neill", "New York", "Dr. J. S. Hill-Jones"]
    assert [" ".join(run.words) for run in runs] == names
    assert [text[run.start : run.end] for run in runs] == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There Alice Hill slept.", [("Alice Hill", PERSON, "F")]),
        ("There Mrs. Hill slept.", [("Mrs. Hill", PERSON, "F")]),
        ("There Sir Peter slept.", [("Sir Peter", PERSON, "M")]),
        ("There John slept.", [("John", PERSON, "M")]),
        ("There his wife Ute Lemper slept.", [("Ute Lemper", PERSON, "F")]),
        ("There Kim Hill slept.", [("Kim Hill", UNCLEAR, None)]),
        ("There Rare slept.", [("Rare", UNCLEAR, None)]),
        ("There Ute Lemper slept.", [("Ute Lemper", UNCLEAR, None)]),
        ("There Mrs. Peter Hill slept.", [("Mrs. Peter Hill", UNCLEAR, None)]),
        ("There King John slept.", [("King John", UNCLEAR, None)]),
        ("There John II slept.", [("John II", UNCLEAR, None)]),
        ("The Mary Hill College closed.", [("Mary Hill College", NO_PERSON, None)]),
        ("It was the Peter Hill affair.", [("Peter Hill", NO_PERSON, None)]),
        ("It was a John-inspired song.", [("John-inspired", NO_PERSON, None)]),
        ("There the President slept.", [("President", NO_PERSON, None)]),
        ("It was at NATO in May.", [("NATO", NO_PERSON, None), ("May", NO_PERSON, None)]),
        ("She lived in Alice Springs.", [("Alice Springs", NO_PERSON, None)]),
        ("She lived in Alice.", [("Alice", NO_PERSON, None)]),
    ],
)
def test_one_name(lists, text, expected):
    assert judged(lists, text) == expected


def test_later_mentions_join_the_full_name(lists):
    text = "There Alice Hill met Peter Brown. Then Hill hit Brown and Alice left. J. Hill, A. Hill."
    found = judged(lists, text)
    assert [verdict for _, verdict, _ in found] == [PERSON] * 5 + [UNCLEAR, PERSON]
    assert [gender for *_, gender in found] == ["F", "M", "F", "M", "F", None, "F"]


def test_a_surname_of_two_persons_is_unclear(lists):
    found = judged(lists, "There Alice Hill met Peter Hill. Then Hill left, and Mrs. Hill, too.")
    assert found[2] == ("Hill", UNCLEAR, None)
    assert found[3] == ("Mrs. Hill", PERSON, "F")


def test_the_subject_of_a_page_owns_its_surname(lists):
    text = "Kim Hill (born 1900) was a smith.\nThere Alice Hill met Hill. There Kim left."
    found = judged(lists, text, subject="M")
    assert [gender for *_, gender in found] == ["M", "F", "M", "M"]


def test_a_corpus_tells_places_and_common_words(lists):
    corpus = (
        "She was in Virginia, at Virginia, near Virginia. It was in autumn, the autumn, autumn."
    )
    assert judged(lists, "So Virginia won. Autumn came.", corpus=corpus) == [
        ("Virginia", NO_PERSON, None)
    ]
    assert judged(lists, "So Virginia won.")[0][1] == PERSON


def test_drawn_names_have_the_gender(lists):
    rng = random.Random(0)
    assert {lists.draw("M", rng) for _ in range(200)} == {"John", "Peter", "Frank", "Hugo", "Boris"}


def test_mistakes_in_the_lists(tmp_path: Path):
    names, words = write_lists(tmp_path)
    with pytest.raises(LstmError, match=r"clear share is 0\.5: expected over"):
        NameLists(names, [words], clear_share=0.5, min_bearers=1)
    with pytest.raises(LstmError, match="has none of gender F: give another"):
        NameLists(names, [words], clear_share=0.9995, min_bearers=1)
    with pytest.raises(LstmError, match="No gender lexicon at"):
        NameLists(tmp_path / "none.tsv", [words], clear_share=0.9, min_bearers=1)
