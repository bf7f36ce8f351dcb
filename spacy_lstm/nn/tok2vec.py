"""Embedding and encoder in one, over windows of bounded length."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from .embed import TableRows, TokenEmbedding
from .encoder import BiLSTMEncoder
from .inference import FEWEST_ROWS, is_lean, multiply, pad_rows, padded_rows

__all__ = ["BLOCK_ROWS", "Layer", "SplitLayer", "TokenEncoder", "Windows", "lay_windows"]

Ints = npt.NDArray[np.int64]
Layer = tuple[Tensor, Tensor]
"""Weight, *shape* ``(output, width)``, and bias of a linear layer over token vectors."""

# Rows encoded at once where no gradient is wanted: bounds what a long text takes, and what is
# between stays in the cache. More than the components put into a batch.
BLOCK_ROWS: Final = 12_000


class Windows(NamedTuple):
    """How documents are cut for the encoder and put together again."""

    source: Ints
    """Token of each row of the cut batch. *Shape:* ``(rows,)``"""
    lengths: list[int]
    """Tokens per window."""
    keep: Ints
    """Row of the cut batch that each token's result is taken from. *Shape:* ``(tokens,)``"""


def lay_windows(
    lengths: Sequence[int], *, window: int, margin: int, shift: int = 0
) -> Windows | None:
    """Cut documents longer than `window` tokens into windows that overlap by twice `margin`.

    A token's result comes from the window in which it lies at least `margin` tokens from the
    cut. Windows are laid from each document's start, so they never depend on the batch.

    shift: how much shorter the first window of a document that is cut is, to measure what hangs on
        the places of the cuts.
    RETURNS: None where no document is longer than the window.
    """
    if all(length <= window for length in lengths):
        return None
    source, sizes, keep = [], [], []
    row = start = 0
    for length in lengths:
        first = 0
        last = length if length <= window else window - shift
        while True:
            kept_from = first + margin if first else 0
            kept_to = last - margin if last < length else length
            source.append(np.arange(start + first, start + last))
            keep.append(np.arange(row + kept_from - first, row + kept_to - first))
            sizes.append(last - first)
            row += last - first
            if last == length:
                break
            first = kept_to - margin
            last = min(first + window, length)
        start += length
    return Windows(np.concatenate(source), sizes, np.concatenate(keep))


