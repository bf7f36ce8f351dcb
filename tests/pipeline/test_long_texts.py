"""Long texts are read in blocks: answers and traces are what they are in one piece."""

import numpy as np
import pytest
from spacy.language import Language

import spacy_lstm
from spacy_lstm.benchmarking.texts import make_texts
from spacy_lstm.explaining import explain_sentiment
from spacy_lstm.nn import classifier, coref, syntax, tok2vec
from spacy_lstm.tracing import trace


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy_lstm.load("en_lstm_sm")


@pytest.fixture(scope="module")
def text() -> str:
    return make_texts(6).take(700, 1)[0]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a long text began at 200 words."""
    for module in (tok2vec, coref, classifier):
        monkeypatch.setattr(module, "BLOCK_ROWS", 200)
    monkeypatch.setattr(syntax, "_TOKENS_AT_ONCE", 150)


def test_answers(nlp: Language, text: str, request: pytest.FixtureRequest) -> None:
    whole = nlp(text)
    request.getfixturevalue("cut")
    doc = nlp(text)
    assert len(doc._.coref_links) > 20
    for found, expected in zip(doc._.coref_links, whole._.coref_links, strict=True):
        assert [(span.start, span.end) for span in found[:2]] == [
            (span.start, span.end) for span in expected[:2]
        ]
        assert found[2] == pytest.approx(expected[2], abs=1e-5)
    assert doc.user_data["lstm_coref"] == whole.user_data["lstm_coref"]
    assert doc.cats == pytest.approx(whole.cats, abs=1e-5)
    weights = [token._.sentiment_weight for token in doc]
    assert weights == pytest.approx([token._.sentiment_weight for token in whole], abs=1e-5)


@pytest.mark.parametrize("component", ["lstm_coref", "lstm_sentiment"])
def test_traces(nlp: Language, text: str, component: str, request: pytest.FixtureRequest) -> None:
    whole = trace(nlp, text, component=component)
    request.getfixturevalue("cut")
    found = trace(nlp, text, component=component)
    assert len(found.gates) == len(whole.gates) > 0
    for one, other in zip(found.gates, whole.gates, strict=True):
        np.testing.assert_allclose(one.hidden_state, other.hidden_state, atol=1e-5)
    assert len(found.attention) == len(whole.attention) > 0
    for mine, theirs in zip(found.attention, whole.attention, strict=True):
        np.testing.assert_allclose(mine.weights, theirs.weights, atol=1e-4)


def test_explanations(nlp: Language, text: str, request: pytest.FixtureRequest) -> None:
    method = "gradient_x_input"
    whole = explain_sentiment(nlp, text, method=method)
    request.getfixturevalue("cut")
    found = explain_sentiment(nlp, text, method=method)
    assert found.words == pytest.approx(whole.words, abs=1e-4)
