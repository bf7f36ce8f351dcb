"""Which pipeline a command uses, and which text."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language

from ..errors import LstmError
from ..pretrained import load_pipeline

__all__ = [
    "DEFAULT_MODEL",
    "FileOption",
    "JsonOption",
    "ModelOption",
    "PrecisionOption",
    "TextArgument",
    "find_pipe",
    "load_for",
    "read_text",
]

DEFAULT_MODEL = "en_lstm_sm"
_FACTORIES = {"lstm_coref", "lstm_sentiment"}

TextArgument = Annotated[
    str | None, typer.Argument(help="The text; left out, it is read from standard input.")
]
ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="A bundle's name, a pipeline's folder or package.")
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(help="single, or bfloat16 for speed; what the pipeline says if left out."),
]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="Read the text from here; -: standard input.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def read_text(text: str | None, file: Path | None) -> str:
    """The text of a command: given as a word, in a file, or on standard input."""
    if text is not None and file is not None:
        raise typer.BadParameter("give a text or --file, not both")
    if text is not None:
        # Bytes that are no UTF-8 come from the command line as halves of surrogate pairs.
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise LstmError("the text is not UTF-8: convert it first")
        return text
    if file is None and sys.stdin.isatty():
        raise typer.BadParameter("no text: give one, or --file FILE, or pipe one in")
    try:
        if file is None or str(file) == "-":
            content = sys.stdin.read()
        else:
            content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        name = file or "standard input"
        raise LstmError(f"{name} is not UTF-8 ({error.reason}): convert it first") from error
    # What ends a file or a pipe is no part of the text.
    return content.removesuffix("\n")


def find_pipe(nlp: Language, factory: str) -> Any:
    """The pipeline's component of this factory, whatever its name."""
    for name in nlp.pipe_names:
        if nlp.get_pipe_meta(name).factory == factory:
            return nlp.get_pipe(name)
    raise LstmError(
        f"the pipeline has no {factory} (it has {', '.join(nlp.pipe_names) or 'none at all'}): "
        "name another with --model, or train one"
    )


def load_for(model: str | Path, factory: str) -> tuple[Language, Any]:
    """A pipeline and its component of this factory; of our two, the other one is put to sleep."""
    nlp = load_pipeline(model)
    pipe = find_pipe(nlp, factory)
    for name in nlp.pipe_names:
        if nlp.get_pipe_meta(name).factory in _FACTORIES - {factory}:
            nlp.disable_pipe(name)
    return nlp, pipe
