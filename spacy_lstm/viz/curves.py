"""Memory curves as a picture: accuracy, gradient norm, weights and time of RNN, GRU and LSTM."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from typing import Any, Final, Literal

from ..errors import LstmError

__all__ = ["can_draw", "draw_probe"]

# Colours that are told apart with any colour vision (Okabe & Ito 2008), and in print by markers.
_LOOKS: Final = {
    "rnn": {"color": "#d55e00", "marker": "o"},
    "gru": {"color": "#009e73", "marker": "s"},
    "lstm": {"color": "#0072b2", "marker": "^"},
}
# Gradients below this are drawn as this: 1e-160 says no more than 1e-40 does.
_LEAST_GRADIENT: Final = 1e-40
_PANEL: Final = 3.1
_ROWS: Final = ("right answers", "gradient (dotted: untrained)", "seconds of training")


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw_probe(probe: Mapping[str, Any], form: Literal["svg", "png"] = "svg") -> bytes:
    """Draw what `spacy-lstm probe` measured, a column for each task.

    The first row has the accuracy against distance, with that of guessing; the second the
    gradient norm after training, and dotted before it; the third the seconds of training.

    probe: what `probe` returned or its `probe.json` holds.
    form: the file's format. The same data gives the same SVG.
    RETURNS: the file's content.

    Raises LstmError where matplotlib is missing.
    """
    if not can_draw():
        raise LstmError(
            "drawing curves needs matplotlib: install it with pip install 'spacy-lstm[plots]'"
        )
    # Optional, and takes half a second to import.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    names = list(probe["tasks"])
    stream = BytesIO()
    # Text stays text, and ids and dates do not change from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "spacy-lstm"}):
        figure = Figure(figsize=(_PANEL * max(2, len(names)), 8), layout="constrained")
        axes = figure.subplots(3, len(names), sharex="col", sharey="row", squeeze=False)
        for column, name in enumerate(names):
            rows = [row for row in probe["results"] if row["task"] == name]
            _draw_task(axes[:, column], name, probe["tasks"][name], rows)
        for axis, label in zip(axes[:, 0], _ROWS, strict=True):
            axis.set_ylabel(label)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else None)
    return stream.getvalue()


def _draw_task(
    axes: Any, name: str, task: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    accuracy, gradient, seconds = axes
    for cell in dict.fromkeys(row["cell"] for row in rows):
        mine = [row for row in rows if row["cell"] == cell]
        distances = [row["distance"] for row in mine]
        weights = mine[0]["recurrent_parameters"]
        look = {**_LOOKS[cell], "markersize": 4}
        accuracy.plot(distances, [row["accuracy"] for row in mine], label=cell.upper(), **look)
        for key, line in (("gradient", "-"), ("gradient_before", ":")):
            norms = [max(row[key], _LEAST_GRADIENT) for row in mine]
            gradient.plot(distances, norms, linestyle=line, **look)
        label = f"{cell.upper()}: {weights:,} weights"
        seconds.plot(distances, [row["seconds"] for row in mine], label=label, **look)
    accuracy.axhline(task["chance"], color="grey", linestyle="--", label="guessing")
    accuracy.set(title=name, ylim=(0, 1.05))
    gradient.set(yscale="log")
    seconds.set(xlabel="distance in steps")
    seconds.legend(fontsize="small")
    ticks = sorted({row["distance"] for row in rows})
    seconds.set_xscale("log")
    seconds.set_xticks(ticks, [str(tick) for tick in ticks])
    seconds.minorticks_off()
