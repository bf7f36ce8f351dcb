"""The behavioural suite of sentiment: well formed, apart from all training data, made by its
generator."""

import importlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spacy_lstm.suites import Case, read_suite
from spacy_lstm.suites.sentiment import LABELS, Question, read_questions

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "corpus" / "suites" / "sentiment_en.jsonl"
CLASSES = """
    vocabulary negation negation_far negated_expectation double_negation contrast intensifiers
    comparatives emoji typos elongation_case hashtags neutral_facts name_swap identity_swap
    temporal_change questions irrealis quoted_opinions contractions long_texts
"""
# Classes whose cases are compared with each other, and how.
SAME = {"typos", "name_swap", "identity_swap", "contractions"}
STRONGER = {"intensifiers", "elongation_case"}


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return read_suite(SUITE.read_text(encoding="utf-8"), SUITE.name)


@pytest.fixture(scope="module")
def questions(cases: list[Case]) -> dict[str, Question]:
    return dict(zip((case.id for case in cases), read_questions(cases), strict=True))


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, which is no installed package."""
    monkeypatch.syspath_prepend(str(ROOT / "corpus"))
    return importlib.import_module("source.sentiment_suite")


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "corpus"))
    words = "film*: film, opera\ngood_film*: clever\nbad_film*: useless\ncity*: Oslo, Lima\n"
    return importlib.import_module("source.templates").read_vocabulary(words, "f m n")


def test_enough_cases_of_every_class(cases: list[Case]) -> None:
    counts = Counter(case.kind for case in cases)
    assert len(cases) >= 1100
    assert set(counts) == set(CLASSES.split())
    assert min(counts.values()) >= 40
    assert max(counts.values()) < 0.1 * len(cases)


def test_every_case_has_labels_and_none_prevails(
    cases: list[Case], questions: dict[str, Question]
) -> None:
    counts = Counter(questions[case.id].labels for case in cases)
    assert set(counts) == {
        *((label,) for label in LABELS),
        ("NEGATIVE", "NEUTRAL"),
        ("POSITIVE", "NEUTRAL"),
    }
    assert max(counts.values()) < 0.5 * len(cases)
    # Where all of a class is of one label, a model that says nothing else passes it.
    of_class: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for case in cases:
        of_class[case.kind].add(questions[case.id].labels)
    assert {kind for kind, found in of_class.items() if len(found) == 1} == {"neutral_facts"}


def test_texts_differ_and_are_not_all_of_one_mould(cases: list[Case]) -> None:
    texts = [case.text for case in cases]
    assert len(set(texts)) == len(texts)
    firsts = Counter(" ".join(re.sub(r"\b[A-Z]\w+", "N", text).split()[:4]) for text in texts)
    assert len(firsts) > 400
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"[{}|]|=>|a/an|<(?!\))", text), text


def test_groups_are_compared_with_their_first(
    cases: list[Case], questions: dict[str, Question]
) -> None:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.group is not None:
            groups[case.group].append(case)
    assert {members[0].kind for members in groups.values()} == SAME | STRONGER
    for name, (first, *others) in groups.items():
        assert questions[first.id].base is None
        assert others, name
        for other in others:
            question = questions[other.id]
            assert (question.base, question.labels) == (first.id, questions[first.id].labels)
            assert 0 < question.tolerance <= 0.4
            directed = {"POSITIVE": "up", "NEGATIVE": "down"} if other.kind in STRONGER else {}
            assert question.direction == directed.get(question.labels[0]), other.id


def test_nothing_of_it_is_in_the_embedded_data(cases: list[Case]) -> None:
    """No text shares most of its word triples with a text that something may be trained on."""
    rows = []
    for path in sorted((ROOT / "corpus").glob("*_en/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            rows.append(word_triples(json.loads(line)["text"]))
    assert len(rows) > 2000
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, triples in enumerate(rows):
        for triple in triples:
            holders[triple].add(number)
    for case in cases:
        mine = word_triples(case.text)
        shared = Counter(row for triple in mine for row in holders.get(triple, ()))
        for row, count in shared.items():
            assert count / len(mine | rows[row]) < 0.5, case.text


def word_triples(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def test_card_counts_the_cases(cases: list[Case]) -> None:
    card = (SUITE.parent / "README.md").read_text(encoding="utf-8")
    groups = {case.group for case in cases} - {None}
    assert f"| all | {len(cases)} | {len(groups)} |" in card
    for kind in CLASSES.split():
        assert f"`{kind}`" in card


def make(suites: ModuleType, vocabulary: Any, line: str) -> list[dict[str, Any]]:
    frames = suites.read_frames(["== x", line])
    made: list[dict[str, Any]] = suites.make_sentiment_cases("s", frames, vocabulary)
    return made


def test_frames_become_cases_and_their_mirror_images(suites: ModuleType, vocabulary: Any) -> None:
    line = "1 both | {-Film} start, but a/an {+film} {FILM} in the (end|end). I <loved/hated> it."
    first, second = make(suites, vocabulary, line)
    assert re.fullmatch(
        "Useless start, but a clever (FILM|OPERA) in the end. I loved it.", first["text"]
    )
    assert re.fullmatch(
        "Clever start, but a useless (FILM|OPERA) in the end. I hated it.", second["text"]
    )
    assert [case["labels"] for case in (first, second)] == [["POSITIVE"], ["NEGATIVE"]]
    assert [case["id"] for case in (first, second)] == ["s/x_001", "s/x_002"]
    assert "group" not in first


def test_several_labels_and_articles(suites: ModuleType, vocabulary: Any) -> None:
    made = make(suites, vocabulary, "2 pos/neu | It's a/an {film}, then a/an {film2}.")
    assert {case["text"] for case in made} == {
        "It's a film, then an opera.",
        "It's an opera, then a film.",
    }
    assert made[0]["labels"] == ["POSITIVE", "NEUTRAL"]


def test_groups_of_names_of_spellings_and_of_strength(suites: ModuleType, vocabulary: Any) -> None:
    first, second = make(suites, vocabulary, "2 vary neu | A {film} in {@city}.")
    assert {case["text"].split()[-1] for case in (first, second)} == {"Oslo.", "Lima."}
    assert first["text"].split()[1] == second["text"].split()[1]
    assert first["group"] == second["group"] == "x_g01"
    assert "base" not in first
    assert (second["base"], second["tolerance"]) == (first["id"], suites.TOLERANCES["vary"])
    plain, odd, odder = make(suites, vocabulary, "1 same neg | bad => baad => badd")
    assert [case["text"] for case in (plain, odd, odder)] == ["bad", "baad", "badd"]
    assert odder["base"] == plain["id"]
    assert "direction" not in odder
    made = make(suites, vocabulary, "1 more both | <good/bad> => very <good/bad>")
    assert [case.get("direction") for case in made] == [None, "up", None, "down"]
    assert [case["group"] for case in made] == ["x_g01", "x_g01", "x_g02", "x_g02"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 twin pos | good", "no kind 'twin' of a frame"),
        ("1 good | good", "no label 'good'"),
        ("1 more neu | so => so", "nothing is more 'neu' than another text"),
        ("1 same pos | good", "a group of one text: 'good'"),
        ("3 pos | a {film}", "only 2 of 3 texts from the frame"),
        ("3 vary pos | in {@city}", "the list 'city' has no word left"),
        ("2 vary pos | in {city}", "the same text twice"),
        ("1 same pos | good => good", "the same text twice"),
        ("1 pos | a {boat}", "no word list 'boat'"),
    ],
)
def test_frames_with_faults_are_refused(
    suites: ModuleType, vocabulary: Any, line: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make(suites, vocabulary, line)
