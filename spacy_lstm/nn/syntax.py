"""Tags, relations and heads as a second task of the encoder."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, pad

from ..coref.syntax import HEAD_REACH, RELATIONS, TAGS, SyntaxTargets

__all__ = ["Governors", "SyntaxHead", "SyntaxLogits", "syntax_loss"]

_HEAD_WIDTH = 48
# Tokens whose bands are looked at together, when governors are averaged.
_BLOCK = 64
# The same, when bands overlap and every token has one.
_LONG_BLOCK = 128


class SyntaxLogits(NamedTuple):
    """What the head says of each token."""

    tags: Tensor
    """*Shape:* ``(tokens, tags)``"""
    relations: Tensor
    """*Shape:* ``(tokens, relations)``"""
    heads: Tensor
    """Of each place from `HEAD_REACH` words before to as many after. *Shape:* ``(tokens,
    2 * HEAD_REACH + 1)``"""


class Governors(NamedTuple):
    """The words that govern some tokens."""

    first: Tensor
    """The one that most likely does: places in the batch. *Shape:* ``(n,)``"""
    second: Tensor
    """The one that governs that one. *Shape:* ``(n,)``"""
    average: Tensor
    """The vectors of all that may, weighed by how likely each is. *Shape:* ``(n, input_width)``"""


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

    def forward(self, X: Tensor, document: Tensor) -> SyntaxLogits:
        """Score every token.

        X: token vectors. *Shape:* ``(tokens, input_width)``
        document: number of each token's document, rising. *Shape:* ``(tokens,)``
        """
        places = band(torch.arange(len(X), device=X.device), document)
        return SyntaxLogits(self.tag(X), self.relation(X), self.head_logits(X, places))

    def head_logits(self, X: Tensor, places: Tensor) -> Tensor:
        """Of the places around some tokens, from `band`, as in `SyntaxLogits.heads`."""
        dependents = self.dependent(X[places[:, HEAD_REACH]])
        scores = (self.governor(X)[places] @ dependents.unsqueeze(2)).squeeze(2)
        logits: Tensor = scores * _HEAD_WIDTH**-0.5 + self.distance
        return logits

    def weigh_heads(self, X: Tensor, document: Tensor) -> tuple[Tensor, Tensor]:
        """How likely each place around every token is to hold the word that governs it; arguments
        as in `forward`.

        RETURNS: the places, from `band`, and their weights, which sum to 1. *Shape* of both:
            ``(tokens, 2 * HEAD_REACH + 1)``
        """
        places = band(torch.arange(len(X), device=X.device), document)
        return places, torch.softmax(self.head_logits(X, places), dim=1)

    @torch.no_grad()
    def read_governors(self, X: Tensor, tokens: Tensor, document: Tensor) -> Governors:
        """What the heads of some tokens say; see `Governors`.

        In blocks of matrices instead of a band for every token, which takes a tenth of the time
        and keeps nothing for a gradient.

        tokens: rising. *Shape:* ``(n,)``
        """
        governors = self.governor(X)
        places = band(tokens, document)
        best, averages = [], []
        for low, columns, scores in self._band_scores(X, governors, places):
            best.append(scores.argmax(dim=1, keepdim=True))
            high = low + int(columns[-1, -1]) + 1
            # The ends of a document may stand in a band many times, so that weights add up.
            weights = scores.new_zeros(len(columns), high - low)
            weights.scatter_add_(1, columns, torch.softmax(scores, dim=1))
            averages.append(weights @ X[low:high])
        if not best:
            return Governors(tokens, tokens, X.new_zeros(0, X.shape[1]))
        first = places.gather(1, torch.cat(best)).squeeze(1)
        # Few words govern many.
        verbs, own = torch.unique(first, return_inverse=True)
        places = band(verbs, document)
        above = [
            scores.argmax(dim=1, keepdim=True)
            for _, _, scores in self._band_scores(X, governors, places)
        ]
        second = places.gather(1, torch.cat(above)).squeeze(1)[own]
        return Governors(first, second, torch.cat(averages))

    @torch.no_grad()
    def read_trees(self, X: Tensor, sentence: Tensor) -> Tensor:
        """The likeliest tag, relation and head of every token. No head is in another sentence.

        sentence: number of each token's sentence, rising. *Shape:* ``(tokens,)``
        RETURNS: numbers of the tag and of the relation, and the distance to the head, 0 at a
            root. *Shape:* ``(tokens, 3)``
        """
        tokens = torch.arange(len(X), device=X.device)
        first = torch.searchsorted(sentence, sentence) - tokens + HEAD_REACH
        last = torch.searchsorted(sentence, sentence, right=True) - 1 - tokens + HEAD_REACH
        governors = pad(self.governor(X), (0, 0, HEAD_REACH, HEAD_REACH))
        dependents = self.dependent(X) * _HEAD_WIDTH**-0.5
        columns = torch.arange(2 * HEAD_REACH + 1, device=X.device)
        best = [tokens[:0]]
        for start in range(0, len(X), _LONG_BLOCK):
            block = slice(start, start + _LONG_BLOCK)
            D = dependents[block]
            scores = D @ governors[start : start + len(D) + 2 * HEAD_REACH].T
            # A view of the band: each row begins one column further right than the last.
            near = scores.as_strided((len(D), len(columns)), (scores.shape[1] + 1, 1))
            outside = (columns < first[block, None]) | (columns > last[block, None])
            best.append((near + self.distance).masked_fill_(outside, -math.inf).argmax(dim=1))
        heads = torch.cat(best) - HEAD_REACH
        tags, relations = self.tag(X).argmax(dim=1), self.relation(X).argmax(dim=1)
        return torch.stack([tags, relations, heads], dim=1)

    def _band_scores(
        self, X: Tensor, governors: Tensor, places: Tensor
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """The logits of heads by blocks of rising tokens: the first token that the bands of a
        block read, the places counted from it, and their logits."""
        if not len(places):
            # Of nothing `torch.split` makes one empty block.
            return
        dependents = self.dependent(embedding(places[:, HEAD_REACH], X)) * _HEAD_WIDTH**-0.5
        for near, D in zip(
            torch.split(places, _BLOCK), torch.split(dependents, _BLOCK), strict=True
        ):
            # Tokens rise, and with them their bands.
            low, high = int(near[0, 0]), int(near[-1, -1]) + 1
            columns = near - low
            yield low, columns, (D @ governors[low:high].T).gather(1, columns) + self.distance


def band(tokens: Tensor, document: Tensor) -> Tensor:
    """The places around some tokens; those beyond the ends of a token's document stand for its
    ends, so that nothing is read from its neighbours in the batch.

    tokens: *Shape:* ``(n,)``
    document: number of each token's document, rising. *Shape:* ``(tokens,)``
    RETURNS: *Shape:* ``(n, 2 * HEAD_REACH + 1)``; the middle column is the token itself.
    """
    own = document[tokens].contiguous()
    first = torch.searchsorted(document, own).unsqueeze(1)
    last = torch.searchsorted(document, own, right=True).unsqueeze(1) - 1
    reach = torch.arange(-HEAD_REACH, HEAD_REACH + 1, device=tokens.device)
    return (tokens.unsqueeze(1) + reach).maximum(first).minimum(last)


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
