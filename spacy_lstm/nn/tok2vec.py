"""Embedding and encoder in one, over windows of bounded length."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from .embed import TableRows, TokenEmbedding
from .encoder import BiLSTMEncoder
from .inference import pad_rows

__all__ = ["TokenEncoder", "Windows", "lay_windows"]

Ints = npt.NDArray[np.int64]


class Windows(NamedTuple):
    """How documents are cut for the encoder and put together again."""

    source: Ints
    """Token of each row of the cut batch. *Shape:* ``(rows,)``"""
    lengths: list[int]
    """Tokens per window."""
    keep: Ints
    """Row of the cut batch that each token's result is taken from. *Shape:* ``(tokens,)``"""


def lay_windows(lengths: Sequence[int], *, window: int, margin: int) -> Windows | None:
    """Cut documents longer than `window` tokens into windows that overlap by twice `margin`.

    A token's result comes from the window in which it lies at least `margin` tokens from the
    cut. Windows are laid from each document's start, so they never depend on the batch.

    RETURNS: None where no document is longer than the window.
    """
    if all(length <= window for length in lengths):
        return None
    source, sizes, keep = [], [], []
    row = start = 0
    for length in lengths:
        first = 0
        while True:
            last = min(first + window, length)
            kept_from = first + margin if first else 0
            kept_to = last - margin if last < length else length
            source.append(np.arange(start + first, start + last))
            keep.append(np.arange(row + kept_from - first, row + kept_to - first))
            sizes.append(last - first)
            row += last - first
            if last == length:
                break
            first = kept_to - margin
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
    ) -> Tensor:
        """Encode the tokens of a batch of documents.

        features: *Shape:* ``(tokens, 6)``, see `embed.FEATURES`
        lengths: tokens per document.
        rows: the row of `features` that each token has, which may then have fewer; None for its
            own. *Shape:* ``(tokens,)``
        spare: give more rows than there are tokens, as `inference.pad_rows` does.
        reduced: as in `BiLSTMEncoder.forward`.
        RETURNS: hidden states, with the shortcut joined by the embeddings. *Shape:*
            ``(tokens, width)``
        """
        return self.encode(self.embedding(features), lengths, rows, spare, reduced)

    def encode(
        self,
        X: Tensor,
        lengths: Sequence[int],
        rows: Ints | None = None,
        spare: bool = False,
        reduced: bool = False,
    ) -> Tensor:
        """The same from the embeddings on.

        X: *Shape:* ``(tokens, embedding.width)``
        """
        windows = lay_windows(lengths, window=self.window, margin=self.margin)
        keep = None if windows is None else windows.keep
        if spare:
            keep = pad_rows(np.arange(sum(lengths)) if keep is None else keep)
        H: Tensor
        if windows is None:
            H = self.encoder(X, lengths, rows, keep, reduced)
        else:
            source = windows.source if rows is None else rows[windows.source]
            H = self.encoder(X, windows.lengths, source, keep, reduced)
        if not self.shortcut:
            return H
        if spare:
            rows = pad_rows(np.arange(sum(lengths)) if rows is None else rows)
        # As a lookup, since its gradient is far faster than an index's on a CPU.
        own = X if rows is None else embedding(torch.from_numpy(rows).to(X.device), X)
        return torch.cat([H, own], dim=1)
