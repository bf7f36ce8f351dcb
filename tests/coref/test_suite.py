"""What counts as the right answer to a question of a suite."""

import pytest

from spacy_lstm.coref.suite import judge_pronoun, read_question
from spacy_lstm.errors import LstmError

TEXT = "Dr. Ann Lee, Tom and Eve met the old man. They left."


def at(words: str) -> tuple[int, int]:
    start = TEXT.index(words)
    return start, start + len(words)


@pytest.mark.parametrize(
    ("answers", "predicted", "outcome"),
    [
        (["Ann Lee"], "Ann Lee", "right"),
        (["Ann Lee"], "Dr. Ann Lee", "right"),
        (["Ann Lee"], "Ann", "wrong"),
        (["Tom", "the old man"], "old man", "right"),
        (["Tom"], "the old man", "wrong"),
        (["Tom"], None, "missed"),
        ([], "Tom", "spurious"),
        ([], None, "right"),
        # The head of a coordination is its last part: heads alone would take one for both.
        (["Tom and Eve"], "Tom and Eve", "right"),
        (["Tom and Eve"], "Eve", "wrong"),
        (["Eve"], "Tom and Eve", "wrong"),
        (["Dr. Ann Lee, Tom and Eve"], "Tom and Eve", "wrong"),
        (["Dr. Ann Lee, Tom and Eve"], "Ann Lee, Tom and Eve", "right"),
    ],
)
def test_outcomes(answers: list[str], predicted: str | None, outcome: str) -> None:
    spans = [at(answer) for answer in answers]
    assert judge_pronoun(TEXT, spans, None if predicted is None else at(predicted)) == outcome


def test_question_of_a_case() -> None:
    fields = {"pronoun": {"start": 42, "end": 46}, "answer": [{"start": 13, "end": 24}]}
    question = read_question(fields, TEXT, "case 1")
    assert TEXT[slice(*question.pronoun)] == "They"
    assert [TEXT[slice(*span)] for span in question.answers] == ["Tom and Eve"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pronoun": {"start": 0, "end": 1}}, "case 1 has no list 'answer': expected spans"),
        ({"answer": []}, "case 1: None is no span: expected start and end inside the text"),
        ({"pronoun": {"start": 5, "end": 5}, "answer": []}, "case 1: .* is no span"),
        ({"pronoun": {"start": 0, "end": 4}, "answer": [{"start": 50, "end": 99}]}, "is no span"),
    ],
)
def test_questions_with_faults_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(LstmError, match=message):
        read_question(fields, TEXT, "case 1")
