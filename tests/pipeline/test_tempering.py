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
    found = tempering.temperatures(np.zeros((3, 3)), [20, 80, 5], LABELS)
    np.testing.assert_allclose(found, [2.0, 1.0, 4.0])
    logits = np.array([[0.3, -1.0, 2.0]] * 2)
    found = tempering.log_probabilities(logits, [20, 80], LABELS)
    wanted = [[0.15, 0.2, 1.0], [0.3, -0.3, 2.0]]
    np.testing.assert_allclose(np.exp(found), softmax(np.array(wanted)))
    # The offset is for a label of that name only.
    found = tempering.log_probabilities(logits[:1], [20], ("a", "b", "c"))
    np.testing.assert_allclose(np.exp(found), softmax(logits[:1] / 2))


def test_temperature_follows_the_polarity_either_way():
    tempering = Tempering(1.5, polarity_exponent=0.4)
    thirds = np.log([[0.2, 0.1, 0.7], [0.7, 0.1, 0.2], [0.4, 0.2, 0.4]])
    wanted = 1.5 * np.exp([0.2, 0.2, 0.0])
    np.testing.assert_allclose(tempering.temperatures(thirds, [20] * 3, LABELS), wanted)
    found = tempering.log_probabilities(thirds, [20] * 3, LABELS)
    np.testing.assert_allclose(np.exp(found), softmax(thirds / wanted[:, None]))
    # Both labels of a side count for it, and without sides nothing is polar.
    four = ("VERY_POSITIVE", "NEGATIVE", "POSITIVE", "VERY_NEGATIVE")
    quarters = np.log([[0.4, 0.1, 0.3, 0.2]])
    np.testing.assert_allclose(
        tempering.temperatures(quarters, [20], four), 1.5 * np.exp(0.4 * 0.4)
    )
    assert tempering.temperatures(thirds, [20] * 3, ("a", "b", "c")) == pytest.approx(1.5)


def test_more_evidence_never_makes_less_sure():
    """Also where a higher polarity asks for a higher temperature."""
    odds = np.linspace(0, 12, 200)
    logits = np.stack([-odds / 2, np.zeros(200), odds / 2], axis=1)
    for exponent in (-1.0, 1.0):
        told = Tempering(polarity_exponent=exponent).log_probabilities(logits, [20] * 200, LABELS)
        assert (np.diff(told[:, 2] - told[:, 0]) > 0).all()


def test_odd_lengths_and_logits():
    temperatures = Tempering(1.0, -0.5).temperatures(np.zeros((4, 3)), [0, 1, 1000, 10**7], LABELS)
    assert temperatures[0] == temperatures[1]
    assert temperatures[2] == temperatures[3] > 0.1
    sure = Tempering(0.2).log_probabilities(np.array([[-900.0, 900.0]]), [3], ("x", "y"))
    assert sure[0, 1] == pytest.approx(0.0)
    assert np.isfinite(sure).all()
    surer = Tempering(polarity_exponent=1.0)
    assert surer.temperatures(np.array([[-900.0, 0.0, 900.0]]), [3], LABELS) == pytest.approx(np.e)
    assert surer.log_probabilities(np.zeros((0, 3)), [], LABELS).shape == (0, 3)
    assert Tempering().log_probabilities(np.zeros((0, 3)), [], LABELS).shape == (0, 3)
