"""Wrongly resolved pronouns as a page to read, filter and search."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from ..coref.errors import ERROR_KINDS, ERROR_REMARKS, PronounError
from ..coref.mentions import THIRD_PERSON_CLASSES, Span
from .rendering import environment

__all__ = ["render_errors"]

# Sentences before and after a pronoun that are shown, and characters on either side at most.
_BEFORE, _AFTER = 3, 1
_REACH = 500
# The same about an antecedent that lies elsewhere.
_FAR_REACH = 160
_SENTENCE_END: Final = re.compile(r"[.!?]+[\"'”’)\]]*\s+|[。！？]+[”」』]*|\n\s*\n")


def render_errors(
    errors: Sequence[PronounError], *, title: str = "Wrong pronouns", page: bool = True
) -> str:
    """Self-contained HTML: counts per class of error and pronoun, and each error in its context.

    Where scripts run, the page can be filtered by class of error, remark, pronoun and source,
    and searched; without, all errors are there to read.

    errors: what `score_coref` tells.
    page: whether to give a whole document, or only an element to place in another.
    """
    items = [_view(number, error) for number, error in enumerate(errors, start=1)]
    classes = [error.name for error in errors]
    known = [name for name in THIRD_PERSON_CLASSES if name in classes]
    names = [*known, *sorted(set(classes) - set(known))]
    template = environment().get_template("page.html" if page else "errors.html")
    return template.render(
        title=title,
        body="errors.html",
        items=items,
        table=_count(errors, names),
        names=names,
        kinds=ERROR_KINDS,
        remarks=_count_remarks(errors),
        filters=_filters(errors, names),
    )


def _count(errors: Sequence[PronounError], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each class of error that occurs, the most frequent first, and their sum."""
    cells = Counter((error.kind, error.name) for error in errors)
    kinds = Counter(error.kind for error in errors)
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "meaning": ERROR_KINDS[kind],
            "cells": [cells[kind, name] for name in names],
            "total": total,
        }
        for kind, total in kinds.most_common()
    ]
    by_name = Counter(error.name for error in errors)
    total = {"kind": "all", "meaning": "", "cells": [by_name[name] for name in names]}
    return [*rows, {**total, "total": len(errors)}]


def _count_remarks(errors: Sequence[PronounError]) -> list[dict[str, Any]]:
    counts = Counter(remark for error in errors for remark in error.remarks)
    return [
        {"remark": remark, "meaning": meaning, "total": counts[remark]}
        for remark, meaning in ERROR_REMARKS.items()
        if counts[remark]
    ]


def _filters(errors: Sequence[PronounError], names: Sequence[str]) -> list[dict[str, Any]]:
    """What can be chosen; each `name` is that of a data attribute."""
    remarks = [remark for remark in ERROR_REMARKS if any(remark in e.remarks for e in errors)]
    kinds = [kind for kind in ERROR_KINDS if any(error.kind == kind for error in errors)]
    sources = sorted({error.source for error in errors if error.source})
    return [
        {"name": "kind", "label": "class", "values": kinds},
        {"name": "remarks", "label": "remark", "values": remarks},
        {"name": "pronoun", "label": "pronoun", "values": names},
        {"name": "source", "label": "source", "values": sources},
    ]


def _view(number: int, error: PronounError) -> dict[str, Any]:
    text = error.text
    return {
        "number": number,
        "document": error.document,
        "source": error.source,
        "kind": error.kind,
        "name": error.name,
        "remarks": error.remarks,
        "pronoun": text[slice(*error.pronoun)],
        "gold": None if error.gold is None else text[slice(*error.gold)],
        "guess": None if error.guess is None else text[slice(*error.guess)],
        "percent": None if error.probability is None else 100 * error.probability,
        "pieces": list(_pieces(error)),
    }


def _pieces(error: PronounError) -> Iterator[dict[str, Any]]:
    """The context, cut where the pronoun or an antecedent begins or ends. Each piece has its
    text and its roles; what lies between two stretches of text is a gap."""
    text = error.text
    spans = {"pronoun": error.pronoun, "gold": error.gold, "guess": error.guess}
    marked = {role: span for role, span in spans.items() if span is not None}
    for i, (start, end) in enumerate(_stretches(error)):
        if i or start:
            yield {"text": " … ", "roles": ["gap"]}
        inside = {at for span in marked.values() for at in span if start < at < end}
        for first, last in pairwise(sorted({start, end, *inside})):
            roles = [role for role, span in marked.items() if span[0] <= first and last <= span[1]]
            yield {"text": text[first:last], "roles": roles}
    if end < len(text):
        yield {"text": " …", "roles": ["gap"]}


def _stretches(error: PronounError) -> list[Span]:
    """The parts of the text to show, in order: about the pronoun, and about both antecedents."""
    found = [_stretch(error.text, error.pronoun, _BEFORE, _AFTER, _REACH)]
    for span in (error.gold, error.guess):
        if span is not None:
            found.append(_stretch(error.text, span, 0, 0, _FAR_REACH))
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _stretch(text: str, span: Span, before: int, after: int, reach: int) -> Span:
    """The sentences about a span, cut at white space where they reach too far."""
    bounds = _sentence_bounds(text)
    start = bounds[max(0, bisect_right(bounds, span[0]) - 1 - before)]
    end = bounds[min(len(bounds) - 1, bisect_left(bounds, span[1]) + after)]
    if start < span[0] - reach:
        start = span[0] - reach
        space = text.find(" ", start, span[0])
        start = start if space < 0 else space + 1
    if end > span[1] + reach:
        end = span[1] + reach
        space = text.rfind(" ", span[1], end)
        end = end if space < 0 else space
    return start, end


@lru_cache(maxsize=4)
def _sentence_bounds(text: str) -> list[int]:
    """Where sentences begin, and where the last one ends."""
    ends = (match.end() for match in _SENTENCE_END.finditer(text))
    return sorted({0, len(text), *ends})
