"""Pronouns with candidates: the JSON form and GAP's own."""

import copy
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_lstm.corpora.readers import HuggingFaceCorpus
from spacy_lstm.errors import LstmError

from .tiny_rows import GAP_HEADER, GAP_LINE, PAIR_ROW, jsonl


def changed(candidate: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    row = copy.deepcopy(PAIR_ROW) | values
    if candidate is not None:
        row["candidates"][1] |= candidate
    return row


def test_json_form(nlp: Language, tmp_path: Path) -> None:
    rows = [PAIR_ROW, {key: PAIR_ROW[key] for key in ("text", "pronoun", "candidates")}]
    first, second = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows)).docs(nlp)
    group = first.spans["coref_pairs_1"]
    assert [span.text for span in group] == ["she", "Ann", "Zoë"]
    assert group.attrs == {"labels": [1, 0], "source": "gap", "id": "p/1", "gender": "F"}
    assert first.text == PAIR_ROW["text"]
    assert second.spans["coref_pairs_1"].attrs == {
        "labels": [1, 0],
        "source": None,
        "id": "a.jsonl row 2",
        "gender": None,
    }


def test_gap_form(nlp: Language, tmp_path: Path) -> None:
    path = tmp_path / "gap-development.tsv"
    path.write_text(f"{GAP_HEADER}\r\n{GAP_LINE}\r\n", encoding="utf-8", newline="")
    (doc,) = HuggingFaceCorpus(path).docs(nlp)
    # A quote is text in this form, whatever a CSV reader would make of it.
    assert doc.text == '"Ann told Zoe ""that"" she won.'
    group = doc.spans["coref_pairs_1"]
    assert [(span.start_char, span.text) for span in group] == [
        (23, "she"),
        (1, "Ann"),
        (10, "Zoe"),
    ]
    assert group.attrs == {"labels": [1, 0], "source": "gap", "id": "dev-1", "gender": "F"}
    assert doc.user_data["spacy_lstm"]["meta"] == {"url": "http://x"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(text=None), "missing text"),
        (changed(pronoun={"start": 20, "end": 99}), "pronoun span out of range"),
        (changed(pronoun={"start": 20, "end": 22}), "pronoun differs from the text"),
        (changed(pronoun=None), "pronoun span is not a start"),
        (changed(candidates=[]), "no candidates"),
        (changed(candidates=[[0, 3]]), "candidates are not a list of objects"),
        (changed({"text": "Zoe"}), "candidate differs from the text"),
        (changed({"start": 18, "end": 21, "text": "t s"}), "candidate overlaps the pronoun"),
        (changed({"start": 0.0}), "candidate span is not two integers"),
        (changed({"label": "maybe"}), "candidate label is not 0 or 1"),
        (
            changed(
                text="Ann sawshe.",
                pronoun={"start": 7, "end": 10},
                candidates=[{"start": 4, "end": 7, "label": 1}],
            ),
            "candidate shares a token with the pronoun",
        ),
    ],
)
def test_unusable_rows(nlp: Language, tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", [row, PAIR_ROW]))
    assert len(list(corpus.docs(nlp))) == 1
    assert list(corpus.skipped.first_ids.values()) == [["p/1"]]
    with pytest.raises(LstmError, match=reason):
        list(HuggingFaceCorpus(jsonl(tmp_path / "b.jsonl", [row]), kind="pairs").docs(nlp))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("\t23\t", "\tx\t", "Pronoun-offset is not an integer"),
        ("\t23\t", "\t22\t", "Pronoun differs from the text"),
        ("\tshe\t", "\t\t", "missing Pronoun"),
        ("\t10\t", "\t-5\t", "B span out of range"),
        ("TRUE", "perhaps", "candidate label is not 0 or 1"),
    ],
)
def test_unusable_gap_rows(nlp: Language, tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = tmp_path / "gap.tsv"
    path.write_text(f"{GAP_HEADER}\n{GAP_LINE.replace(old, new)}\n", encoding="utf-8")
    with pytest.raises(LstmError, match=f"{reason}.*dev-1"):
        list(HuggingFaceCorpus(path).docs(nlp))
