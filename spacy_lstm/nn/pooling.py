"""Pooled classification without gradients: what each token adds, from sums over labels alone.

Logits fall apart into a share for each token. Here the shares are worked out first, and no vector
of a text is ever made: attention's shares are those of the projected token times its weight, and
the largest of a feature is a share of the one token that has it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Segments", "pool_shares", "segment_softmax"]

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

    def spread(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """To each token what its sequence has. *Shape:* ``(held, …)`` to ``(tokens, …)``"""
        return rows.repeat(self.held_sizes, axis=0)

    def largest(self, rows: Floats) -> Floats:
        """*Shape:* ``(tokens, …)`` to ``(held, …)``"""
        found: Floats = np.maximum.reduceat(rows, self._starts, axis=0)
        return found

    def total(self, rows: Floats) -> Floats:
        """Sums. *Shape:* ``(tokens, …)`` to ``(sequences, …)``"""
        found = np.zeros((len(self.sizes), *rows.shape[1:]), dtype=rows.dtype)
        found[self.held] = np.add.reduceat(rows, self._starts, axis=0)
        return found


def segment_softmax(scores: Floats, segments: Segments) -> Floats:
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
            continue
        if name == "mean":
            weight = segments.spread(1 / segments.held_sizes).astype(np.float32)
        else:
            assert scores is not None
            weight = segment_softmax(scores, segments)
        shares += weight[:, None] * (tokens @ output.T)
    return shares


def _largest_shares(tokens: Floats, segments: Segments, output: Floats) -> Floats:
    highest = segments.largest(tokens)
    # What is 0 adds nothing, whoever has it.
    wanted = segments.spread(np.where(highest > 0, highest, np.inf))
    width = tokens.shape[1]
    # Places of a row are found five times as fast as those of a table.
    token, feature = np.divmod((tokens == wanted).ravel().nonzero()[0], width)
    # Tokens that tie for a feature have equal parts of it.
    owner = segments.spread(np.arange(len(segments.held)))[token]
    group = owner * width + feature
    value = tokens[token, feature] / np.bincount(group, minlength=1)[group]
    brought = [np.bincount(token, value * row[feature], minlength=len(tokens)) for row in output]
    shares: Floats = np.array(brought, dtype=np.float32).T
    return shares
