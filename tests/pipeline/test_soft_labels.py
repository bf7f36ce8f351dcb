"""Labels that are probabilities: what a small model learns from what others think."""

import numpy as np
import pytest
import spacy
from spacy.training import Example
from thinc.api import Adam

MODEL = {
    "@architectures": "spacy_lstm.TextCat.v1",
    "hidden_width": 8,
    "tok2vec": {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 8,
        "width_factor": 0.25,
        "rows": 50,
    },
}
CATS = [
    {"NEGATIVE": 0.1, "NEUTRAL": 0.3, "POSITIVE": 0.6},
    {"NEGATIVE": 0.0, "NEUTRAL": 0.0, "POSITIVE": 1.0},
    {"NEGATIVE": 0.8, "POSITIVE": 0.2},
]


@pytest.fixture
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": MODEL})
    return nlp


@pytest.fixture
def examples(nlp):
    texts = ("So so it was.", "Lovely!", "Dull.")
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": cats})
        for text, cats in zip(texts, CATS, strict=True)
    ]


def cross_entropy(logits, examples, labels, temperatures=(1.0, 1.0, 1.0), offset=0.0):
    """By hand, from logits in float64."""
    logits = logits / np.array(temperatures)[:, None]
    logits[:, labels.index("NEUTRAL")] += offset
    total = 0.0
    for row, example in zip(logits, examples, strict=True):
        known = [i for i, label in enumerate(labels) if label in example.reference.cats]
        log_sum = np.log(np.exp(row[known]).sum())
        total += sum(example.reference.cats[labels[i]] * (log_sum - row[i]) for i in known)
    return total / len(examples)


def test_loss_and_gradient_are_those_of_cross_entropy(nlp, examples):
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("lstm_sentiment")
    logits = np.random.default_rng(0).normal(size=(3, 3))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss, gradient = pipe.get_loss(examples, scores.astype("f"))
    assert loss == pytest.approx(cross_entropy(logits, examples, pipe.labels), rel=1e-5)
    step = 1e-5
    for i in np.ndindex(3, 3):
        ahead, back = logits.copy(), logits.copy()
        ahead[i] += step
        back[i] -= step
        slope = cross_entropy(ahead, examples, pipe.labels)
        slope = (slope - cross_entropy(back, examples, pipe.labels)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-5)


def test_the_gradient_is_that_of_what_is_told(nlp, examples):
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("lstm_sentiment")
    pipe.cfg.update({"temperature": 2.0, "length_exponent": -0.5, "neutral_offset": 0.7})
    temperatures = [2.0 * (20 / len(example.predicted)) ** 0.5 for example in examples]
    logits = np.random.default_rng(0).normal(size=(3, 3))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss, gradient = pipe.get_loss(examples, scores.astype("f"))
    asked = examples, pipe.labels, temperatures, 0.7
    assert loss == pytest.approx(cross_entropy(logits, *asked), rel=1e-5)
    step = 1e-5
    for i in np.ndindex(3, 3):
        ahead, back = logits.copy(), logits.copy()
        ahead[i] += step
        back[i] -= step
        slope = (cross_entropy(ahead, *asked) - cross_entropy(back, *asked)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize(
    "fitted",
    [
        {},
        {"temperature": 2.0, "length_exponent": 0.1, "neutral_offset": 1.0},
        {"temperature": 0.8, "polarity_exponent": 0.6},
    ],
)
def test_it_learns_the_probabilities(nlp, examples, fitted):
    np.random.seed(0)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.02, use_averages=False))
    nlp.get_pipe("lstm_sentiment").cfg.update(fitted)
    for _ in range(80):
        nlp.update(examples, sgd=optimizer, drop=0.0)
    soft, hard, binary = (nlp(example.text).cats for example in examples)
    assert soft == pytest.approx(CATS[0], abs=0.05)
    assert hard["POSITIVE"] > 0.9
    known = binary["NEGATIVE"] + binary["POSITIVE"]
    assert binary["NEGATIVE"] / known == pytest.approx(0.8, abs=0.05)
