"""`spacy-lstm evaluate faithfulness`: whether explanations name the words that answers hang on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..coref.groups import PAIRS_PREFIX, numbered_keys
from ..coref.mentions import Span
from ..errors import LstmError
from ..explaining.answers import link_answers, sentiment_answers
from ..explaining.faithfulness import BY_SHARE, BY_WORDS, Answer, measure_faithfulness
from ..explaining.links import LINK_METHODS
from ..explaining.sentiment import SENTIMENT_METHODS
from .evaluate import DataArgument, LimitOption, ModelArgument, OutputOption, read_docs
from .files import write_atomically
from .models import JsonOption, load_for
from .reporting import format_table, only_json, print_json

__all__ = ["evaluate_faithfulness", "evaluate_faithfulness_cli"]

_TASKS: Final = {
    "sentiment": ("lstm_sentiment", SENTIMENT_METHODS, BY_SHARE),
    "links": ("lstm_coref", LINK_METHODS, BY_WORDS),
}
_LIMIT: Final = 300


def evaluate_faithfulness(
    model: str | Path,
    data: Sequence[str],
    *,
    task: str = "sentiment",
    methods: Sequence[str] = (),
    limit: int = _LIMIT,
    seed: int = 0,
    progress: bool = False,
) -> dict[str, Any]:
    """Take words out of texts in the order in which each method puts them, and follow the
    probability of the answer.

    Args:
        model: a bundle's name, a pipeline's folder or package.
        data: `.spacy` files or folders, or what `prepare` reads.
        task: "sentiment" for the label of each text, 10 to 50 % of whose words go; "links" for the
            antecedents of pronouns, from whose texts 1 to 10 words go, but not the pronoun and its
            candidates. In pair data it is the pronoun that is asked about, elsewhere all.
        methods: some of those that the task has; none: all that the model has.
        limit: at most this many texts; 0: all.
        seed: of the random orders.
        progress: show a bar on a terminal.
    Returns:
        `task`, `texts`, and what `spacy_lstm.explaining.faithfulness.Faithfulness` has.
    """
    if task not in _TASKS:
        raise LstmError(f"no task {task!r}: expected one of {', '.join(_TASKS)}")
    factory, known, steps = _TASKS[task]
    strange = [method for method in methods if method not in known]
    if strange:
        raise LstmError(f"no method {strange[0]!r} for {task}: expected {', '.join(known)}")
    nlp, pipe = load_for(model, factory)
    options = {"kind": "text"} if task == "sentiment" else {}
    docs = read_docs(nlp, data, limit=limit, **options)
    bar = tqdm(docs, unit=" texts", disable=None if progress else True)
    answers = _answers(nlp, bar, task, methods, pipe.name)
    found = measure_faithfulness(answers, steps=steps, seed=seed)
    figures = {name: each._asdict() for name, each in found.methods.items()}
    return {"task": task, "texts": len(docs), **found._asdict(), "methods": figures}


def _answers(
    nlp: Language, docs: Any, task: str, methods: Sequence[str], component: str
) -> Iterator[Answer]:
    if task == "sentiment":
        return sentiment_answers(nlp, docs, methods=methods, component=component)
    return link_answers(nlp, docs, methods=methods, anaphors=_asked, component=component)


def _asked(doc: Doc) -> list[Span] | None:
    """The pronouns that pair data asks about, in characters; None for other data."""
    keys = [key for _, key in numbered_keys(doc.spans, PAIRS_PREFIX)]
    pronouns = [next(iter(doc.spans[key])) for key in keys]
    return [(span.start_char, span.end_char) for span in pronouns] or None


def _table(scores: Mapping[str, Any]) -> str:
    steps = [f"{step:.0%}" if step < 1 else f"{step:.0f}" for step in scores["steps"]]
    rows = [
        [
            name,
            _figure(each["area"], each["standard_error"]),
            _figure(each["above_random"], each["above_random_error"]),
            *(f"{fall:.3f}" for fall in each["curve"]),
        ]
        for name, each in scores["methods"].items()
    ]
    header = ["words out", "area", "above random", *steps]
    told = f"{scores['answers']} answers; best: {scores['best']}"
    return f"{format_table(header, rows)}\n\n{told}"


def _figure(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}"


def evaluate_faithfulness_cli(
    model: ModelArgument,
    data: DataArgument,
    task: Annotated[
        str, typer.Option(help=f"What is explained: {', '.join(_TASKS)}.")
    ] = "sentiment",
    methods: Annotated[
        list[str] | None, typer.Option("--method", help="Measure this one, repeatable; else all.")
    ] = None,
    limit: LimitOption = _LIMIT,
    seed: Annotated[int, typer.Option(min=0, help="Of the random orders.")] = 0,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """How far answers fall when the words that explain them are taken out."""
    with only_json(as_json):
        scores = evaluate_faithfulness(
            model, data, task=task, methods=methods or (), limit=limit, seed=seed, progress=True
        )
    if output is not None:
        write_atomically(output, json.dumps(scores, indent=2) + "\n")
    if as_json:
        print_json(scores)
    else:
        print(_table(scores))
