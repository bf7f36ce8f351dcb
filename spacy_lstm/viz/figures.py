"""A trace as a figure of matplotlib, for papers and notebooks."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import LstmError
from ..traces import AttentionTrace, GateTrace, Trace
from .gates import MEANINGS, SIGNED, colour_values
from .memory import SIDES, holds
from .packing import NEGATIVE, POSITIVE
from .words import choose_token, name_tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "draw"]

_SIZE: Final = 9.0
_WIDER: Final = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
)
_SOFT: Final = "#667085"


def draw(
    trace: Trace,
    style: str = "gates",
    *,
    channel: str | None = None,
    direction: str = "forward",
    layer: int = -1,
    token: int | None = None,
    attention: str | None = None,
    head: int | None = None,
) -> "Figure":
    """Draw a trace; `figure.savefig("gates.svg")` writes it as PNG, SVG or PDF.

    style: "gates" is a heat map of tokens and units, sorted by how much they vary over the text;
        "memory" shows what is left of every word at one token; "attention" is a matrix of tokens,
        or bars over them where the whole text looks.
    channel: of gates, a key of `spacy_lstm.traces.CHANNELS`; None for the first, of an LSTM the
        forget gate.
    direction, layer: as in `Trace.find`, for gates and memory.
    token: of memory, the number of the token; None for the first third-person pronoun, or else the
        last word.
    attention: the name of an `AttentionTrace`; None for the first.
    head: its number; None for the mean of all.

    Raises LstmError without matplotlib, for an unknown style, and for what the trace does not have.
    """
    if style not in FIGURES:
        raise LstmError(f"Unknown style {style!r}: choose one of {', '.join(FIGURES)}.")
    if not trace.tokens:
        raise LstmError("nothing to draw: the trace has no tokens")
    with _fonts():
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
    figure, axes = _start(len(trace.tokens))
    low = -1 if name in SIGNED else 0
    image = axes.imshow(
        colour_values(name, values)[:, order],
        cmap=_colours(signed=name in SIGNED),
        vmin=low,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    _name_rows(axes, trace)
    axes.set_xlabel(f"{gate.units} units, those that vary most first")
    axes.set_title(
        f"{MEANINGS[name][0]}, layer {gate.layer + 1}, read {SIDES[gate.direction]}", loc="left"
    )
    _add_scale(figure, image, "tanh of the cell state" if name == "cell_state" else "")
    return figure


def _draw_memory(trace: Trace, gate: GateTrace, token: int) -> "Figure":
    left, shares = gate.survival(token), holds(gate, token)
    order = np.argsort(-left.sum(axis=0), kind="stable")
    figure, (bars, axes) = _start(len(trace.tokens), columns=(1, 3))
    places = np.arange(len(trace.tokens))
    colour = _share_of_one(POSITIVE if gate.direction == "forward" else NEGATIVE)
    bars.barh(places - 0.2, left.mean(axis=1), height=0.4, color=colour, label="survives")
    bars.barh(places + 0.2, shares, height=0.4, color=colour, alpha=0.4, label="share")
    bars.set_ylim(len(places) - 0.5, -0.5)
    bars.set_xlim(0, 1)
    bars.spines[["top", "right"]].set_visible(False)
    bars.legend(frameon=False, fontsize="small")
    _name_rows(bars, trace)
    bars.get_yticklabels()[token].set_fontweight("bold")
    axes.imshow(
        left[:, order],
        cmap=_colours(signed=False),
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_yticks([])
    axes.set_xlabel(f"what survives in {gate.units} units, those that remember longest first")
    name = _plain(name_tokens(trace)[token])
    bars.set_title(f"Memory at “{name}”, read {SIDES[gate.direction]}", loc="left")
    return figure


def _draw_attention(trace: Trace, attention: AttentionTrace, head: int | None) -> "Figure":
    weights = attention.dense(len(trace.tokens))
    if head is not None and not 0 <= head < len(weights):
        raise LstmError(f"no head {head} in {attention.name!r}: expected 0 to {len(weights) - 1}")
    shown = weights.mean(axis=0) if head is None else weights[head]
    part = "mean of the heads" if head is None else f"head {head + 1}"
    title = f"{attention.name}: {attention.kind}" + (f", {part}" if len(weights) > 1 else "")
    figure, axes = _start(len(trace.tokens))
    _name_rows(axes, trace)
    if len(shown) != len(trace.tokens):
        places = np.arange(len(trace.tokens))
        axes.barh(places, shown.mean(axis=0), color=_share_of_one(POSITIVE))
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("features won" if attention.kind == "max" else "weight")
    else:
        image = axes.imshow(shown, cmap=_colours(signed=False), vmin=0, interpolation="nearest")
        names = [_plain(name) for name in name_tokens(trace)]
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


def _fonts() -> AbstractContextManager[None]:
    """Of the fonts that have what matplotlib's own lacks, those that are installed."""
    try:
        # A second, and an extra that most who import this package do not need.
        from matplotlib import font_manager, rc_context  # noqa: PLC0415
    except ImportError as error:
        raise LstmError(
            "figures need matplotlib: pip install 'spacy-lstm[plots]'; pages (.html) do not"
        ) from error
    installed = set(font_manager.get_font_names())
    families = ["DejaVu Sans", *(family for family in _WIDER if family in installed)]
    fonts: AbstractContextManager[None] = rc_context({"font.family": families})
    return fonts


def _start(tokens: int, columns: tuple[int, ...] = (1,)) -> tuple["Figure", Any]:
    """A figure as high as its tokens need, and its axes."""
    # As above.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(_SIZE, min(60.0, 1.4 + 0.22 * tokens)), layout="constrained")
    axes = figure.subplots(1, len(columns), width_ratios=columns, squeeze=False)[0]
    return figure, axes[0] if len(columns) == 1 else axes


def _colours(*, signed: bool) -> Any:
    # As above.
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    white, positive = (1.0, 1.0, 1.0), _share_of_one(POSITIVE)
    stops = [_share_of_one(NEGATIVE), white, positive] if signed else [white, positive]
    return LinearSegmentedColormap.from_list("spacy_lstm", stops)


def _share_of_one(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255


def _name_rows(axes: Any, trace: Trace) -> None:
    names = [_plain(name) for name in name_tokens(trace)]
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)


def _add_scale(figure: "Figure", image: Any, label: str) -> None:
    scale = figure.colorbar(image, fraction=0.03, pad=0.01, label=label)
    scale.outline.set_edgecolor(_SOFT)


def _plain(name: str) -> str:
    """A name as matplotlib writes it: between two dollar signs it would read a formula, and fonts
    have no control characters and no halves of surrogate pairs."""
    shown = "".join(mark if _is_writable(mark) else "\N{REPLACEMENT CHARACTER}" for mark in name)
    return shown.replace("$", r"\$")


def _is_writable(mark: str) -> bool:
    return mark.isprintable() and not 0xD800 <= ord(mark) < 0xE000


FIGURES: Final = ("gates", "memory", "attention")
"""The styles that `draw` knows."""
