"""Text with a label: column and label maps."""

from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_lstm.corpora.labelled_text import class_label_map, default_label_map, label_key
from spacy_lstm.corpora.readers import HuggingFaceCorpus
from spacy_lstm.errors import LstmError

from .tiny_rows import TEXT_ROWS, jsonl


def cats(nlp: Language, rows: list[dict[str, Any]], tmp_path: Path, **options: Any) -> list[Any]:
    path = jsonl(tmp_path / "a.jsonl", rows)
    return [doc.cats for doc in HuggingFaceCorpus(path, **options).docs(nlp)]


def numbered(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"Text {i}.", "label": label} for i, label in enumerate(labels)]


def test_two_three_and_five_labels(nlp: Language, tmp_path: Path) -> None:
    assert cats(nlp, TEXT_ROWS, tmp_path)[:2] == [
        {"NEGATIVE": 1.0, "POSITIVE": 0.0},
        {"NEGATIVE": 0.0, "POSITIVE": 1.0},
    ]
    three = cats(nlp, numbered(2, 1, 0), tmp_path)
    assert [max(cat, key=cat.__getitem__) for cat in three] == ["POSITIVE", "NEUTRAL", "NEGATIVE"]
    assert list(three[0]) == ["NEGATIVE", "NEUTRAL", "POSITIVE"]
    five = cats(nlp, numbered(0, 1, 2, 3, 4), tmp_path)
    assert [max(cat, key=cat.__getitem__) for cat in five] == [
        "NEGATIVE",
        "NEGATIVE",
        "NEUTRAL",
        "POSITIVE",
        "POSITIVE",
    ]


def test_label_names_and_odd_rows(nlp: Language, tmp_path: Path) -> None:
    rows = [*numbered("neg", "Positive", "typo", None, ""), {"label": "pos"}]
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows))
    assert len(list(corpus.docs(nlp))) == 2
    assert corpus.skipped.counts == {
        "label 'typo' outside the label map": 1,
        "missing label": 2,
        "missing text": 1,
    }
    assert "skipped 4 of 6 rows: missing label (2: a.jsonl row 4" in corpus.skipped.summary()


def test_column_and_label_maps(nlp: Language, tmp_path: Path) -> None:
    rows = [
        {"x": {"sentence": "Nice."}, "stars": 5.0, "text": "tokenized"},
        {"x": {"sentence": "Bad."}, "stars": 1.0, "text": "tokenized"},
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    corpus = HuggingFaceCorpus(
        path,
        columns={"text": "x.sentence", "label": "stars"},
        labels={"5": "VERY_GOOD", 1: "VERY_BAD"},
    )
    docs = list(corpus.docs(nlp))
    assert [doc.text for doc in docs] == ["Nice.", "Bad."]
    assert docs[0].cats == {"VERY_GOOD": 1.0, "VERY_BAD": 0.0}


@pytest.mark.parametrize(
    ("value", "key"), [(1, "1"), (1.0, "1"), (True, "1"), (" 1 ", "1"), (1.5, "1.5"), (-1, "-1")]
)
def test_label_key(value: Any, key: str) -> None:
    assert label_key(value) == key


def test_default_maps() -> None:
    assert default_label_map("x", ["-1", 0, 1])["0"] == "NEUTRAL"
    assert class_label_map("x", ["pos", "neg"])["0"] == "POSITIVE"
    with pytest.raises(LstmError, match=r"x: no default for the labels 0: give a label map"):
        default_label_map("x", [0])
    with pytest.raises(LstmError, match=r"no default for the labels anger, joy"):
        class_label_map("x", ["joy", "anger"])
    with pytest.raises(LstmError, match=r"no default for the labels \(none\)"):
        default_label_map("x", [None])


def test_labels_outside_the_map_in_every_row(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(LstmError, match=r"none of its 4 rows can be used: label '[01]' outside"):
        cats(nlp, TEXT_ROWS, tmp_path, labels={"yes": "POSITIVE"})


def soft(**probabilities: Any) -> dict[str, Any]:
    return {"text": "So so.", "probabilities": probabilities}


def test_probabilities_beside_labels(nlp: Language, tmp_path: Path) -> None:
    taught = soft(NEGATIVE=0.2, NEUTRAL=0.5, POSITIVE=0.299)
    paths = [
        jsonl(tmp_path / "soft.jsonl", [taught]),
        jsonl(tmp_path / "hard.jsonl", TEXT_ROWS),
        jsonl(tmp_path / "both.jsonl", [taught, {**taught, "label": 0}, *TEXT_ROWS]),
    ]
    for kind in ("auto", "text"):
        found = [doc.cats for doc in HuggingFaceCorpus(paths, kind=kind).docs(nlp)]
        assert found[0] == pytest.approx(
            {"NEGATIVE": 0.2, "NEUTRAL": 0.5, "POSITIVE": 0.3}, abs=2e-3
        )
        assert sum(found[0].values()) == pytest.approx(1, abs=1e-12)
        assert found[1:5] == cats(nlp, TEXT_ROWS, tmp_path)
        assert found[5] == found[0]
        assert found[6] == {"NEGATIVE": 1.0, "POSITIVE": 0.0}


def test_probabilities_that_a_table_fills_up(nlp: Language, tmp_path: Path) -> None:
    rows = [soft(NEGATIVE=0.25, NEUTRAL=None, POSITIVE=0.75), soft(NEUTRAL=1.0)]
    assert cats(nlp, rows, tmp_path) == [{"NEGATIVE": 0.25, "POSITIVE": 0.75}, {"NEUTRAL": 1.0}]


def test_probabilities_under_other_names(nlp: Language, tmp_path: Path) -> None:
    rows = [{"text": "So so.", "p": {"neg": 0.5, "very neg": 0.25, "GOOD": 0.25}}]
    labels = {"neg": "NEGATIVE", "very neg": "NEGATIVE"}
    assert cats(nlp, rows, tmp_path, columns={"probabilities": "p"}, labels=labels) == [
        {"NEGATIVE": 0.75, "GOOD": 0.25}
    ]


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ({}, "probabilities are not an object of label and number"),
        ([0.5, 0.5], "probabilities are not an object of label and number"),
        ({"A": "0.5", "B": 0.5}, "probability of 'A' is not a number"),
        ({"A": True, "B": 0.0}, "probability of 'A' is not a number"),
        ({"A": 0.0, "B": float("nan")}, "probability of 'B' outside 0 to 1"),
        ({"A": float("inf")}, "probability of 'A' outside 0 to 1"),
        ({"A": -0.1, "B": 1.0}, "probability of 'A' outside 0 to 1"),
        ({"A": 0.5, "B": 0.4}, "probabilities do not sum to 1"),
        (None, "missing label"),
    ],
)
def test_probabilities_that_are_none(
    nlp: Language, tmp_path: Path, probabilities: Any, reason: str
) -> None:
    rows = [soft(A=1.0), {"text": "x", "probabilities": probabilities}]
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows))
    assert [doc.cats for doc in corpus.docs(nlp)] == [{"A": 1.0}]
    assert corpus.skipped.counts == {reason: 1}


def test_line_breaks_as_markup(nlp: Language, tmp_path: Path) -> None:
    texts = ["Dull.<br /><br />The end is fine.<BR>Go.", "Bad", "<br/>"]
    rows = [{"text": text, "label": number % 2} for number, text in enumerate(texts)]
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows))
    assert [doc.text for doc in corpus.docs(nlp)] == ["Dull.\n\nThe end is fine.\nGo.", "Bad"]
    assert corpus.skipped.counts == {"empty text": 1}
