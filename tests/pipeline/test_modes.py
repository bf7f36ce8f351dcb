"""Other ways for a tensor to be than on a CPU, where no gradient is wanted."""

import pytest
import spacy
import torch

import spacy_lstm
from spacy_lstm.nn import classifier, coref, encoder, inference

# More than 64 tokens: with fewer, no rows are added.
TEXT = "Alice said that she was tired, but Bob told her that his dog liked it. " * 8


@pytest.fixture(scope="module")
def nlp():
    return spacy_lstm.load("en_lstm_sm")


@pytest.fixture
def elsewhere(monkeypatch):
    """Tensors that no lean way takes, as those on a GPU are."""
    for module in (classifier, coref, encoder, inference):
        monkeypatch.setattr(module, "is_lean", lambda X: False)


def read(nlp):
    doc = nlp(TEXT)
    return [doc.sentiment, *doc.cats.values(), *(score for *_, score in doc._.coref_links)]


def test_answers_on_a_gpu_take_the_same_rows(nlp, request):
    expected = read(nlp)
    request.getfixturevalue("elsewhere")
    assert len(expected) > 20
    assert read(nlp) == pytest.approx(expected, abs=1e-5)


def test_explanations_and_traces_on_a_gpu(nlp, request):
    explained, traced = spacy_lstm.explain(nlp, TEXT), spacy_lstm.trace(nlp, TEXT)
    request.getfixturevalue("elsewhere")
    found, again = spacy_lstm.explain(nlp, TEXT), spacy_lstm.trace(nlp, TEXT)
    assert found.sentiment.log_odds == pytest.approx(explained.sentiment.log_odds, abs=1e-4)
    assert found.sentiment.words == pytest.approx(explained.sentiment.words, abs=1e-4)
    assert [link.anaphor for link in found.links] == [link.anaphor for link in explained.links]
    for mine, theirs in zip(again.attention, traced.attention, strict=True):
        assert mine.weights == pytest.approx(theirs.weights, abs=1e-5)


def test_weights_that_were_loaded_in_inference_mode(nlp):
    expected = read(nlp)
    with torch.inference_mode():
        other = spacy_lstm.load("en_lstm_sm")
        assert read(other) == expected
    assert read(other) == expected
    assert spacy_lstm.explain(other, "She smiles.").sentiment is not None


def test_weights_that_were_made_in_inference_mode_can_be_trained():
    nlp = spacy.blank("en")
    component = nlp.add_pipe("lstm_sentiment", config={"pretrained": None})
    doc = nlp.make_doc("Fine")
    doc.cats = {"POSITIVE": 1.0, "NEGATIVE": 0.0}
    example = spacy.training.Example(nlp.make_doc("Fine"), doc)
    with torch.inference_mode():
        optimizer = nlp.initialize(lambda: [example])
    before = nlp("Fine").cats["POSITIVE"]
    for _ in range(3):
        component.update([example], sgd=optimizer)
    assert nlp("Fine").cats["POSITIVE"] > before


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_explanations_have_their_gradients_in_any_mode(nlp, mode):
    text = "Alice said that she was tired. It is wonderful."
    expected = spacy_lstm.explain(nlp, text, link_method="gradient_x_input")
    with mode():
        found = spacy_lstm.explain(nlp, text, link_method="gradient_x_input")
    assert found == expected
