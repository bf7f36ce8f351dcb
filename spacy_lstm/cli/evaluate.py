"""`spacy-lstm evaluate`: a pipeline's figures on data with the truth in it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.util import registry
from tqdm import tqdm

from ..errors import LstmError
from ..viz.errors import render_errors
from .files import write_atomically
from .models import JsonOption, load_for
from .prepare import assignments
from .reporting import format_table, only_json, print_json, to_plain

__all__ = ["evaluate_app", "evaluate_coref", "evaluate_sentiment", "read_docs"]

_READER = "spacy_lstm.HuggingFaceCorpus.v1"
_CLUSTER_METRICS = {
    "MUC": "muc",
    "B³": "b_cubed",
    "CEAFe": "ceafe",
    "LEA": "coref",
    "mentions": "mention",
}
_GAP = ("f", "f_masculine", "f_feminine", "bias", "accuracy", "ece")
_GAP_SETTINGS = {"given": "gap_given", "detected": "gap"}
_WINOBIAS_SETTINGS = {"given": "winobias_given", "detected": "winobias"}


def evaluate_coref(
    model: str | Path,
    data: Sequence[str],
    *,
    singletons: bool = False,
    progress: bool = False,
    limit: int = 0,
    errors: str | Path | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Score a pipeline's `lstm_coref`.

    Args:
        model: a bundle's name, a pipeline's folder or package.
        data: `.spacy` files or folders, or what `prepare` reads.
        singletons: whether clusters of one mention count.
        progress: show a bar on a terminal.
        limit: at most this many documents; 0: all.
        errors: an HTML file to write, with every pronoun that was resolved wrongly.
        **options: the reader's.
    Returns:
        what `spacy_lstm.scorers.score_coref` tells.
    """
    nlp, pipe = load_for(model, "lstm_coref")
    references = read_docs(nlp, data, limit=limit, **options)
    if not any(key.startswith("coref_") for doc in references for key in doc.spans):
        raise LstmError(
            f"{', '.join(data)}: no coreference in it: expected clusters, or pronouns with "
            "candidates"
        )
    examples = _predict(nlp, references, progress)
    scores: dict[str, Any] = pipe.score(examples, singletons=singletons, errors=errors is not None)
    if errors is not None:
        write_atomically(errors, render_errors(scores.pop("errors")))
    return to_plain({"documents": len(examples), **scores})  # type: ignore[no-any-return]


def evaluate_sentiment(
    model: str | Path,
    data: Sequence[str],
    *,
    progress: bool = False,
    limit: int = 0,
    **options: Any,
) -> dict[str, Any]:
    """Score a pipeline's `lstm_sentiment`; the arguments are those of `evaluate_coref`.

    Returns what `spacy_lstm.scorers.score_sentiment` tells.
    """
    nlp, pipe = load_for(model, "lstm_sentiment")
    references = read_docs(nlp, data, limit=limit, **options)
    if not any(any(doc.cats.values()) for doc in references):
        raise LstmError(f"{', '.join(data)}: no labels in it: expected texts with a label each")
    examples = _predict(nlp, references, progress)
    scores: dict[str, Any] = pipe.score(examples)
    return to_plain({"documents": len(examples), **scores})  # type: ignore[no-any-return]


def read_docs(nlp: Language, data: Sequence[str], *, limit: int = 0, **options: Any) -> list[Doc]:
    """The reference Docs of `.spacy` files or folders, or of what `prepare` reads."""
    binary = [path for path in data if _is_binary(Path(path))]
    if not binary:
        reader = registry.readers.get(_READER)(list(data), limit=limit, **options)
        return list(reader.docs(nlp))
    if len(binary) < len(data):
        raise LstmError(f"{binary[0]} is .spacy and others are not: evaluate them one by one")
    given = [name for name, value in options.items() if value and name != "kind"]
    if given:
        raise LstmError(f"{binary[0]} is .spacy already: leave out --{given[0].replace('_', '-')}")
    references = (doc for path in binary for doc in _read_binary(nlp, path))
    return list(islice(references, limit or None))


