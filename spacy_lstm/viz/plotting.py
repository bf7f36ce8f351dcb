"""What all figures of matplotlib share: fonts, sizes, colours, names of tokens."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from ..errors import LstmError
from .packing import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SIZE",
    "SOFT",
    "choose_fonts",
    "make_colours",
    "name_rows",
    "share_of_one",
    "spell",
    "start",
]

SIZE: Final = 9.0
"""Width of a figure in inches."""
SOFT: Final = "#667085"
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


def choose_fonts() -> AbstractContextManager[None]:
    """Of the fonts that have what matplotlib's own lacks, those that are installed.

    Raises LstmError where matplotlib is not.
    """
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


def start(tokens: int, columns: tuple[int, ...] = (1,)) -> tuple["Figure", Any]:
    """A figure as high as its tokens need, and its axes."""
    # As above.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(SIZE, min(60.0, 1.4 + 0.22 * tokens)), layout="constrained")
    axes = figure.subplots(1, len(columns), width_ratios=columns, squeeze=False)[0]
    return figure, axes[0] if len(columns) == 1 else axes


def make_colours(*, signed: bool) -> Any:
    """A scale from white to one colour, or with signs from another over white to it."""
    # As above.
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    white, positive = (1.0, 1.0, 1.0), share_of_one(POSITIVE)
    stops = [share_of_one(NEGATIVE), white, positive] if signed else [white, positive]
    return LinearSegmentedColormap.from_list("spacy_lstm", stops)


def share_of_one(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    """Of 0 to 255 what matplotlib takes: 0 to 1."""
    red, green, blue = colour
    return red / 255, green / 255, blue / 255


def name_rows(axes: Any, names: Sequence[str]) -> None:
    """A row for each name, the first at the top; a name may have two lines."""
    lines = ["\n".join(map(spell, name.splitlines())) for name in names]
    axes.set_yticks(range(len(names)), lines)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=0)


def spell(name: str) -> str:
    """A name as matplotlib writes it: between two dollar signs it would read a formula, and fonts
    have no control characters and no halves of surrogate pairs."""
    shown = "".join(mark if _is_writable(mark) else "\N{REPLACEMENT CHARACTER}" for mark in name)
    return shown.replace("$", r"\$")


def _is_writable(mark: str) -> bool:
    return mark.isprintable() and not 0xD800 <= ord(mark) < 0xE000
