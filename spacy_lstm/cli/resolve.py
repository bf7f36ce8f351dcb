"""`spacy-lstm resolve`: a text with its pronouns replaced, and the links behind it."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc

from ..descriptions import cluster_keys, describe_links
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

__all__ = ["resolve", "resolve_cli"]


def resolve(text: str, *, model: str | Path = DEFAULT_MODEL, threshold: float | None = None) -> Doc:
    """Run a pipeline's `lstm_coref` over a text.

    Args:
        text: what to read.
        model: a bundle's name, a pipeline's folder or package.
        threshold: probability below which a pronoun stays as it is; None for the pipeline's own.
    """
    nlp, pipe = load_for(model, "lstm_coref")
    if threshold is not None:
        pipe.threshold = threshold
    return nlp(text)


def _picture(doc: Doc) -> str:
    keys = cluster_keys(doc)
    prefix = keys[0].rpartition("_")[0] if keys else "coref_clusters"
    return render(doc, style="coref", span_cluster_prefix=prefix)


def resolve_cli(
    text: TextArgument = None,
    model: ModelOption = DEFAULT_MODEL,
    file: FileOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave pronouns whose probability is below this."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a picture of the links to this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the pronouns of a text by what they stand for."""
    content = read_text(text, file)
    with only_json(as_json):
        doc = resolve(content, model=model, threshold=threshold)
        if html is not None:
            write_atomically(html, _picture(doc))
    if as_json:
        print_json(describe_links(doc))
    else:
        print(doc._.resolved_text)
