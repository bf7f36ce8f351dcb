"""What the named features of its pairs brought to a mention's decision."""

from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from .attribution import with_gradients
from .coref import CorefOutput, CorefRequest, CorefScorer

__all__ = ["FeatureShares", "feature_shares"]

_STEPS: Final = 32


class FeatureShares(NamedTuple):
    """What the features of all its pairs brought to the score of each mention."""

    shares: Tensor
    """By feature: those of pairs, then those of roles where there are any. They sum to the score
    less `without`. *Shape:* ``(mentions, features)``; zeros where nothing was asked."""
    without: Tensor
    """The scores when no pair has any feature. *Shape:* ``(targets,)``"""
    values: Tensor
    """The features of every pair as rows of its tables. *Shape:* ``(pairs, features)``"""


class _Listener:
    """Scales what tables of features give, and keeps it apart from the rest of the network."""

    def __init__(self) -> None:
        self.thread = get_ident()
        self.start(1.0)

    def start(self, scale: float) -> None:
        """Forget what came so far, and scale what comes."""
        self.scale = scale
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __call__(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        if get_ident() != self.thread:
            # Others may be at work with the same weights, and must not feel any of this.
            return output
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
    score: the scores to share out, *shape* ``(targets,)``, each of which hangs on the pairs of one
        mention, and on those of another than the rest do.
    """
    tables = [scorer.pair_features, *([scorer.role_features] if scorer.syntax is not None else [])]
    listeners = [_Listener() for _ in tables]
    hooks = [
        table.register_forward_hook(listener)
        for table, listener in zip(tables, listeners, strict=True)
    ]
    try:
        with with_gradients():
            output, slopes = _average_slopes(listeners, scorer, X, request, score)
            values = [torch.cat([rows for rows, _ in each.calls]) for each in listeners]
            for listener in listeners:
                listener.start(0.0)
            without = score(scorer(X, request)).detach()
    finally:
        for hook in hooks:
            hook.remove()
    parts = [
        (slope * table.weight.detach()[rows]).sum(dim=1)
        for table, slope, columns in zip(tables, slopes, values, strict=True)
        for rows in columns.T
    ]
    # The slope in a pair is that of its own mention's score, since no other has it.
    by_pair = torch.stack(parts, dim=1)
    anaphor = torch.from_numpy(output.pairs.anaphor).to(by_pair.device)
    shares = by_pair.new_zeros(len(output.null_logits), len(parts)).index_add(0, anaphor, by_pair)
    return FeatureShares(shares, without, torch.cat(values, dim=1))


def _average_slopes(
    listeners: Sequence[_Listener],
    scorer: CorefScorer,
    X: Tensor,
    request: CorefRequest,
    score: Callable[[CorefOutput], Tensor],
) -> tuple[CorefOutput, list[Tensor]]:
    """What the scorer says, and by table the mean slope of the scores' sum in what every pair
    gets from it, *shape* ``(pairs, width)``."""
    slopes: list[Tensor] = []
    for step in range(_STEPS):
        for listener in listeners:
            listener.start((step + 0.5) / _STEPS)
        output = scorer(X, request)
        leaves = [leaf for listener in listeners for _, leaf in listener.calls]
        found = iter(torch.autograd.grad(score(output).sum(), leaves))
        parts = [torch.cat([next(found) for _ in each.calls]) / _STEPS for each in listeners]
        slopes = [a + b for a, b in zip(slopes, parts, strict=True)] if slopes else parts
    return output, slopes
