"""Predicting words from the states of either direction: what the encoder is pretrained on."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

__all__ = ["BidirectionalLanguageModel"]


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

    def loss(self, H: Tensor, words: Tensor) -> Tensor:
        """Mean loss of both directions, over the places whose next or previous word is one of
        the output words.

        H: states, forward ones first. *Shape:* ``(sequences, length, 2 * width)``
        words: the word of each token, -1 for one that is not among the output words.
            *Shape:* ``(sequences, length)``
        """
        drawn, log_expected = self._draw(H.device)
        negatives, negative_bias = self.output(drawn), self.bias(drawn).squeeze(1)
        losses = []
        for states, target in self._directions(H, words):
            true = self.output(target)
            true_logits = (states * true).sum(1) + self.bias(target).squeeze(1)
            true_logits = true_logits - self._log_expected(target)
            logits = states @ negatives.T + (negative_bias - log_expected)
            # A word that is drawn and true at once would be counted twice.
            logits = logits.masked_fill(target.unsqueeze(1) == drawn, -torch.inf)
            joined = torch.cat([true_logits.unsqueeze(1), logits], dim=1)
            losses.append(cross_entropy(joined.float(), torch.zeros_like(target)))
        return torch.stack(losses).mean()

    def log_perplexity(self, H: Tensor, words: Tensor) -> Tensor:
        """As `loss`, over all output words: the logarithm of the perplexity, both directions."""
        losses = [
            cross_entropy(
                (states @ self.output.weight.T + self.bias.weight.squeeze(1)).float(), target
            )
            for states, target in self._directions(H, words)
        ]
        return torch.stack(losses).mean()

    def _directions(self, H: Tensor, words: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of each direction the projected states and the words that they should tell."""
        forward, backward = H.chunk(2, dim=2)
        sides = ((forward[:, :-1], words[:, 1:]), (backward[:, 1:], words[:, :-1]))
        parts = []
        for projection, (states, target) in zip(self.projections, sides, strict=True):
            known = target.flatten() >= 0
            parts.append((projection(states.flatten(0, 1)[known]), target.flatten()[known]))
        return parts

    def _draw(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Words from a log-uniform distribution, the natural one of words by frequency."""
        span = torch.log(torch.tensor(self.words + 1.0))
        drawn = (torch.rand(self.samples) * span).exp().long() - 1
        drawn = torch.unique(drawn.clamp(0, self.words - 1)).to(device)
        return drawn, self._log_expected(drawn)

    def _log_expected(self, words: Tensor) -> Tensor:
        """Logarithm of how often a word is expected among the ones drawn, at most once."""
        span = torch.log(torch.tensor(self.words + 1.0))
        share = ((words + 2.0) / (words + 1.0)).log() / span
        return (-torch.expm1(self.samples * torch.log1p(-share))).log()
