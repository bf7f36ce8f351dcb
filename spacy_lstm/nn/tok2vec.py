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

__all__ = ["TokenEncoder", "Windows", "lay_windows"]


class Windows(NamedTuple):
    """How documents are cut for the encoder and put together again."""

    source: npt.NDArray[np.int64]
    """Token of each row of the cut batch. *Shape:* ``(rows,)``"""
    lengths: list[int]
    """Tokens per window."""
    keep: npt.NDArray[np.int64]
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

    def forward(self, features: Tensor, lengths: Sequence[int]) -> Tensor:
        """Encode the tokens of a batch of documents.

        features: *Shape:* ``(tokens, 6)``, see `embed.FEATURES`
        lengths: tokens per document.
        RETURNS: hidden states, with the shortcut joined by the embeddings. *Shape:*
            ``(tokens, width)``
        """
        return self.encode(self.embedding(features), lengths)

    def encode(self, X: Tensor, lengths: Sequence[int]) -> Tensor:
        """The same from the embeddings on.

        X: *Shape:* ``(tokens, embedding.width)``
        """
        windows = lay_windows(lengths, window=self.window, margin=self.margin)
        if windows is None:
            H = self.encoder(X, lengths)
        else:
            source = torch.from_numpy(windows.source).to(X.device)
            keep = torch.from_numpy(windows.keep).to(X.device)
            # As lookups, since their gradient is far faster than an index's on a CPU.
            H = embedding(keep, self.encoder(embedding(source, X), windows.lengths))
        return torch.cat([H, X], dim=1) if self.shortcut else H
