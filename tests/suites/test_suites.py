"""Reading suites of any task, and counting what failed."""

import json
import re

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.suites import Case, Verdict, read_suite, tally_verdicts


def verdict(kind: str, outcome: str, group: str | None = None) -> Verdict:
    return Verdict(Case("", kind, "", group, {}), outcome)


def test_cases_keep_the_fields_of_their_task() -> None:
    rows = [
        {"id": "1", "class": "negation", "text": "Not bad.", "label": 2},
        {"id": "2", "class": "names", "text": "Ann: a\u2028b", "group": "g"},
    ]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    first, second = read_suite(f"{lines}\n\n", "a.jsonl")
    assert (first.id, first.kind, first.text, first.group) == ("1", "negation", "Not bad.", None)
    assert first.fields["label"] == 2
    assert (second.group, second.text) == ("g", "Ann: a\u2028b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.jsonl is empty: expected a case on each line"),
        ("\n{", "a.jsonl, line 2 is no JSON"),
        ("[]", "a.jsonl, line 1 is no case of a suite: expected the texts id, class and text"),
        ('{"id": "1", "class": "x"}', "line 1 is no case of a suite"),
        ('{"id": 1, "class": "x", "text": "y"}', "line 1 is no case of a suite"),
        ('{"id":"1","class":"x","text":"y","group":[1]}', "line 1: group = [1]: expected a text"),
        ('{"id":"1","class":"x","text":"y"}\n' * 2, "line 2: the id 1 comes twice: change one"),
    ],
)
def test_files_that_are_no_suites_are_refused(content: str, message: str) -> None:
    with pytest.raises(LstmError, match=re.escape(message)):
        read_suite(content, "a.jsonl")


def test_failures_are_counted_by_class_and_by_group() -> None:
    scores = tally_verdicts(
        [
            verdict("b", "right", "g1"),
            verdict("b", "missed", "g1"),
            verdict("b", "wrong", "g2"),
            verdict("b", "wrong", "g2"),
            verdict("a", "right", "g3"),
            verdict("a", "right"),
        ]
    )
    per_class = scores.pop("per_class")
    assert list(per_class) == ["b", "a"]
    assert scores == {
        "cases": 6,
        "failures": 3,
        "failure_rate": 0.5,
        "outcomes": {"missed": 1, "wrong": 2},
        "groups": 3,
        "groups_failed": 2,
        "groups_unsteady": 1,
    }
    assert (per_class["b"]["failure_rate"], per_class["b"]["groups"]) == (0.75, 2)
    assert (per_class["a"]["failure_rate"], per_class["a"]["groups_failed"]) == (0.0, 0)
    assert per_class["a"]["outcomes"] == {}


def test_no_verdicts_fail_nowhere() -> None:
    assert tally_verdicts([])["failure_rate"] == 0.0
