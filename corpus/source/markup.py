"""Inline markup for mentions: ``[1 Alice] lost [2 [1 her] keys] in [the park].``

A bracket is a mention. With a number and a space after the bracket it belongs to the cluster of
that number; without one it is a mention of something named only once. Brackets nest. ``~`` is a
joint that does not end a sentence: a space in English, nothing in Chinese.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Span = tuple[int, int]
Tokenize = Callable[[str], list[Span]]

_PIECE = re.compile(r"\[(?:(\d+) )?|\]|[^\[\]]+")
_ENDS = frozenset(".!?…。！？")
_CLOSERS = frozenset('"”’」』)）')


@dataclass(frozen=True)
class Marked:
    """A text with its mentions (character offsets) and the places where no sentence ends."""

    text: str
    clusters: list[list[Span]]
    joints: frozenset[int]


def parse(markup: str, *, joint: str) -> Marked:
    """Read the markup. `joint` is what ``~`` becomes. Raises ValueError on unbalanced brackets."""
    text = ""
    joints: set[int] = set()
    stack: list[tuple[int, str]] = []
    clusters: dict[str, list[Span]] = {}
    for piece in _PIECE.finditer(markup):
        if piece[0].startswith("["):
            stack.append((len(text), piece[1] or f"single {piece.start()}"))
        elif piece[0] == "]":
            if not stack:
                raise ValueError(f"a bracket closes that never opened: {markup!r}")
            start, label = stack.pop()
            if text[start:] != text[start:].strip() or start == len(text):
                raise ValueError(f"a mention is empty or has outer white space: {markup!r}")
            clusters.setdefault(label, []).append((start, len(text)))
        else:
            for part in re.split("(~)", piece[0]):
                if part == "~":
                    joints.add(len(text))
                text += joint if part == "~" else part
    if stack:
        raise ValueError(f"a bracket never closes: {markup!r}")
    ordered = sorted((sorted(spans) for spans in clusters.values()), key=lambda spans: spans[0])
    return Marked(text, ordered, frozenset(joints))


def to_row(marked: Marked, tokenize: Tokenize) -> dict[str, object]:
    """The text, its tokens, and clusters and sentences over tokens, as the data files hold them.

    Raises ValueError where a mention does not begin and end with a token.
    """
    tokens = tokenize(marked.text)
    starts = {start: i for i, (start, _) in enumerate(tokens)}
    ends = {end: i + 1 for i, (_, end) in enumerate(tokens)}
    clusters = []
    for spans in marked.clusters:
        for start, end in spans:
            if start not in starts or end not in ends:
                wrong = marked.text[start:end]
                raise ValueError(f"{wrong!r} cuts through a token in: {marked.text!r}")
        clusters.append([[starts[start], ends[end]] for start, end in spans])
    return {
        "text": marked.text,
        "tokens": [list(span) for span in tokens],
        "clusters": clusters,
        "sents": sentences(marked, tokens),
    }


def sentences(marked: Marked, tokens: list[Span]) -> list[list[int]]:
    """Token spans of the sentences.

    A sentence ends at final punctuation, with the quotation marks that close after it, unless a
    small letter or a joint follows (``"Stop!" she said.``).
    """
    text = marked.text
    found: list[list[int]] = []
    start = 0
    for i, (_, end) in enumerate(tokens):
        rest = text[end:]
        if not rest:
            continue
        closed = i > start and text[slice(*tokens[i])] in _CLOSERS
        last = tokens[i - 1] if closed else tokens[i]
        if text[last[1] - 1] not in _ENDS or not _is_whole(text[slice(*last)]):
            continue
        after = rest.lstrip()[:1]
        goes_on = after.islower() or (after in _CLOSERS and not rest[0].isspace())
        if not goes_on and end not in marked.joints:
            found.append([start, i + 1])
            start = i + 1
    found.append([start, len(tokens)])
    return found


def _is_whole(token: str) -> bool:
    """False for an abbreviation: its final point belongs to the word."""
    return all(char in _ENDS for char in token)


def read_records(lines: Iterable[str], fields: int) -> list[list[str]]:
    """Records of a source file: ``a | b | text``; empty lines and lines after ``#`` are skipped.

    Raises ValueError where a line has another number of fields.
    """
    records = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        record = [field.strip() for field in line.split(" | ", fields - 1)]
        if len(record) != fields:
            raise ValueError(f"{len(record)} fields instead of {fields} in the line: {line!r}")
        records.append(record)
    return records
