"""A trace or an explanation as a figure of matplotlib, for papers and notebooks."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import LstmError, LstmTypeError
from ..explanations import Explanation
from ..traces import AttentionTrace, GateTrace, Trace
from .gates import MEANINGS, SIGNED, colour_values
from .memory import SIDES, holds
from .packing import NEGATIVE, POSITIVE
from .plotting import SOFT, choose_fonts, make_colours, name_rows, share_of_one, spell, start
from .why_figure import draw_why
from .words import choose_token, name_tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "draw"]

_TRACED: Final = "takes a Trace, as spacy_lstm.trace(nlp, text) gives it"
_EXPLAINED: Final = "takes an Explanation, as spacy_lstm.explain(nlp, text) gives it"


def draw(
    trace: Trace | Explanation,
    style: str = "gates",
    *,
    channel: str | None = None,
    direction: str = "forward",
    layer: int = -1,
    token: int | None = None,
    attention: str | None = None,
    head: int | None = None,
) -> "Figure":
    """Draw a trace or an explanation; `figure.savefig("gates.svg")` writes it as PNG, SVG or PDF.

    trace: from `spacy_lstm.trace`, or for "why" what `spacy_lstm.explain` gave.
    style: "gates" is a heat map of tokens and units, sorted by how much they vary over the text;
        "memory" shows what is left of every word at one token; "attention" is a matrix of tokens,
        or bars over them where the whole text looks; "why" shows what a link and the sentiment
        hang on, and how the sentiment runs.
    channel: of gates, a key of `spacy_lstm.traces.CHANNELS`; None for the first, of an LSTM the
        forget gate.
    direction, layer: as in `Trace.find`, for gates and memory.
    token: of memory, the number of the token; None for the first third-person pronoun, or else the
        last word. Of "why", one of the pronoun whose link is shown; None for the first link.
    attention: the name of an `AttentionTrace`; None for the first.
    head: its number; None for the mean of all.

    Raises LstmError without matplotlib, for an unknown style, and for what the trace does not have;
    LstmTypeError, which is one and a TypeError, for what the style cannot draw.
    """
    if style not in FIGURES:
        raise LstmError(f"Unknown style {style!r}: choose one of {', '.join(FIGURES)}.")
    if style == "why":
        if not isinstance(trace, Explanation):
            raise LstmTypeError(f"style 'why' {_EXPLAINED}: got {type(trace).__name__}")
        with choose_fonts():
            return draw_why(trace, token)
    if not isinstance(trace, Trace):
        raise LstmTypeError(f"style {style!r} {_TRACED}: got {type(trace).__name__}")
    if not trace.tokens:
        raise LstmError("nothing to draw: the trace has no tokens")
    with choose_fonts():
        if style == "attention":
            return _draw_attention(trace, _find_attention(trace, attention), head)
        gate = trace.find(layer=layer, direction=direction)
        if style == "memory":
            return _draw_memory(trace, gate, choose_token(trace) if token is None else token)
        return _draw_gates(trace, gate, channel)


def _draw_gates(trace: Trace, gate: GateTrace, channel: str | None) -> "Figure":
    name = channel or next(iter(gate.steps))
    values = gate[name]
    order = np.argsort(-values.var(axis=0), kind="stable")
    figure, axes = start(len(trace.tokens))
    low = -1 if name in SIGNED else 0
    image = axes.imshow(
        colour_values(name, values)[:, order],
        cmap=make_colours(signed=name in SIGNED),
        vmin=low,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    _name_tokens(axes, trace)
    axes.set_xlabel(f"{gate.units} units, those that vary most first")
    axes.set_title(
        f"{MEANINGS[name][0]}, layer {gate.layer + 1}, read {SIDES[gate.direction]}", loc="left"
    )
    _add_scale(figure, image, "tanh of the cell state" if name == "cell_state" else "")
    return figure


def _draw_memory(trace: Trace, gate: GateTrace, token: int) -> "Figure":
    left, shares = gate.survival(token), holds(gate, token)
    order = np.argsort(-left.sum(axis=0), kind="stable")
    figure, (bars, axes) = start(len(trace.tokens), columns=(1, 3))
    places = np.arange(len(trace.tokens))
    colour = share_of_one(POSITIVE if gate.direction == "forward" else NEGATIVE)
    bars.barh(places - 0.2, left.mean(axis=1), height=0.4, color=colour, label="survives")
    bars.barh(places + 0.2, shares, height=0.4, color=colour, alpha=0.4, label="share")
    bars.set_ylim(len(places) - 0.5, -0.5)
    bars.set_xlim(0, 1)
    bars.spines[["top", "right"]].set_visible(False)
    bars.legend(frameon=False, fontsize="small")
    _name_tokens(bars, trace)
    bars.get_yticklabels()[token].set_fontweight("bold")
    axes.imshow(
        left[:, order],
        cmap=make_colours(signed=False),
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_yticks([])
    axes.set_xlabel(f"what survives in {gate.units} units, those that remember longest first")
    name = spell(name_tokens(trace)[token])
    bars.set_title(f"Memory at “{name}”, read {SIDES[gate.direction]}", loc="left")
    return figure


def _draw_attention(trace: Trace, attention: AttentionTrace, head: int | None) -> "Figure":
    weights = attention.dense(len(trace.tokens))
    if head is not None and not 0 <= head < len(weights):
        raise LstmError(f"no head {head} in {attention.name!r}: expected 0 to {len(weights) - 1}")
    shown = weights.mean(axis=0) if head is None else weights[head]
    part = "mean of the heads" if head is None else f"head {head + 1}"
    title = f"{attention.name}: {attention.kind}" + (f", {part}" if len(weights) > 1 else "")
    figure, axes = start(len(trace.tokens))
    _name_tokens(axes, trace)
    if len(shown) != len(trace.tokens):
        places = np.arange(len(trace.tokens))
        axes.barh(places, shown.mean(axis=0), color=share_of_one(POSITIVE))
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("features won" if attention.kind == "max" else "weight")
    else:
        image = axes.imshow(shown, cmap=make_colours(signed=False), vmin=0, interpolation="nearest")
        names = [spell(name) for name in name_tokens(trace)]
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_xlabel("looked at")
        _add_scale(figure, image, "weight")
    axes.set_title(title, loc="left")
    return figure


def _find_attention(trace: Trace, name: str | None) -> AttentionTrace:
    for attention in trace.attention:
        if name in (None, attention.name):
            return attention
    had = ", ".join(attention.name for attention in trace.attention) or "none"
    raise LstmError(f"no attention {name or 'at all'} in the trace: it has {had}")


def _name_tokens(axes: Any, trace: Trace) -> None:
    name_rows(axes, name_tokens(trace))


def _add_scale(figure: "Figure", image: Any, label: str) -> None:
    scale = figure.colorbar(image, fraction=0.03, pad=0.01, label=label)
    scale.outline.set_edgecolor(SOFT)


FIGURES: Final = ("gates", "memory", "attention", "why")
"""The styles that `draw` knows."""
