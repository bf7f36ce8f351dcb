"""Questions about entities: reading them, finding the record that answers, counting."""

import re

import pytest

from spacy_lstm.coref.entity_suite import (
    Answer,
    EntityQuestion,
    match_record,
    name_of,
    read_entities,
    tally_answers,
)
from spacy_lstm.errors import LstmError

TEXT = "The view from the tower pleased Ann and her new dog."


def place(words):
    start = TEXT.index(words)
    return start, start + len(words)


def entity(**changes):
    start, end = place("Ann")
    return {"name": "Ann", "start": start, "end": end, "label": "NEUTRAL", **changes}


def test_questions_are_read():
    assert read_entities({"entities": [entity()]}, TEXT, "x") == [
        EntityQuestion("Ann", place("Ann"), "NEUTRAL")
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "x asks about nobody: expected entities, each with name, start, end and label"),
        ({"entities": [{}]}, "x asks about nobody"),
        ({"entities": [entity(start="a")]}, "x asks about nobody"),
        ({"entities": 3}, "x asks about nobody"),
        ({"entities": []}, "x asks about nobody: its entities are empty: add one or leave it out"),
        ({"entities": [entity(label="GOOD")]}, "x: the label 'GOOD': expected one of NEGATIVE, NE"),
        ({"entities": [entity(start=place("Ann")[0] - len(TEXT))]}, "x: 'Ann' is not what stands"),
        ({"entities": [entity(start=0)]}, "x: 'Ann' is not what stands at 0 to 35: mend the"),
    ],
)
def test_questions_that_do_not_fit(fields, message):
    with pytest.raises(LstmError, match=re.escape(message)):
        read_entities(fields, TEXT, "x")


@pytest.mark.parametrize(
    ("asked", "records", "wanted"),
    [
        ("The view from the tower", [["the tower"], ["The view"]], 1),
        ("The view from the tower", [["the tower"]], 0),
        ("The view from the tower", [["view"], ["tower pleased"]], 0),
        ("Ann", [["Ann and her new dog"], ["Ann"]], 1),
        ("Ann", [["The view"], ["her", "Ann"]], 1),
        ("her new dog", [["her", "Ann"], ["new dog"]], 1),
        ("her new dog", [["her", "Ann"]], None),
        ("her", [["her new dog"], ["Ann", "her"]], 1),
        ("new dog", [["her new dog"]], 0),
        ("Ann", [["The view"]], None),
        ("Ann", [], None),
    ],
)
def test_the_record_of_a_mention(asked, records, wanted):
    spans = [[place(words) for words in mentions] for mentions in records]
    assert match_record(TEXT, place(asked), spans) == wanted


def test_scores_have_names():
    scores = (-0.2, -0.1, 0.0, 0.1, 0.2)
    wanted = ["NEGATIVE", "NEUTRAL", "NEUTRAL", "NEUTRAL", "POSITIVE"]
    assert [name_of(score, 0.1) for score in scores] == wanted


def test_answers_are_counted_by_class():
    answers = [
        Answer("b", "POSITIVE", 0.5, -0.5),
        Answer("b", "NEUTRAL", None, 0.2),
        Answer("a", "NEGATIVE", -0.05, -0.5),
        Answer("a", "NEUTRAL", 0.05, 0.0),
    ]
    scores = tally_answers(answers, neutral=0.1, sentence_neutral=0.3)
    assert list(scores["per_class"]) == ["b", "a"]
    assert scores["per_class"].pop("b") == {
        "entities": 2,
        "found": 0.5,
        "accuracy": 0.5,
        "sentence_accuracy": 0.5,
    }
    assert scores["per_class"].pop("a")["accuracy"] == 0.5
    assert (scores["accuracy"], scores["sentence_accuracy"], scores["found"]) == (0.5, 0.75, 0.75)
