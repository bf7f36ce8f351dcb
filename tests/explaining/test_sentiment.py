"""Why a text has its sentiment, and how it came to it."""

import json

import numpy as np
import pytest
import spacy

from spacy_lstm.errors import LstmError, LstmTypeError
from spacy_lstm.explaining import SENTIMENT_METHODS, explain_sentiment, running_sentiment
from spacy_lstm.explaining.sentiment import share_log_odds

TEXT = "Dull at first, but the ending is wonderful."


def log_odds(logits, label):
    wide = np.asarray(logits, dtype=float)
    return wide[label] - np.logaddexp.reduce(np.delete(wide, label))


def test_the_answer_is_the_pipelines(bundle):
    doc = bundle(TEXT)
    found = explain_sentiment(bundle, TEXT)
    assert found.label == max(doc.cats, key=doc.cats.get) == "POSITIVE"
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)
    assert found.probability == found.probabilities["POSITIVE"]
    (logits,) = bundle.get_pipe("lstm_sentiment").read_shares([doc]).logits
    assert found.log_odds == pytest.approx(log_odds(logits, 2), abs=1e-4)
    other = explain_sentiment(bundle, TEXT, label="NEGATIVE")
    assert other.probability == found.probabilities["NEGATIVE"]
    assert other.log_odds < 0 < found.log_odds


@pytest.mark.parametrize("method", SENTIMENT_METHODS)
def test_every_method_sees_what_is_wonderful(bundle, method):
    found = explain_sentiment(bundle, TEXT, method=method)
    assert found.method == method
    assert found.tokens[int(np.argmax(found.words))] == "wonderful"
    assert len(found.words) == len(found.tokens) == 10


def test_shares_sum_to_the_log_odds(bundle):
    for label in ("NEGATIVE", "NEUTRAL", "POSITIVE"):
        found = explain_sentiment(bundle, TEXT, label=label, method="shares")
        assert sum(found.words) == pytest.approx(found.log_odds, abs=1e-3)


def test_shares_of_any_number_of_labels():
    rng = np.random.default_rng(0)
    for labels in (2, 3, 5):
        shares = rng.normal(size=(7, labels))
        logits = shares.sum(axis=0)
        for label in range(labels):
            found = share_log_odds(logits, shares, label)
            assert found.sum() == pytest.approx(log_odds(logits, label))
    # Of two labels nothing has to be shared out evenly.
    np.testing.assert_allclose(
        share_log_odds(np.array([1.0, 3.0]), np.array([[1.0, 2.0], [0.0, 1.0]]), 1), [1.0, 1.0]
    )


def test_attention_is_that_of_the_pooling(bundle):
    found = explain_sentiment(bundle, TEXT, method="attention")
    assert sum(found.words) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("shared", [False, True])
def test_deletion_is_what_is_said_without_the_word(make_sentiment, shared):
    nlp = make_sentiment(shared=shared)
    pipe = nlp.get_pipe("lstm_sentiment")
    found = explain_sentiment(nlp, TEXT, label="POSITIVE", method="deletion")
    (whole,) = pipe.read_shares([nlp(TEXT)]).logits
    words = list(found.tokens)
    for out in (0, 4, 9):
        doc = spacy.tokens.Doc(nlp.vocab, words[:out] + words[out + 1 :])
        (part,) = pipe.read_shares([nlp(doc)]).logits
        assert found.words[out] == pytest.approx(log_odds(whole, 2) - log_odds(part, 2), abs=1e-4)
    assert np.ptp(found.words) > 1e-3


@pytest.mark.parametrize("method", SENTIMENT_METHODS)
@pytest.mark.parametrize("shared", [False, True])
def test_a_doc_is_not_changed_and_gives_the_same(make_sentiment, unchanged, shared, method):
    nlp = make_sentiment(shared=shared)
    doc = nlp.make_doc(TEXT)
    before = unchanged(doc)
    found = explain_sentiment(nlp, doc, method=method)
    assert unchanged(doc) == before
    assert found.words == pytest.approx(explain_sentiment(nlp, TEXT, method=method).words, abs=1e-6)
    assert json.loads(json.dumps(found.to_dict()))["method"] == method


