"""`spacy-lstm explain`: a page that shows what a pipeline found in a text."""

from pathlib import Path
from typing import Annotated, Final

import typer
from spacy.tokens import Doc

from ..errors import LstmError
from ..viz import render
from .files import write_atomically
from .models import (
    DEFAULT_MODEL,
    FileOption,
    JsonOption,
    ModelOption,
    TextArgument,
    load_for,
    read_text,
)
from .reporting import only_json, print_json

__all__ = ["explain", "explain_cli"]

_FACTORIES: Final = {"coref": "lstm_coref", "sentiment": "lstm_sentiment"}


def explain(
    text: str, *, output: str | Path, model: str | Path = DEFAULT_MODEL, style: str = "coref"
) -> Doc:
    """Run a pipeline over a text and write a picture of what it found.

    Args:
        text: what to read.
        output: the HTML file, replaced if it is there.
        model: a bundle's name, a pipeline's folder or package.
        style: what to show, one of the styles of `spacy_lstm.render` for a text.
    """
    if style not in _FACTORIES:
        raise LstmError(f"Unknown style {style!r}: choose one of {', '.join(_FACTORIES)}.")
    nlp, pipe = load_for(model, _FACTORIES[style])
    doc = nlp(text)
    prefix = {"span_cluster_prefix": pipe.span_cluster_prefix} if style == "coref" else {}
    write_atomically(output, render(doc, style=style, **prefix))
    return doc


def explain_cli(
    text: TextArgument = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path(
        "explain.html"
    ),
    style: Annotated[
        str, typer.Option("--style", "-s", help=f"What to show: {', '.join(_FACTORIES)}.")
    ] = "coref",
    model: ModelOption = DEFAULT_MODEL,
    file: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a web page that shows the links of a text, or what its sentiment hangs on."""
    content = read_text(text, file)
    with only_json(as_json):
        doc = explain(content, output=output, model=model, style=style)
    if as_json:
        print_json({"output": str(output), "style": style, "tokens": len(doc)})
    else:
        print(output)
