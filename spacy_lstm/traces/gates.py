"""Gates and states of recurrent cells, and what follows from them about their memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import LstmError
from .windows import Window, kept_steps

__all__ = ["CHANNELS", "GateTrace"]

Floats = npt.NDArray[np.float32]

CHANNELS: Final[dict[str, tuple[str, ...]]] = {
    "lstm": (
        "forget_gate",
        "input_gate",
        "output_gate",
        "candidate",
        "cell_state",
        "hidden_state",
    ),
    "gru": ("reset_gate", "update_gate", "candidate", "hidden_state"),
    "rnn": ("hidden_state",),
}
"""What each kind of cell has, by the names that `BiLSTMEncoder` gives the kinds."""

# Whose product says how much of an earlier memory is left.
_KEEPERS: Final = {"lstm": "forget_gate", "gru": "update_gate"}


@dataclass(frozen=True, eq=False)
class GateTrace:
    """Gates and states of one direction of one layer.

    `trace["forget_gate"]`, and the properties of these names, give a channel token by token,
    *shape* ``(tokens, units)``. `steps` has the channels of all windows, one window after the
    other; where a text has a single window, both are the same.
    """

    layer: int
    """From 0, the one that reads the embeddings."""
    direction: str
    """"forward" or "backward": the latter reads from the end."""
    cell: str
    """A key of `CHANNELS`."""
    windows: tuple[Window, ...]
    steps: Mapping[str, Floats]
    """Channel → *shape* ``(steps, units)``."""

    def __getitem__(self, channel: str) -> Floats:
        if channel not in self.steps:
            raise LstmError(
                f"no {channel} in a cell of the kind {self.cell}: expected one of "
                f"{', '.join(self.steps)}"
            )
        return self.steps[channel][self._kept]

    @property
    def forget_gate(self) -> Floats:
        """Of an LSTM: how much of the cell state stays, 0 to 1."""
        return self["forget_gate"]

    @property
    def input_gate(self) -> Floats:
        """Of an LSTM: how much of the candidate comes in, 0 to 1."""
        return self["input_gate"]

    @property
    def output_gate(self) -> Floats:
        """Of an LSTM: how much of the cell state shows, 0 to 1."""
        return self["output_gate"]

    @property
    def candidate(self) -> Floats:
        """Of an LSTM or a GRU (there also "new"): what may be written, -1 to 1."""
        return self["candidate"]

    @property
    def cell_state(self) -> Floats:
        """Of an LSTM: its memory."""
        return self["cell_state"]

    @property
    def hidden_state(self) -> Floats:
        """What the layer gives out, -1 to 1."""
        return self["hidden_state"]

    @property
    def reset_gate(self) -> Floats:
        """Of a GRU: how much of the last state the candidate sees, 0 to 1."""
        return self["reset_gate"]

    @property
    def update_gate(self) -> Floats:
        """Of a GRU: how much of the last state stays, 0 to 1."""
        return self["update_gate"]

    @property
    def units(self) -> int:
        """Width of this direction."""
        return int(self.steps["hidden_state"].shape[1])

    def read_window(self, channel: str, number: int) -> Floats:
        """A channel over all tokens of a window, also those whose results are not kept. *Shape:*
        ``(window's tokens, units)``"""
        start = sum(window.end - window.start for window in self.windows[:number])
        window = self.windows[number]
        return self.steps[channel][start : start + window.end - window.start]

    def survival(self, token: int) -> Floats:
        """How much of the memory as it stood after each token is left in the memory after this
        one: the product of the forget gates of the steps between (of a GRU, of its update gates),
        the far end included. 1 at the token itself; 0 at tokens that are read later or in another
        window.

        RETURNS: *shape* ``(tokens, units)``

        Raises LstmError for a cell without such a gate.
        """
        if self.cell not in _KEEPERS:
            raise LstmError(f"a cell of the kind {self.cell} has no gate that keeps its memory")
        tokens = self.windows[-1].kept_to if self.windows else 0
        if not 0 <= token < tokens:
            raise LstmError(f"no token {token} in a text of {tokens}: expected 0 to {tokens - 1}")
        number, window = self.window_of(token)
        keep = self.read_window(_KEEPERS[self.cell], number).astype(np.float64)
        here = token - window.start
        left = np.zeros((tokens, self.units))
        left[token] = 1.0
        if self.direction == "forward":
            left[window.start : token] = np.cumprod(keep[here:0:-1], axis=0)[::-1]
        else:
            left[token + 1 : window.end] = np.cumprod(keep[here:-1], axis=0)
        return left.astype(np.float32)

    def written(self, token: int) -> Floats:
        """What each token wrote into the memory, as far as it is left in the memory after this
        one: `survival` times what came in (of an LSTM input gate times candidate, of a GRU what
        its update gate let in). Over the tokens it sums to the memory itself.

        RETURNS: *shape* ``(tokens, units)``

        Raises LstmError for a cell without a gate that keeps its memory.
        """
        left = self.survival(token)
        number, window = self.window_of(token)
        candidate = self.read_window("candidate", number)
        if self.cell == "lstm":
            came = self.read_window("input_gate", number) * candidate
        else:
            came = (1 - self.read_window("update_gate", number)) * candidate
        left[window.start : window.end] *= came
        return left

    def window_of(self, token: int) -> tuple[int, Window]:
        """The window that gives a token's results, and its number."""
        return next(found for found in enumerate(self.windows) if token < found[1].kept_to)

    @cached_property
    def _kept(self) -> slice | npt.NDArray[np.int64]:
        return kept_steps(self.windows)
