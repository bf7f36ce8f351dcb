"""What an encoder's memory holds at one token, as the plain data that its template shows."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..traces import GateTrace, Trace
from .words import choose_token, name_tokens, spell_text

__all__ = ["SIDES", "holds", "view_memory"]

SIDES: Final = {"forward": "from the start", "backward": "from the end"}
"""What readers of a page call the directions."""

_SHOWN_UNITS: Final = 5


def view_memory(trace: Trace, span_cluster_prefix: str) -> dict[str, Any]:
    """For the token of `choose_token` and the last layer, what is left of every other token."""
    names, chosen = name_tokens(trace), choose_token(trace)
    last = max((gate.layer for gate in trace.gates), default=0)
    # A cell without gates has nothing that says what it keeps.
    gates = [gate for gate in trace.gates if gate.layer == last and gate.cell != "rnn"]
    return {
        "lang": trace.lang,
        "component": trace.component,
        "words": spell_text(trace),
        "names": names,
        "chosen": chosen,
        "memories": [_view_direction(gate, chosen, names) for gate in gates if names],
    }


def holds(gate: GateTrace, token: int) -> npt.NDArray[np.float32]:
    """Which part of the memory at a token was written at each token.

    The parts of a unit are what `GateTrace.written` gives, without their signs; those of all units
    together are made to sum to 1. *Shape:* ``(tokens,)``
    """
    amounts = np.abs(gate.written(token)).sum(axis=1)
    total = amounts.sum()
    shares: npt.NDArray[np.float32] = amounts / total if total else amounts
    return shares


def _view_direction(gate: GateTrace, token: int, names: list[str]) -> dict[str, Any]:
    left = gate.survival(token)
    survives, shares = left.mean(axis=1), holds(gate, token)
    written = np.abs(gate.written(token))
    written[token] = 0.0
    mostly = written.argmax(axis=0)
    counts = np.bincount(mostly[written.any(axis=0)], minlength=len(names))
    return {
        "direction": gate.direction,
        "side": SIDES[gate.direction],
        "tints": [round(float(value), 3) for value in survives],
        "rows": [
            {
                "i": i,
                "name": names[i],
                "survives": 100 * float(survives[i]),
                "share": 100 * float(shares[i]),
                "units": int(counts[i]),
                "is_chosen": i == token,
            }
            for i in _in_reach(gate, token)
        ],
        "units": [
            {
                "unit": int(unit),
                "reach": float(reach),
                "name": names[mostly[unit]],
                "share": 100 * float(written[mostly[unit], unit] / max(total, 1e-12)),
            }
            for unit, reach, total in _longest(left, token, written)
        ],
    }


def _longest(
    left: npt.NDArray[np.float32], token: int, written: npt.NDArray[np.float32]
) -> list[tuple[int, float, float]]:
    """The units that remember longest, how many tokens far (the sum of what is left of each), and
    how much they hold of other tokens."""
    reach = left.sum(axis=0) - 1
    order = np.argsort(-reach, kind="stable")[:_SHOWN_UNITS]
    return [(int(u), float(reach[u]), float(written[:, u].sum())) for u in order if reach[u] > 0]


def _in_reach(gate: GateTrace, token: int) -> range:
    """The tokens that this direction read up to a token, in its window."""
    window = next(window for window in gate.windows if token < window.kept_to)
    if gate.direction == "forward":
        return range(window.start, token + 1)
    return range(token, window.end)
