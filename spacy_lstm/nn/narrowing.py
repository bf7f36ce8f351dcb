"""Narrower attention heads that say nearly what wider ones, already trained, say.

A head's scores are X M Xᵀ and what it adds to the states is a mean of X N, with X the states and
M and N products of two of its projections. Their nearest products of fewer columns come from a
singular value decomposition; what is nearest is measured on states of real texts (as in Chen et al.
2021, "DRONE: Data-aware Low-rank Compression"), so that directions in which these do not vary cost
nothing.
"""

import torch
from torch import Tensor

from ..errors import LstmError
from .attention import MultiheadAttention

__all__ = ["narrow_heads"]

# Directions with less than this share of the largest variance count as if they had it.
_LEAST_VARIANCE = 1e-9


@torch.no_grad()
def narrow_heads(attention: MultiheadAttention, H: Tensor, head_width: int) -> MultiheadAttention:
    """Attention with narrower heads, fitted to a trained one.

    attention: stays as it is.
    H: states that it reads. *Shape:* ``(tokens, width)``
    head_width: of the new heads.
    """
    if not 1 <= head_width <= attention.head_width:
        raise LstmError(
            f"head_width = {head_width}: expected 1 to {attention.head_width}, the heads' present "
            "width."
        )
    # Not on a GPU: decompositions are faster here, and not every one knows doubles.
    X = H.cpu().double()
    mean = X.mean(0)
    spread = _Spread(X - mean)
    with_one = _Spread(torch.cat([X, X.new_ones(len(X), 1)], dim=1))
    joined = attention.output.weight.cpu().double().view(H.shape[1], attention.heads, -1)
    bias = attention.output.bias.cpu().double()
    new_queries, new_keys, new_values, outputs = [], [], [], []
    heads = zip(*_split_heads(attention), joined.unbind(1), strict=True)
    for query, key, value, output in heads:
        # What is the same for all keys drops out of the softmax.
        key[:, -1] = -(key[:, :-1] @ mean)
        product = query.T @ key * (head_width / attention.head_width) ** 0.5
        new_query, new_key = _factor(product, with_one, with_one, head_width)
        new_queries.append(new_query)
        new_keys.append(new_key)
        narrow, out = _factor(value[:, :-1].T @ output.T, spread, None, head_width)
        # The mean state passes as it did: weights sum to 1.
        bias = bias + output @ (value[:, :-1] @ mean + value[:, -1]) - out.T @ (narrow @ mean)
        new_values.append(torch.cat([narrow, narrow.new_zeros(head_width, 1)], dim=1))
        outputs.append(out)
    result = MultiheadAttention(width=H.shape[1], heads=attention.heads, head_width=head_width)
    result = result.to(H).train(attention.training)
    rows = torch.cat([*new_queries, *new_keys, *new_values])
    result.qkv.weight.copy_(rows[:, :-1])
    result.qkv.bias.copy_(rows[:, -1])
    result.output.weight.copy_(torch.cat(outputs).T)
    result.output.bias.copy_(bias)
    return result


def _split_heads(attention: MultiheadAttention) -> Tensor:
    """Queries, keys and values of each head, with their biases as a last column. *Shape:*
    ``(3, heads, head_width, width + 1)``"""
    rows = torch.cat([attention.qkv.weight, attention.qkv.bias.unsqueeze(1)], dim=1)
    return rows.cpu().double().view(3, attention.heads, attention.head_width, -1)


class _Spread:
    """How rows vary: the square root of their second moments, and its inverse."""

    def __init__(self, rows: Tensor) -> None:
        variances, directions = torch.linalg.eigh(rows.T @ rows / len(rows))
        least = max(_LEAST_VARIANCE * float(variances[-1]), _LEAST_VARIANCE**2)
        roots = variances.clamp(min=least).sqrt()
        self.root = directions * roots
        self.inverse = (directions / roots).T


def _factor(
    product: Tensor, left: _Spread, right: _Spread | None, rank: int
) -> tuple[Tensor, Tensor]:
    """A and B with as many rows as the rank, so that AᵀB comes as near to a product as it can,
    seen from rows that vary as those of `left` and `right` do (None: all directions alike)."""
    seen = left.root.T @ product
    if right is not None:
        seen = seen @ right.root
    U, S, Vh = torch.linalg.svd(seen, full_matrices=False)
    scale = S[:rank].sqrt().unsqueeze(1)
    A, B = scale * U[:, :rank].T @ left.inverse, scale * Vh[:rank]
    return A, B if right is None else B @ right.inverse
