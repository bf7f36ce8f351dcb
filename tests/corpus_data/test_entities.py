"""The texts with sentiment about persons and things: well formed, two halves apart."""

import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from spacy_lstm.coref.entity_suite import LABELS, read_entities
from spacy_lstm.suites import Case, read_suite

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "corpus" / "suites" / "entities_en"


def read_half(half: str) -> list[Case]:
    return read_suite((FOLDER / f"{half}.jsonl").read_text(encoding="utf-8"), half)


@pytest.fixture
def entities(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, which is no installed package."""
    monkeypatch.syspath_prepend(str(ROOT / "corpus"))
    return importlib.import_module("source.entities")


@pytest.mark.parametrize("half", ["dev", "test"])
def test_every_text_asks_for_one_to_four(half: str) -> None:
    cases = read_half(half)
    assert len(cases) >= 90
    asked = [read_entities(case.fields, case.text, case.id) for case in cases]
    assert all(1 <= len(questions) <= 4 for questions in asked)
    labels = Counter(question.label for questions in asked for question in questions)
    assert min(labels[label] for label in LABELS) >= 45
    assert min(Counter(case.kind for case in cases).values()) >= 7


def test_the_halves_have_the_same_classes_and_no_text_in_common() -> None:
    dev, test = read_half("dev"), read_half("test")
    assert {case.kind for case in dev} == {case.kind for case in test}
    assert not {case.text for case in dev} & {case.text for case in test}
    assert not {case.id for case in dev} & {case.id for case in test}


def test_no_text_is_in_the_training_data() -> None:
    texts = {case.text for half in ("dev", "test") for case in read_half(half)}
    for path in (ROOT / "corpus").glob("*_en/*.jsonl"):
        content = path.read_text(encoding="utf-8")
        assert not [text for text in texts if text in content], path.name


def test_markup(entities: ModuleType) -> None:
    (row,) = entities.read_rows("x/dev", ["# a note", "", "== near", "[Tom]{0} saw [a cat]{-}."])
    assert row == {
        "id": "x/dev_001",
        "class": "near",
        "text": "Tom saw a cat.",
        "entities": [
            {"name": "Tom", "start": 0, "end": 3, "label": "NEUTRAL"},
            {"name": "a cat", "start": 8, "end": 13, "label": "NEGATIVE"},
        ],
    }
    table = entities.count_table({"dev": [row]})
    assert "| near | dev | 1 | 1 | 1 | 0 |" in table


@pytest.mark.parametrize(
    "lines",
    [["[Tom]{0} left."], ["== near", "Tom left."], ["== near", "[Tom]{0} saw [a cat]{?}."]],
)
def test_markup_that_is_none(entities: ModuleType, lines: list[str]) -> None:
    with pytest.raises(ValueError, match="not a text with marked entities under a heading"):
        entities.read_rows("x", lines)
