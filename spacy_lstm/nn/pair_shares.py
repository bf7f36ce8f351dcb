"""What the named features of its pairs brought to a mention's decision."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from .attribution import with_gradients
from .coref import CorefOutput, CorefRequest, CorefScorer

__all__ = ["FeatureShares", "feature_shares"]

_STEPS: Final = 32


class FeatureShares(NamedTuple):
    """Of every target, what the features of all its anaphor's pairs brought to it."""

    shares: Tensor
    """By feature: those of pairs, then those of roles where there are any. They sum to the score
    less `without`. *Shape:* ``(targets, features)``"""
    without: Tensor
    """The scores when no pair has any feature. *Shape:* ``(targets,)``"""
    values: Tensor
    """The features of every pair as rows of their own tables. *Shape:* ``(pairs, features)``"""


class _Listener:
    """Scales what tables of features give, and keeps it apart from the rest of the network."""

    def __init__(self) -> None:
        self.scale = 1.0
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        leaf = (output.detach() * self.scale).requires_grad_()
        self.calls.append((args[0], leaf))
        return leaf


def feature_shares(
    scorer: CorefScorer,
    X: Tensor,
    request: CorefRequest,
    score: Callable[[CorefOutput], Tensor],
) -> FeatureShares:
    """Integrated gradients (Sundararajan et al. 2017) along the way on which the features of all
    pairs come in together, from their absence, which a row of zeros stands for, to what they are.
    Everything else about the text stays as it is.

    X: token vectors. *Shape:* ``(tokens, input_width)``
    score: the scores to share out. *Shape of its result:* ``(targets,)``
    """
    tables = [scorer.pair_features, *([scorer.role_features] if scorer.syntax is not None else [])]
    listeners = [_Listener() for _ in tables]
    hooks = [
        table.register_forward_hook(listener)
        for table, listener in zip(tables, listeners, strict=True)
    ]
    try:
        with with_gradients():
            slopes, values = _average_slopes(listeners, scorer, X, request, score)
            for listener in listeners:
                listener.scale, listener.calls = 0.0, []
            without = score(scorer(X, request)).detach()
    finally:
        for hook in hooks:
            hook.remove()
    shares = [
        torch.einsum("tpw,pfw->tf", slope, table.weight.detach()[rows])
        for table, slope, rows in zip(tables, slopes, values, strict=True)
    ]
    return FeatureShares(torch.cat(shares, dim=1), without, torch.cat(values, dim=1))


def _average_slopes(
    listeners: Sequence[_Listener],
    scorer: CorefScorer,
    X: Tensor,
    request: CorefRequest,
    score: Callable[[CorefOutput], Tensor],
) -> tuple[list[Tensor], list[Tensor]]:
    """By table the mean slope of each target in what every pair gets from it, *shape*
    ``(targets, pairs, width)``, and the pairs' rows of it, *shape* ``(pairs, features)``."""
    slopes: list[Tensor] = []
    for step in range(_STEPS):
        for listener in listeners:
            listener.scale, listener.calls = (step + 0.5) / _STEPS, []
        targets = score(scorer(X, request))
        leaves = [leaf for listener in listeners for _, leaf in listener.calls]
        rows = [torch.autograd.grad(target, leaves, retain_graph=True) for target in targets]
        found, first = [], 0
        for listener in listeners:
            last = first + len(listener.calls)
            found.append(torch.stack([torch.cat(row[first:last]) for row in rows]) / _STEPS)
            first = last
        slopes = [a + b for a, b in zip(slopes, found, strict=True)] if slopes else found
    return slopes, [torch.cat([rows for rows, _ in each.calls]) for each in listeners]
