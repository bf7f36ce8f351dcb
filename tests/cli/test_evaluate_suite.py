"""`evaluate suite`: failure rates of a stub whose answers are known, and of the bundle."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup
from typer.testing import Result

from spacy_lstm.cli import evaluate_suite as command
from spacy_lstm.cli.evaluate_suite import evaluate_suite
from spacy_lstm.pipeline.extensions import register_extensions

Run = Callable[..., Result]
SUITES = Path(__file__).parents[2] / "corpus" / "suites"
SUITE = SUITES / "pronouns_en.jsonl"
# Text, class, group, pronoun, answers.
CASES = [
    ("Ann left. She ran.", "near", "g1", "She", ["Ann"]),
    ("Eve left. She ran.", "near", "g1", "She", ["Eve"]),
    ("Tom met Ann. He ran.", "far", "g2", "He", ["Tom"]),
    ("Tom met Ann. She ran.", "far", "g2", "She", ["Ann"]),
    ("It rained on Ann.", "none", None, "It", []),
    ("Now it snowed.", "none", None, "it", []),
    ("We saw her.", "far", None, "her", ["We"]),
    ("Ann left and *she* ran.", "near", None, "she", ["Ann"]),
]
# Id, class, text, what is asked.
SENTIMENT_CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("1", "plain", "Good.", {"labels": ["POSITIVE"]}),
    ("2", "plain", "Not good.", {"labels": ["NEGATIVE", "NEUTRAL"]}),
    ("3", "fact", "It is two.", {"labels": ["NEUTRAL"]}),
    ("4", "names", "Good Ann.", {"labels": ["POSITIVE"], "group": "g1"}),
    ("5", "names", "Good old Ann.", {"group": "g1", "base": "4", "tolerance": 0.5}),
    ("6", "names", "Ann.", {"group": "g1", "base": "4", "tolerance": 0.5}),
    ("7", "more", "Bad", {"labels": ["NEGATIVE"], "group": "g2"}),
    ("8", "more", "Bad bad", {"group": "g2", "base": "7", "tolerance": 0, "direction": "down"}),
    ("9", "more", "so-so", {"group": "g2", "base": "7", "tolerance": 0, "direction": "down"}),
]


def resolve_to_first_name(doc: Doc) -> Doc:
    """Third-person pronouns stand for the first capitalized word that is no pronoun."""
    names = [t for t in doc if t.is_title and t.lower_ not in ("she", "he", "it", "now", "we")]
    links = [
        {"anaphor": [t.i, t.i + 1], "antecedent": [names[0].i, names[0].i + 1], "score": 0.5}
        for t in doc
        if names and t.lower_ in ("she", "he", "it")
    ]
    doc.spans["coref_clusters_1"] = SpanGroup(doc, attrs={"links": links})
    return doc


def count_good_and_bad(doc: Doc) -> Doc:
    """Scores of 0.4 for each "good" and -0.4 for each "bad"."""
    score = 0.4 * sum({"good": 1, "bad": -1}.get(token.lower_, 0) for token in doc)
    doc.cats = {
        "NEGATIVE": max(0.0, -score),
        "NEUTRAL": 0.3 if score else 1.0,
        "POSITIVE": max(0.0, score),
    }
    doc.sentiment = score
    return doc


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = []
    for number, (text, kind, group, pronoun, answers) in enumerate(CASES):
        spans = [
            {"start": text.index(words), "end": text.index(words) + len(words)}
            for words in (pronoun, *answers)
        ]
        row: dict[str, Any] = {"id": str(number), "class": kind, "text": text}
        row |= {"pronoun": spans[0], "answer": spans[1:]}
        rows.append(row if group is None else {**row, "group": group})
    return write_suite(tmp_path / "suite.jsonl", rows)


@pytest.fixture
def sentiment_suite(tmp_path: Path) -> Path:
    return write_suite(
        tmp_path / "feelings.jsonl",
        [
            {"id": name, "class": kind, "text": text, **asked}
            for name, kind, text, asked in SENTIMENT_CASES
        ],
    )


def write_suite(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    Language.component("first_name_stub", func=resolve_to_first_name)
    Language.component("counting_stub", func=count_good_and_bad)
    register_extensions()
    stubs = {"lstm_coref": "first_name_stub", "lstm_sentiment": "counting_stub"}

    def load(model: str, factory: str) -> tuple[Language, None]:
        nlp = spacy.blank("en")
        nlp.add_pipe(stubs[factory])
        return nlp, None

    monkeypatch.setattr(command, "load_for", load)


@pytest.mark.usefixtures("stub")
def test_failure_rates_of_known_answers(run: Run, suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "suite.json"
    result = run("evaluate", "suite", "stub", suite, "--json", "--output", output)
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    assert json.loads(output.read_text(encoding="utf-8")) == scores
    assert (scores["suite"], scores["task"]) == ("suite.jsonl", "pronouns")
    assert (scores["cases"], scores["failures"]) == (8, 3)
    assert scores["outcomes"] == {"missed": 1, "spurious": 1, "wrong": 1}
    rates = {kind: tally["failure_rate"] for kind, tally in scores["per_class"].items()}
    assert rates == {"near": 0.0, "far": pytest.approx(2 / 3), "none": 0.5}
    assert (scores["groups"], scores["groups_failed"], scores["groups_unsteady"]) == (2, 1, 1)
    assert [(r["id"], r["outcome"], r["pronoun"], r["predicted"]) for r in scores["failed"]] == [
        ("3", "wrong", "She", "Tom"),
        ("4", "spurious", "It", "Ann"),
        ("6", "missed", "her", None),
    ]
    assert scores["failed"][0]["answer"] == ["Ann"]
    assert scores["failed"][0]["text"] == "Tom met Ann. She ran."


@pytest.mark.usefixtures("stub")
def test_table_for_people(run: Run, suite: Path) -> None:
    lines = run("evaluate", "suite", "stub", suite).stdout.splitlines()
    header = "class cases failed % missed wrong spurious groups failed unsteady"
    assert lines[0].split() == header.split()
    assert [line.split() for line in lines[2:]] == [
        ["near", "3", "0", "0.0", "0", "0", "0", "1", "0", "0"],
        ["far", "3", "2", "66.7", "1", "1", "0", "1", "1", "1"],
        ["none", "2", "1", "50.0", "0", "0", "1"],
        ["all", "8", "3", "37.5", "1", "1", "1", "2", "1", "1"],
    ]


@pytest.mark.usefixtures("stub")
def test_sentiment_is_told_alike(run: Run, suite: Path, sentiment_suite: Path) -> None:
    result = run("evaluate", "suite", "stub", sentiment_suite, "--json")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    pronouns = json.loads(run("evaluate", "suite", "stub", suite, "--json").stdout)
    assert scores.keys() == pronouns.keys()
    assert scores["per_class"]["plain"].keys() == pronouns["per_class"]["near"].keys()
    assert (scores["suite"], scores["task"]) == ("feelings.jsonl", "sentiment")
    assert scores["outcomes"] == {"changed": 1, "weaker": 1, "wrong": 1}
    rates = {kind: tally["failure_rate"] for kind, tally in scores["per_class"].items()}
    third = pytest.approx(1 / 3)
    assert rates == {"plain": 0.5, "fact": 0.0, "names": third, "more": third}
    wrong, changed, weaker = scores["failed"]
    assert wrong == {
        "id": "2",
        "class": "plain",
        "outcome": "wrong",
        "text": "Not good.",
        "expected": ["NEGATIVE", "NEUTRAL"],
        "got": "POSITIVE",
        "score": pytest.approx(0.4),
    }
    assert (changed["id"], changed["outcome"], changed["got"]) == ("6", "changed", "NEUTRAL")
    assert (changed["expected"], changed["base"], changed["base_got"]) == ([], "4", "POSITIVE")
    assert changed["base_score"] == pytest.approx(0.4)
    assert (weaker["id"], weaker["outcome"], weaker["score"]) == ("9", "weaker", 0.0)


@pytest.mark.usefixtures("stub")
def test_table_of_sentiment(run: Run, sentiment_suite: Path) -> None:
    lines = run("evaluate", "suite", "stub", sentiment_suite).stdout.splitlines()
    header = "class cases failed % wrong changed weaker groups failed unsteady"
    assert lines[0].split() == header.split()
    assert [line.split() for line in lines[2:]] == [
        ["plain", "2", "1", "50.0", "1", "0", "0"],
        ["fact", "1", "0", "0.0", "0", "0", "0"],
        ["names", "3", "1", "33.3", "0", "1", "0", "1", "1", "1"],
        ["more", "3", "1", "33.3", "0", "0", "1", "1", "1", "1"],
        ["all", "9", "3", "33.3", "1", "1", "1", "2", "2", "2"],
    ]


def test_labels_of_another_kind_are_refused(
    sentiment_suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tag(doc: Doc) -> Doc:
        doc.cats = {"SPAM": 0.5, "HAM": 0.5}
        return doc

    Language.component("spam_stub", func=tag)
    nlp = spacy.blank("en")
    nlp.add_pipe("spam_stub")
    monkeypatch.setattr(command, "load_for", lambda model, factory: (nlp, None))
    with pytest.raises(ValueError, match="has the labels SPAM, HAM: expected NEGATIVE and"):
        evaluate_suite("stub", sentiment_suite)


def test_suites_of_two_tasks_are_refused(tmp_path: Path) -> None:
    case = {"class": "x", "text": "He ran."}
    pronoun = {"pronoun": {"start": 0, "end": 2}, "answer": []}
    path = write_suite(
        tmp_path / "both.jsonl",
        [{"id": "1", **case, **pronoun}, {"id": "2", **case, "labels": ["NEUTRAL"]}],
    )
    message = r"asks about pronouns \(1\) and sentiment \(2\): expected one of them"
    with pytest.raises(ValueError, match=message):
        evaluate_suite("en_lstm_sm", path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no suite at .*: give a JSONL file of cases"),
        (b"\xff\xfe", "is not UTF-8 .*: convert it first"),
        (b'{"id": "1", "class": "x", "text": "y"}', "1 asks nothing that is known: expected"),
        (b'{"id": "1", "class": "x", "text": "y", "pronoun": 1}', "1 has no list 'answer'"),
        (b'{"id": "1", "class": "x", "text": "y", "labels": 1}', "1: labels = 1: expected a list"),
    ],
)
def test_what_is_no_suite_is_one_line(
    run: Run, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "suite.jsonl"
    if content is not None:
        path.write_bytes(content)
    result = run("evaluate", "suite", "en_lstm_sm", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    with pytest.raises(ValueError, match=message):
        evaluate_suite("en_lstm_sm", path)


@pytest.mark.parametrize("suite", sorted(SUITES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_suites_are_no_data_to_prepare(run: Run, tmp_path: Path, suite: Path) -> None:
    result = run("prepare", suite, tmp_path / "train.spacy")
    assert result.exit_code == 1
    assert "no form that is known" in result.stderr
    assert not (tmp_path / "train.spacy").exists()


def test_bundle_keeps_the_plainest_behaviours(tmp_path: Path) -> None:
    """Far looser than what it reaches: for what a retrained bundle must never lose."""
    kinds = ("gender_agreement", "recency_subject", "title_kin", "distance_near", "gender_swap")
    rows = map(json.loads, SUITE.read_text(encoding="utf-8").splitlines())
    kept = [row for row in rows if row["class"] in kinds]
    scores = evaluate_suite("en_lstm_sm", write_suite(tmp_path / "part.jsonl", kept))
    assert tuple(sorted(scores["per_class"])) == tuple(sorted(kinds))
    for kind, tally in scores["per_class"].items():
        assert tally["failure_rate"] < 0.4, kind


def test_bundle_keeps_the_plainest_feelings(tmp_path: Path) -> None:
    """Far looser than what it reaches: for what a retrained bundle must never lose."""
    kinds = ("vocabulary", "contractions", "name_swap", "long_texts")
    lines = (SUITES / "sentiment_en.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["class"] in kinds]
    scores = evaluate_suite("en_lstm_sm", write_suite(tmp_path / "part.jsonl", rows))
    assert tuple(sorted(scores["per_class"])) == tuple(sorted(kinds))
    for kind, tally in scores["per_class"].items():
        assert tally["failure_rate"] < 0.3, kind


def test_stronger_labels_count_on_their_sides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(model: str, factory: str) -> tuple[Language, None]:
        nlp = spacy.blank("en")
        nlp.add_pipe("five_labels_stub")
        return nlp, None

    def read(doc: Doc) -> Doc:
        doc.cats = {"NEGATIVE": 0.2, "NEUTRAL": 0.3, "POSITIVE": 0.25, "VERY_POSITIVE": 0.25}
        return doc

    Language.component("five_labels_stub", func=read)
    monkeypatch.setattr(command, "load_for", load)
    path = tmp_path / "suite.jsonl"
    case = {"id": "1", "class": "plain", "text": "Good.", "labels": ["POSITIVE"]}
    path.write_text(json.dumps(case), encoding="utf-8")
    assert evaluate_suite("stub", path)["failures"] == 0