def _is_binary(path: Path) -> bool:
    return path.suffix == ".spacy" or (path.is_dir() and any(path.glob("*.spacy")))


def _read_binary(nlp: Language, path: str) -> Iterable[Doc]:
    if not Path(path).exists():
        raise LstmError(f"no data at {path}: give a file, a dataset folder or a hub name")
    try:
        yield from (example.reference for example in Corpus(path)(nlp))
    except (ValueError, OSError) as error:
        raise LstmError(f"{path} is no .spacy file: write it with `spacy-lstm prepare`") from error


def _predict(nlp: Language, references: Sequence[Doc], progress: bool) -> list[Example]:
    texts = tqdm(references, unit=" docs", disable=None if progress else True)
    docs = nlp.pipe(doc.text for doc in texts)
    return [Example(doc, reference) for doc, reference in zip(docs, references, strict=True)]


def _coref_tables(scores: Mapping[str, Any]) -> str:
    tables = []
    if scores["conll_f"] is not None:
        rows = [[name, *_cells(scores, key, "prf")] for name, key in _CLUSTER_METRICS.items()]
        tables.append(format_table(["clusters", "P", "R", "F"], rows))
        tables.append(f"CoNLL F {_percent(scores['conll_f'])}")
    if scores["pronoun_per_class"]:
        tables.append(_pronoun_table(scores))
    if scores["link_ece"] is not None:
        tables += _link_tables(scores)
    settings = {name: key for name, key in _GAP_SETTINGS.items() if scores[f"{key}_f"] is not None}
    if settings:
        rows = [[name, *_gap_cells(scores, key)] for name, key in settings.items()]
        header = ["pairs", "F", "F masculine", "F feminine", "bias F/M", "accuracy", "ECE"]
        tables.append(format_table(header, rows))
    settings = {
        name: key
        for name, key in _WINOBIAS_SETTINGS.items()
        if any(scores[f"{key}_{side}"] is not None for side in ("pro", "anti"))
    }
    if settings:
        rows = [
            [name, *(_percent(scores[f"{key}_{value}"]) for value in ("pro", "anti", "gap"))]
            for name, key in settings.items()
        ]
        tables.append(format_table(["stereotypes", "pro", "anti", "gap"], rows))
    return "\n\n".join(tables)


def _pronoun_table(scores: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            _percent(tally["link_accuracy"]),
            _percent(tally["accuracy"]),
            *_cells(tally, "", "prf"),
            f"{tally['n']:.0f}",
        ]
        for name, tally in scores["pronoun_per_class"].items()
    ]
    total = [_percent(scores[f"pronoun_{name}"]) for name in ("link_accuracy", "accuracy")]
    rows.append(["all", *total, *_cells(scores, "pronoun", "prf"), ""])
    header = ["pronouns", "right cluster", "right antecedent", "P", "R", "F", "number"]
    return format_table(header, rows)


def _link_tables(scores: Mapping[str, Any]) -> list[str]:
    """What the probabilities of pronouns' links are worth."""
    thresholds = [
        [f"{row['threshold']:.1f}", _percent(row["p"]), _percent(row["r"]), f"{row['n']}"]
        for row in scores["link_thresholds"] or ()
    ]
    return [
        format_table(["link probability", "mean", "right", "number"], _curve_rows(scores, "link_")),
        f"expected calibration error {_percent(scores['link_ece'])} "
        f"(of the cluster alone: {_percent(scores['link_cluster_ece'])}), "
        f"precision at half coverage {_percent(scores['link_precision_at_half'])}",
        format_table(["threshold", "P", "R", "links"], thresholds),
    ]


def _gap_cells(scores: Mapping[str, Any], key: str) -> list[str]:
    values = {name: scores.get(f"{key}_{name}") for name in _GAP}
    return [
        ("-" if value is None else f"{value:.3f}") if name == "bias" else _percent(value)
        for name, value in values.items()
    ]


