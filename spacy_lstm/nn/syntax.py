"""Tags, relations and heads as a second task of the encoder."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..coref.syntax import HEAD_REACH, RELATIONS, TAGS, SyntaxTargets

__all__ = ["SyntaxHead", "SyntaxLogits", "syntax_loss"]

_HEAD_WIDTH = 48


class SyntaxLogits(NamedTuple):
    """What the head says of each token."""

    tags: Tensor
    """*Shape:* ``(tokens, tags)``"""
    relations: Tensor
    """*Shape:* ``(tokens, relations)``"""
    heads: Tensor
    """Of each place from `HEAD_REACH` words before to as many after. *Shape:* ``(tokens,
    2 * HEAD_REACH + 1)``"""


class SyntaxHead(nn.Module):
    """Linear classifiers over token vectors; heads by a product of two projections within a
    band (in the manner of Dozat and Manning 2017, without the space of all pairs).

    A second task that needs what pronouns need (Søgaard and Goldberg 2016): who is the subject
    of what.

    input_width: of the token vectors.
    """

    def __init__(self, *, input_width: int) -> None:
        super().__init__()
        self.tag = nn.Linear(input_width, len(TAGS))
        self.relation = nn.Linear(input_width, len(RELATIONS))
        self.dependent = nn.Linear(input_width, _HEAD_WIDTH)
        self.governor = nn.Linear(input_width, _HEAD_WIDTH)
        self.distance = nn.Parameter(torch.zeros(2 * HEAD_REACH + 1))

    def forward(self, X: Tensor) -> SyntaxLogits:
        """Score every token.

        X: token vectors. *Shape:* ``(tokens, input_width)``
        """
        tokens = torch.arange(len(X), device=X.device)
        return SyntaxLogits(self.tag(X), self.relation(X), self.head_logits(X, tokens))

    def head_logits(self, X: Tensor, tokens: Tensor) -> Tensor:
        """Of the places around some tokens, as in `SyntaxLogits.heads`. Places beyond the batch
        stand for its ends."""
        governors = self.governor(X)[band(tokens, len(X))]
        scores = (governors @ self.dependent(X[tokens]).unsqueeze(2)).squeeze(2)
        logits: Tensor = scores * _HEAD_WIDTH**-0.5 + self.distance
        return logits


def band(tokens: Tensor, count: int) -> Tensor:
    """The places around some tokens. *Shape:* ``(tokens, 2 * HEAD_REACH + 1)``"""
    reach = torch.arange(-HEAD_REACH, HEAD_REACH + 1, device=tokens.device)
    return (tokens.unsqueeze(1) + reach).clamp(0, count - 1)


def syntax_loss(logits: SyntaxLogits, targets: SyntaxTargets) -> Tensor:
    """Cross-entropy of tags, relations and heads, summed over the tokens that have them."""
    losses = [
        cross_entropy(
            scores,
            torch.from_numpy(numbers).to(scores.device),
            ignore_index=-1,
            reduction="sum",
        )
        for scores, numbers in zip(logits, targets, strict=True)
    ]
    return torch.stack(losses).sum()
