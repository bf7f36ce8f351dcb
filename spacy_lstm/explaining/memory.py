"""What a recurrent layer's memory at one token holds of the others."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import LstmError
from ..traces import GateTrace, Trace
from .records import Memory

__all__ = ["cell_contributions", "memory_at"]

Floats = npt.NDArray[np.float64]

_STATES: Final = {"lstm": "cell_state", "gru": "hidden_state"}


def cell_contributions(gates: GateTrace, token: int) -> Floats:
    """How much of the state at a token each token wrote: what came in there, times what the forget
    gates of the steps since left of it.

    C_t is f_t C_{t-1} + i_t g_t from C_0 = 0, so it is the sum over the tokens j read up to then of
    (f_t … f_{j+1}) i_j g_j, exactly. Of a GRU the state is the hidden one, and (1 - z_j) n_j comes
    in. Zero at tokens that are read later or in another window.

    RETURNS: *shape* ``(tokens, units)``

    Raises LstmError for a cell without gates, and for a token that is not there.
    """
    survival = gates.survival(token).astype(np.float64)
    number, window = next(
        (number, window) for number, window in enumerate(gates.windows) if token < window.kept_to
    )
    written = np.zeros_like(survival)
    candidate = gates.read_window("candidate", number).astype(np.float64)
    if gates.cell == "lstm":
        rate = gates.read_window("input_gate", number).astype(np.float64)
    else:
        rate = 1.0 - gates.read_window("update_gate", number).astype(np.float64)
    written[window.start : window.end] = rate * candidate
    return np.asarray(survival * written)


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
    written = np.abs(cell_contributions(gates, token)).sum(axis=1)
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
    number, window = next(
        (number, window) for number, window in enumerate(gates.windows) if token < window.kept_to
    )
    states[window.start : window.end] = gates.read_window(_STATES[gates.cell], number)
    return states
