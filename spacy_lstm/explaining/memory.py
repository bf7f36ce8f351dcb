"""What a recurrent layer's memory at one token holds of the others."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import LstmError
from ..explanations import Memory
from ..traces import GateTrace, Trace

__all__ = ["memory_at"]

Floats = npt.NDArray[np.float64]

_STATES: Final = {"lstm": "cell_state", "gru": "hidden_state"}


def memory_at(trace: Trace, token: int, *, layer: int = 0, direction: str = "forward") -> Memory:
    """What is remembered of every token once `token` has been read: of a pronoun, say.

    trace: of an LSTM or a GRU, from `spacy_lstm.trace`.
    layer, direction: as of `Trace.find`.

    Raises LstmError for a cell without gates, and for a token or layer that is not there.
    """
    gates = trace.find(layer=layer, direction=direction)
    if gates.cell not in _STATES:
        raise LstmError(f"a cell of the kind {gates.cell} has no gate that keeps its memory")
    survival = gates.survival(token).astype(np.float64)
    written = np.abs(gates.written(token)).sum(axis=1)
    # As the window of this token saw them, which around its kept part is not what `gates` gives.
    state = np.abs(_states(gates, token))
    mass = state.sum(axis=1)
    left = (survival * state).sum(axis=1) / np.where(mass > 0, mass, 1.0)
    return Memory(
        tokens=trace.tokens,
        token=token,
        layer=gates.layer,
        direction=gates.direction,
        survival=tuple(survival.mean(axis=1).tolist()),
        kept=tuple(left.tolist()),
        shares=tuple((written / max(float(written.sum()), 1e-12)).tolist()),
    )


def _states(gates: GateTrace, token: int) -> Floats:
    """The states after each token in the window that gives this one's. *Shape:* ``(tokens,
    units)``"""
    states = np.zeros((gates.windows[-1].kept_to, gates.units))
    number, window = gates.window_of(token)
    states[window.start : window.end] = gates.read_window(_STATES[gates.cell], number)
    return states
