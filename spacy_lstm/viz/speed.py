"""What `spacy-lstm benchmark` and its neighbours measured, as pictures."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final, Literal

from ..errors import LstmError
from .curves import can_draw

__all__ = ["can_draw", "draw_benchmark", "draw_memory"]

# Colours that are told apart with any colour vision (Okabe & Ito 2008), and in print by hatching.
_COLOURS: Final = {"coref": "#0072b2", "sentiment": "#e69f00", "both": "#009e73"}
_HATCHES: Final = {"coref": "", "sentiment": "//", "both": ".."}
_STAGE_COLOURS: Final = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"),
    *("#332288", "#88ccee", "#44aa99", "#aa4499"),
)


def draw_benchmark(result: Mapping[str, Any], form: Literal["svg", "png"] = "svg") -> bytes:
    """Words a second by length of document, how many times as fast as each peer, and the share of
    each stage.

    result: what `spacy-lstm benchmark` returned or its `benchmark.json` holds.
    form: the file's format. The same data gives the same SVG.
    RETURNS: the file's content.

    Raises LstmError where matplotlib is missing.
    """
    threads = list(dict.fromkeys(row["threads"] for row in result["speed"]))
    keys = list(dict.fromkeys(row["components"] for row in result["speed"]))

    def draw(figure: Any) -> None:
        axes = figure.subplots(3, max(len(threads), len(keys)), squeeze=False)
        for column in range(axes.shape[1]):
            for row in range(3):
                axes[row, column].set_visible(column < (len(threads) if row < 2 else len(keys)))
        for column, number in enumerate(threads):
            rows = [row for row in result["speed"] if row["threads"] == number]
            _draw_speed(axes[0, column], rows, keys, number)
            _draw_ratios(axes[1, column], rows, keys, result["peers"])
        for column, key in enumerate(keys):
            _draw_stages(
                axes[2, column], key, [r for r in result["stages"] if r["components"] == key]
            )

    return _save(draw, (5.2 * max(len(threads), len(keys)), 13), form)


def draw_memory(rows: Sequence[Mapping[str, Any]], form: Literal["svg", "png"] = "svg") -> bytes:
    """Megabytes against documents, a curve for each process that measured; arguments and result
    as in `draw_benchmark`.

    rows: of `benchmarks/memory_growth.py`.
    """

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for process in dict.fromkeys(row["process"] for row in rows):
            mine = [row for row in rows if row["process"] == process]
            axis.plot(
                [row["documents"] for row in mine],
                [row["megabytes"] for row in mine],
                label=f"process {process}",
            )
        axis.set(xlabel="documents", ylabel="megabytes of the process", ylim=(0, None))
        axis.legend()

    return _save(draw, (7, 4), form)


def _save(draw: Callable[[Any], None], size: tuple[float, float], form: str) -> bytes:
    if not can_draw():
        raise LstmError("drawing needs matplotlib: install it with pip install 'spacy-lstm[plots]'")
    # Optional, and takes half a second to import.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    stream = BytesIO()
    # Text stays text, and ids and dates do not change from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "spacy-lstm"}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else None)
    return stream.getvalue()


def _draw_speed(axis: Any, rows: Sequence[Mapping[str, Any]], keys: list[str], number: int) -> None:
    lengths = list(dict.fromkeys(row["length"] for row in rows))
    _draw_bars(axis, rows, keys, lengths, lambda row: {row["length"]: row["words_per_second"]})
    axis.set(title=f"{number} thread{'s' * (number > 1)}", ylabel="words a second", ylim=(0, None))
    axis.legend()


def _draw_ratios(
    axis: Any, rows: Sequence[Mapping[str, Any]], keys: list[str], peers: Mapping[str, str]
) -> None:
    lengths = list(dict.fromkeys(row["length"] for row in rows))
    chosen = "paragraph" if "paragraph" in lengths else lengths[0]
    mine = [row for row in rows if row["length"] == chosen]
    _draw_bars(axis, mine, keys, list(peers), lambda row: row["ratios"])
    axis.axhline(1, color="grey", linestyle="--")
    axis.set(yscale="log", ylabel=f"times as fast ({chosen})")
    axis.set_xticks(range(len(peers)), [name.replace("_", "\n") for name in peers])


def _draw_bars(
    axis: Any,
    rows: Sequence[Mapping[str, Any]],
    keys: list[str],
    places: list[str],
    read: Callable[[Mapping[str, Any]], Mapping[str, float]],
) -> None:
    """Groups of bars: a group for each place, in it a bar for each key."""
    width = 0.8 / len(keys)
    for number, key in enumerate(keys):
        values: dict[str, float] = {}
        for row in rows:
            if row["components"] == key:
                values.update(read(row))
        left = [i + (number - (len(keys) - 1) / 2) * width for i in range(len(places))]
        heights = [values.get(place, 0.0) for place in places]
        axis.bar(left, heights, width, label=key, color=_COLOURS.get(key), hatch=_HATCHES.get(key))
    axis.set_xticks(range(len(places)), places)


def _draw_stages(axis: Any, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    stages = list(dict.fromkeys(stage for row in rows for stage in row["shares"]))
    lengths = [row["length"] for row in rows]
    below = [0.0] * len(rows)
    for number, stage in enumerate(stages):
        shares = [row["shares"].get(stage, 0.0) for row in rows]
        colour = _STAGE_COLOURS[number % len(_STAGE_COLOURS)]
        axis.bar(lengths, shares, bottom=below, label=stage, color=colour)
        below = [low + share for low, share in zip(below, shares, strict=True)]
    axis.set(title=key, ylabel="share of the time", ylim=(0, 1))
    axis.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
