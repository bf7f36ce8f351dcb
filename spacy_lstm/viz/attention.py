"""The attentions of a trace as the plain data that their template shows."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..traces import AttentionTrace, Trace
from .governors import lay_arcs, reads_from_right
from .packing import pack, paint, png_address
from .words import choose_token, name_tokens, spell_text

__all__ = ["view_attention"]

_TOP: Final = 3
_STRONGEST: Final = 12
# What is less is no percent of anything.
_LEAST: Final = 0.005
# Longer texts are read row by row: columns this many need no names of their own.
_NAMED_COLUMNS: Final = 60
# The highest key that 16 bits hold when -1 is one, too.
_LAST_KEY: Final = 65534


class _About(NamedTuple):
    """What the page says of an attention of this name."""

    title: str
    meaning: str
    verb: str = "looks at"
    has_arcs: bool = False
    """Whether each token has one that counts most by far, to which an arc can lead."""


_ABOUT: Final = {
    "encoder": _About(
        "What each token looks at",
        "The encoder adds to every token what it looks at. Each row of the matrix sums to 1 over "
        "the tokens of its window.",
    ),
    "heads": _About(
        "Which word governs which",
        "How likely each word around a token is the one that governs it, as the subject is "
        "governed by its verb. Arcs lead to the likeliest one, the paler the less sure; a token "
        "that looks at itself governs the sentence, and has a dot.",
        "is governed by",
        has_arcs=True,
    ),
    "pooling": _About(
        "What the decision looks at",
        "The text is the mean of its tokens, weighted like this.",
    ),
    "pooling_max": _About(
        "Whose features win",
        "Of each feature the largest value in the text counts: the share of the features that each "
        "token won.",
    ),
}


def view_attention(trace: Trace, span_cluster_prefix: str) -> dict[str, Any]:
    """Every attention: those of the tokens as matrices and as tints around a chosen one, those of
    the whole text as tints."""
    names = name_tokens(trace)
    return {
        "lang": trace.lang,
        "component": trace.component,
        "names": names,
        "words": spell_text(trace),
        "chosen": choose_token(trace),
        "attentions": [_view_one(each, trace, names) for each in trace.attention if names],
    }


def _view_one(attention: AttentionTrace, trace: Trace, names: list[str]) -> dict[str, Any]:
    about = _ABOUT.get(attention.name, _About(attention.name, ""))
    heads, queries, _ = attention.weights.shape
    view: dict[str, Any] = {
        "title": about.title,
        "meaning": about.meaning,
        "verb": about.verb,
        "kind": attention.kind,
        "heads": heads,
    }
    mean = _mean_head(attention).dense(len(names))[0]
    if queries != len(names) or attention.name.startswith("pooling"):
        return {**view, **_view_pooled(mean.mean(axis=0), names)}
    chosen, from_right = choose_token(trace), reads_from_right(trace.text)
    return {
        **view,
        "is_matrix": True,
        "tints": _tint(mean[chosen]),
        "rows": [[_part(names, row, key) for key in _strongest(row, _TOP)] for row in mean],
        "lines": _lay_arcs(mean, names, from_right=from_right) if about.has_arcs else [],
        "from_right": from_right,
        "columns": names if len(names) <= _NAMED_COLUMNS else [],
        "largest": 100 * float(mean.max()),
        "picture": png_address(paint(mean / max(float(mean.max()), _LEAST))),
        "data": {
            "heads": heads,
            "keys": attention.keys.shape[1],
            "places": pack(attention.keys.clip(-1, _LAST_KEY), -1, _LAST_KEY),
            "weights": [pack(head, 0, 1) for head in attention.weights],
        },
    }


def _lay_arcs(
    weights: npt.NDArray[np.float32], names: list[str], *, from_right: bool
) -> list[dict[str, Any]]:
    lines = lay_arcs(weights, names, from_right=from_right)
    for arc in (arc for line in lines for arc in line["arcs"]):
        governor = arc["governor"]
        arc |= {
            "name": names[arc["i"]],
            "governor": None if governor is None else names[governor],
            "percent": 100 * arc["weight"],
        }
    return lines


def _view_pooled(weights: npt.NDArray[np.float32], names: list[str]) -> dict[str, Any]:
    return {
        "is_matrix": False,
        "tints": _tint(weights),
        "percents": [100 * float(weight) for weight in weights],
        "strongest": [_part(names, weights, key) for key in _strongest(weights, _STRONGEST)],
        "largest": 100 * float(weights.max()),
    }


def _mean_head(attention: AttentionTrace) -> AttentionTrace:
    mean = attention.weights.mean(axis=0, keepdims=True)
    return AttentionTrace(attention.name, attention.kind, attention.keys, mean)


def _tint(weights: npt.NDArray[np.float32]) -> list[float]:
    """The strongest is as deep as can be, so that a long text shows something, too."""
    return [round(float(value), 3) for value in weights / max(float(weights.max()), _LEAST)]


def _strongest(weights: npt.NDArray[np.float32], count: int) -> list[int]:
    order = np.argsort(-weights, kind="stable")[:count]
    return [int(key) for key in order if weights[key] >= _LEAST]


def _part(names: list[str], weights: npt.NDArray[np.float32], key: int) -> dict[str, Any]:
    return {"name": names[key], "percent": 100 * float(weights[key])}
