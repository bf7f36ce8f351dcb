"""Attention over the encoder's hidden states. Every form returns (context, weights)."""

import math
from abc import ABC, abstractmethod
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ..errors import LstmError
from .inference import multiply

__all__ = [
    "ATTENTION",
    "AdditiveAttention",
    "Attention",
    "DotAttention",
    "MultiheadAttention",
    "build_attention",
]


class Attention(nn.Module, ABC):
    """What all forms have in common."""

    @abstractmethod
    def forward(self, H: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend from every position to every position of its own sequence.

        H: hidden states. *Shape:* ``(batch, length, width)``
        mask: True where a token is; None where there is one everywhere. *Shape:*
            ``(batch, length)``
        RETURNS: context, *shape* ``(batch, length, width)``, and weights, *shape*
            ``(batch, heads, length, length)``: rows are queries and sum to 1.
        """

    def context(self, H: Tensor, mask: Tensor | None) -> Tensor:
        """The context alone, to rounding, which may be had without the weights."""
        return self.forward(H, mask)[0]

    def context_by_time(self, H: Tensor, mask: Tensor | None) -> Tensor:
        """As `context`, for inference, with states and context that have time before the batch.
        *Shape:* ``(length, batch, width)``"""
        return self.context(H.transpose(0, 1), mask).transpose(0, 1)


class AdditiveAttention(Attention):
    """Additive self-attention: v · tanh(W q + U k) (Bahdanau et al. 2015, A.1.2)."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        hidden = max(8, width // 4)
        self.query = nn.Linear(width, hidden)
        self.key = nn.Linear(width, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, H: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Attention.forward`, with one head."""
        pairs = torch.tanh(self.query(H).unsqueeze(2) + self.key(H).unsqueeze(1))
        weights = _masked_softmax(self.score(pairs).squeeze(-1), mask)
        return weights @ H, weights.unsqueeze(1)


class DotAttention(Attention):
    """Self-attention by scaled products, one projection (Luong et al. 2015, "general")."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.scale = 1 / math.sqrt(width)

    def forward(self, H: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Attention.forward`, with one head."""
        scores = self.query(H) @ H.transpose(1, 2) * self.scale
        weights = _masked_softmax(scores, mask)
        return weights @ H, weights.unsqueeze(1)


class MultiheadAttention(Attention):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2.2).

    width: of the states.
    heads: number of heads.
    head_width: of a head's queries, keys and values; None for its part of the states' width.
    """

    def __init__(self, *, width: int, heads: int = 4, head_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.head_width = width // heads if head_width is None else head_width
        self.qkv = nn.Linear(width, 3 * heads * self.head_width)
        self.output = nn.Linear(heads * self.head_width, width)

    def forward(self, H: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `Attention.forward`."""
        query, key, value = self._project(H)
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        weights = _masked_softmax(scores, mask)
        return self._join(weights @ value), weights

    def context(self, H: Tensor, mask: Tensor | None) -> Tensor:
        """As `Attention.context`: the weights are never stored, which takes less time."""
        query, key, value = self._project(H)
        keys = None if mask is None else mask[:, None, None, :]
        return self._join(scaled_dot_product_attention(query, key, value, keys))

    def context_by_time(self, H: Tensor, mask: Tensor | None) -> Tensor:
        """As `Attention.context_by_time`: nothing is copied into another order."""
        length, batch, _ = H.shape
        qkv = multiply(H, self.qkv.weight, self.qkv.bias)
        heads = qkv.view(length, batch, 3, self.heads, self.head_width).permute(2, 1, 3, 0, 4)
        keys = None if mask is None else mask[:, None, None, :]
        context = scaled_dot_product_attention(heads[0], heads[1], heads[2], keys)
        joined = context.permute(2, 0, 1, 3).flatten(2)
        return multiply(joined, self.output.weight, self.output.bias)

    def _project(self, H: Tensor) -> Tensor:
        """Queries, keys and values. *Shape:* ``(3, batch, heads, length, head_width)``"""
        batch, length, _ = H.shape
        qkv: Tensor = self.qkv(H)
        return qkv.view(batch, length, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)

    def _join(self, context: Tensor) -> Tensor:
        joined: Tensor = self.output(context.transpose(1, 2).flatten(2))
        return joined


ATTENTION: Final = {
    "additive": AdditiveAttention,
    "dot": DotAttention,
    "multihead": MultiheadAttention,
}


def build_attention(kind: str, *, width: int, head_width: int | None = None) -> Attention:
    """The attention of that name (a key of `ATTENTION`) over states of `width`.

    head_width: as in `MultiheadAttention`, for that one alone.
    """
    if head_width is None:
        return ATTENTION[kind](width=width)
    if kind != "multihead":
        raise LstmError(f"head_width = {head_width} with {kind} attention: expected multihead.")
    return MultiheadAttention(width=width, head_width=head_width)


def _masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Over the last axis, the keys. A padded query still gets finite weights: its keys are real.

    scores: *Shape:* ``(batch, …, length, length)``
    mask: *Shape:* ``(batch, length)``
    """
    if mask is not None:
        keys = mask.view(len(mask), *(1,) * (scores.dim() - 2), -1)
        scores = scores.masked_fill(~keys, torch.finfo(scores.dtype).min)
    return torch.softmax(scores, dim=-1)
