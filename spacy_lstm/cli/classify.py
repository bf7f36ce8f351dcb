"""`spacy-lstm classify`: the sentiment of a text, and what it hangs on."""

from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from ..descriptions import describe_sentiment
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

__all__ = ["classify", "classify_cli"]

# As many words as a line of a terminal holds.
_SHOWN = 5


def classify(text: str, *, model: str | Path = DEFAULT_MODEL) -> Doc:
    """Run a pipeline's `lstm_sentiment` over a text.

    Args:
        text: what to read.
        model: a bundle's name, a pipeline's folder or package.
    """
    nlp, _ = load_for(model, "lstm_sentiment")
    return nlp(text)


def _printed(found: dict[str, Any]) -> str:
    cats = ", ".join(f"{label} {share:.2f}" for label, share in found["cats"].items())
    words = sorted(found["tokens"], key=lambda token: -abs(token["weight"]))[:_SHOWN]
    because = ", ".join(f"{word['text']} {word['weight']:+.2f}" for word in words)
    lines = [f"{found['label']} ({cats})", f"sentiment {found['sentiment']:+.2f}"]
    return "\n".join([*lines, f"words: {because}"] if because else lines)


def classify_cli(
    text: TextArgument = None,
    model: ModelOption = DEFAULT_MODEL,
    file: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a text's sentiment: its label's probabilities and the words it hangs on."""
    content = read_text(text, file)
    with only_json(as_json):
        found = describe_sentiment(classify(content, model=model))
    if as_json:
        print_json(found)
    else:
        print(_printed(found))
