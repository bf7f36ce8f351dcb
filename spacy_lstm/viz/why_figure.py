"""Why a text got its answers, as a figure of matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import LstmError
from ..explanations import Explanation, LinkExplanation, RunningScore, SentimentExplanation
from .packing import NEGATIVE, POSITIVE
from .plotting import SIZE, SOFT, name_rows, share_of_one, spell
from .why import NEGATIVE_SIDE, rank_features
from .words import name_token

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_why"]

_ROW: Final = 0.22
_FEATURE_ROW: Final = 0.34
_AROUND: Final = 1.2
_HIGHEST: Final = 60.0


def draw_why(explanation: Explanation, token: int | None) -> "Figure":
    """Above, the candidates of one link and the features that decided it; below, token by token,
    what the words brought to the link and to the sentiment, and the running sentiment.

    token: one of the pronoun; None for the first link.

    Raises LstmError where there is nothing to draw, or no link at that token.
    """
    # Half a second, and an extra that most who import this package do not need.
    from matplotlib.figure import Figure  # noqa: PLC0415

    link = _find_link(explanation.links or (), token)
    sentiment, running = explanation.sentiment, explanation.running
    if not explanation.text.strip() or (link is None and sentiment is None):
        raise LstmError("nothing to draw: the explanation has neither a link nor a sentiment")
    heights = []
    if link is not None:
        rows = max(len(link.candidates) + 1, len(rank_features(link)))
        heights.append(_FEATURE_ROW * rows + _AROUND)
    longest = max(len(found.tokens) for found in (link, sentiment) if found is not None)
    heights.append(min(_HIGHEST, _ROW * longest + _AROUND))
    figure = Figure(figsize=(SIZE, sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    if link is not None:
        _draw_link(_add_columns(figure, grid[0], 2), link)
    columns = (link is not None) + (sentiment is not None) + (len(running) > 1)
    axes = _add_columns(figure, grid[-1], columns)
    if link is not None:
        _draw_words(axes[0], _name(link.tokens), link.words, f"words: {_title(link)}")
    if sentiment is not None:
        names = _name(sentiment.tokens)
        if link is not None and link.tokens == sentiment.tokens:
            # They stand to the left already.
            names = [""] * len(names)
        title = spell(f"words: {sentiment.label} {sentiment.probability:.0%}")
        turned = sentiment.label in NEGATIVE_SIDE
        _draw_words(axes[link is not None], names, sentiment.words, title, turned=turned)
        if len(running) > 1:
            _draw_running(axes[-1], sentiment, running)
    return figure


def _add_columns(figure: "Figure", cell: Any, columns: int) -> list[Any]:
    grid = cell.subgridspec(1, columns)
    return [figure.add_subplot(grid[0, column]) for column in range(columns)]


def _name(tokens: Sequence[str]) -> list[str]:
    return [name_token(token) for token in tokens]


def _find_link(links: Sequence[LinkExplanation], token: int | None) -> LinkExplanation | None:
    if token is None:
        return links[0] if links else None
    for link in links:
        if link.anaphor[0] <= token < link.anaphor[1]:
            return link
    had = ", ".join(str(link.anaphor[0]) for link in links) or "none"
    raise LstmError(f"no link of a pronoun at token {token}: there are {had}")


def _title(link: LinkExplanation) -> str:
    names = spell(f"{name_token(link.anaphor_text)} → {name_token(link.antecedent_text)}")
    return f"{names} {link.probability:.0%}"


def _draw_link(axes: Sequence[Any], link: LinkExplanation) -> None:
    candidates, features = axes
    names = [*(name_token(each.text) for each in link.candidates), "none of them"]
    shares = [*(each.probability for each in link.candidates), link.none]
    chosen = [*(each.chosen for each in link.candidates), False]
    colours = [share_of_one(POSITIVE) if each else SOFT for each in chosen]
    candidates.barh(range(len(names)), shares, height=0.5, color=colours)
    candidates.set_xlim(0, 1)
    name_rows(candidates, names)
    candidates.set_title(f"candidates: {_title(link)}", loc="left")
    ranked = rank_features(link)
    labels = [f"{name}\n{value}" if value else name for name, value, _ in ranked]
    _draw_bars(features, labels, [share for *_, share in ranked])
    features.tick_params(axis="y", labelsize="small")
    features.set_title(f"features: {link.log_odds:+.2f}", loc="left")
    _clear(candidates, features)


def _draw_words(
    axes: Any,
    names: Sequence[str],
    shares: Sequence[float],
    title: str,
    *,
    turned: bool = False,
) -> None:
    _draw_bars(axes, names, shares, turned=turned)
    axes.set_title(title, loc="left")
    axes.set_xlabel("log odds")
    _clear(axes)


def _draw_bars(
    axes: Any, names: Sequence[str], shares: Sequence[float], *, turned: bool = False
) -> None:
    """turned: whether what is above 0 has the colour of the negative side."""
    blue, orange = share_of_one(POSITIVE), share_of_one(NEGATIVE)
    colours = [blue if (share > 0) != turned else orange for share in shares]
    axes.barh(range(len(names)), shares, height=0.5, color=colours)
    axes.axvline(0, color=SOFT, linewidth=0.8)
    name_rows(axes, names)


def _draw_running(
    axes: Any, sentiment: SentimentExplanation, running: Sequence[RunningScore]
) -> None:
    """Beside the rows of the words."""
    offsets = [each.offset for each in running]
    places = np.searchsorted(sentiment.offsets, offsets, side="right") - 1
    scores = np.array([each.score for each in running])
    for sign, colour in ((1, POSITIVE), (-1, NEGATIVE)):
        held = np.where(sign * scores > 0, scores, 0.0)
        axes.barh(places, held, height=0.5, color=share_of_one(colour), alpha=0.3)
    axes.plot(scores, places, color=SOFT, marker="o", markersize=3, linewidth=1.2)
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set_xlim(-1.05, 1.05)
    name_rows(axes, [""] * len(sentiment.tokens))
    axes.set_title("token by token", loc="left")
    axes.set_xlabel("score so far")
    _clear(axes)


def _clear(*axes: Any) -> None:
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