def test_running_sentiment_turns_at_the_contrast(bundle, unchanged):
    doc = bundle(TEXT)
    before = unchanged(doc)
    found = running_sentiment(bundle, doc)
    assert unchanged(doc) == before
    assert found == running_sentiment(bundle, TEXT)
    assert len(found) == len(doc)
    assert found[0] < -0.3
    assert found[-1] == pytest.approx(doc.sentiment, abs=1e-5)
    assert found[-1] > 0.3
    for end in (3, 7):
        alone = bundle(doc[:end].text)
        assert len(alone) == end
        assert found[end - 1] == pytest.approx(alone.sentiment, abs=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_running_sentiment_of_chinese(make_sentiment, shared):
    nlp = make_sentiment("zh", shared=shared)
    text = "虽然开头无聊，但结局很棒"
    found = running_sentiment(nlp, text)
    doc = nlp(text)
    assert len(found) == len(doc) == 12
    assert found[-1] == pytest.approx(doc.sentiment, abs=1e-5)
    assert explain_sentiment(nlp, text).tokens == tuple(text)


def test_stronger_labels_count_on_their_sides(make_sentiment):
    labels = ("NEGATIVE", "NEUTRAL", "POSITIVE", "VERY_NEGATIVE", "VERY_POSITIVE")
    nlp = make_sentiment(labels=labels)
    assert running_sentiment(nlp, TEXT)[-1] == pytest.approx(nlp(TEXT).sentiment, abs=1e-5)


@pytest.mark.parametrize("blank", ["", " ", "  \n ", "\u3000"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_text_without_a_word_has_nothing_to_explain(make_sentiment, unchanged, shared, blank):
    nlp = make_sentiment(shared=shared)
    doc = nlp.make_doc(blank)
    before = unchanged(doc)
    for given in (blank, doc):
        for method in SENTIMENT_METHODS:
            found = explain_sentiment(nlp, given, method=method)
            assert (found.label, found.probability) == ("NEUTRAL", 1.0)
            assert found.probabilities == nlp(blank).cats
            assert found.tokens == tuple(token.text for token in doc)
            assert (found.log_odds, found.words) == (0.0, (0.0,) * len(doc))
            json.dumps(found.to_dict(), allow_nan=False)
        assert running_sentiment(nlp, given) == [0.0] * len(doc)
    assert explain_sentiment(nlp, blank, label="POSITIVE").probability == 0.0
    assert unchanged(doc) == before
    with pytest.raises(LstmError, match="no label 'JOY': lstm_sentiment knows NEGATIVE, NEUTRAL"):
        explain_sentiment(nlp, blank, label="JOY")


@pytest.mark.parametrize("explain", [explain_sentiment, running_sentiment])
def test_what_is_no_text(bundle, explain):
    for given in (5, None, b"fine", ["fine"]):
        kind = type(given).__name__
        with pytest.raises(TypeError, match=f"got {kind} as text: expected a str or a Doc"):
            explain(bundle, given)
    with pytest.raises(LstmTypeError, match="got str as nlp: expected a pipeline"):
        explain(TEXT, bundle)


def test_mistakes(bundle, make_sentiment):
    with pytest.raises(LstmError, match="no method 'lime': expected one of shares, attention, "):
        explain_sentiment(bundle, TEXT, method="lime")
    with pytest.raises(LstmError, match="no label 'JOY': lstm_sentiment knows NEGATIVE, NEUTRAL"):
        explain_sentiment(bundle, TEXT, label="JOY")
    with pytest.raises(LstmError, match="no lstm_sentiment in the pipeline: it has no components"):
        running_sentiment(spacy.blank("en"), TEXT)
    with pytest.warns(UserWarning, match="has the labels HAPPY, SAD"):
        other = make_sentiment(labels=("HAPPY", "SAD"), pooling=["max"])
    with pytest.raises(LstmError, match="no POSITIVE and NEGATIVE among the labels of lstm_senti"):
        running_sentiment(other, TEXT)
    with pytest.raises(
        LstmError, match="no attention pools the words of lstm_sentiment: choose another"
    ):
        explain_sentiment(other, TEXT, method="attention")
    assert explain_sentiment(other, TEXT).label in ("HAPPY", "SAD")
