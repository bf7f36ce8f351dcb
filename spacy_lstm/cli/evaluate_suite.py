"""`spacy-lstm evaluate suite`: which behaviours of a pipeline fail, class by class."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from spacy.tokens import Doc
from tqdm import tqdm

from ..coref.mentions import Span
from ..coref.suite import judge_pronoun, read_question
from ..errors import LstmError
from ..labels import fold_labels
from ..suites import RIGHT, Case, Verdict, load_suite, tally_verdicts
from ..suites.sentiment import LABELS, Answer, judge_sentiment, read_questions
from .evaluate import ModelArgument, OutputOption
from .files import write_atomically
from .models import JsonOption, load_for
from .reporting import format_table, only_json, print_json

__all__ = ["evaluate_suite", "evaluate_suite_cli"]

Annotate = Callable[[str], dict[str, Doc]]
"""From a component's factory to the document of each text."""
Outcome = tuple[str, dict[str, Any]]
"""What became of a case, and what to tell of it where it failed."""


def evaluate_suite(
    model: str | Path, suite: str | Path, *, progress: bool = False
) -> dict[str, Any]:
    """Ask a pipeline the questions of a behavioural suite: its `lstm_coref` those about pronouns,
    its `lstm_sentiment` those about sentiment.

    Args:
        model: a bundle's name, a pipeline's folder or package.
        suite: a JSONL file, as `corpus/suites` has them; the fields of its cases tell the task.
        progress: show a bar on a terminal.
    Returns:
        `suite`, the file's name; `task`, "pronouns" or "sentiment"; what
        `spacy_lstm.suites.tally_verdicts` tells; and `failed`, a record of each case that did not
        pass.
    """
    cases = load_suite(suite)
    task = _find_task(cases)

    def annotate(factory: str) -> dict[str, Doc]:
        nlp, _ = load_for(model, factory)
        # Several cases may ask about one text.
        texts = list(dict.fromkeys(case.text for case in cases))
        bar = tqdm(texts, unit=" texts", disable=None if progress else True)
        return dict(zip(texts, nlp.pipe(bar), strict=True))

    verdicts, failed = [], []
    for case, (outcome, told) in zip(cases, _TASKS[task].ask(cases, annotate), strict=True):
        verdicts.append(Verdict(case, outcome))
        if outcome != RIGHT:
            record = {"id": case.id, "class": case.kind, "outcome": outcome, "text": case.text}
            failed.append({**record, **told})
    return {"suite": Path(suite).name, "task": task, **tally_verdicts(verdicts), "failed": failed}


def _find_task(cases: Sequence[Case]) -> str:
    """What the cases ask about, by their fields."""
    found: dict[str, str] = {}
    for case in cases:
        tasks = [name for name, task in _TASKS.items() if task.fields & case.fields.keys()]
        if not tasks:
            raise LstmError(
                f"{case.id} asks nothing that is known: expected the fields pronoun and answer, or "
                "labels, or base and tolerance"
            )
        found |= dict.fromkeys(tasks, case.id)
    if len(found) > 1:
        ids = " and ".join(f"{name} ({example})" for name, example in found.items())
        raise LstmError(f"the suite asks about {ids}: expected one of them: make two files")
    return next(iter(found))


def _ask_pronouns(cases: Sequence[Case], annotate: Annotate) -> Iterator[Outcome]:
    questions = [read_question(case.fields, case.text, case.id) for case in cases]
    docs = annotate("lstm_coref")
    for case, (pronoun, answers) in zip(cases, questions, strict=True):
        predicted = _find_antecedent(docs[case.text], pronoun)
        right = [case.text[slice(*answer)] for answer in answers]
        got = None if predicted is None else case.text[slice(*predicted)]
        yield (
            judge_pronoun(case.text, answers, predicted),
            {"pronoun": case.text[slice(*pronoun)], "answer": right, "predicted": got},
        )


def _find_antecedent(doc: Doc, pronoun: Span) -> Span | None:
    """Character span of the antecedent of the token in which the pronoun begins."""
    span = doc.char_span(*pronoun, alignment_mode="expand")
    antecedent = span[0]._.antecedent if span is not None else None
    return None if antecedent is None else (antecedent.start_char, antecedent.end_char)


def _ask_sentiment(cases: Sequence[Case], annotate: Annotate) -> Iterator[Outcome]:
    questions = read_questions(cases)
    docs = annotate("lstm_sentiment")
    answers = {case.id: _find_sentiment(docs[case.text]) for case in cases}
    for case, question in zip(cases, questions, strict=True):
        answer = answers[case.id]
        told = {"expected": list(question.labels), "got": answer.label, "score": answer.score}
        base = None if question.base is None else answers[question.base]
        if base is not None:
            told |= {"base": question.base, "base_got": base.label, "base_score": base.score}
        yield judge_sentiment(question, answer, base), told


def _find_sentiment(doc: Doc) -> Answer:
    """The winner among the labels, and the score. A model without NEUTRAL never says it; of one
    with five labels the stronger ones count on their sides."""
    cats = fold_labels(doc.cats)
    known = {label: cats[label] for label in LABELS if label in cats}
    if not {"NEGATIVE", "POSITIVE"} <= known.keys():
        raise LstmError(
            f"the pipeline's lstm_sentiment has the labels {', '.join(doc.cats)}: expected "
            "NEGATIVE and POSITIVE: train one with these"
        )
    return Answer(max(known, key=known.__getitem__), doc.sentiment)


class Task(NamedTuple):
    """What suites may ask about."""

    fields: frozenset[str]
    """A case with any of these is of this task."""
    outcomes: tuple[str, ...]
    """The ways to fail."""
    ask: Callable[[Sequence[Case], Annotate], Iterator[Outcome]]


_TASKS: Final = {
    "pronouns": Task(
        frozenset({"pronoun", "answer"}), ("missed", "wrong", "spurious"), _ask_pronouns
    ),
    "sentiment": Task(
        frozenset({"labels", "base"}), ("wrong", "changed", "weaker"), _ask_sentiment
    ),
}


def _table(scores: Mapping[str, Any]) -> str:
    outcomes = _TASKS[scores["task"]].outcomes
    rows = [
        [name, *_cells(tally, outcomes)]
        for name, tally in (*scores["per_class"].items(), ("all", scores))
    ]
    header = ["class", "cases", "failed", "%", *outcomes, "groups", "failed", "unsteady"]
    return format_table(header, rows)


def _cells(tally: Mapping[str, Any], outcomes: Sequence[str]) -> list[str]:
    counts = [tally["outcomes"].get(outcome, 0) for outcome in outcomes]
    groups = [tally[key] for key in ("groups", "groups_failed", "groups_unsteady")]
    return [
        str(tally["cases"]),
        str(tally["failures"]),
        f"{tally['failure_rate'] * 100:.1f}",
        *map(str, counts),
        *(map(str, groups) if groups[0] else [""] * len(groups)),
    ]


def evaluate_suite_cli(
    model: ModelArgument,
    suite: Annotated[str, typer.Argument(help="A file of cases (JSONL).")],
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Failure rates by class on a behavioural suite of pronouns or of sentiment."""
    with only_json(as_json):
        scores = evaluate_suite(model, suite, progress=True)
    if output is not None:
        write_atomically(output, json.dumps(scores, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(scores)
    else:
        print(_table(scores))
