"""Pooled classification without gradients: what each token adds, from sums over labels alone.

Logits fall apart into a share for each token. Here the shares are worked out first, and no vector
of a text is made: attention's shares are those of the projected token times its weight, and the
largest of a feature is a share of the one token that has it. Where no shares are asked for, what is
summed or chosen are still numbers of labels, but for the largest.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["Segments", "pool_logits", "pool_shares"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Segments:
    """Where sequences lie in a ragged batch. Sequences without tokens are passed over.

    sizes: tokens of each. *Shape:* ``(sequences,)``
    """

    def __init__(self, sizes: Ints) -> None:
        self.sizes = sizes
        self.tokens = int(sizes.sum())
        (self.held,) = sizes.nonzero()
        """The sequences that have tokens. *Shape:* ``(held,)``"""
        self.held_sizes = sizes[self.held]
        self._starts = (sizes.cumsum() - sizes)[self.held]
        self.owner = self.spread(np.arange(len(self.held)))
        """Of each token its sequence, among those that have tokens. *Shape:* ``(tokens,)``"""

    def spread(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """To each token what its sequence has. *Shape:* ``(held, …)`` to ``(tokens, …)``"""
        return rows.repeat(self.held_sizes, axis=0)

    def largest(self, rows: Floats) -> Floats:
        """*Shape:* ``(tokens, …)`` to ``(held, …)``"""
        found: Floats
        if not rows.flags.c_contiguous or rows.ndim == 1:
            found = np.maximum.reduceat(rows, self._starts)
            return found
        # Of many columns, and in short sequences, many times faster; not so of rows with gaps.
        index = torch.from_numpy(self.owner).unsqueeze(1).expand(-1, rows.shape[1])
        source = torch.from_numpy(rows)
        out = source.new_zeros(len(self.held), rows.shape[1])
        found = out.scatter_reduce_(0, index, source, "amax", include_self=False).numpy()
        return found

    def total(self, rows: Floats) -> Floats:
        """Sums. *Shape:* ``(tokens, …)`` to ``(sequences, …)``"""
        found = np.zeros((len(self.sizes), *rows.shape[1:]), dtype=rows.dtype)
        found[self.held] = np.add.reduceat(rows, self._starts, axis=0)
        return found


def _segment_softmax(scores: Floats, segments: Segments) -> Floats:
    """Weights that sum to 1 in each sequence. *Shape:* ``(tokens,)``"""
    exponents = np.exp(scores - segments.spread(segments.largest(scores)))
    sums = segments.total(exponents)[segments.held]
    return np.asarray(exponents / segments.spread(sums))


def pool_shares(
    tokens: Floats, scores: Floats | None, segments: Segments, weights: Mapping[str, Floats]
) -> Floats:
    """Each token's share of the logits, but for the bias; arguments as in `PooledClassifier`.

    tokens: projected, not negative. *Shape:* ``(tokens, hidden_width)``
    scores: for attention pooling. *Shape:* ``(tokens,)``
    weights: of the last layer, for each way of pooling. *Shape:* ``(labels, hidden_width)``
    RETURNS: *Shape:* ``(tokens, labels)``
    """
    shares = np.zeros((len(tokens), len(next(iter(weights.values())))), dtype=np.float32)
    if not len(tokens):
        return shares
    for name, output in weights.items():
        if name == "max":
            shares += _largest_shares(tokens, segments, output)
        else:
            shares += _weighed_shares(name, tokens, scores, segments, output)
    return shares


def pool_logits(
    tokens: Floats, scores: Floats | None, segments: Segments, weights: Mapping[str, Floats]
) -> Floats:
    """The sums of `pool_shares`, where no token is asked for its share.

    RETURNS: *Shape:* ``(sequences, labels)``
    """
    logits = np.zeros((len(segments.sizes), len(next(iter(weights.values())))), dtype=np.float32)
    if not len(tokens):
        return logits
    for name, output in weights.items():
        if name == "max":
            logits[segments.held] += segments.largest(tokens) @ output.T
        else:
            logits += segments.total(_weighed_shares(name, tokens, scores, segments, output))
    return logits


def _weighed_shares(
    name: str, tokens: Floats, scores: Floats | None, segments: Segments, output: Floats
) -> Floats:
    """name: "mean" or "attention"."""
    if name == "mean":
        weight = segments.spread(1 / segments.held_sizes).astype(np.float32)
    else:
        assert scores is not None
        weight = _segment_softmax(scores, segments)
    return np.asarray(weight[:, None] * (tokens @ output.T))


def _largest_shares(tokens: Floats, segments: Segments, output: Floats) -> Floats:
    highest = segments.largest(tokens)
    # What is 0 adds nothing, whoever has it.
    wanted = segments.spread(np.where(highest > 0, highest, np.inf))
    width = tokens.shape[1]
    # Places of a row are found five times as fast as those of a table.
    token, feature = np.divmod((tokens == wanted).ravel().nonzero()[0], width)
    # Tokens that tie for a feature have equal parts of it.
    group = segments.owner[token] * width + feature
    value = tokens[token, feature] / np.bincount(group, minlength=1)[group]
    brought = [np.bincount(token, value * row[feature], minlength=len(tokens)) for row in output]
    shares: Floats = np.array(brought, dtype=np.float32).T
    return shares
