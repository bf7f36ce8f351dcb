"""The bidirectional recurrent encoder over ragged batches.

A batch is *ragged*: the tokens of all sequences one after the other, and the sequences'
lengths. What a token gets never depends on the rest of the batch.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pad
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from .attention import build_attention
from .inference import FEWEST_ROWS, is_lean
from .padded import PaddedLSTM, lay_buckets, round_length

__all__ = ["CELLS", "BiLSTMEncoder", "open_forget_gates", "pad_index"]

Ints = npt.NDArray[np.int64]

CELLS: Final = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
_KERNELS: Final[dict[str, Any]] = {"lstm": torch.lstm, "gru": torch.gru, "rnn": torch.rnn_tanh}

# Self-attention is quadratic, so longer sequences attend within blocks of this many tokens.
ATTENTION_BLOCK: Final = 256
# What it costs to run one more bucket, in padded tokens.
_BUCKET_COST: Final = 128


class PadIndex(NamedTuple):
    """Where the tokens of a ragged batch lie in its padded form, and back."""

    gather: Tensor
    """For each padded place the ragged row to read. *Shape:* ``(batch, longest)``"""
    scatter: Tensor
    """For each ragged row its padded place, flat. *Shape:* ``(tokens,)``"""
    mask: Tensor
    """True where a token is. *Shape:* ``(batch, longest)``"""


def pad_index(lengths: Tensor) -> PadIndex:
    """Index arrays between the ragged and the padded form.

    lengths: tokens per sequence, each at least 1. *Shape:* ``(batch,)``
    """
    starts = torch.cumsum(lengths, 0) - lengths
    places = torch.arange(int(lengths.max()), device=lengths.device)
    mask = places.unsqueeze(0) < lengths.unsqueeze(1)
    gather = (starts.unsqueeze(1) + places).masked_fill(~mask, 0)
    return PadIndex(gather, mask.flatten().nonzero().squeeze(1), mask)


def open_forget_gates(layer: nn.RNNBase) -> None:
    """Give the forget gates of an LSTM a bias of 1, which lets the cell state carry from the first
    step (Gers et al. 2000; Jozefowicz et al. 2015)."""
    # torch has two biases per gate, in the order i, f, g, o.
    for name, bias in layer.named_parameters():
        if name.startswith("bias_ih"):
            hidden = len(bias) // 4
            nn.init.ones_(bias.data[hidden : 2 * hidden])


class BiLSTMEncoder(nn.Module):
    """Bidirectional LSTM (or GRU, or simple RNN), with self-attention over it if wanted.

    The weights are those of one `torch.nn.LSTM(bidirectional=True)` per layer, and so are the
    results, to rounding, over a `PackedSequence`. On a GPU that is also what runs. On a CPU a
    packed sequence takes torch's slow path (one operation per time step), so there the two
    directions run as plain padded LSTMs, the backward one over sequences reversed within
    their own length: padding then always comes last and cannot reach a result. It trains
    four times as fast.

    input_width: width of the incoming vectors.
    width: width of the outgoing vectors; each direction has half of it.
    depth: number of layers.
    dropout: rate before each layer.
    cell: a key of `CELLS`.
    attention: a key of `attention.ATTENTION`, or None. Its context is added to the hidden
        states and the sum is normalized.
    head_width: of heads that `narrowing.narrow_heads` made narrower than they were trained.
    """

    def __init__(
        self,
        *,
        input_width: int,
        width: int,
        depth: int = 1,
        dropout: float = 0.0,
        cell: str = "lstm",
        attention: str | None = None,
        head_width: int | None = None,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.layers = nn.ModuleList(
            CELLS[cell](
                input_width if layer == 0 else width,
                width // 2,
                bidirectional=True,
                batch_first=True,
            )
            for layer in range(depth)
        )
        self.dropout = nn.Dropout(dropout)
        self.attention = (
            build_attention(attention, width=width, head_width=head_width) if attention else None
        )
        self.norm = nn.LayerNorm(width) if attention else None
        if cell == "lstm":
            for recurrent in self.layers:
                assert isinstance(recurrent, nn.RNNBase)
                open_forget_gates(recurrent)
        self._padded = [PaddedLSTM(part) for part in self.layers if isinstance(part, nn.LSTM)]

    def forward(
        self,
        X: Tensor,
        lengths: Sequence[int],
        rows: Ints | None = None,
        keep: Ints | None = None,
        reduced: bool = False,
    ) -> Tensor:
        """Encode a ragged batch.

        X: vectors of all tokens. *Shape:* ``(tokens, input_width)``
        lengths: tokens per sequence; they sum to ``tokens``; zeros are allowed.
        rows: the row of `X` that each token has, which may then have fewer; None for its own.
            *Shape:* ``(tokens,)``
        keep: the tokens that are wanted; None for all.
        reduced: for inference on a CPU, multiply within the LSTM in bfloat16 where the processor
            has it.
        RETURNS: hidden states. *Shape:* ``(tokens, width)``
        """
        if self._runs_padded(X, lengths):
            if len(lengths) == 1 and lengths[0] < FEWEST_ROWS and keep is None:
                return self._encode_alone(X if rows is None else _read_rows(X, rows), reduced)
            return self._encode_padded(X, lengths, rows, keep, reduced)
        H = self._encode(X if rows is None else _read_rows(X, rows), lengths)
        return H if keep is None else _read_rows(H, keep)

    def _encode(self, X: Tensor, lengths: Sequence[int]) -> Tensor:
        H = self.recur(X, lengths)
        return H if self.attention is None else self._attend_in_blocks(H, lengths)

    def _attend_in_blocks(self, H: Tensor, lengths: Sequence[int]) -> Tensor:
        assert self.attention is not None
        layout = _lay_buckets(_blocks(lengths), H.device)
        contexts = [self.attention.context(_pad(H, part), part.mask) for part in layout.buckets]
        return self._add_context(H, contexts, layout)

    def _runs_padded(self, X: Tensor, lengths: Sequence[int]) -> bool:
        return not self.training and self.cell == "lstm" and is_lean(X) and any(lengths)

    def _encode_padded(
        self,
        X: Tensor,
        lengths: Sequence[int],
        rows: Ints | None,
        keep: Ints | None,
        reduced: bool,
    ) -> Tensor:
        buckets, places = lay_buckets(lengths)
        # A sequence attends in one piece here. Longer ones do it later, in blocks, but run no other
        # way: in half the bits that would show in all that are of their batch.
        in_blocks = self.attention is not None and max(lengths) > ATTENTION_BLOCK
        # One row more, for padding, and one column more, which tells it apart.
        table = X.new_zeros(len(X) + 1, X.shape[1] + 1)
        table[:-1, :-1] = X
        table[-1, -1] = 1
        parts = []
        for bucket in buckets:
            read = bucket.rows if rows is None else rows[bucket.rows]
            is_padding = bucket.rows < 0
            H = embedding(torch.from_numpy(np.where(is_padding, len(X), read)), table)
            H = self._run_padded_layers(H, reduced)
            if self.attention is not None and not in_blocks:
                mask = None if bucket.mask is None else torch.from_numpy(bucket.mask)
                H = self._attend_by_time(H, mask)
            parts.append(H.flatten(0, 1))
        padded = torch.cat(parts) if parts[1:] else parts[0]
        if in_blocks:
            H = self._attend_in_blocks(embedding(torch.from_numpy(places), padded), lengths)
            return H if keep is None else _read_rows(H, keep)
        if keep is not None:
            places = places[keep]
        return embedding(torch.from_numpy(places), padded)

    def _encode_alone(self, X: Tensor, reduced: bool) -> Tensor:
        """A single short sequence, without the detours for many and for long ones."""
        length = len(X)
        spare = round_length(length) - length
        table = pad(X, (0, 1, 0, spare))
        if spare:
            table[length:, -1] = 1
        H = self._run_padded_layers(table.unsqueeze(1), reduced)[:length]
        if self.attention is not None:
            H = self._attend_by_time(H, None)
        return H.squeeze(1)

    def _run_padded_layers(self, H: Tensor, reduced: bool) -> Tensor:
        """H: as of `padded.PaddedLSTM`."""
        column = H[:, :, -1:]
        for number, run in enumerate(self._padded):
            H = run(torch.cat([H, column], dim=2) if number else H, reduced=reduced)
        return H

    def _attend_by_time(self, H: Tensor, mask: Tensor | None) -> Tensor:
        assert self.attention is not None
        assert self.norm is not None
        normed: Tensor = self.norm(H.add_(self.attention.context_by_time(H, mask)))
        return normed

    def recur(self, X: Tensor, lengths: Sequence[int]) -> Tensor:
        """The recurrent layers alone, without attention; arguments and result as in `forward`.
        Of a single layer, the first half of a state knows nothing of later tokens and the second
        half nothing of earlier ones."""
        return self.layer_states(X, lengths)[-1]

    def layer_states(self, X: Tensor, lengths: Sequence[int]) -> list[Tensor]:
        """What each recurrent layer gives, the last one last; arguments and results as in
        `forward`."""
        states = [X]
        for layer in self.layers:
            assert isinstance(layer, nn.RNNBase)
            states.append(self._run_layer(layer, self.dropout(states[-1]), lengths))
        return states[1:]

    def attend(self, H: Tensor, lengths: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """Attention over hidden states, and its weights.

        H: hidden states. *Shape:* ``(tokens, width)``
        RETURNS: the states with their context, *shape* ``(tokens, width)``, and for each block
            of at most `ATTENTION_BLOCK` tokens of a sequence, in order, the weights, *shape*
            ``(heads, block, block)``.
        """
        assert self.attention is not None
        layout = _lay_buckets(_blocks(lengths), H.device)
        parts = [self.attention(_pad(H, bucket), bucket.mask) for bucket in layout.buckets]
        weights: dict[int, Tensor] = {}
        for bucket, (_, attended) in zip(layout.buckets, parts, strict=True):
            for member, size, block in zip(
                bucket.members, bucket.sizes.tolist(), attended, strict=True
            ):
                weights[member] = block[:, :size, :size]
        summed = self._add_context(H, [context for context, _ in parts], layout)
        return summed, [weights[block] for block in range(len(weights))]

    def _add_context(self, H: Tensor, contexts: list[Tensor], layout: "_Layout") -> Tensor:
        assert self.norm is not None
        if not contexts:
            return H
        padded = torch.cat([context.flatten(0, 1) for context in contexts])
        summed: Tensor = self.norm(H + self.dropout(embedding(layout.places, padded)))
        return summed

    def _run_layer(self, layer: nn.RNNBase, X: Tensor, lengths: Sequence[int]) -> Tensor:
        layout = _lay_buckets(lengths, X.device)
        if not layout.buckets:
            return X.new_zeros(0, 2 * layer.hidden_size)
        if X.device.type == "cuda":
            parts = [self._run_packed(layer, X[b.rows], b.sizes) for b in layout.buckets]
            order = torch.cat([bucket.rows for bucket in layout.buckets])
            return torch.cat(parts)[torch.argsort(order)]
        return self._run_reversed(layer, X, layout)

    def _run_packed(self, layer: nn.RNNBase, X: Tensor, lengths: Tensor) -> Tensor:
        index = pad_index(lengths)
        packed = pack_padded_sequence(
            X[index.gather], lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        output: PackedSequence = layer(packed)[0]
        padded, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
        return padded.flatten(0, 1)[index.scatter]

    def _run_reversed(self, layer: nn.RNNBase, X: Tensor, layout: "_Layout") -> Tensor:
        # Time comes first, as the kernel wants it.
        forward = [
            self._run_direction(layer, embedding(bucket.gather.T, X), suffix="")
            for bucket in layout.buckets
        ]
        backward = [
            self._run_direction(layer, embedding(bucket.reversed_gather.T, X), suffix="_reverse")
            for bucket in layout.buckets
        ]
        return torch.cat(
            [
                embedding(layout.time_places, torch.cat([part.flatten(0, 1) for part in forward])),
                embedding(
                    layout.reversed_time_places,
                    torch.cat([part.flatten(0, 1) for part in backward]),
                ),
            ],
            dim=1,
        )

    def _run_direction(self, layer: nn.RNNBase, X: Tensor, *, suffix: str) -> Tensor:
        weights = [
            getattr(layer, f"{part}_l0{suffix}")
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        zeros = X.new_zeros(1, X.shape[1], layer.hidden_size)
        start = (zeros, zeros) if self.cell == "lstm" else zeros
        output: Tensor = _KERNELS[self.cell](
            X, start, weights, True, 1, 0.0, self.training, False, False
        )[0]
        return output


class _Bucket(NamedTuple):
    """Sequences of like length, padded together."""

    members: list[int]
    """Its sequences."""
    sizes: Tensor
    """Their tokens. *Shape:* ``(members,)``"""
    rows: Tensor
    """Their ragged rows. *Shape:* ``(rows,)``"""
    gather: Tensor
    """For each padded place the ragged row to read; beyond the end, the last one's. *Shape:*
    ``(members, longest)``"""
    reversed_gather: Tensor
    """The same with each sequence reversed. *Shape:* ``(members, longest)``"""
    mask: Tensor | None
    """True where a token is; None where all are of one length. *Shape:* ``(members, longest)``"""


class _Layout(NamedTuple):
    """Where the tokens of a ragged batch lie in its buckets, one padded bucket after the other.
    Every tensor has one entry a token."""

    buckets: list[_Bucket]
    places: Tensor
    time_places: Tensor
    """Where time comes before the sequences."""
    reversed_time_places: Tensor
    """The same with each sequence reversed."""


def _read_rows(X: Tensor, rows: Ints) -> Tensor:
    # As a lookup, since its gradient is far faster than an index's on a CPU.
    return embedding(torch.from_numpy(rows).to(X.device), X)


def _blocks(lengths: Sequence[int]) -> list[int]:
    return [
        min(ATTENTION_BLOCK, length - start)
        for length in lengths
        for start in range(0, length, ATTENTION_BLOCK)
    ]


def _pad(X: Tensor, bucket: _Bucket) -> Tensor:
    # As a lookup, since its gradient is far faster than an index's on a CPU.
    return embedding(bucket.gather, X)


def _lay_buckets(lengths: Sequence[int], device: torch.device) -> _Layout:
    """Sequences of like length together, so that padding costs little. Empty sequences are in
    no bucket."""
    sizes = np.asarray(lengths, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    # Of each sequence: the padded places before its bucket, the bucket's width, its own row.
    offset, count, row, longest = (np.zeros_like(sizes) for _ in range(4))
    buckets, total = [], 0
    for members in _group_by_length(sizes):
        buckets.append(_make_bucket(members, starts[members], sizes[members], device))
        offset[members], count[members] = total, len(members)
        row[members], longest[members] = np.arange(len(members)), sizes[members].max()
        total += len(members) * int(sizes[members].max())
    step = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
    back = np.repeat(sizes, sizes) - 1 - step
    first, width = np.repeat(offset + row, sizes), np.repeat(count, sizes)
    places = np.repeat(offset + row * longest, sizes) + step
    return _Layout(
        buckets=buckets,
        places=torch.from_numpy(places).to(device),
        time_places=torch.from_numpy(first + step * width).to(device),
        reversed_time_places=torch.from_numpy(first + back * width).to(device),
    )


def _group_by_length(sizes: npt.NDArray[np.int64]) -> list[list[int]]:
    """A group is closed when its padding has cost as much as a further group would: that one's
    own steps, at which a kernel has work with few sequences as with many, and its start."""
    groups: list[list[int]] = []
    longest = padding = 0
    for sequence in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[sequence])
        if not size:
            break
        padding += longest - size
        if not groups or padding > size + _BUCKET_COST:
            groups.append([])
            longest, padding = size, 0
        groups[-1].append(sequence)
    return [sorted(group) for group in groups]


def _make_bucket(
    members: list[int],
    starts: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    device: torch.device,
) -> _Bucket:
    steps = np.arange(sizes.max())
    mask = steps < sizes[:, None]
    gather = starts[:, None] + np.minimum(steps, sizes[:, None] - 1)
    reversed_gather = starts[:, None] + np.maximum(sizes[:, None] - 1 - steps, 0)
    return _Bucket(
        members=members,
        sizes=torch.from_numpy(sizes).to(device),
        rows=torch.from_numpy(gather[mask]).to(device),
        gather=torch.from_numpy(gather).to(device),
        reversed_gather=torch.from_numpy(reversed_gather).to(device),
        mask=None if mask.all() else torch.from_numpy(mask).to(device),
    )
