"""`evaluate entities`: figures of a stub whose answers are known, and of the bundle."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from typer.testing import Result

from spacy_lstm.cli import evaluate_entities as command
from spacy_lstm.cli.evaluate_entities import evaluate_entities
from spacy_lstm.errors import LstmError
from spacy_lstm.pipeline.polarity import ENTITY_NEUTRAL

Run = Callable[..., Result]
DATA = Path(__file__).parents[2] / "corpus" / "suites" / "entities_en" / "dev.jsonl"
# Text, class, entities with their labels.
CASES = [
    ("Good soup. Bad peas.", "near", {"soup": "POSITIVE", "peas": "NEGATIVE"}),
    ("Good old Tom ate bad peas.", "far", {"Tom": "NEUTRAL", "peas": "NEGATIVE"}),
    ("Tom ate.", "far", {"ate": "NEUTRAL"}),
]


def feel(doc: Doc) -> Doc:
    """Records of the words with a score, and the sum of these as the document's."""
    scores = {"good": 0.6, "bad": -0.8}
    doc.sentiment = sum(scores.get(token.lower_, 0.0) for token in doc)
    found = {token.i: scores.get(doc[max(0, token.i - 1)].lower_, 0.0) for token in doc}
    mentions = {"soup", "peas", "Tom"}
    doc.user_data["records"] = [
        {"name": token.text, "mentions": [[token.i, token.i + 1]], "sentiment": found[token.i]}
        for token in doc
        if token.text in mentions
    ]
    return doc


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = []
    for number, (text, kind, labels) in enumerate(CASES):
        entities = [
            {"name": n, "start": text.index(n), "end": text.index(n) + len(n), "label": label}
            for n, label in labels.items()
        ]
        rows.append({"id": str(number), "class": kind, "text": text, "entities": entities})
    path = tmp_path / "entities.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Language.component("feel_for_tests", func=feel)
    nlp = spacy.blank("en")
    nlp.add_pipe("feel_for_tests")
    old = Doc.get_extension("entity_sentiment")
    Doc.set_extension("entity_sentiment", getter=lambda doc: doc.user_data["records"], force=True)
    monkeypatch.setattr(command, "load_pipeline", lambda model: nlp)
    monkeypatch.setattr(command, "find_pipe", lambda *_: None)
    yield
    Doc.set_extension("entity_sentiment", getter=old[2], force=True)


def test_figures_of_a_stub(stub: None, data: Path, run: Run, tmp_path: Path) -> None:
    scores = evaluate_entities("stub", data, neutral=0.1, sentence_neutral=0.3)
    assert (scores["texts"], scores["entities"], scores["found"]) == (3, 5, 0.8)
    assert scores["accuracy"] == 0.8
    # The long sentence is -0.2 in all, which is neither what Tom nor what the peas are.
    assert scores["sentence_accuracy"] == 0.8
    assert scores["per_class"]["near"]["accuracy"] == 1.0
    (failed,) = scores["failed"]
    assert (failed["name"], failed["label"]) == ("ate", "NEUTRAL")
    assert (failed["predicted"], failed["score"]) == (None, None)
    strict = evaluate_entities("stub", data, neutral=0.7, sentence_neutral=0.7)
    assert [record["name"] for record in strict["failed"]] == ["soup", "ate"]
    output = tmp_path / "scores.json"
    shown = run("evaluate", "entities", "stub", data, "--neutral", 0.1, "-o", output)
    assert shown.exit_code == 0
    assert "80.0" in shown.stdout
    assert json.loads(output.read_text(encoding="utf-8")) == scores
    printed = run("evaluate", "entities", "stub", data, "--neutral", 0.1, "--json")
    assert json.loads(printed.stdout) == scores


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neutral": 1.0}, r"neutral = 1.0: expected a number from 0 to below 1"),
        ({"sentence_neutral": -0.1}, r"sentence_neutral = -0.1: expected a number"),
        ({"data": "nowhere.jsonl"}, r"no suite at nowhere\.jsonl: give a JSONL file of cases"),
    ],
)
def test_mistakes(data: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LstmError, match=message):
        evaluate_entities("en_lstm_sm", **{"data": data, **changes})


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LstmError, match=r"latin\.jsonl is not UTF-8"):
        evaluate_entities("en_lstm_sm", path)


def test_the_bundle_is_far_above_the_sentence() -> None:
    scores = evaluate_entities("en_lstm_sm", DATA)
    assert scores["neutral"] == ENTITY_NEUTRAL
    assert scores["found"] > 0.95
    assert scores["accuracy"] >= 0.75
    assert scores["accuracy"] >= scores["sentence_accuracy"] + 0.15


def test_a_pipeline_that_finds_no_entities(data: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_sentiment")
    nlp.to_disk(tmp_path / "alone")
    message = r"finds no persons and things in entities\.jsonl \(lstm_sentiment\): expected .*coref"
    with pytest.raises(LstmError, match=message):
        evaluate_entities(tmp_path / "alone", data)
