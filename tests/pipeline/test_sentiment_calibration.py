import math
from types import SimpleNamespace

import numpy as np
import pytest
import spacy
from spacy.training import Example

from spacy_lstm.errors import LstmError
from spacy_lstm.pipeline.sentiment_calibration import calibrate_sentiment
from spacy_lstm.pipeline.tempering import Tempering

LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")
BINARY = ("NEGATIVE", "POSITIVE")


@pytest.fixture
def pipe():
    """A component whose logits are known: each document's `user_data` has its own."""
    nlp = spacy.blank("en")
    component = nlp.add_pipe("lstm_sentiment", config={"pretrained": None})
    for label in LABELS:
        component.add_label(label)
    component.read_shares = lambda docs: SimpleNamespace(
        logits=np.array([doc.user_data["logits"] for doc in docs])
    )
    component.nlp = nlp
    return component


def texts(pipe, logits, counts, *, known=LABELS, length=20):
    """For each label as many texts with these logits as `counts` says."""
    examples = []
    for label, count in zip(known, counts, strict=True):
        cats = {name: float(name == label) for name in known}
        for _ in range(count):
            doc = pipe.nlp.make_doc("word " * length)
            doc.user_data["logits"] = logits
            examples.append(Example.from_dict(doc, {"cats": cats}))
    return examples


@pytest.mark.parametrize("right", [15, 18])
def test_temperature_brings_confidence_to_accuracy(pipe, right):
    """With the log odds z and a share a that is right, the best is z / log(a / (1 − a))."""
    examples = texts(pipe, [-2.0, 9.0, 2.0], [20 - right, right], known=BINARY)
    fitted = calibrate_sentiment(pipe, [examples])
    assert fitted["temperature"] == pytest.approx(4.0 / math.log(right / (20 - right)), abs=0.01)
    others = {name: value for name, value in fitted.items() if name != "temperature"}
    assert others == {"length_exponent": 0.0, "neutral_offset": 0.0, "polarity_exponent": 0.0}
    assert pipe.tempering == Tempering(**fitted)


def test_a_small_set_counts_as_much_as_a_large_one(pipe):
    right = texts(pipe, [-1.0, 0.0, 1.0], [1, 9], known=BINARY)
    wrong = texts(pipe, [-1.0, 0.0, 1.0], [16, 24], known=BINARY)
    fitted = calibrate_sentiment(pipe, [right, wrong])
    share = (0.9 + 0.6) / 2
    assert fitted["temperature"] == pytest.approx(2.0 / math.log(share / (1 - share)), abs=0.01)
    joined = calibrate_sentiment(pipe, [right + wrong])
    share = 33 / 50
    assert joined["temperature"] == pytest.approx(2.0 / math.log(share / (1 - share)), abs=0.01)


def test_temperature_follows_the_length_where_it_helps(pipe):
    short = texts(pipe, [-2.0, 0.0, 2.0], [5, 15], known=BINARY, length=20)
    long = texts(pipe, [-2.0, 0.0, 2.0], [1, 19], known=BINARY, length=320)
    fitted = calibrate_sentiment(pipe, [short, long])
    wanted = [4.0 / math.log(3), 4.0 / math.log(19)]
    assert pipe.tempering.temperatures(np.zeros((2, 3)), [20, 320], LABELS) == pytest.approx(
        wanted, rel=0.01
    )
    assert fitted["length_exponent"] < -0.3
    same = texts(pipe, [-2.0, 0.0, 2.0], [1, 3], known=BINARY, length=320)
    assert calibrate_sentiment(pipe, [short, same])["length_exponent"] == 0.0


def test_temperature_follows_the_polarity_where_it_helps(pipe):
    """Weak answers that are as right as they say, strong ones that are too sure."""
    weak = texts(pipe, [-0.5, 0.0, 0.5], [5, 14], known=BINARY)
    strong = texts(pipe, [-2.0, 0.0, 2.0], [2, 24], known=BINARY)
    fitted = calibrate_sentiment(pipe, [weak, strong])
    assert fitted["polarity_exponent"] > 0.5
    logits = np.array([[-0.5, 0.0, 0.5], [-2.0, 0.0, 2.0]])
    told = pipe.tempering.log_probabilities(logits, [20, 20], LABELS)
    wanted = [math.log(14 / 5), math.log(12)]
    assert told[:, 2] - told[:, 0] == pytest.approx(wanted, abs=0.01)


def test_neutral_gets_an_offset_where_it_helps(pipe):
    shares = [4, 8, 8]
    fitted = calibrate_sentiment(pipe, [texts(pipe, [0.0, 0.0, math.log(2)], shares)])
    # log 1/5, 2/5, 2/5: NEUTRAL lacks as much as POSITIVE has already.
    assert fitted["temperature"] == pytest.approx(1.0, abs=0.01)
    assert fitted["neutral_offset"] == pytest.approx(math.log(2), abs=0.01)


def test_what_says_nothing_is_left_out(pipe):
    kept = texts(pipe, [-2.0, 0.0, 2.0], [1, 3], known=BINARY)
    blank = Example.from_dict(pipe.nlp.make_doc(" \n"), {"cats": {"NEGATIVE": 1.0}})
    unknown = Example.from_dict(pipe.nlp.make_doc("word"), {})
    alone = calibrate_sentiment(pipe, [kept])
    assert calibrate_sentiment(pipe, [[*kept, blank, unknown], [unknown], []]) == alone
    with pytest.raises(LstmError, match="no labels to fit probabilities to: give texts"):
        calibrate_sentiment(pipe, [[unknown], [blank]])


def test_answers_that_are_all_right_leave_a_finite_temperature(pipe):
    fitted = calibrate_sentiment(pipe, [texts(pipe, [-2.0, 0.0, 2.0], [0, 9], known=BINARY)])
    assert 0 < fitted["temperature"] < 1
