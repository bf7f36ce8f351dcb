import numpy as np
import pytest

from spacy_lstm.pipeline.tempering import Tempering

LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")


def softmax(logits):
    exponents = np.exp(logits)
    return exponents / exponents.sum(axis=-1, keepdims=True)


def test_the_default_is_the_softmax():
    logits = np.array([[0.3, -1.0, 2.0], [0.0, 0.0, 0.0]])
    found = Tempering().log_probabilities(logits, [3, 500], LABELS)
    np.testing.assert_allclose(np.exp(found), softmax(logits))


def test_temperature_offset_and_length():
    tempering = Tempering(2.0, -0.5, 0.7)
    np.testing.assert_allclose(tempering.temperatures([20, 80, 5]), [2.0, 1.0, 4.0])
    logits = np.array([[0.3, -1.0, 2.0]] * 2)
    found = tempering.log_probabilities(logits, [20, 80], LABELS)
    wanted = [[0.15, 0.2, 1.0], [0.3, -0.3, 2.0]]
    np.testing.assert_allclose(np.exp(found), softmax(np.array(wanted)))
    # The offset is for a label of that name only.
    found = tempering.log_probabilities(logits[:1], [20], ("a", "b", "c"))
    np.testing.assert_allclose(np.exp(found), softmax(logits[:1] / 2))


def test_odd_lengths_and_logits():
    temperatures = Tempering(1.0, -0.5).temperatures([0, 1, 1000, 10**7])
    assert temperatures[0] == temperatures[1]
    assert temperatures[2] == temperatures[3] > 0.1
    sure = Tempering(0.2).log_probabilities(np.array([[-900.0, 900.0]]), [3], ("x", "y"))
    assert sure[0, 1] == pytest.approx(0.0)
    assert np.isfinite(sure).all()
    assert Tempering().log_probabilities(np.zeros((0, 3)), [], LABELS).shape == (0, 3)
