"""What an attention looked at."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AttentionTrace"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """One attention: what each query looked at, and how much."""

    name: str
    """Where: "encoder" (every token over the tokens of its window), "heads" (every token over the
    words around it, of which one governs it), "pooling" (the text over its tokens) or
    "pooling_max" (the same for each feature, which picks its own token)."""
    kind: str
    """Its form: "additive", "dot", "multihead", "biaffine", "max" or "mean"."""
    keys: Ints
    """Tokens that each query looked at; -1 for none. *Shape:* ``(queries, keys)``"""
    weights: Floats
    """They sum to 1 over the keys. *Shape:* ``(heads, queries, keys)``"""

    def dense(self, tokens: int) -> Floats:
        """The weights over all tokens of the text. *Shape:* ``(heads, queries, tokens)``"""
        query, column = np.nonzero(self.keys >= 0)
        # A token may be among a query's keys more than once.
        place = query * tokens + self.keys[query, column]
        size = len(self.keys) * tokens
        found = [np.bincount(place, head[query, column], size) for head in self.weights]
        return np.array(found, dtype=np.float32).reshape(-1, len(self.keys), tokens)
