"""`spacy-lstm bundle`: trained components → a bundle with its card."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from jinja2 import Environment, StrictUndefined, TemplateError
from spacy.language import Language
from spacy.training import Example

from ..errors import LstmError
from ..pipeline.calibration import calibrate
from ..pipeline.sentiment_calibration import calibrate_sentiment
from ..pretrained.assemble import assemble_bundle, average_checkpoints, narrow_component
from .evaluate import read_docs
from .models import JsonOption, load_for
from .reporting import only_json, print_json

__all__ = ["bundle", "bundle_cli"]


def bundle(
    output: str | Path,
    *,
    coref: Sequence[str | Path],
    sentiment: str | Path,
    card: str | Path,
    metrics: str | Path | None = None,
    calibration: Sequence[str] = (),
    sentiment_calibration: Sequence[str] = (),
    head_width: int | None = None,
    licence: str = "MIT",
) -> dict[str, Any]:
    """Put trained components together under one name, large tables in 8 bits and other weights in
    half precision.

    Args:
        output: the bundle's folder, named `<lang>_lstm_<size>`; replaced if it is there.
        coref: the pipeline that has `lstm_coref`, or several checkpoints of one training, whose
            weights are averaged.
        sentiment: the pipeline that has `lstm_sentiment`.
        card: template of the model card (jinja2), which may use the figures as `metrics.NAME.KEY`.
        metrics: folder of the figures that `evaluate --output` wrote for this bundle, each file's
            name giving NAME; they are stored in meta.json too.
        calibration: development data, as `evaluate` takes it, that the probabilities of
            `lstm_coref` are fitted on; none: they stay as they are.
        sentiment_calibration: the same for `lstm_sentiment`; each of them is a set that counts as
            much as any other, however many texts it has. A folder of `.spacy` files is one set.
        head_width: make the heads of `lstm_coref`'s multihead attention this narrow, fitted to the
            texts of the development data; None leaves them as they were trained.
        licence: of the bundle.
    Returns:
        where it is and how many bytes it has.
    """
    target = Path(output)
    figures = _read_figures(Path(metrics)) if metrics else {}
    checkpoints = [load_for(path, "lstm_coref") for path in coref]
    reader, classifier = load_for(sentiment, "lstm_sentiment")
    pipelines = {
        "lstm_coref": average_checkpoints([nlp for nlp, _ in checkpoints], "lstm_coref"),
        "lstm_sentiment": reader,
    }
    text = _render(Path(card), figures)
    if head_width is not None and not calibration:
        raise LstmError("--head-width without --calibration: give texts that it can be fitted to")
    if calibration:
        nlp, pipe = checkpoints[0]
        examples = _read_examples(nlp, calibration)
        if head_width is not None:
            narrow_component(pipe, [example.predicted for example in examples], head_width)
        calibrate(pipe, examples)
    if sentiment_calibration:
        sets = [_read_examples(reader, [path], kind="text") for path in sentiment_calibration]
        calibrate_sentiment(classifier, sets)
    meta = {
        "version": version("spacy-lstm"),
        # As wide as what this package asks for: any 3.8 loads it.
        "spacy_version": ">=3.8.2,<3.9",
        "license": licence,
        "description": "Pronoun resolution and sentiment with bidirectional LSTMs",
        "performance": figures,
    }
    size = assemble_bundle(pipelines, target, meta=meta, card=text)
    return {"output": str(target), "bytes": size}


def _read_examples(nlp: Language, data: Sequence[str], **options: Any) -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in read_docs(nlp, data, **options)]


def _read_figures(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise LstmError(f"no figures in {folder}: write some with `evaluate … --output`")
    return {path.stem: _numbers(json.loads(path.read_text(encoding="utf-8"))) for path in files}


def _numbers(figures: dict[str, Any]) -> dict[str, Any]:
    """Without curves and lists of cases, which would outgrow what a card needs."""
    return {
        key: _numbers(value) if isinstance(value, dict) else value
        for key, value in figures.items()
        if not isinstance(value, list)
    }


def _render(template: Path, figures: dict[str, Any]) -> str:
    if not template.is_file():
        raise LstmError(f"no card template at {template}: give a Markdown file")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}"
    try:
        source = template.read_text(encoding="utf-8")
        return environment.from_string(source).render(metrics=figures)
    except TemplateError as error:
        raise LstmError(f"{template}: {error}") from error


def bundle_cli(
    output: Annotated[Path, typer.Argument(help="The bundle's folder: <lang>_lstm_<size>.")],
    coref: Annotated[
        list[str], typer.Option(help="The pipeline that has lstm_coref; several are averaged.")
    ],
    sentiment: Annotated[str, typer.Option(help="The pipeline that has lstm_sentiment.")],
    card: Annotated[Path, typer.Option(help="Template of the model card.")],
    metrics: Annotated[Path | None, typer.Option(help="Folder of the card's figures.")] = None,
    calibration: Annotated[
        list[str] | None,
        typer.Option(help="Development data to fit lstm_coref's probabilities on."),
    ] = None,
    sentiment_calibration: Annotated[
        list[str] | None,
        typer.Option(help="Development sets to fit lstm_sentiment's probabilities on, one each."),
    ] = None,
    head_width: Annotated[
        int | None,
        typer.Option(min=1, help="Narrow lstm_coref's attention heads to this, for speed."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Of the bundle.")] = "MIT",
    as_json: JsonOption = False,
) -> None:
    """Put trained components together as a bundle, in few bytes, with its card."""
    with only_json(as_json):
        made = bundle(
            output,
            coref=coref,
            sentiment=sentiment,
            card=card,
            metrics=metrics,
            calibration=calibration or (),
            sentiment_calibration=sentiment_calibration or (),
            head_width=head_width,
            licence=licence,
        )
    if as_json:
        print_json(made)
    else:
        print(f"{made['output']} ({made['bytes'] / 1e6:.1f} MB)")
