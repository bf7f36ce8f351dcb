"""Behavioural suites: many small cases in classes, each with one right outcome, and what became
of them (Ribeiro et al. 2020, "Beyond Accuracy", call it CheckList).

A suite is a JSONL file. Every case has `id`, `class` and `text`, and may have `group`: cases of a
group are one text in several forms, with other names for instance. The other fields say what is
asked and belong to the task: `spacy_lstm.coref.suite` reads those of pronouns,
`spacy_lstm.suites.sentiment` those of sentiment.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import LstmError

__all__ = ["RIGHT", "Case", "Verdict", "load_suite", "read_suite", "tally_verdicts"]

RIGHT: Final = "right"
"""The outcome of a case that passed; any other word names a way to fail."""


class Case(NamedTuple):
    """One case; `fields` is all that its line holds."""

    id: str
    kind: str
    text: str
    group: str | None
    fields: Mapping[str, Any]


class Verdict(NamedTuple):
    """What became of a case."""

    case: Case
    outcome: str


def load_suite(path: str | Path) -> list[Case]:
    """The cases of a JSONL file. Raises LstmError as `read_suite` does, and where there is no such
    file or it is no text."""
    try:
        content = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LstmError(f"no suite at {path}: give a JSONL file of cases") from error
    except UnicodeDecodeError as error:
        raise LstmError(f"{path} is not UTF-8 ({error.reason}): convert it first") from error
    return read_suite(content, str(path))


def read_suite(content: str, name: str) -> list[Case]:
    """The cases of a JSONL file.

    Args:
        content: the file's text.
        name: of the file, for errors.
    Raises LstmError on lines that are no cases, ids that come twice, and an empty suite.
    """
    cases: dict[str, Case] = {}
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        case = _read_case(line, f"{name}, line {number}")
        if case.id in cases:
            raise LstmError(f"{name}, line {number}: the id {case.id} comes twice: change one")
        cases[case.id] = case
    if not cases:
        raise LstmError(f"{name} is empty: expected a case on each line")
    return list(cases.values())


def _read_case(line: str, place: str) -> Case:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise LstmError(f"{place} is no JSON ({error.msg}): expected an object a line") from error
    wanted = ("id", "class", "text")
    if not isinstance(fields, dict) or any(not isinstance(fields.get(w), str) for w in wanted):
        raise LstmError(f"{place} is no case of a suite: expected the texts id, class and text")
    if not isinstance(fields.get("group"), str | None):
        raise LstmError(f"{place}: group = {fields['group']!r}: expected a text, or none")
    return Case(fields["id"], fields["class"], fields["text"], fields.get("group"), fields)


def tally_verdicts(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Failures of all cases, and of each class in order of appearance.

    Returns `cases`, `failures`, `failure_rate` in [0, 1], `outcomes` (how often each way to fail
    happened); `groups`, `groups_failed` (not all of their cases right), `groups_unsteady` (of
    those, the ones in which some are right: there, what must not matter did); `per_class`.
    """
    kinds = dict.fromkeys(verdict.case.kind for verdict in verdicts)
    per_class = {kind: _tally(v for v in verdicts if v.case.kind == kind) for kind in kinds}
    return {**_tally(verdicts), "per_class": per_class}


def _tally(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    groups: dict[str, set[bool]] = {}
    for case, outcome in verdicts:
        outcomes[outcome] += 1
        if case.group is not None:
            groups.setdefault(case.group, set()).add(outcome == RIGHT)
    cases = outcomes.total()
    failures = cases - outcomes.pop(RIGHT, 0)
    return {
        "cases": cases,
        "failures": failures,
        "failure_rate": failures / cases if cases else 0.0,
        "outcomes": dict(sorted(outcomes.items())),
        "groups": len(groups),
        "groups_failed": sum(results != {True} for results in groups.values()),
        "groups_unsteady": sum(len(results) == 2 for results in groups.values()),
    }
