"""What counts as the right answer to a question about sentiment."""

import re
from typing import Any

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.suites import Case
from spacy_lstm.suites.sentiment import Answer, Question, judge_sentiment, read_questions

GOOD = ("POSITIVE",)


def case(name: str, group: str | None = "g", **fields: Any) -> Case:
    return Case(name, "x", "Fine.", group, fields)


@pytest.mark.parametrize(
    ("labels", "got", "outcome"),
    [
        (GOOD, "POSITIVE", "right"),
        (GOOD, "NEUTRAL", "wrong"),
        (GOOD, "NEGATIVE", "wrong"),
        (("NEGATIVE", "NEUTRAL"), "NEUTRAL", "right"),
        (("NEGATIVE", "NEUTRAL"), "POSITIVE", "wrong"),
    ],
)
def test_one_of_the_labels_has_to_win(labels: tuple[str, ...], got: str, outcome: str) -> None:
    assert judge_sentiment(Question(labels), Answer(got, 0.0)) == outcome


@pytest.mark.parametrize(
    ("got", "score", "outcome"),
    [
        ("POSITIVE", 0.5, "right"),
        ("POSITIVE", 0.25, "right"),
        ("POSITIVE", 0.75, "right"),
        ("POSITIVE", 0.2, "changed"),
        ("POSITIVE", 0.8, "changed"),
        ("NEUTRAL", 0.5, "changed"),
    ],
)
def test_label_and_score_have_to_stay(got: str, score: float, outcome: str) -> None:
    question = Question((), "a", 0.25)
    assert judge_sentiment(question, Answer(got, score), Answer("POSITIVE", 0.5)) == outcome


@pytest.mark.parametrize(
    ("direction", "score", "outcome"),
    [
        ("up", 1.0, "right"),
        ("up", 0.25, "right"),
        ("up", 0.2, "weaker"),
        ("down", -1.0, "right"),
        ("down", 0.75, "right"),
        ("down", 0.8, "weaker"),
    ],
)
def test_score_has_to_follow_the_direction(direction: str, score: float, outcome: str) -> None:
    question = Question((), "a", 0.25, direction)
    # The label may change: a stronger text may win what the plain one did not.
    assert judge_sentiment(question, Answer("POSITIVE", score), Answer("NEUTRAL", 0.5)) == outcome


def test_a_wrong_label_comes_before_every_comparison() -> None:
    question = Question(GOOD, "a", 0.1, "up")
    assert judge_sentiment(question, Answer("NEUTRAL", -1.0), Answer("POSITIVE", 0.5)) == "wrong"


def test_questions_of_a_suite() -> None:
    cases = [
        case("a", labels=["POSITIVE"]),
        case("b", labels=["NEUTRAL", "POSITIVE"], base="a", tolerance=0.2),
        case("c", base="d", tolerance=0, direction="down"),
        case("d", labels=["NEGATIVE"]),
        case("e", None, labels=["NEUTRAL"]),
    ]
    assert read_questions(cases) == [
        Question(("POSITIVE",)),
        Question(("NEUTRAL", "POSITIVE"), "a", 0.2),
        Question((), "d", 0.0, "down"),
        Question(("NEGATIVE",)),
        Question(("NEUTRAL",)),
    ]


LABELS = "expected a list of NEGATIVE, NEUTRAL, POSITIVE"
BASE = "expected the id of another case of its group"
TOLERANCE = "expected a number from 0 to 2"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "b asks nothing: expected labels, or base and tolerance"),
        ({"labels": []}, f"b: labels = []: {LABELS}"),
        ({"labels": "POSITIVE"}, f"b: labels = 'POSITIVE': {LABELS}"),
        ({"labels": ["positive"]}, f"b: labels = ['positive']: {LABELS}"),
        ({"labels": [["POSITIVE"]]}, f"b: labels = [['POSITIVE']]: {LABELS}"),
        ({"labels": ["NEUTRAL"], "tolerance": 1}, "b has tolerance without base"),
        ({"labels": ["NEUTRAL"], "direction": "up"}, "b has direction without base"),
        ({"base": "b", "tolerance": 1}, f"b: base = 'b': {BASE}"),
        ({"base": "z", "tolerance": 1}, f"b: base = 'z': {BASE}"),
        ({"base": "c", "tolerance": 1}, f"b: base = 'c': {BASE}"),
        ({"base": ["a"], "tolerance": 1}, f"b: base = ['a']: {BASE}"),
        ({"base": "a"}, f"b: tolerance = None: {TOLERANCE}"),
        ({"base": "a", "tolerance": True}, f"b: tolerance = True: {TOLERANCE}"),
        ({"base": "a", "tolerance": -0.1}, f"b: tolerance = -0.1: {TOLERANCE}"),
        ({"base": "a", "tolerance": float("nan")}, f"b: tolerance = nan: {TOLERANCE}"),
        ({"base": "a", "tolerance": 1, "direction": None}, "b: direction = None: expected 'up' or"),
        ({"base": "a", "tolerance": 1, "direction": "left"}, "b: direction = 'left': expected"),
    ],
)
def test_questions_with_faults_are_refused(fields: dict[str, Any], message: str) -> None:
    others = [case("a", labels=["POSITIVE"]), case("c", "h", labels=["POSITIVE"])]
    with pytest.raises(LstmError, match=re.escape(message)):
        read_questions([*others, case("b", **fields)])


def test_cases_without_a_group_cannot_be_compared() -> None:
    cases = [case("a", None, labels=["POSITIVE"]), case("b", None, base="a", tolerance=1)]
    with pytest.raises(LstmError, match=BASE):
        read_questions(cases)