def _sentiment_table(scores: Mapping[str, Any]) -> str:
    rows = [
        [label, *(_percent(tally[key]) for key in "prf")]
        for label, tally in scores["cats_f_per_type"].items()
    ]
    rows.append(["macro average", *_cells(scores, "cats_macro", "prf")])
    table = format_table(["sentiment", "P", "R", "F"], rows)
    return "\n\n".join(
        [
            table,
            format_table(["probability", "mean", "right", "number"], _curve_rows(scores, "")),
            f"expected calibration error {_percent(scores['ece'])}",
            f"accuracy {_percent(scores['accuracy'])} of {scores['documents']} texts",
        ]
    )


def _curve_rows(scores: Mapping[str, Any], prefix: str) -> list[list[str]]:
    return [
        [
            f"{row['from']:.2f} to {row['to']:.2f}",
            _percent(row["probability"]),
            _percent(row["accuracy"]),
            f"{row['n']}",
        ]
        for row in scores[f"{prefix}reliability"]
    ]


def _cells(scores: Mapping[str, Any], prefix: str, values: str) -> list[str]:
    joint = "_" if prefix else ""
    return [_percent(scores[f"{prefix}{joint}{value}"]) for value in values]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f}"


def _report(
    scores: Mapping[str, Any],
    output: Path | None,
    as_json: bool,
    table: Callable[[Mapping[str, Any]], str],
) -> None:
    if output is not None:
        write_atomically(output, json.dumps(scores, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(scores)
    else:
        print(table(scores))


evaluate_app = typer.Typer(
    help="Score a pipeline on data with the truth in it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ModelArgument = Annotated[
    str, typer.Argument(help="A bundle's name, a pipeline's folder or package.")
]
DataArgument = Annotated[
    list[str], typer.Argument(help="Files (.spacy, JSONL, GAP's TSV …), folders or hub names.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write all figures to this JSON file.")
]
NameOption = Annotated[str | None, typer.Option(help="Configuration of the dataset.")]
SplitOption = Annotated[str | None, typer.Option(help="Split of the dataset.")]
RevisionOption = Annotated[str | None, typer.Option(help="Revision on the hub.")]
ColumnsOption = Annotated[
    list[str] | None, typer.Option(help="FIELD=COLUMN, repeatable: text=sentence.")
]
LimitOption = Annotated[int, typer.Option(min=0, help="At most this many rows; 0: all.")]


@evaluate_app.command("coref")
def evaluate_coref_cli(
    model: ModelArgument,
    data: DataArgument,
    output: OutputOption = None,
    name: NameOption = None,
    split: SplitOption = None,
    revision: RevisionOption = None,
    columns: ColumnsOption = None,
    mentions: Annotated[
        str | None, typer.Option(help="File of the same documents with further mentions.")
    ] = None,
    limit: LimitOption = 0,
    singletons: Annotated[
        bool, typer.Option("--singletons", help="Count clusters of one mention.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Write a page with every wrong pronoun to this HTML file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Clusters, pronouns, and GAP's pairs with given candidates and detected mentions."""
    with only_json(as_json):
        scores = evaluate_coref(
            model,
            data,
            singletons=singletons,
            progress=True,
            limit=limit,
            errors=errors,
            name=name,
            split=split,
            revision=revision,
            columns=assignments("--columns", columns or []),
            mentions=mentions,
        )
    _report(scores, output, as_json, _coref_tables)


@evaluate_app.command("sentiment")
def evaluate_sentiment_cli(
    model: ModelArgument,
    data: DataArgument,
    output: OutputOption = None,
    name: NameOption = None,
    split: SplitOption = None,
    revision: RevisionOption = None,
    columns: ColumnsOption = None,
    labels: Annotated[
        list[str] | None, typer.Option(help="VALUE=LABEL, repeatable: 0=NEGATIVE.")
    ] = None,
    limit: LimitOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Accuracy, and precision, recall and F of each label."""
    with only_json(as_json):
        scores = evaluate_sentiment(
            model,
            data,
            progress=True,
            limit=limit,
            name=name,
            split=split,
            revision=revision,
            columns=assignments("--columns", columns or []),
            labels=assignments("--labels", labels or []),
            kind="text",
        )
    _report(scores, output, as_json, _sentiment_table)
