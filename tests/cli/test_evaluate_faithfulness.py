"""`evaluate faithfulness`: figures of small pipelines on the texts they were trained with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import SpanGroup
from typer.testing import Result

from spacy_lstm.cli.evaluate_faithfulness import _asked, evaluate_faithfulness
from spacy_lstm.errors import LstmError
from spacy_lstm.explaining import LINK_METHODS, SENTIMENT_METHODS
from spacy_lstm.explaining.faithfulness import RANDOM

Run = Callable[..., Result]
HEADER = ["words", "out", "area", "above", "random", "10%", "20%", "30%", "40%", "50%"]


def test_json_and_file_hold_the_same(run: Run, sentiment: Path, tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    words = (sentiment / "model-best", sentiment / "texts.spacy", "--limit", 4)
    result = run("evaluate", "faithfulness", *words, "-o", output, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told == json.loads(output.read_text())
    assert (told["task"], told["texts"], told["answers"]) == ("sentiment", 4, 4)
    assert set(told["methods"]) == {*SENTIMENT_METHODS, RANDOM}
    for figures in told["methods"].values():
        assert len(figures["curve"]) == len(told["steps"]) == 5
        assert figures["area"] == pytest.approx(sum(figures["curve"]) / 6)
    areas = {name: figures["area"] for name, figures in told["methods"].items() if name != RANDOM}
    assert told["best"] == max(areas, key=areas.__getitem__)


def test_table(run: Run, sentiment: Path) -> None:
    words = (sentiment / "model-best", sentiment / "texts.spacy", "--limit", 3)
    result = run("evaluate", "faithfulness", *words, "--method", "shares", "--seed", 3)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == HEADER
    assert [line.split()[0] for line in lines[2:4]] == ["shares", "random"]
    assert lines[-1] == "3 answers; best: shares"


def test_links(coref: Path) -> None:
    data = [str(coref / "texts.spacy")]
    found = evaluate_faithfulness(coref / "model-best", data, task="links", limit=4)
    assert found["task"] == "links"
    assert found["answers"] >= 1
    assert found["steps"] == list(range(1, 11))
    # Nothing in this model attends to anything.
    assert set(found["methods"]) == {*LINK_METHODS, RANDOM} - {"attention"}


def test_pair_data_asks_about_its_pronoun(coref: Path) -> None:
    doc = spacy.blank("en")("Ann saw Eve. She waved.")
    assert _asked(doc) is None
    doc.spans["coref_pairs_1"] = SpanGroup(doc, spans=[doc[4:5], doc[0:1]])
    assert _asked(doc) == [(13, 16)]


def test_mistakes(coref: Path, sentiment: Path) -> None:
    data = [str(sentiment / "texts.spacy")]
    with pytest.raises(LstmError, match="no task 'names': expected one of sentiment, links"):
        evaluate_faithfulness(sentiment / "model-best", data, task="names")
    with pytest.raises(LstmError, match="no method 'shares' for links: expected attention, grad"):
        evaluate_faithfulness(coref / "model-best", data, task="links", methods=["shares"])
    with pytest.raises(LstmError, match="the pipeline has no lstm_sentiment"):
        evaluate_faithfulness(coref / "model-best", data)
