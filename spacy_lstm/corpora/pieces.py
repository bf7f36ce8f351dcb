"""Splitting long documents into pieces that keep their annotation."""

from collections.abc import Iterator

from spacy.tokens import Doc

from ..coref.groups import MENTIONS_KEY, ROW_DATA
from .docs import add_group

__all__ = ["split_doc"]

Bounds = tuple[int, int]


def split_doc(doc: Doc, max_length: int, prefix: str) -> tuple[list[Doc], int]:
    """Pieces of at most `max_length` tokens, cut where a sentence or else a paragraph ends.

    A sentence longer than a piece is cut inside. Clusters left with one mention in a piece
    stay in its `coref_mentions` only.

    Args:
        doc: a document with clusters.
        max_length: tokens in a piece; 0 leaves the document whole.
        prefix: span group prefix of the clusters.
    Returns:
        the pieces, and how many mentions a boundary cut through.
    """
    if not max_length or len(doc) <= max_length:
        return [doc], 0
    bounds = [
        (start, end)
        for start, end in _packed(_units(doc), max_length)
        if not doc[start:end].text.isspace()
    ]
    pieces = [
        _piece(doc, start, end, number, prefix)
        for number, (start, end) in enumerate(bounds, start=1)
    ]
    kept = sum(len(piece.spans[MENTIONS_KEY]) for piece in pieces)
    return pieces, len(doc.spans[MENTIONS_KEY]) - kept


def _units(doc: Doc) -> Iterator[Bounds]:
    """Sentences where they are known, else paragraphs."""
    if doc.has_annotation("SENT_START"):
        yield from ((sent.start, sent.end) for sent in doc.sents)
        return
    start = 0
    for token in doc:
        if "\n" in token.text:
            yield start, token.i + 1
            start = token.i + 1
    if start < len(doc):
        yield start, len(doc)


def _packed(units: Iterator[Bounds], max_length: int) -> Iterator[Bounds]:
    """Neighbouring units together as long as they fit."""
    start = end = 0
    for _, unit_end in units:
        if unit_end - start > max_length and end > start:
            yield start, end
            start = end
        while unit_end - start > max_length:
            yield start, start + max_length
            start += max_length
        end = unit_end
    if end > start:
        yield start, end


def _piece(doc: Doc, start: int, end: int, number: int, prefix: str) -> Doc:
    tokens = doc[start:end]
    piece = Doc(
        doc.vocab,
        words=[token.text for token in tokens],
        spaces=[bool(token.whitespace_) for token in tokens],
    )
    if doc.has_annotation("SENT_START"):
        for old, new in zip(tokens, piece, strict=True):
            new.is_sent_start = bool(old.is_sent_start)
    count = 0
    for key, group in doc.spans.items():
        spans = [
            piece[span.start - start : span.end - start]
            for span in group
            if start <= span.start and span.end <= end
        ]
        if not key.startswith(f"{prefix}_"):
            add_group(piece, key, spans, dict(group.attrs))
        elif len(spans) > 1:
            count += 1
            add_group(piece, f"{prefix}_{count}", spans, dict(group.attrs))
    piece.user_data[ROW_DATA] = {**doc.user_data.get(ROW_DATA, {}), "piece": number}
    return piece
