"""What happens inside a recurrent cell: its equations, and every gate of a whole batch.

torch computes the gates and throws them away. Here they are worked out again from the layer's
own weights; what they lead to is what the layer gave (`tests/nn/test_gates.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..traces import CHANNELS

__all__ = ["LSTMState", "LSTMWeights", "gru_step", "lstm_step", "rnn_step", "trace_layer"]

Floats = npt.NDArray[np.float32]


class LSTMState(NamedTuple):
    """Gates and states of one step."""

    forget_gate: Tensor
    input_gate: Tensor
    output_gate: Tensor
    candidate: Tensor
    cell_state: Tensor
    hidden_state: Tensor


class LSTMWeights(NamedTuple):
    """Weights over the previous hidden state and then the input, *shape* ``(units, units +
    inputs)``, and biases, *shape* ``(units,)``."""

    W_f: Tensor
    b_f: Tensor
    W_i: Tensor
    b_i: Tensor
    W_o: Tensor
    b_o: Tensor
    W_c: Tensor
    b_c: Tensor

    @classmethod
    def of_layer(cls, layer: nn.RNNBase, *, suffix: str = "") -> "LSTMWeights":
        """Those of an `nn.LSTM` of one layer, whose rows are in the order i, f, g, o.

        suffix: "_reverse" for the backward direction.
        """
        W = torch.cat([_weight(layer, "weight_hh", suffix), _weight(layer, "weight_ih", suffix)], 1)
        b = _weight(layer, "bias_ih", suffix) + _weight(layer, "bias_hh", suffix)
        W_i, W_f, W_c, W_o = W.chunk(4)
        b_i, b_f, b_c, b_o = b.chunk(4)
        return cls(W_f, b_f, W_i, b_i, W_o, b_o, W_c, b_c)


def lstm_step(x: Tensor, hidden: Tensor, cell: Tensor, weights: LSTMWeights) -> LSTMState:
    """The six equations of the LSTM (Hochreiter and Schmidhuber 1997; with a forget gate, Gers et
    al. 2000).

    x: input. *Shape:* ``(…, inputs)``
    hidden, cell: states before the step. *Shape:* ``(…, units)``
    """
    W_f, b_f, W_i, b_i, W_o, b_o, W_c, b_c = weights
    before = torch.cat([hidden, x], dim=-1)
    f = torch.sigmoid(before @ W_f.T + b_f)
    i = torch.sigmoid(before @ W_i.T + b_i)
    o = torch.sigmoid(before @ W_o.T + b_o)
    candidate = torch.tanh(before @ W_c.T + b_c)
    C = f * cell + i * candidate
    h = o * torch.tanh(C)
    return LSTMState(f, i, o, candidate, C, h)


def gru_step(x: Tensor, hidden: Tensor, layer: nn.RNNBase, *, suffix: str = "") -> list[Tensor]:
    """The four equations of the GRU (Cho et al. 2014), as torch has them: the reset gate meets the
    projected state. Arguments as in `lstm_step`.

    RETURNS: in the order of `CHANNELS["gru"]`.
    """
    W_r, W_z, W_n = _weight(layer, "weight_ih", suffix).chunk(3)
    U_r, U_z, U_n = _weight(layer, "weight_hh", suffix).chunk(3)
    b_r, b_z, b_n = _weight(layer, "bias_ih", suffix).chunk(3)
    d_r, d_z, d_n = _weight(layer, "bias_hh", suffix).chunk(3)
    r = torch.sigmoid(x @ W_r.T + b_r + hidden @ U_r.T + d_r)
    z = torch.sigmoid(x @ W_z.T + b_z + hidden @ U_z.T + d_z)
    n = torch.tanh(x @ W_n.T + b_n + r * (hidden @ U_n.T + d_n))
    h = (1 - z) * n + z * hidden
    return [r, z, n, h]


def rnn_step(x: Tensor, hidden: Tensor, layer: nn.RNNBase, *, suffix: str = "") -> list[Tensor]:
    """The one equation of the simple RNN (Elman 1990). Arguments as in `lstm_step`.

    RETURNS: in the order of `CHANNELS["rnn"]`.
    """
    W, U = _weight(layer, "weight_ih", suffix), _weight(layer, "weight_hh", suffix)
    b, d = _weight(layer, "bias_ih", suffix), _weight(layer, "bias_hh", suffix)
    return [torch.tanh(x @ W.T + b + hidden @ U.T + d)]


def trace_layer(
    layer: nn.RNNBase, X: Tensor, H: Tensor, lengths: Sequence[int]
) -> dict[str, dict[str, Floats]]:
    """Gates and states of one bidirectional layer over a ragged batch.

    Where the hidden states are known, all gates of all steps are one product each; the memory
    alone has to be followed step by step. `hidden_state` is worked out anew from the gates.

    X: what the layer read. *Shape:* ``(steps, inputs)``
    H: what it gave. *Shape:* ``(steps, 2 * units)``
    lengths: steps of each sequence; zeros are allowed.
    RETURNS: direction → channel → *shape* ``(steps, units)``
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    steps = np.arange(len(X))
    first = np.repeat(starts, sizes)
    last = np.repeat(starts + sizes - 1, sizes)
    forward, backward = H.chunk(2, dim=1)
    return {
        "forward": _trace_direction(layer, X, forward, steps - 1, steps == first, ""),
        "backward": _trace_direction(layer, X, backward, steps + 1, steps == last, "_reverse"),
    }


