"""Plain rows → spaCy Doc: tokens with offsets, character spans, sentence starts.

Every Doc made here reproduces the row's text character by character.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from ..coref.groups import ROW_DATA
from .skipped import UnusableRowError

__all__ = [
    "add_group",
    "as_span",
    "char_span",
    "checked_text",
    "labelled_doc",
    "set_row_data",
    "set_sentence_starts",
    "text_doc",
    "tokenized_doc",
    "with_line_breaks",
]

_RUNS = re.compile(r"\s+|\S+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def checked_text(value: Any) -> str:
    """The row's text, or the reason why it is none."""
    if value is None:
        raise UnusableRowError("missing text")
    if not isinstance(value, str):
        raise UnusableRowError(f"text is {type(value).__name__}, not a string")
    if not value.strip():
        raise UnusableRowError("empty text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UnusableRowError("text is not valid Unicode (a lone surrogate)") from None
    return value


def with_line_breaks(text: str) -> str:
    """A text in which `<br />`, the one markup that IMDb's reviews have, is a line break."""
    return _BREAK.sub("\n", text)


def as_span(value: Any, length: int, unit: str) -> tuple[int, int]:
    """A `(start, end)` pair from a two-item list or a `{"start", "end"}` object.

    Args:
        value: what the row holds.
        length: number of tokens or characters there are.
        unit: "token" or "character", for the message.
    """
    if isinstance(value, dict):
        value = [value.get("start"), value.get("end")]
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise UnusableRowError(f"{unit} span is not a start and an end")
    start, end = value
    if not all(isinstance(part, int) and not isinstance(part, bool) for part in (start, end)):
        raise UnusableRowError(f"{unit} span is not two integers")
    if not 0 <= start < end <= length:
        raise UnusableRowError(f"{unit} span out of range")
    return start, end


def text_doc(nlp: Language, text: str) -> Doc:
    """The tokenizer's Doc of a text."""
    if len(text) > nlp.max_length:
        raise UnusableRowError(f"text longer than nlp.max_length ({nlp.max_length} characters)")
    return nlp.make_doc(text)


def tokenized_doc(vocab: Vocab, text: str, token_spans: Iterable[Any]) -> tuple[Doc, list[int]]:
    """A Doc with the data's own tokens.

    One space after a token becomes its trailing space; any further white space becomes a
    token of its own, as spaCy does it, and so does text that no token of the data covers.

    Args:
        vocab: the pipeline's vocabulary.
        text: the document.
        token_spans: character `(start, end)` per token, in text order.
    Returns:
        the Doc, and for each of the data's tokens its index in the Doc.
    """
    words: list[str] = []
    spaces: list[bool] = []
    index: list[int] = []

    def fill(gap: str) -> None:
        for run in _RUNS.findall(gap):
            rest = run
            if words and not spaces[-1] and run[0] == " " and not words[-1].isspace():
                spaces[-1] = True
                rest = run[1:]
            if rest:
                words.append(rest)
                spaces.append(False)

    position = 0
    for item in token_spans:
        start, end = as_span(item, len(text), "token offset")
        if start < position:
            raise UnusableRowError("token offsets overlap or are out of order")
        fill(text[position:start])
        index.append(len(words))
        words.append(text[start:end])
        spaces.append(False)
        position = end
    fill(text[position:])
    return Doc(vocab, words=words, spaces=spaces), index


def labelled_doc(
    vocab: Vocab, words: list[str], spaces: list[bool], cats: Mapping[str, float]
) -> Doc:
    """A document with labels of its own and nothing else."""
    doc = Doc(vocab, words=words, spaces=spaces)
    doc.cats = dict(cats)
    return doc


def char_span(doc: Doc, start: int, end: int) -> Span:
    """The smallest token span that covers the characters, white space at its ends left out."""
    start, end = as_span((start, end), len(doc.text), "character")
    covered = doc.text[start:end]
    start += len(covered) - len(covered.lstrip())
    end -= len(covered) - len(covered.rstrip())
    if start >= end:
        raise UnusableRowError("character span holds only white space")
    span = doc.char_span(start, end, alignment_mode="expand")
    assert span is not None  # every character but a space belongs to a token
    return span


def set_sentence_starts(doc: Doc, starts: Iterable[int]) -> None:
    """Mark exactly these tokens, and the first, as sentence starts."""
    wanted = {0, *starts}
    for token in doc:
        token.is_sent_start = token.i in wanted


def add_group(doc: Doc, key: str, spans: Sequence[Span], attrs: dict[str, Any]) -> None:
    """Store spans under `doc.spans[key]` with plain-data attributes."""
    doc.spans[key] = SpanGroup(doc, name=key, spans=list(spans), attrs=attrs)


def set_row_data(doc: Doc, **values: Any) -> None:
    """Keep what the row said beyond its annotation in `doc.user_data["spacy_lstm"]`."""
    kept = {key: value for key, value in values.items() if value is not None}
    if kept:
        doc.user_data[ROW_DATA] = kept
