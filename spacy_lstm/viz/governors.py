"""Which word governs which, as the plain data of arcs that a template draws.

Words stand side by side as they are read, so from right to left where the text is. A line ends
where no arc reaches across, mostly with a sentence; one that is wider than a page is scrolled.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final
from unicodedata import bidirectional, category, east_asian_width

import numpy as np
import numpy.typing as npt

__all__ = ["lay_arcs", "reads_from_right"]

# All in pixels; the letters' size is that of `attention.css`.
_WIDE, _CAPITAL, _LETTER = 15.0, 10.5, 8.0
_SPACE: Final = 10.0
_NARROWEST: Final = 28.0
_LINE: Final = 1000.0
_STEP: Final = 19.0
_ABOVE, _BELOW = 12.0, 28.0
_ROOT: Final = 17.0
# From a word's middle, where its own arc begins, to where arcs from either side end.
_ASIDE: Final = 7.0
_LONGEST: Final = 18


def lay_arcs(
    weights: npt.NDArray[Any], names: Sequence[str], *, from_right: bool = False
) -> list[dict[str, Any]]:
    """Lay out an arc from every token to the one that most likely governs it.

    weights: how likely each token (row) is governed by each. *Shape:* ``(tokens, tokens)``
    names: what the tokens are called.
    from_right: whether the text is read from right to left.
    RETURNS: lines, each with `width`, `height` and `base`, the line that words stand below;
        `words` (`i`, `name`, `x`) and `arcs` (`i`, `governor`, a number, or None for a token that
        governs itself; `weight`; `path`; `x`, where its tip is).
    """
    governors = np.asarray(weights.argmax(axis=1)) if len(names) else np.zeros(0, dtype=int)
    lines = []
    for first, end in _cut_lines(governors.tolist(), list(map(_measure, names))):
        lines.append(_lay_line(weights, governors.tolist(), names, first, end, from_right))
    return lines


def reads_from_right(text: str) -> bool:
    """Whether a text is read from right to left: its first letter with a direction tells, as with
    `dir="auto"`."""
    return next((kind != "L" for kind in map(bidirectional, text) if kind in _STRONG), False)


_STRONG: Final = frozenset({"L", "R", "AL"})


def _measure(name: str) -> float:
    """The width of a token's column. Which font there will be is not known here."""
    return max(_NARROWEST, _SPACE + sum(map(_measure_sign, _shorten(name))))


def _measure_sign(sign: str) -> float:
    if category(sign) in ("Mn", "Me", "Cf"):
        return 0.0
    if east_asian_width(sign) in "WF" or sign in "MW@%—…":
        return _WIDE
    return _CAPITAL if sign.isupper() or sign in "mw" else _LETTER


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _cut_lines(governors: Sequence[int], widths: Sequence[float]) -> Iterator[tuple[int, int]]:
    """First token and end of each line: as many parts that no arc leaves as fit."""
    reach, bounds = 0, [0]
    farthest = list(range(len(governors)))
    for i, governor in enumerate(governors):
        low, high = sorted((i, governor))
        farthest[low] = max(farthest[low], high)
    for i, far in enumerate(farthest):
        reach = max(reach, far)
        if reach == i:
            bounds.append(i + 1)
    first = 0
    for start, end in pairwise(bounds):
        if start > first and sum(widths[first:end]) > _LINE:
            yield first, start
            first = start
    if len(governors):
        yield first, len(governors)


def _lay_line(
    weights: npt.NDArray[Any],
    governors: Sequence[int],
    names: Sequence[str],
    first: int,
    end: int,
    from_right: bool,
) -> dict[str, Any]:
    widths = np.array([_measure(name) for name in names[first:end]])
    middles = np.cumsum(widths) - widths / 2
    width = float(widths.sum())
    xs = (width - middles if from_right else middles).round(1).tolist()
    levels = _find_levels([governor - first for governor in governors[first:end]])
    base = _ABOVE + max(_ROOT, _STEP * max(levels))
    arcs = []
    for i in range(first, end):
        governor = governors[i]
        x = xs[i - first]
        if governor == i:
            tip, path = x, f"M{x:g} {base - _ROOT:g}V{base - 6:g}"
        else:
            there = xs[governor - first]
            tip = round(there + (_ASIDE if x > there else -_ASIDE), 1)
            path = _bend(x, tip, base, base - _STEP * levels[i - first])
        arcs.append(
            {
                "i": i,
                "governor": None if governor == i else governor,
                "weight": float(weights[i, governor]),
                "path": path,
                "x": tip,
            }
        )
    return {
        "width": width,
        "height": base + _BELOW,
        "base": base,
        "words": [
            {"i": i, "name": _shorten(names[i]), "x": xs[i - first]} for i in range(first, end)
        ],
        "arcs": arcs,
    }


def _find_levels(governors: Sequence[int]) -> list[int]:
    """How high each token's arc has to be to pass above the shorter ones; 0 for a token that
    governs itself."""
    levels = [0] * len(governors)
    # Of the gap after each token.
    heights = np.zeros(len(governors), dtype=int)
    for i in sorted(range(len(governors)), key=lambda i: abs(governors[i] - i)):
        low, high = sorted((i, governors[i]))
        if low < high:
            levels[i] = int(heights[low:high].max()) + 1
            heights[low:high] = levels[i]
    return levels


def _bend(start: float, tip: float, base: float, top: float) -> str:
    """Up from a word, across, and down to where the arrow's head begins."""
    side = 1 if tip > start else -1
    round_ = min(9.0, abs(tip - start) / 2)
    across, down = start + side * round_, tip - side * round_
    return (
        f"M{start:g} {base:g}V{top + round_:g}Q{start:g} {top:g} {across:g} {top:g}"
        f"H{down:g}Q{tip:g} {top:g} {tip:g} {top + round_:g}V{base - 6:g}"
    )
