"""The worked example of one unit as a page: every step, beside what was published."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ..traces import CHANNELS, Trace
from .gates import MEANINGS
from .rendering import environment

__all__ = ["render_example", "view_example"]

# Who works by hand with three places may be as far off after some steps.
_ROUNDING: Final = 0.002

_READINGS: Final = (
    (
        "What the weights lead to",
        "Every step follows from the one before by the six equations.",
    ),
    (
        "What was published",
        "The published text leaves out the step of “happy” and gives a state for it that its "
        "weights do not lead to; what comes after is worked out from that state.",
    ),
)


def render_example(
    worked: Trace,
    as_published: Trace,
    published: Mapping[tuple[str, str], float],
    *,
    page: bool = True,
) -> str:
    """Self-contained HTML without scripts: a table of words and channels for each reading.

    worked, as_published: `trace_example(published=False)` and `trace_example(published=True)`.
    published: the values that the published text prints, by word and channel.
    page: whether to give a whole document, or only an element to place in another.
    """
    template = environment().get_template("page.html" if page else "example.html")
    return template.render(
        title="An LSTM by hand",
        body="example.html",
        text=worked.text,
        channels=[MEANINGS[channel] for channel in CHANNELS["lstm"]],
        readings=view_example(worked, as_published, published),
    )


def view_example(
    worked: Trace, as_published: Trace, published: Mapping[tuple[str, str], float]
) -> list[dict[str, Any]]:
    """Both readings as plain data: of each word and channel the value, the published one, and
    whether they differ by more than rounding."""
    return [
        {"name": name, "meaning": meaning, "rows": _view_rows(trace, published)}
        for (name, meaning), trace in zip(_READINGS, (worked, as_published), strict=True)
    ]


def _view_rows(trace: Trace, published: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    gate = trace.find()
    return [
        {
            "word": word,
            "cells": [
                _view_cell(float(gate[channel][i, 0]), published.get((word, channel)))
                for channel in CHANNELS["lstm"]
            ],
        }
        for i, word in enumerate(trace.tokens)
    ]


def _view_cell(value: float, printed: float | None) -> dict[str, Any]:
    return {
        "value": value,
        "tint": float(np.clip(abs(value), 0, 1)),
        "is_negative": value < 0,
        "published": printed,
        "differs": printed is not None and abs(value - printed) > _ROUNDING,
    }
