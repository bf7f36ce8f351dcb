"""The behavioural suites: well formed, apart from all training data, made by their generator."""

import importlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spacy_lstm.coref.mentions import find_pronoun
from spacy_lstm.coref.suite import read_question
from spacy_lstm.suites import Case, read_suite

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "corpus" / "suites" / "pronouns_en.jsonl"
CLASSES = """
    gender_agreement number_agreement recency_subject parallelism binding distance_near
    distance_middle distance_far quoted_speech nested_possessive plural_antecedent name_change
    gender_swap reflexive cataphora pleonastic_it it_thing it_animal it_group singular_they
    neopronoun title_kin definite_noun neutral_name lists_paragraphs odd_form
"""
# Words between the pronoun and its antecedent.
DISTANCES = {"distance_near": (1, 20), "distance_middle": (21, 80), "distance_far": (81, 200)}
# "her" is him and his: the twin of "she ... her" may be either.
SWAPPED = {
    "he": {"she"},
    "she": {"he"},
    "him": {"her"},
    "his": {"her"},
    "her": {"him", "his"},
    "himself": {"herself"},
    "herself": {"himself"},
}


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return read_suite(SUITE.read_text(encoding="utf-8"), SUITE.name)


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, which is no installed package."""
    monkeypatch.syspath_prepend(str(ROOT / "corpus"))
    return importlib.import_module("source.suites")


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "corpus"))
    words = "name_f*: Ann, Eve\nname_m*: Tom, Ben\nname_n*: Kit, Bo\nrare_f*: Xia, Una\n"
    words += "surname*: Poe, Lee, Day\ntitle_f*: Mrs.\ntitle_m*: Mr.\ntitle_n*: Dr.\nday*: Monday\n"
    words += "word_f*: Ivy\n"
    agreement = "f m n\nhe@ she he they\nbrother sister brother sibling\n"
    return importlib.import_module("source.templates").read_vocabulary(words, agreement)


def test_enough_cases_of_every_class(cases: list[Case]) -> None:
    counts = Counter(case.kind for case in cases)
    assert len(cases) >= 1000
    assert set(counts) == set(CLASSES.split())
    assert min(counts.values()) >= 24
    assert max(counts.values()) < 0.1 * len(cases)


def test_spans_lie_on_words_and_pronouns_are_pronouns(cases: list[Case]) -> None:
    for case in cases:
        question = read_question(case.fields, case.text, case.id)
        assert find_pronoun(case.text[slice(*question.pronoun)]), case.id
        assert bool(question.answers) is (case.kind != "pleonastic_it"), case.id
        for start, end in (question.pronoun, *question.answers):
            assert case.text[start:end] == case.text[start:end].strip()
            assert not case.text[:start][-1:].isalnum(), case.id
            assert not case.text[end:][:1].isalnum(), case.id
        for start, end in question.answers:
            assert not start <= question.pronoun[0] < end, f"{case.id}: an answer holds the pronoun"


def test_genders_of_pronoun_and_named_answer_agree(cases: list[Case]) -> None:
    """A name stands with she or with he, never with both, but for names of any gender."""
    families: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        question = read_question(case.fields, case.text, case.id)
        pronoun = find_pronoun(case.text[slice(*question.pronoun)])
        assert pronoun is not None
        for answer in question.answers:
            name = case.text[slice(*answer)].lower()
            if re.fullmatch(r"[\w'-]+", name) and case.kind not in ("neutral_name", "name_change"):
                families[name] |= {pronoun.family} & {"he", "she"}
    assert sum(len(found) == 1 for found in families.values()) > 80
    assert [name for name, found in families.items() if len(found) > 1] == []


def test_texts_differ_and_are_not_all_of_one_mould(cases: list[Case]) -> None:
    texts = {case.text for case in cases}
    assert len(texts) > 0.9 * len(cases)
    firsts = Counter(" ".join(re.sub(r"\b[A-Z]\w+", "N", text).split()[:4]) for text in texts)
    assert len(firsts) > 250


@pytest.mark.parametrize(("kind", "bounds"), DISTANCES.items())
def test_distances_are_what_their_class_says(
    cases: list[Case], kind: str, bounds: tuple[int, int]
) -> None:
    for case in cases:
        if case.kind == kind:
            question = read_question(case.fields, case.text, case.id)
            (answer,) = question.answers
            between = case.text[answer[1] : question.pronoun[0]].split()
            assert bounds[0] <= len(between) <= bounds[1], case.id


def test_groups_are_one_text_with_other_names_or_genders(cases: list[Case]) -> None:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.group is not None:
            groups[case.group].append(case)
    assert {case.kind for members in groups.values() for case in members} == {
        "name_change",
        "gender_swap",
    }
    for members in groups.values():
        questions = [read_question(case.fields, case.text, case.id) for case in members]
        pronouns = [
            case.text[slice(*question.pronoun)].lower()
            for case, question in zip(members, questions, strict=True)
        ]
        # The same number of words, whatever the names.
        assert len({len(re.findall(r"[\w'-]+|[.,]", case.text)) for case in members}) <= 2
        if members[0].kind == "name_change":
            assert len(members) == 8
            assert len(set(pronouns)) == 1
        else:
            first, second = pronouns
            assert second in SWAPPED[first]


def test_nothing_of_it_is_in_the_embedded_data(cases: list[Case]) -> None:
    """No text shares most of its word triples with a text that something may be trained on."""
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    sizes = []
    for path in sorted((ROOT / "corpus").glob("*_en/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            triples = word_triples(json.loads(line)["text"])
            for triple in triples:
                holders[triple].add(len(sizes))
            sizes.append(len(triples))
    assert len(sizes) > 2000
    for text in {case.text for case in cases}:
        mine = word_triples(text)
        shared = Counter(row for triple in mine for row in holders.get(triple, ()))
        for row, count in shared.most_common(1):
            assert count / (len(mine) + sizes[row] - count) < 0.5, text


def word_triples(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def test_card_says_that_it_is_a_test_and_counts_the_cases(cases: list[Case]) -> None:
    card = (SUITE.parent / "README.md").read_text(encoding="utf-8")
    assert "A test, never training data" in card
    groups = {case.group for case in cases} - {None}
    assert f"| all | {len(cases)} | {len(groups)} |" in card
    for kind in CLASSES.split():
        assert f"`{kind}`" in card


def test_no_workflow_or_configuration_names_a_suite() -> None:
    files = [ROOT / "project.yml", *(ROOT / "configs").rglob("*.cfg")]
    assert len(files) > 3
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            measured = "evaluate suite" in line or "evaluate entities" in line
            assert "suites" not in line or measured or "deps" in line, (path, line)


def make(suites: ModuleType, vocabulary: Any, line: str) -> list[dict[str, Any]]:
    frames = suites.read_frames(["== x", line])
    made: list[dict[str, Any]] = suites.make_cases("s", frames, vocabulary, ["It rained.", "A."])
    return made


def test_frames_become_cases(suites: ModuleType, vocabulary: Any) -> None:
    line = (
        "1 A=f B=!A | [C {A}'s {B:brother}]\\nsaw {B:title} on {day}. {fill:3} <A He> and <- it>."
    )
    first, second = make(suites, vocabulary, line)
    text = first["text"]
    told, filled = text.split(". ", 1)[0], text.split("Monday. ")[1]
    assert re.fullmatch(r"(Ann|Eve)'s brother\nsaw Mr", told)
    assert filled in ("It rained. A. She and it.", "A. It rained. She and it.")
    assert text[slice(*first["pronoun"].values())] == "She"
    assert [text[slice(*span.values())] for span in first["answer"]] == [text[:3]]
    assert second["answer"] == []
    assert [case["id"] for case in (first, second)] == ["s/x_001", "s/x_002"]


def test_groups_swap_genders_or_names(suites: ModuleType, vocabulary: Any) -> None:
    twins = make(suites, vocabulary, "swap*1 A=? | {A} ran (far|far). <A He> won.")
    assert {case["group"] for case in twins} == {"x_g01"}
    assert sorted(case["text"].split()[-2] for case in twins) == ["He", "She"]
    renamed = make(suites, vocabulary, "names*3 A=f | {A} ran. <A He> won.")
    assert [
        case["text"].split()[0] in names
        for case, names in zip(renamed, (("Ann", "Eve"), ("Xia", "Una"), ("Ivy",)), strict=True)
    ] == [True] * 3


def test_whole_texts_in_capitals_or_small_letters(suites: ModuleType, vocabulary: Any) -> None:
    (loud,) = make(suites, vocabulary, "1 upper A=M | [A The boy {A}] ran. <A He> won.")
    assert loud["text"] in ("THE BOY KIT RAN. HE WON.", "THE BOY BO RAN. HE WON.")
    (quiet,) = make(suites, vocabulary, "1 lower A=F | {A} ran. <A He> won.")
    assert quiet["text"] in ("kit ran. she won.", "bo ran. she won.")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 A=f | [A Ann ran. <A She> won.", "a bracket never closes"),
        ("1 A=f | Ann] ran. <A She> won.", "a bracket closes that never opened"),
        ("1 A=f | {A} ran.", "nothing is tested in"),
        ("1 A=f | {A} ran. <B She> won.", "B is never mentioned in"),
        ("1 A=f | {A:boots} ran. <A She> won.", "no form 'boots' of a person"),
        ("3 | [P Ann] (ran|swam). <P She> won.", "only 2 of 3 texts from the frame"),
        ("swap*2 A=f | {A} ran. <A He> won.", "only 1 of 2 texts from the frame"),
        ("names*4 A=f | {A} ran. <A He> won.", "the list 'surname' has no word left"),
        ("names*2 A=f | [A The cook] ran. <A He> won.", "the same text twice"),
    ],
)
def test_frames_with_faults_are_refused(
    suites: ModuleType, vocabulary: Any, line: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make(suites, vocabulary, line)
