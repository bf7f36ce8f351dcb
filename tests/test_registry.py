"""Every entry point resolves through spaCy's registry and is named as the others are."""

import re
from importlib.metadata import EntryPoint, distribution

import pytest
from spacy.util import registry

REGISTRIES = {
    "spacy_factories": "_entry_point_factories",
    "spacy_architectures": "architectures",
    "spacy_readers": "readers",
    "spacy_scorers": "scorers",
    "spacy_misc": "misc",
    "spacy_cli": "cli",
}
CAMEL_CASE = r"spacy_lstm\.[A-Z][A-Za-z0-9]+\.v[1-9][0-9]*"
PATTERNS = {
    "spacy_factories": r"lstm_[a-z]+",
    "spacy_architectures": CAMEL_CASE,
    "spacy_readers": CAMEL_CASE,
    "spacy_scorers": r"spacy_lstm\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*",
    "spacy_misc": CAMEL_CASE,
    "spacy_cli": r"lstm",
}
# What code outside of the project is written against.
PROMISED = {
    "lstm_coref",
    "lstm_sentiment",
    "spacy_lstm.BiLSTMEncoder.v1",
    "spacy_lstm.BiLSTMTok2Vec.v1",
    "spacy_lstm.Coref.v1",
    "spacy_lstm.TextCat.v1",
    "spacy_lstm.HuggingFaceCorpus.v1",
    "spacy_lstm.coref_scorer.v1",
    "spacy_lstm.sentiment_scorer.v1",
    "lstm",
}
ENTRY_POINTS = [
    point for point in distribution("spacy-lstm").entry_points if point.group.startswith("spacy_")
]


@pytest.mark.parametrize("point", ENTRY_POINTS, ids=lambda point: f"{point.group}:{point.name}")
def test_entry_point_resolves_through_the_registry(point: EntryPoint) -> None:
    assert re.fullmatch(PATTERNS[point.group], point.name)
    found = getattr(registry, REGISTRIES[point.group]).get(point.name)
    assert callable(found)
    assert found is point.load()


def test_nothing_promised_is_missing() -> None:
    assert {point.name for point in ENTRY_POINTS} >= PROMISED
