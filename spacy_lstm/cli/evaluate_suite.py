"""`spacy-lstm evaluate suite`: which behaviours of a pipeline fail, class by class."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc
from tqdm import tqdm

from ..coref.mentions import Span
from ..coref.suite import judge_pronoun, read_question
from ..errors import LstmError
from ..suites import RIGHT, Verdict, read_suite, tally_verdicts
from .evaluate import ModelArgument, OutputOption
from .files import write_atomically
from .models import JsonOption, load_for
from .reporting import format_table, only_json, print_json

__all__ = ["evaluate_suite", "evaluate_suite_cli"]

_OUTCOMES = ("missed", "wrong", "spurious")


def evaluate_suite(
    model: str | Path, suite: str | Path, *, progress: bool = False
) -> dict[str, Any]:
    """Ask a pipeline's `lstm_coref` the questions of a behavioural suite.

    Args:
        model: a bundle's name, a pipeline's folder or package.
        suite: a JSONL file, as `corpus/suites` has them.
        progress: show a bar on a terminal.
    Returns:
        `suite`, the file's name; what `spacy_lstm.suites.tally_verdicts` tells; and `failed`, a
        record of each case that did not pass.
    """
    cases = read_suite(_read(Path(suite)), str(suite))
    questions = [read_question(case.fields, case.text, case.id) for case in cases]
    nlp, _ = load_for(model, "lstm_coref")
    # Cases that ask about several pronouns of one text stand next to each other.
    texts = list(dict.fromkeys(case.text for case in cases))
    bar = tqdm(texts, unit=" texts", disable=None if progress else True)
    docs = dict(zip(texts, nlp.pipe(bar), strict=True))
    verdicts, failed = [], []
    for case, (pronoun, answers) in zip(cases, questions, strict=True):
        predicted = _find_antecedent(docs[case.text], pronoun)
        outcome = judge_pronoun(case.text, answers, predicted)
        verdicts.append(Verdict(case, outcome))
        if outcome != RIGHT:
            record = {"id": case.id, "class": case.kind, "outcome": outcome, "text": case.text}
            record["pronoun"] = case.text[slice(*pronoun)]
            right = [case.text[slice(*answer)] for answer in answers]
            got = None if predicted is None else case.text[slice(*predicted)]
            failed.append({**record, "answer": right, "predicted": got})
    return {"suite": Path(suite).name, **tally_verdicts(verdicts), "failed": failed}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LstmError(f"no suite at {path}: give a JSONL file of cases") from error
    except UnicodeDecodeError as error:
        raise LstmError(f"{path} is not UTF-8 ({error.reason}): convert it first") from error


def _find_antecedent(doc: Doc, pronoun: Span) -> Span | None:
    """Character span of the antecedent of the token in which the pronoun begins."""
    span = doc.char_span(*pronoun, alignment_mode="expand")
    antecedent = span[0]._.antecedent if span is not None else None
    return None if antecedent is None else (antecedent.start_char, antecedent.end_char)


def _table(scores: Mapping[str, Any]) -> str:
    rows = [
        [name, *_cells(tally)] for name, tally in (*scores["per_class"].items(), ("all", scores))
    ]
    header = ["class", "cases", "failed", "%", *_OUTCOMES, "groups", "failed", "unsteady"]
    return format_table(header, rows)


def _cells(tally: Mapping[str, Any]) -> list[str]:
    counts = [tally["outcomes"].get(outcome, 0) for outcome in _OUTCOMES]
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
    """Failure rates by class on a behavioural suite of pronouns."""
    with only_json(as_json):
        scores = evaluate_suite(model, suite, progress=True)
    if output is not None:
        write_atomically(output, json.dumps(scores, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(scores)
    else:
        print(_table(scores))
