"""Tags, relations and heads as a second task of the encoder."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, embedding_bag, pad

from ..coref.syntax import HEAD_REACH, RELATIONS, TAGS, SyntaxTargets

__all__ = ["Governors", "SyntaxHead", "SyntaxLogits", "SyntaxProjections", "syntax_loss"]

Ints = npt.NDArray[np.int64]

_HEAD_WIDTH = 48
# Tokens whose bands are worked out in one product, and how many such products at once: what is
# between stays in the cache.
_BLOCK = 32
_BLOCKS_AT_ONCE = 64
# Tokens whose heads are chosen at once.
_TOKENS_AT_ONCE = 12_000


class SyntaxLogits(NamedTuple):
    """What the head says of each token."""

    tags: Tensor
    """*Shape:* ``(tokens, tags)``"""
    relations: Tensor
    """*Shape:* ``(tokens, relations)``"""
    heads: Tensor
    """Of each place from `HEAD_REACH` words before to as many after. *Shape:* ``(tokens,
    2 * HEAD_REACH + 1)``"""


class SyntaxProjections(NamedTuple):
    """What `SyntaxHead` reads of each token by itself."""

    tags: Tensor
    """Logits. *Shape:* ``(tokens, tags)``"""
    relations: Tensor
    """Logits. *Shape:* ``(tokens, relations)``"""
    dependents: Tensor
    """*Shape:* ``(tokens, head_width)``"""
    governors: Tensor
    """*Shape:* ``(tokens, head_width)``"""


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

    def project(self, X: Tensor) -> SyntaxProjections:
        """What is read of each token by itself.

        X: token vectors. *Shape:* ``(tokens, input_width)``
        """
        return SyntaxProjections(self.tag(X), self.relation(X), self.dependent(X), self.governor(X))

    def layers(self) -> tuple[nn.Linear, ...]:
        """The layers of `project`, in its order."""
        return self.tag, self.relation, self.dependent, self.governor

    @torch.no_grad()
    def score_bands(self, projected: SyntaxProjections) -> Tensor:
        """Products of every token and the `HEAD_REACH` before and after it, whatever text they are
        of: logits of heads but for the distance. *Shape:* ``(tokens, 2 * HEAD_REACH + 1)``

        By products of blocks of tokens with all that a block can reach, of which the bands are a
        view.
        """
        tokens, width = projected.governors.shape
        blocks = -(-tokens // _BLOCK)
        spare = blocks * _BLOCK - tokens
        D = pad(projected.dependents * _HEAD_WIDTH**-0.5, (0, 0, 0, spare))
        G = pad(projected.governors, (0, 0, HEAD_REACH, HEAD_REACH + spare))
        reach = _BLOCK + 2 * HEAD_REACH
        near = G.as_strided((blocks, reach, width), (_BLOCK * width, width, 1))
        parts = []
        for start in range(0, blocks, _BLOCKS_AT_ONCE):
            part = slice(start, start + _BLOCKS_AT_ONCE)
            scores = D.view(blocks, _BLOCK, width)[part] @ near[part].transpose(1, 2)
            # Each row begins one column further right than the last.
            bands = (len(scores), _BLOCK, 2 * HEAD_REACH + 1)
            parts.append(scores.as_strided(bands, (_BLOCK * reach, reach + 1, 1)).flatten(0, 1))
        if not parts:
            return D.new_zeros(0, 2 * HEAD_REACH + 1)
        return (torch.cat(parts) if parts[1:] else parts[0])[:tokens]

    @torch.no_grad()
    def read_governors(
        self, X: Tensor, bands: Tensor, tokens: Tensor, document: Tensor
    ) -> Governors:
        """What the heads of some tokens say; see `Governors`.

        bands: from `score_bands`.
        tokens: rising. *Shape:* ``(n,)``
        """
        places, logits = self._read_bands(bands, tokens, document)
        if not len(tokens):
            return Governors(tokens, tokens, X.new_zeros(0, X.shape[1]))
        first = places.gather(1, logits.argmax(dim=1, keepdim=True)).squeeze(1)
        weights = torch.softmax(logits, dim=1)
        average = embedding_bag(places, X, per_sample_weights=weights.to(X.dtype), mode="sum")
        # Few words govern many.
        verbs, which = torch.unique(first, return_inverse=True)
        places, logits = self._read_bands(bands, verbs, document)
        second = places.gather(1, logits.argmax(dim=1, keepdim=True)).squeeze(1)[which]
        return Governors(first, second, average)

    def _read_bands(self, bands: Tensor, tokens: Tensor, document: Tensor) -> tuple[Tensor, Tensor]:
        """The places of `band`, and their logits."""
        places = band(tokens, document)
        columns = places - (tokens.unsqueeze(1) - HEAD_REACH)
        return places, embedding(tokens, bands).gather(1, columns) + self.distance

    @torch.no_grad()
    def read_trees(self, projected: SyntaxProjections, bands: Tensor, sentence: Ints) -> Tensor:
        """The likeliest tag, relation and head of every token. No head is in another sentence.

        bands: from `score_bands`.
        sentence: number of each token's sentence, rising. *Shape:* ``(tokens,)``
        RETURNS: numbers of the tag and of the relation, and the distance to the head, 0 at a
            root. *Shape:* ``(tokens, 3)``
        """
        bounds = np.flatnonzero(np.diff(sentence, prepend=-1, append=-1))
        lengths, places = np.diff(bounds), np.arange(len(sentence))
        # Left and right of each token, and no further than counts: small numbers compare fast.
        before = np.minimum(places - np.repeat(bounds[:-1], lengths), HEAD_REACH).astype(np.int8)
        after = np.minimum(np.repeat(bounds[1:], lengths) - 1 - places, HEAD_REACH).astype(np.int8)
        reach = np.arange(-HEAD_REACH, HEAD_REACH + 1, dtype=np.int8)
        heads = []
        for start in range(0, len(sentence), _TOKENS_AT_ONCE):
            part = slice(start, start + _TOKENS_AT_ONCE)
            outside = torch.from_numpy((reach < -before[part, None]) | (reach > after[part, None]))
            logits = bands[part] + self.distance
            logits = logits.masked_fill_(outside.to(logits.device), -math.inf)
            heads.append(logits.argmax(dim=1) - HEAD_REACH)
        # They may be views, whose maxima take twice the time.
        tags = projected.tags.contiguous().argmax(dim=1)
        relations = projected.relations.contiguous().argmax(dim=1)
        return torch.stack([tags, relations, torch.cat(heads) if heads else tags], dim=1)


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
