"""The bidirectional recurrent encoder over ragged batches.

A batch is *ragged*: the tokens of all sequences one after the other, and the sequences'
lengths. What a token gets never depends on the rest of the batch.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from .attention import build_attention

__all__ = ["CELLS", "BiLSTMEncoder", "pad_index"]

CELLS: Final = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
_KERNELS: Final[dict[str, Any]] = {"lstm": torch.lstm, "gru": torch.gru, "rnn": torch.rnn_tanh}

# Self-attention is quadratic, so longer sequences attend within blocks of this many tokens.
ATTENTION_BLOCK: Final = 256


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
        self.attention = build_attention(attention, width=width) if attention else None
        self.norm = nn.LayerNorm(width) if attention else None
        if cell == "lstm":
            self._open_forget_gates()

    def _open_forget_gates(self) -> None:
        # A forget bias of 1 lets the cell state carry from the first step (Gers et al. 2000;
        # Jozefowicz et al. 2015). torch has two biases per gate, in the order i, f, g, o.
        for layer in self.layers:
            for name, bias in layer.named_parameters():
                if name.startswith("bias_ih"):
                    hidden = len(bias) // 4
                    nn.init.ones_(bias.data[hidden : 2 * hidden])

    def forward(self, X: Tensor, lengths: Sequence[int]) -> Tensor:
        """Encode a ragged batch.

        X: vectors of all tokens. *Shape:* ``(tokens, input_width)``
        lengths: tokens per sequence; they sum to ``tokens``; zeros are allowed.
        RETURNS: hidden states. *Shape:* ``(tokens, width)``
        """
        H = self.recur(X, lengths)
        return self.attend(H, lengths)[0] if self.attention is not None else H

    def recur(self, X: Tensor, lengths: Sequence[int]) -> Tensor:
        """The recurrent layers alone, without attention; arguments and result as in `forward`.
        Of a single layer, the first half of a state knows nothing of later tokens and the second
        half nothing of earlier ones."""
        H: Tensor = X
        for layer in self.layers:
            assert isinstance(layer, nn.RNNBase)
            H = self._run_layer(layer, self.dropout(H), lengths)
        return H

    def attend(self, H: Tensor, lengths: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """Attention over hidden states, and its weights.

        H: hidden states. *Shape:* ``(tokens, width)``
        RETURNS: the states with their context, *shape* ``(tokens, width)``, and for each block
            of at most `ATTENTION_BLOCK` tokens of a sequence, in order, the weights, *shape*
            ``(heads, block, block)``.
        """
        assert self.attention is not None
        assert self.norm is not None
        blocks = [
            min(ATTENTION_BLOCK, length - start)
            for length in lengths
            for start in range(0, length, ATTENTION_BLOCK)
        ]
        if not blocks:
            return H, []
        context = torch.empty_like(H)
        weights: dict[int, Tensor] = {}
        for members, rows, sizes in _length_buckets(blocks, H.device):
            index = pad_index(sizes)
            padded, attended = self.attention(H[rows][index.gather], index.mask)
            context = context.index_put((rows,), padded.flatten(0, 1)[index.scatter])
            for member, size, block in zip(members, sizes.tolist(), attended, strict=True):
                weights[member] = block[:, :size, :size]
        summed: Tensor = self.norm(H + self.dropout(context))
        return summed, [weights[block] for block in range(len(blocks))]

    def _run_layer(self, layer: nn.RNNBase, X: Tensor, lengths: Sequence[int]) -> Tensor:
        buckets = list(_length_buckets(lengths, X.device))
        if not buckets:
            return X.new_zeros(0, 2 * layer.hidden_size)
        run = self._run_packed if X.device.type == "cuda" else self._run_reversed
        if len(buckets) == 1 and torch.equal(buckets[0][1], torch.arange(len(X), device=X.device)):
            return run(layer, X, buckets[0][2])
        parts = [run(layer, X[rows], sizes) for _, rows, sizes in buckets]
        order = torch.cat([rows for _, rows, _ in buckets])
        return torch.cat(parts)[torch.argsort(order)]

    def _run_packed(self, layer: nn.RNNBase, X: Tensor, lengths: Tensor) -> Tensor:
        index = pad_index(lengths)
        packed = pack_padded_sequence(
            X[index.gather], lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        output: PackedSequence = layer(packed)[0]
        padded, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
        return padded.flatten(0, 1)[index.scatter]

    def _run_reversed(self, layer: nn.RNNBase, X: Tensor, lengths: Tensor) -> Tensor:
        index = pad_index(lengths)
        # Row t of a reversed sequence is row length - 1 - t of the sequence.
        places = torch.arange(index.mask.shape[1], device=X.device)
        flipped = (lengths.unsqueeze(1) - 1 - places).clamp(min=0)
        backward_gather = index.gather[:, :1] + flipped
        forward = self._run_direction(layer, X[index.gather], suffix="")
        backward = self._run_direction(layer, X[backward_gather], suffix="_reverse")
        backward = backward.gather(1, flipped.unsqueeze(-1).expand_as(backward))
        return torch.cat([forward, backward], dim=-1).flatten(0, 1)[index.scatter]

    def _run_direction(self, layer: nn.RNNBase, X: Tensor, *, suffix: str) -> Tensor:
        weights = [
            getattr(layer, f"{part}_l0{suffix}")
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        zeros = X.new_zeros(1, len(X), layer.hidden_size)
        start = (zeros, zeros) if self.cell == "lstm" else zeros
        output: Tensor = _KERNELS[self.cell](
            X, start, weights, True, 1, 0.0, self.training, False, True
        )[0]
        return output


def _length_buckets(
    lengths: Sequence[int], device: torch.device
) -> list[tuple[list[int], Tensor, Tensor]]:
    """Sequences of like length together, so that padding at most doubles a batch.

    RETURNS: per bucket its sequences, their ragged rows, and their lengths. Empty sequences
        are in none.
    """
    sizes = torch.as_tensor(lengths, dtype=torch.long)
    starts = torch.cumsum(sizes, 0) - sizes
    members: list[list[int]] = []
    longest = 0
    for sequence in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if lengths[sequence] == 0:
            break
        if not members or lengths[sequence] * 2 < longest:
            members.append([])
            longest = lengths[sequence]
        members[-1].append(sequence)
    buckets = []
    for bucket in members:
        bucket.sort()
        rows = torch.cat([torch.arange(int(starts[i]), int(starts[i] + sizes[i])) for i in bucket])
        buckets.append((bucket, rows.to(device), sizes[bucket].to(device)))
    return buckets
