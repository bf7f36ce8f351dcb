"""What each token of a text brought to a score: the same network run again with other embeddings.

Three ways of few lines each. All start from the embeddings of the text, all have the embedding of
nothing, zeros, as what a token is compared with, and all ask a function that scores copies of one
text side by side.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import torch
from torch import Tensor

__all__ = [
    "Score",
    "gradient_times_input",
    "integrated_gradients",
    "leave_one_out",
    "log_odds",
    "with_gradients",
]

Score = Callable[[Tensor], Tensor]
"""Embeddings of copies of a text, *shape* ``(copies, tokens, width)``, → scores, *shape*
``(copies, targets)``."""

# Tokens of all copies that are run together: it bounds the memory that a long text takes.
_BLOCK: Final = 4_000


@contextmanager
def with_gradients() -> Iterator[None]:
    """Gradients through modules that are set to predict, whatever is around."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        # cuDNN refuses to go back through an LSTM that is not in training.
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


def gradient_times_input(score: Score, E: Tensor) -> Tensor:
    """How much the scores would change if a token's embedding went to zero along their slope
    (Shrikumar et al. 2016).

    E: embeddings of a text. *Shape:* ``(tokens, width)``
    RETURNS: *Shape:* ``(targets, tokens)``
    """
    return _slopes(score, E, E.unsqueeze(0))


def integrated_gradients(score: Score, E: Tensor, *, steps: int = 32) -> Tensor:
    """The slope times the embedding, averaged along the straight way from zeros (Sundararajan et
    al. 2017): of each target the tokens' parts sum to its score less that of a text of zeros, but
    for the error of so many steps.

    Arguments and result as of `gradient_times_input`.
    """
    middles = (torch.arange(steps, device=E.device, dtype=E.dtype) + 0.5) / steps
    total = E.new_zeros(0)
    for part in torch.split(middles, max(1, _BLOCK // max(1, len(E)))):
        slopes = _slopes(score, E, part[:, None, None] * E)
        total = slopes if not len(total) else total + slopes
    return total / steps


def _slopes(score: Score, E: Tensor, points: Tensor) -> Tensor:
    """Slopes at some points times the embeddings, summed over the points. *Shape:* ``(targets,
    tokens)``"""
    ones = E.new_ones(E.shape[1])
    with with_gradients():
        X = points.detach().clone().requires_grad_()
        values = score(X).sum(dim=0)
        # One target's slopes at a time: all of them in a long text would take gigabytes.
        found = [
            (torch.autograd.grad(value, X, retain_graph=True)[0].sum(dim=0) * E) @ ones
            for value in values
        ]
    return torch.stack(found) if found else E.new_zeros(0, len(E))


@torch.no_grad()
def leave_one_out(score: Score, E: Tensor) -> Tensor:
    """How much the scores fall when a token's embedding is zeros.

    Arguments and result as of `gradient_times_input`.
    """
    whole = score(E.unsqueeze(0))
    parts = []
    for tokens in torch.split(torch.arange(len(E)), max(1, _BLOCK // max(1, len(E)))):
        copies = E.repeat(len(tokens), 1, 1)
        copies[torch.arange(len(tokens)), tokens] = 0
        parts.append(whole - score(copies))
    return torch.cat(parts).T


def log_odds(logits: Tensor, chosen: Tensor) -> Tensor:
    """Of some alternatives together against all others.

    logits: *Shape:* ``(…, alternatives)``
    chosen: which they are; some, but not all. *Shape:* ``(alternatives,)``
    RETURNS: *Shape:* ``(…)``
    """
    return torch.logsumexp(logits[..., chosen], -1) - torch.logsumexp(logits[..., ~chosen], -1)
