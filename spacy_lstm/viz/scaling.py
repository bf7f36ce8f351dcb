"""Time a word and memory against the size of a corpus, as a picture."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final, Literal

from ..errors import LstmError
from .curves import can_draw

__all__ = ["draw_scaling"]

# Colours that are told apart with any colour vision (Okabe & Ito 2008), and in print by markers.
_LOOKS: Final = (
    {"color": "#0072b2", "marker": "o"},
    {"color": "#d55e00", "marker": "s"},
    {"color": "#009e73", "marker": "^"},
    {"color": "#cc79a7", "marker": "D"},
)


def draw_scaling(
    records: Sequence[Mapping[str, Any]], form: Literal["svg", "png"] = "svg"
) -> bytes:
    """Draw a line for every stage: microseconds a word, and megabytes, against words.

    records: each with `stage`, `words`, `microseconds` and `megabytes`.
    form: the file's format. The same data gives the same SVG.
    RETURNS: the file's content.

    Raises LstmError where matplotlib is missing or there is nothing to draw.
    """
    if not records:
        raise LstmError("no measurements to draw: expected one or more")
    if not can_draw():
        raise LstmError(
            "drawing curves needs matplotlib: install it with pip install 'spacy-lstm[plots]'"
        )
    # Optional, and takes half a second to import.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    stream = BytesIO()
    # Text stays text, and ids and dates do not change from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "spacy-lstm"}):
        figure = Figure(figsize=(8, 3.6), layout="constrained")
        axes = figure.subplots(1, 2)
        stages = dict.fromkeys(record["stage"] for record in records)
        for number, stage in enumerate(stages):
            mine = sorted(
                (record for record in records if record["stage"] == stage),
                key=lambda record: record["words"],
            )
            look: Any = _LOOKS[number % len(_LOOKS)]
            for axis, key in zip(axes, ("microseconds", "megabytes"), strict=True):
                words = [record["words"] for record in mine]
                axis.plot(words, [record[key] for record in mine], label=stage, **look)
        for axis, label in zip(axes, ("microseconds a word", "megabytes"), strict=True):
            axis.set(xscale="log", xlabel="words", ylabel=label, ylim=(0, None))
            axis.grid(color="0.9")
        axes[0].legend()
        figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else None)
    return stream.getvalue()
