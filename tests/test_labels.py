import pytest

from spacy_lstm.labels import fold_labels, know_degrees

FIVE = ("VERY_NEGATIVE", "NEGATIVE", "NEUTRAL", "POSITIVE", "VERY_POSITIVE")


def test_folded_probabilities():
    assert fold_labels(dict(zip(FIVE, (0.1, 0.2, 0.3, 0.25, 0.15), strict=True))) == {
        "NEGATIVE": pytest.approx(0.3),
        "NEUTRAL": 0.3,
        "POSITIVE": pytest.approx(0.4),
    }
    assert fold_labels({"VERY_POSITIVE": 0.4, "other": 0.6}) == {"VERY_POSITIVE": 0.4, "other": 0.6}


def test_which_labels_know_degrees():
    assert know_degrees(FIVE)
    assert know_degrees(["VERY_POSITIVE", "x"])
    assert not know_degrees(FIVE[1:4])
