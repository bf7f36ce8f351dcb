import random

import pytest

from spacy_lstm.coref.reliability import (
    Answer,
    calibration_error,
    precision_at_half,
    reliability_curve,
    threshold_curve,
)

ANSWERS = [Answer(0.95, True), Answer(0.96, False), Answer(0.4, True), Answer(0.0, False)]


def test_the_curve_by_hand():
    first, middle, last = reliability_curve(ANSWERS)
    assert first == {"from": 0.0, "to": 1 / 15, "n": 1, "probability": 0.0, "accuracy": 0.0}
    assert middle == {"from": 5 / 15, "to": 6 / 15, "n": 1, "probability": 0.4, "accuracy": 1.0}
    assert last == {
        "from": 14 / 15,
        "to": 1.0,
        "n": 2,
        "probability": pytest.approx(0.955),
        "accuracy": 0.5,
    }


def test_the_error_is_the_mean_distance_weighed_by_bins():
    assert calibration_error(ANSWERS) == pytest.approx((0 + 0.6 + 2 * 0.455) / 4)
    assert calibration_error([]) is None
    assert reliability_curve([]) == []


@pytest.mark.parametrize("power", [1, 3])
def test_probabilities_that_mean_what_they_say_have_little_error(power):
    generator = random.Random(0)
    drawn = [generator.random() for _ in range(20_000)]
    answers = [Answer(p, generator.random() < p**power) for p in drawn]
    expected = sum(p - p**power for p in drawn) / len(drawn)
    assert calibration_error(answers) == pytest.approx(expected, abs=0.02)


def test_bins_hold_their_upper_edge():
    assert [row["n"] for row in reliability_curve([Answer(1.0, True), Answer(14 / 15, True)])] == [
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (2, 0.0),  # the most probable one is wrong
        (3, 0.5),
        (6, 2 / 3),
        (8, 0.5),
        (10, None),  # four answers are less than half of ten
        (0, None),
    ],
)
def test_precision_at_half(wanted, expected):
    assert precision_at_half(ANSWERS, wanted) == expected


def test_a_threshold_trades_recall_for_precision():
    rows = {row["threshold"]: row for row in threshold_curve(ANSWERS, 5)}
    assert list(rows) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert rows[0.0] == {"threshold": 0.0, "n": 4, "p": 2 / 4, "r": 2 / 5}
    assert rows[0.4] == {"threshold": 0.4, "n": 3, "p": 2 / 3, "r": 2 / 5}
    assert rows[0.9] == {"threshold": 0.9, "n": 2, "p": 1 / 2, "r": 1 / 5}
    assert threshold_curve([Answer(0.1, True)], 1)[-1]["p"] is None
    assert threshold_curve(ANSWERS, 0) == []
