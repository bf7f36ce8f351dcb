"""Attention over the encoder's hidden states. Every form returns (context, weights)."""

import math
from typing import Final

import torch
from torch import Tensor, nn

__all__ = [
    "ATTENTION",
    "AdditiveAttention",
    "DotAttention",
    "MultiheadAttention",
    "build_attention",
]


class AdditiveAttention(nn.Module):
    """Additive self-attention: v · tanh(W q + U k) (Bahdanau et al. 2015, A.1.2)."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        hidden = max(8, width // 4)
        self.query = nn.Linear(width, hidden)
        self.key = nn.Linear(width, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, H: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from every position to every position of its own sequence.

        H: hidden states. *Shape:* ``(batch, length, width)``
        mask: True where a token is. *Shape:* ``(batch, length)``
        RETURNS: context, *shape* ``(batch, length, width)``, and weights, *shape*
            ``(batch, heads = 1, length, length)``: rows are queries and sum to 1.
        """
        pairs = torch.tanh(self.query(H).unsqueeze(2) + self.key(H).unsqueeze(1))
        weights = _masked_softmax(self.score(pairs).squeeze(-1), mask.unsqueeze(1))
        return weights @ H, weights.unsqueeze(1)


class DotAttention(nn.Module):
    """Self-attention by scaled products, one projection (Luong et al. 2015, "general")."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.scale = 1 / math.sqrt(width)

    def forward(self, H: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `AdditiveAttention.forward`."""
        scores = self.query(H) @ H.transpose(1, 2) * self.scale
        weights = _masked_softmax(scores, mask.unsqueeze(1))
        return weights @ H, weights.unsqueeze(1)


class MultiheadAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2.2)."""

    def __init__(self, *, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, H: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `AdditiveAttention.forward`, with weights of ``heads`` heads."""
        batch, length, width = H.shape
        qkv = self.qkv(H).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(2, 3) / math.sqrt(width // self.heads)
        weights = _masked_softmax(scores, mask[:, None, None, :])
        context = (weights @ value).transpose(1, 2).reshape(batch, length, width)
        return self.output(context), weights


ATTENTION: Final = {
    "additive": AdditiveAttention,
    "dot": DotAttention,
    "multihead": MultiheadAttention,
}


def build_attention(kind: str, *, width: int) -> nn.Module:
    """The attention of that name (a key of `ATTENTION`) over states of `width`."""
    return ATTENTION[kind](width=width)


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    # A padded query row still gets finite weights: its keys are real tokens.
    return torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