def _trace_direction(
    layer: nn.RNNBase,
    X: Tensor,
    H: Tensor,
    before: npt.NDArray[np.int64],
    is_first: npt.NDArray[np.bool_],
    suffix: str,
) -> dict[str, Floats]:
    """before: the step that each follows; of a sequence's first one it does not count."""
    if not len(X):
        kind = _kind(layer)
        return {name: np.zeros((0, layer.hidden_size), np.float32) for name in CHANNELS[kind]}
    places = torch.from_numpy(np.where(is_first, 0, before)).to(X.device)
    empty = torch.from_numpy(is_first).to(X.device)
    previous = H[places].masked_fill(empty.unsqueeze(1), 0.0)
    if isinstance(layer, nn.GRU):
        found = gru_step(X, previous, layer, suffix=suffix)
    elif isinstance(layer, nn.LSTM):
        return _trace_lstm(layer, X, previous, before, is_first, suffix)
    else:
        found = rnn_step(X, previous, layer, suffix=suffix)
    arrays = [values.cpu().numpy() for values in found]
    return dict(zip(CHANNELS[_kind(layer)], arrays, strict=True))


def _trace_lstm(
    layer: nn.LSTM,
    X: Tensor,
    previous: Tensor,
    before: npt.NDArray[np.int64],
    is_first: npt.NDArray[np.bool_],
    suffix: str,
) -> dict[str, Floats]:
    weights = LSTMWeights.of_layer(layer, suffix=suffix)
    nothing = torch.zeros_like(previous)
    # Of a step after nothing, the cell state is what comes in.
    state = lstm_step(X, previous, nothing, weights)
    gates = {name: values.cpu().numpy() for name, values in state._asdict().items()}
    kept, cells = gates["forget_gate"], gates["cell_state"]
    for now in _step_groups(before, is_first):
        cells[now] += kept[now] * cells[before[now]]
    gates["hidden_state"] = gates["output_gate"] * np.tanh(cells)
    return gates


def _step_groups(
    before: npt.NDArray[np.int64], is_first: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.int64]]:
    """The second steps of all sequences, the third ones, and so on."""
    forward = bool(len(before)) and before[0] == -1
    order = np.arange(len(before)) if forward else np.arange(len(before))[::-1]
    number = np.maximum.accumulate(np.where(is_first[order], np.arange(len(order)), 0))
    depth = np.arange(len(order)) - number
    ranked = order[np.argsort(depth, kind="stable")]
    bounds = np.cumsum(np.bincount(depth))[:-1]
    return np.split(ranked, bounds)[1:]


def _kind(layer: nn.RNNBase) -> str:
    return {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn"}[layer.mode]


def _weight(layer: nn.RNNBase, part: str, suffix: str) -> Tensor:
    weight: Tensor = getattr(layer, f"{part}_l0{suffix}").detach()
    return weight
