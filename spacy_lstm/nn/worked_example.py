"""A cell of one unit that can be followed by hand: "Alice is happy. She smiles."

Five words as vectors of three numbers, and weights that were published with the values that
follow from them. The published text leaves out the step of "happy" and gives for it a state
that its weights do not lead to; what comes after is worked out from that state. Both are here.
"""

from typing import Final

import torch

from ..traces import CHANNELS, GateTrace, Window
from .gates import LSTMWeights, lstm_step

__all__ = ["PUBLISHED", "PUBLISHED_STATE", "WEIGHTS", "WORDS", "follow_cell"]

WORDS: Final = {
    "Alice": (1.0, 0.0, 0.0),
    "is": (0.0, 1.0, 0.0),
    "happy": (0.0, 0.0, 0.0),
    "She": (1.0, 0.0, 1.0),
    "smiles": (0.0, 1.0, 0.0),
}
"""The inputs, in the order in which they are read."""

WEIGHTS: Final = LSTMWeights(
    W_f=torch.tensor([[0.2, 0.3, -0.1, 0.4]]),
    b_f=torch.tensor([-0.1]),
    W_i=torch.tensor([[0.5, 0.2, 0.3, -0.2]]),
    b_i=torch.tensor([0.3]),
    W_o=torch.tensor([[0.1, -0.2, 0.4, 0.3]]),
    b_o=torch.tensor([-0.2]),
    W_c=torch.tensor([[0.3, 0.1, -0.2, 0.5]]),
    b_c=torch.tensor([0.1]),
)
"""First the weight of the previous hidden state, then those of the three inputs."""

PUBLISHED_STATE: Final = (0.012, 0.005)
"""Cell and hidden state that the published text gives for "happy"; the weights lead to 0.0574 and
0.0258."""

PUBLISHED: Final[dict[tuple[str, str], float]] = {
    ("Alice", "cell_state"): 0.122,
    ("Alice", "hidden_state"): 0.048,
    ("is", "forget_gate"): 0.452,
    ("is", "cell_state"): 0.000,
    ("happy", "cell_state"): PUBLISHED_STATE[0],
    ("happy", "hidden_state"): PUBLISHED_STATE[1],
    ("She", "forget_gate"): 0.646,
    ("She", "input_gate"): 0.575,
    ("She", "candidate"): 0.605,
    ("She", "cell_state"): 0.356,
    ("She", "hidden_state"): 0.164,
}
"""The values that the published text prints, of (word, channel)."""


def follow_cell(*, published: bool = False) -> GateTrace:
    """Every gate and state of the cell over the five words, from empty states.

    published: go on after "happy" from the published state instead of the one that follows.
    """
    cell = hidden = torch.zeros(1)
    steps = []
    for word, values in WORDS.items():
        state = lstm_step(torch.tensor(values), hidden, cell, WEIGHTS)
        if published and word == "happy":
            state = state._replace(
                cell_state=torch.tensor([PUBLISHED_STATE[0]]),
                hidden_state=torch.tensor([PUBLISHED_STATE[1]]),
            )
        cell, hidden = state.cell_state, state.hidden_state
        steps.append(state)
    channels = {
        name: torch.stack([getattr(state, name) for state in steps]).numpy()
        for name in CHANNELS["lstm"]
    }
    window = Window(0, len(WORDS), 0, len(WORDS))
    return GateTrace(0, "forward", "lstm", (window,), channels)
