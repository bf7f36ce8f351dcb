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
SUITE = Path(__file__).parents[2] / "corpus" / "suites" / "pronouns_en.jsonl"
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
    path = tmp_path / "suite.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    Language.component("first_name_stub", func=resolve_to_first_name)
    register_extensions()
    nlp = spacy.blank("en")
    nlp.add_pipe("first_name_stub")
    monkeypatch.setattr(command, "load_for", lambda model, factory: (nlp, None))


@pytest.mark.usefixtures("stub")
def test_failure_rates_of_known_answers(run: Run, suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "suite.json"
    result = run("evaluate", "suite", "stub", suite, "--json", "--output", output)
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    assert json.loads(output.read_text(encoding="utf-8")) == scores
    assert (scores["suite"], scores["cases"], scores["failures"]) == ("suite.jsonl", 8, 3)
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no suite at .*: give a JSONL file of cases"),
        (b"\xff\xfe", "is not UTF-8 .*: convert it first"),
        (b'{"id": "1", "class": "x", "text": "y"}', "1 has no list 'answer'"),
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


def test_suites_are_no_data_to_prepare(run: Run, tmp_path: Path) -> None:
    result = run("prepare", SUITE, tmp_path / "train.spacy")
    assert result.exit_code == 1
    assert "no form that is known" in result.stderr
    assert not (tmp_path / "train.spacy").exists()


def test_bundle_keeps_the_plainest_behaviours(tmp_path: Path) -> None:
    """Far looser than what it reaches: for what a retrained bundle must never lose."""
    kinds = ("gender_agreement", "recency_subject", "title_kin", "distance_near", "gender_swap")
    lines = SUITE.read_text(encoding="utf-8").splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    part.write_text(
        "".join(line for line in lines if json.loads(line)["class"] in kinds), encoding="utf-8"
    )
    scores = evaluate_suite("en_lstm_sm", part)
    assert tuple(sorted(scores["per_class"])) == tuple(sorted(kinds))
    for kind, tally in scores["per_class"].items():
        assert tally["failure_rate"] < 0.4, kind
