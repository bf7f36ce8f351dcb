"""`classify`: label, probabilities and the words behind them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def positive(sentiment: Path) -> str:
    """A positive text of the training data."""
    docs = DocBin().from_disk(sentiment / "texts.spacy").get_docs(spacy.blank("en").vocab)
    return next(doc.text for doc in docs if doc.cats["POSITIVE"] == 1)


def test_prints_label_score_and_words(run: Run, sentiment: Path, positive: str) -> None:
    result = run("classify", positive, "-m", sentiment / "model-best")
    assert result.exit_code == 0, result.stderr
    label, score, words = result.stdout.splitlines()
    assert label.startswith("POSITIVE (NEGATIVE 0.")
    assert score.startswith("sentiment +")
    assert words.startswith("words: ")


def test_json_adds_up(run: Run, sentiment: Path, positive: str) -> None:
    result = run("classify", "--json", "-m", sentiment / "model-best", text=positive + "\n")
    told = json.loads(result.stdout)
    assert told["text"] == positive
    assert told["label"] == "POSITIVE"
    assert set(told["cats"]) == {"NEGATIVE", "NEUTRAL", "POSITIVE"}
    assert sum(told["cats"].values()) == pytest.approx(1, abs=1e-5)
    difference = told["cats"]["POSITIVE"] - told["cats"]["NEGATIVE"]
    assert told["sentiment"] == pytest.approx(difference, abs=1e-5)
    assert [positive[token["start"] : token["end"]] for token in told["tokens"]] == [
        token["text"] for token in told["tokens"]
    ]
    weights = sum(token["weight"] for token in told["tokens"])
    assert weights == pytest.approx(told["sentiment"], abs=1e-3)


@pytest.mark.parametrize("text", ["", " ", "🙂", "小明"])
def test_odd_texts(run: Run, sentiment: Path, text: str) -> None:
    result = run("classify", "-m", sentiment / "model-best", text)
    assert result.exit_code == 0, result.stderr


def test_a_pipeline_without_sentiment_is_named(run: Run, coref: Path) -> None:
    result = run("classify", "fine", "-m", coref / "model-best")
    assert result.exit_code == 1
    assert result.stderr.startswith("✘ the pipeline has no lstm_sentiment (it has lstm_coref)")
    assert result.stderr.count("\n") == 1
