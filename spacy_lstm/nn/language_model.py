"""Predicting words from the states of either direction: what the encoder is pretrained on."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

__all__ = ["BidirectionalLanguageModel"]

# Places whose logits over all output words are held at once: 30,000 words take 120 MB.
_BLOCK: Final = 512


class BidirectionalLanguageModel(nn.Module):
    """Next word from the forward states, previous word from the backward states.

    Two language models with one table of output words (Peters et al. 2018, eq. 1). In training
    the softmax is taken over the true word and a sample of others, whose logits are corrected
    for how likely they are to be drawn (Jean et al. 2015; Bengio and Senécal 2008).

    width: width of the states of one direction.
    words: number of output words. They are numbered by falling frequency.
    samples: words drawn for each batch.
    """

    def __init__(self, *, width: int, words: int, samples: int) -> None:
        super().__init__()
        self.words, self.samples = words, min(samples, words)
        self.projections = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.output = nn.Embedding(words, width)
        self.bias = nn.Embedding(words, 1)
        nn.init.normal_(self.output.weight, std=width**-0.5)
        nn.init.zeros_(self.bias.weight)

    def loss(
        self,
        H: Tensor,
        words: Tensor,
        drawn: Tensor | None = None,
        places: Sequence[int] | None = None,
    ) -> Tensor:
        """Mean loss of both directions, over the places whose next or previous word is one of
        the output words; 0 where there is none.

        H: states, forward ones first. *Shape:* ``(sequences, length, 2 * width)``
        words: the word of each token, -1 for one that is not among the output words.
            *Shape:* ``(sequences, length)``
        drawn: words to contrast with, from `draw`; None to draw them now.
        places: what `count_places` gives for the batch that these sequences are a share of: the
            losses of its shares then add up to its own. None where they are all of it.
        """
        drawn = (self.draw() if drawn is None else drawn).to(H.device)
        columns = drawn.clamp(min=0)
        negatives, negative_bias = self.output(columns), self.bias(columns).squeeze(1)
        correction = negative_bias - self._log_expected(columns)
        correction = correction.masked_fill(drawn < 0, -torch.inf)
        losses = []
        counts = self.count_places(words) if places is None else places
        for (states, target), count in zip(self._directions(H, words), counts, strict=True):
            true = target.clamp(min=0)
            true_logits = (states * self.output(true)).sum(1) + self.bias(true).squeeze(1)
            true_logits = true_logits - self._log_expected(true)
            # By blocks that a processor's cache holds, forward and backward.
            blocks, truths, targets = (
                torch.split(tensor, _BLOCK) for tensor in (states, true_logits, target)
            )
            joined = (
                _join(block @ negatives.T + correction, truth, part.unsqueeze(1) == drawn)
                for block, truth, part in zip(blocks, truths, targets, strict=True)
            )
            losses.append(_mean_loss(joined, [part.clamp(max=0) for part in targets], count))
        return torch.stack(losses).mean()

    def count_places(self, words: Tensor) -> tuple[int, int]:
        """Of each direction, the places of a batch whose word is one of the output words.

        words: as in `loss`.
        """
        known = words >= 0
        return int(known[:, 1:].sum()), int(known[:, :-1].sum())

    def log_perplexity(self, H: Tensor, words: Tensor) -> Tensor:
        """As `loss`, over all output words: the logarithm of the perplexity, both directions."""
        bias = self.bias.weight.squeeze(1)
        losses = []
        counts = self.count_places(words)
        for (states, target), count in zip(self._directions(H, words), counts, strict=True):
            blocks = torch.split(states, _BLOCK)
            logits = (linear(block, self.output.weight, bias) for block in blocks)
            losses.append(_mean_loss(logits, torch.split(target, _BLOCK), count))
        return torch.stack(losses).mean()

    def _directions(self, H: Tensor, words: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of each direction the projected states and the words that they should tell, or -1."""
        forward, backward = H.chunk(2, dim=2)
        sides = ((forward[:, :-1], words[:, 1:]), (backward[:, 1:], words[:, :-1]))
        return [
            (projection(states.flatten(0, 1)), target.flatten())
            for projection, (states, target) in zip(self.projections, sides, strict=True)
        ]

    def draw(self) -> Tensor:
        """Words to contrast a batch with, from a log-uniform distribution, the natural one of words
        by frequency: that of word k is in proportion to ``log((k + 2) / (k + 1))``. One that comes
        again is -1, so that every batch has matrices of one size: for each new one the CPU's
        library makes and keeps code, which took gigabytes.
        """
        places = (torch.rand(self.samples) * math.log(self.words + 1)).exp().long() - 1
        drawn = places.clamp(0, self.words - 1).sort().values
        again = torch.zeros_like(drawn, dtype=torch.bool)
        again[1:] = drawn[1:] == drawn[:-1]
        return drawn.masked_fill(again, -1)

    def _log_expected(self, words: Tensor) -> Tensor:
        """Logarithm of the probability that a word is among those drawn, be it once or often."""
        share = torch.log1p(1 / (words + 1.0)) / math.log(self.words + 1)
        # Of a single output word the share is 1, which rounding must not exceed.
        missed = self.samples * torch.log1p(-share.clamp(max=1.0))
        expected: Tensor = (-torch.expm1(missed)).log()
        return expected


def _join(logits: Tensor, truth: Tensor, is_true: Tensor) -> Tensor:
    """The true word's logit before those of the words drawn, without the true word among them,
    which would be counted twice."""
    return torch.cat([truth.unsqueeze(1), logits.masked_fill(is_true, -torch.inf)], dim=1)


def _mean_loss(logits: Iterable[Tensor], targets: Sequence[Tensor], count: int) -> Tensor:
    """Cross entropy over `count`, in blocks; places whose target is -1 do not count."""
    losses = [
        cross_entropy(block.float(), target, ignore_index=-1, reduction="sum")
        for block, target in zip(logits, targets, strict=True)
    ]
    return torch.stack(losses).sum() / max(1, count)