class TokenEncoder(nn.Module):
    """Features → embedding → bidirectional LSTM.

    rows: sizes of the embedding's tables.
    vectors: number of pretrained vectors.
    vector_width: width of the pretrained vectors.
    width_factor: scales the learned tables.
    window: documents longer than this many tokens are cut into windows.
    margin: tokens of context on either side of a cut.
    encoder: the options of `BiLSTMEncoder` but for its input's width.
    shortcut: give the embedding beside the LSTM's states.
    """

    def __init__(
        self,
        *,
        rows: Sequence[int],
        vectors: int,
        vector_width: int,
        width_factor: float,
        window: int,
        margin: int,
        encoder: dict[str, Any],
        shortcut: bool = True,
    ) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(
            rows=TableRows(*rows),
            vectors=vectors,
            vector_width=vector_width,
            width_factor=width_factor,
        )
        self.encoder = BiLSTMEncoder(input_width=self.embedding.width, **encoder)
        self.window, self.margin = window, margin
        self.shortcut = shortcut
        self.width = encoder["width"] + (self.embedding.width if shortcut else 0)

    def forward(
        self,
        features: Tensor,
        lengths: Sequence[int],
        rows: Ints | None = None,
        spare: bool = False,
        reduced: bool = False,
        layer: Layer | None = None,
    ) -> Tensor:
        """Encode the tokens of a batch of documents.

        features: *Shape:* ``(tokens, 6)``, see `embed.FEATURES`
        lengths: tokens per document.
        rows: the row of `features` that each token has, which may then have fewer; None for its
            own. *Shape:* ``(tokens,)``
        spare: give more rows than there are tokens, as `inference.pad_rows` does, which are to be
            passed over.
        reduced: as in `BiLSTMEncoder.forward`.
        layer: what reads the vectors, where they themselves are not wanted and no gradient is: of
            each distinct row of `features` its part is worked out once, and vectors of a long text
            are never held all at once.
        RETURNS: hidden states, with the shortcut joined by the embeddings, *shape* ``(tokens,
            width)``; or what the layer gives.
        """
        if len(lengths) == 1 and lengths[0] < FEWEST_ROWS and is_lean(features):
            # As many rows as there are tokens will do: of so few no shape is kept.
            X = self.embedding.look_up(features.numpy() if rows is None else features.numpy()[rows])
            return self.encode(X, lengths, None, False, reduced, layer)
        return self.encode(self.embedding(features), lengths, rows, spare, reduced, layer)

    def encode(
        self,
        X: Tensor,
        lengths: Sequence[int],
        rows: Ints | None = None,
        spare: bool = False,
        reduced: bool = False,
        layer: Layer | None = None,
    ) -> Tensor:
        """The same from the embeddings on.

        X: *Shape:* ``(tokens, embedding.width)``
        """
        windows = lay_windows(lengths, window=self.window, margin=self.margin)
        tokens = sum(lengths)
        then = None if layer is None else self._split(layer, X)
        if tokens <= BLOCK_ROWS or torch.is_grad_enabled():
            return self._encode_block(X, lengths, windows, rows, spare, reduced, then)
        if windows is None:
            windows = Windows(np.arange(tokens), list(lengths), np.arange(tokens))
        found: Tensor | None = None
        first = 0
        for block in _split_windows(windows, BLOCK_ROWS):
            last = first + len(block.keep)
            H = self._encode_block(X, (), block, rows, True, reduced, then)
            if found is None:
                count = padded_rows(tokens) if spare else tokens
                found = H.new_zeros(count, H.shape[1])
            found[first:last] = H[: last - first]
            first = last
        assert found is not None
        return found

    def _encode_block(
        self,
        X: Tensor,
        lengths: Sequence[int],
        windows: Windows | None,
        rows: Ints | None,
        spare: bool,
        reduced: bool,
        then: "SplitLayer | None",
    ) -> Tensor:
        """What is computed at once: documents that are not cut, or windows."""
        if windows is None:
            source, keep = rows, np.arange(sum(lengths)) if spare else None
            own = rows if keep is None or rows is not None else keep
        else:
            lengths, keep = windows.lengths, windows.keep
            source = windows.source if rows is None else rows[windows.source]
            own = source[keep]
        if spare and keep is not None:
            keep, own = pad_rows(keep), None if own is None else pad_rows(own)
        H: Tensor = self.encoder(X, lengths, source, keep, reduced)
        if then is not None:
            return then.read(H, own)
        if self.shortcut:
            # As a lookup, since its gradient is far faster than an index's on a CPU.
            E = X if own is None else embedding(torch.from_numpy(own).to(X.device), X)
            H = torch.cat([H, E], dim=1)
        return H

    def _split(self, layer: Layer, X: Tensor) -> "SplitLayer":
        weight, bias = layer
        if not self.shortcut:
            return SplitLayer(weight, bias, None)
        states = self.width - X.shape[1]
        rows = pad(X, (0, 0, 0, padded_rows(len(X)) - len(X)))
        projected = multiply(rows, weight[:, states:].contiguous(), bias)
        return SplitLayer(weight[:, :states].contiguous(), None, projected)


class SplitLayer(NamedTuple):
    """A layer over states and embeddings, each by itself."""

    weight: Tensor
    """Of the states."""
    bias: Tensor | None
    projected: Tensor | None
    """What the layer makes of each row of embeddings, with its bias, where it reads them."""

    def read(self, H: Tensor, own: Ints | None) -> Tensor:
        """H: states. *Shape:* ``(tokens, states)``
        own: the row of its embedding that each token has; None for its own."""
        found = multiply(H, self.weight, self.bias)
        rows = self.projected
        if rows is None:
            return found
        rows = rows[: len(found)] if own is None else embedding(torch.from_numpy(own), rows)
        return found.add_(rows)


def _split_windows(windows: Windows, limit: int) -> Iterator[Windows]:
    """Windows that follow each other, of so many rows together at most; a longer one alone. Rows
    are counted within each part, tokens as before."""
    firsts = [0]
    ends = np.cumsum(windows.lengths)
    while firsts[-1] < len(ends):
        before = int(ends[firsts[-1] - 1]) if firsts[-1] else 0
        fitting = int(np.searchsorted(ends, before + limit, side="right"))
        firsts.append(max(firsts[-1] + 1, fitting))
    for first, last in pairwise(firsts):
        low, high = int(ends[first - 1]) if first else 0, int(ends[last - 1])
        kept = slice(*np.searchsorted(windows.keep, (low, high)))
        yield Windows(
            windows.source[low:high], windows.lengths[first:last], windows.keep[kept] - low
        )
