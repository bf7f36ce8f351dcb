"""The LSTM and its attention over padded batches, for inference on a CPU.

Training runs the two directions one after the other over sequences reversed within their length.
Here both run over sequences that are padded at their end, by oneDNN's layers or by one call of
torch's kernel, which asks for the same: an input column that only padding has shuts the input
gates, so that the backward direction comes to a sequence's last token with the zeros that it began
with, exactly. Sequences of few different shapes are made, since oneDNN compiles its code for each.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .inference import HAS_ONEDNN, Derived, round_up
from .precision import has_bfloat16

__all__ = ["Bucket", "PaddedLSTM", "lay_buckets", "round_length"]

Ints = npt.NDArray[np.int64]

# What torch's kernel asks oneDNN for in each direction; asked here, it takes packed weights.
_HAS_LAYERS: Final = (
    HAS_ONEDNN
    and hasattr(torch.ops.aten, "mkldnn_rnn_layer")
    and hasattr(torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight")
)
_LSTM: Final = 2

_LENGTH_STEP: Final = 8
# What it costs to run one more bucket, in padded tokens, beside its steps.
_BUCKET_COST: Final = 128
# Shuts an input gate whatever else it gets: its sigmoid is 0 in single precision.
_SHUT: Final = -1e4
# Numbers of sequences that are run together.
_COUNTS: Final = np.array(
    [*range(1, 9), *range(10, 17, 2), *range(20, 65, 4), *range(72, 129, 8), *range(160, 1025, 32)]
)


class Bucket(NamedTuple):
    """Sequences of like length, padded together; time comes first."""

    rows: Ints
    """For each place the row to read; -1 for padding. *Shape:* ``(longest, members)``"""
    mask: npt.NDArray[np.bool_] | None
    """True where a token is; None where all places have one. *Shape:* ``(members, longest)``"""


class PaddedLSTM:
    """One layer of `torch.nn.LSTM(bidirectional=True)` over padded sequences.

    layer: holds the weights, which may change.
    """

    def __init__(self, layer: nn.LSTM) -> None:
        self._layer = layer
        self._weights = Derived(_prepare)
        self._halved = Derived(_halve)

    def __call__(self, X: Tensor, *, reduced: bool = False) -> Tensor:
        """Run both directions.

        X: vectors, and one column more: 1 where padding is, 0 elsewhere. *Shape:* ``(longest,
            members, input_width + 1)``
        reduced: multiply in bfloat16, where the processor has it; cell states stay single.
        RETURNS: *Shape:* ``(longest, members, width)``; anything where padding is.
        """
        held = [weight for direction in self._layer.all_weights for weight in direction]
        if reduced and has_bfloat16(X.device):
            return self._run(X.bfloat16(), self._halved.of(*held)).float()
        return self._run(X, self._weights.of(*held))

    def _run(self, X: Tensor, weights: list[Tensor]) -> Tensor:
        hidden = self._layer.hidden_size
        if not weights[0].is_mkldnn:
            zeros = X.new_zeros(2, X.shape[1], hidden)
            found: Tensor = torch.lstm(
                X, (zeros, zeros), weights, True, 1, 0.0, False, True, False
            )[0]
            return found
        zeros = X.new_zeros(1, X.shape[1], hidden)
        run = torch.ops.aten.mkldnn_rnn_layer
        sizes: list[int] = []
        settings = sizes, _LSTM, hidden, 1, True, False, False, False
        forward = run(X, *weights[:4], zeros, zeros, False, *settings)[0]
        backward = run(X, *weights[4:], zeros, zeros, True, *settings)[0]
        return torch.cat([forward, backward], dim=2)


def _prepare(*weights: Tensor) -> list[Tensor]:
    """As `_with_padding_column`, in oneDNN's own order where it is asked directly: to bring them
    into it takes as long as the shortest text."""
    prepared = _with_padding_column(*weights)
    if not _HAS_LAYERS or prepared[0].dtype not in (torch.float32, torch.bfloat16):
        return prepared
    pack = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight
    packed: list[Tensor] = []
    for backward in (False, True):
        inputs, states, *biases = prepared[4:] if backward else prepared[:4]
        packed += pack(inputs, states, states.shape[1], backward, True, False)
        packed += biases
    return packed


def _with_padding_column(*weights: Tensor) -> list[Tensor]:
    """The weights of both directions, which may not be written to: most are the layer's own."""
    forward, backward = list(weights[:4]), list(weights[4:])
    # Only the backward direction comes to padding before it has read a token.
    column = backward[0].new_zeros(len(backward[0]), 1)
    # torch has the gates in the order i, f, g, o.
    column[: len(column) // 4] = _SHUT
    forward[0] = pad(forward[0], (0, 1))
    backward[0] = torch.cat([backward[0], column], dim=1)
    return [*forward, *backward]


def _halve(*weights: Tensor) -> list[Tensor]:
    return _prepare(*(weight.bfloat16() for weight in weights))


def round_length(length: int) -> int:
    """The length that a sequence is padded to."""
    return round_up(length, _LENGTH_STEP)


def lay_buckets(lengths: Sequence[int]) -> tuple[list[Bucket], Ints]:
    """Sequences of like length together, so that padding costs little. Empty ones are in none.

    RETURNS: the buckets; and of each token its place in them, one bucket after the other, time
        before members. *Shape:* ``(tokens,)``
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    buckets, places = [], np.zeros(int(sizes.sum()), dtype=np.int64)
    before = first = 0
    while first < len(order):
        count, width = _choose(sizes[order[first:]])
        members = order[first : first + count]
        longest = round_length(int(sizes[members[0]]))
        steps = np.arange(longest)[:, None]
        is_token = np.zeros((longest, width), dtype=bool)
        is_token[:, : len(members)] = steps < sizes[members]
        rows = np.full(is_token.shape, -1, dtype=np.int64)
        rows[:, : len(members)] = np.where(is_token[:, : len(members)], starts[members] + steps, -1)
        held = is_token.ravel()
        places[rows.ravel()[held]] = np.flatnonzero(held) + before
        buckets.append(Bucket(rows, None if held.all() else np.ascontiguousarray(is_token.T)))
        before += rows.size
        first += count
    return buckets, places


def _choose(sizes: Ints) -> tuple[int, int]:
    """How many of the longest sequences to run together, and as how many.

    A bucket is closed when its padding has cost as much as a further one would: that one's own
    steps, at which a kernel has work with few sequences as with many, and its start.

    sizes: falling. *Shape:* ``(sequences,)``
    """
    limit = min(len(sizes), int(_COUNTS[-1]))
    wasted = np.cumsum(sizes[0] - sizes[:limit])
    too_many = np.flatnonzero(wasted > sizes[:limit] + _BUCKET_COST)
    count = int(too_many[0]) if len(too_many) else limit
    lower = int(_COUNTS[np.searchsorted(_COUNTS, count, side="right") - 1])
    if lower == count:
        return count, count
    upper = int(_COUNTS[np.searchsorted(_COUNTS, count)])
    # The rest of them: in a bucket of their own, or with members that are all padding?
    if (upper - count) * int(sizes[0]) <= int(sizes[min(lower, len(sizes) - 1)]) + _BUCKET_COST:
        return count, upper
    return lower, lower
