"""Gates and states of a trace as the plain data that the heat map's template shows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..traces import CHANNELS, GateTrace, Trace
from .memory import SIDES, view_memory
from .packing import pack, paint, png_address

__all__ = ["MEANINGS", "SIGNED", "colour_values", "view_gates", "view_kept"]

MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    "forget_gate": ("forget", "how much of the cell state stays, 0 to 1"),
    "input_gate": ("input", "how much of the candidate comes in, 0 to 1"),
    "output_gate": ("output", "how much of the cell state shows, 0 to 1"),
    "reset_gate": ("reset", "how much of the last state the candidate sees, 0 to 1"),
    "update_gate": ("update", "how much of the last state stays, 0 to 1"),
    "candidate": ("candidate", "what may be written into the memory, −1 to 1"),
    "cell_state": ("cell", "the memory; colours show its tanh, as the output gate sees it"),
    "hidden_state": ("hidden", "what the layer gives out, −1 to 1"),
    "left": ("left", "how much of each token's memory is left at the chosen token, 0 to 1"),
    "written": (
        "written",
        "what each token wrote into the memory, as far as it is left at the chosen token: the sum "
        "over the tokens is the memory itself; colours show its tanh",
    ),
}
"""By channel, and by what follows from a chosen token: its name on a page, and what it is."""

SIGNED: Final = frozenset({"candidate", "cell_state", "hidden_state", "written"})
"""What may be below 0."""


_FOLLOWED: Final = ("left", "written")
_KEEPING: Final = {
    "lstm": ("forget_gate", "input_gate", "candidate"),
    "gru": ("update_gate", "candidate"),
}


def view_gates(trace: Trace, span_cluster_prefix: str) -> dict[str, Any]:
    """The first gate of the first direction of the last layer as a picture, all else as numbers,
    and what the memory holds."""
    if not trace.tokens or not trace.gates:
        return {"names": [], "component": trace.component}
    shown = trace.find(layer=-1, direction=trace.gates[0].direction)
    first, *_ = CHANNELS[shown.cell]
    values = shown[first]
    return {
        **view_memory(trace, span_cluster_prefix),
        "cell": shown.cell,
        "channels": [_describe(channel) for channel in CHANNELS[shown.cell]],
        # They depend on the token that is chosen: only scripts can show them.
        "followed": [_describe(name) for name in _FOLLOWED if shown.cell in _KEEPING],
        "layers": 1 + shown.layer,
        "sides": [(g.direction, SIDES[g.direction]) for g in trace.gates if g.layer == shown.layer],
        "units": shown.units,
        "means": [float(mean) for mean in np.abs(values).mean(axis=1)],
        "picture": png_address(paint(colour_values(first, values))),
        "data": _pack_trace(trace, CHANNELS[shown.cell]),
    }


def view_kept(trace: Trace, span_cluster_prefix: str) -> dict[str, Any]:
    """What the memory holds alone, and the numbers that this takes."""
    found = view_memory(trace, span_cluster_prefix)
    cell = trace.gates[0].cell if trace.gates else "rnn"
    return {**found, "cell": cell, "data": _pack_trace(trace, _KEEPING.get(cell, ()))}


def colour_values(channel: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The values as numbers between -1 and 1 that a colour can show."""
    return np.tanh(values) if channel == "cell_state" else values


def _describe(channel: str) -> dict[str, Any]:
    name, meaning = MEANINGS[channel]
    return {"key": channel, "name": name, "meaning": meaning}


def _pack_trace(trace: Trace, channels: Sequence[str]) -> dict[str, Any]:
    return {
        "windows": [list(window) for window in trace.windows],
        "gates": [_pack_gates(gate, channels) for gate in trace.gates],
    }


def _pack_gates(gate: GateTrace, channels: Sequence[str]) -> dict[str, Any]:
    """All steps of a direction: those around a window are needed to follow the memory."""
    return {
        "layer": gate.layer,
        "direction": gate.direction,
        "cell": gate.cell,
        "units": gate.units,
        "channels": {name: _pack_channel(name, gate.steps[name]) for name in channels},
    }


def _pack_channel(name: str, values: npt.NDArray[np.float32]) -> dict[str, Any]:
    largest = float(np.abs(np.nan_to_num(values)).max(initial=1.0))
    high = largest if name == "cell_state" else 1.0
    low = -high if name in SIGNED else 0.0
    return {"low": low, "high": high, "values": pack(values, low, high)}
