import math

import numpy as np
import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_lstm.labels import fold_labels
from spacy_lstm.pipeline.sides import Sides

FIVE = ("VERY_NEGATIVE", "NEGATIVE", "NEUTRAL", "POSITIVE", "VERY_POSITIVE")
ROWS = [
    ("A wonderful film, I love all of it.", "VERY_POSITIVE"),
    ("It is quite nice.", "POSITIVE"),
    ("The train leaves at nine.", "NEUTRAL"),
    ("Rather dull.", "NEGATIVE"),
    ("An awful, dreadful, stupid mess!", "VERY_NEGATIVE"),
]


def test_where_the_labels_are():
    assert Sides.find(FIVE) == Sides(positive=[3, 4], negative=[0, 1])
    assert Sides.find(("POSITIVE", "x", "NEGATIVE")) == Sides(positive=[0], negative=[2])
    assert Sides.find(("POSITIVE", "VERY_NEGATIVE")) is None


def test_both_sides_alike():
    sides = Sides.find(("VERY_NEGATIVE", "NEGATIVE", "POSITIVE", "x"))
    assert sides.balance([0.25] * 4) == [0.1875, 0.1875, 0.375, 0.25]


@pytest.mark.parametrize("labels", [FIVE, FIVE[1:4], FIVE[1:]])
def test_odds_are_those_of_the_probabilities(labels):
    lengths = [7, 0, 1]
    shares = np.random.default_rng(0).normal(size=(8, len(labels))).astype(np.float32)
    logits = np.stack([shares[:7].sum(axis=0), np.zeros(len(labels), "f"), shares[7]])
    sides = Sides.find(labels)
    odds, parts = sides.log_odds(logits, shares, lengths)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    positive, negative = sides.probabilities(probabilities)
    np.testing.assert_allclose(odds, np.log(positive / negative), atol=1e-6)
    np.testing.assert_allclose(sides.score(probabilities), positive - negative)
    assert parts[:7].sum() == pytest.approx(odds[0], abs=1e-6)
    assert parts[7] == pytest.approx(odds[2], abs=1e-6)


def test_one_label_a_side_has_its_own_share():
    shares = np.array([[1.0, 5.0, 0.25], [-3.0, 5.0, 0.5]])
    odds, parts = Sides.find(FIVE[1:4]).log_odds(shares.sum(axis=0, keepdims=True), shares, [2])
    assert (odds.tolist(), parts.tolist()) == ([2.75], [-0.75, 3.5])


def test_a_component_with_five_labels():
    nlp = spacy.blank("en")
    tok2vec = {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 16,
        "width_factor": 0.25,
        "rows": 200,
    }
    model = {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 16, "tok2vec": tok2vec}
    pipe = nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": model})
    examples = [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {name: float(name == label) for name in FIVE}}
        )
        for text, label in ROWS
    ]
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.02))
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    pipe.cfg.update(temperature=1.5, length_exponent=-0.1, neutral_offset=0.3)
    docs = [nlp(text) for text, _ in ROWS]
    assert [max(doc.cats, key=doc.cats.get) for doc in docs] == [label for _, label in ROWS]
    assert [int(np.sign(round(doc.sentiment, 1))) for doc in docs] == [1, 1, 0, -1, -1]
    for doc in docs:
        cats = fold_labels(doc.cats)
        assert doc.sentiment == pytest.approx(cats["POSITIVE"] - cats["NEGATIVE"], abs=1e-6)
        weights = [token._.sentiment_weight for token in doc]
        assert math.fsum(weights) == pytest.approx(doc.sentiment, abs=1e-5)
        assert doc[:].sentiment == pytest.approx(doc.sentiment, abs=1e-5)
