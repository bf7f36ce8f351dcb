"""Tags, relations and heads as a second task of the encoder."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding_bag, pad

from ..coref.candidates import distinct
from ..coref.syntax import HEAD_REACH, RELATIONS, TAGS, SyntaxTargets

__all__ = [
    "Governors",
    "SyntaxHead",
    "SyntaxLogits",
    "SyntaxProjections",
    "band",
    "syntax_loss",
]

Ints = npt.NDArray[np.int64]

_HEAD_WIDTH = 48
_REACH: Final = np.arange(-HEAD_REACH, HEAD_REACH + 1)
# Tokens whose bands are worked out in one product, and how many such products at once: what is
# between stays in the cache.
_BLOCK = 32
_BLOCKS_AT_ONCE = 64
# Of so few tokens all bands are one product, and read at once.
_FEW_TOKENS = 64
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

    first: Ints
    """The one that most likely does: places in the batch. *Shape:* ``(n,)``"""
    second: Ints
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
        D: Tensor = projected.dependents * _HEAD_WIDTH**-0.5
        if tokens <= _FEW_TOKENS:
            # A block of its own. Each row begins one column further right than the last.
            scores = D @ pad(projected.governors, (0, 0, HEAD_REACH, HEAD_REACH)).T
            return scores.as_strided((tokens, 2 * HEAD_REACH + 1), (tokens + 2 * HEAD_REACH + 1, 1))
        blocks = -(-tokens // _BLOCK)
        spare = blocks * _BLOCK - tokens
        D = pad(D, (0, 0, 0, spare))
        G = pad(projected.governors, (0, 0, HEAD_REACH, HEAD_REACH + spare))
        reach = _BLOCK + 2 * HEAD_REACH
        near = G.as_strided((blocks, reach, width), (_BLOCK * width, width, 1))
        parts = []
        for start in range(0, blocks, _BLOCKS_AT_ONCE):
            part = slice(start, start + _BLOCKS_AT_ONCE)
            scores = D.view(blocks, _BLOCK, width)[part] @ near[part].transpose(1, 2)
            bands = (len(scores), _BLOCK, 2 * HEAD_REACH + 1)
            parts.append(scores.as_strided(bands, (_BLOCK * reach, reach + 1, 1)).flatten(0, 1))
        return (torch.cat(parts) if parts[1:] else parts[0])[:tokens]

    @torch.no_grad()
    def read_governors(self, X: Tensor, bands: Tensor, tokens: Ints, document: Ints) -> Governors:
        """What the heads of some tokens say; see `Governors`.

        bands: from `score_bands`.
        tokens: rising. *Shape:* ``(n,)``
        document: number of each token's document, rising. *Shape:* ``(tokens,)``
        """
        if not len(tokens):
            return Governors(tokens, tokens, X.new_zeros(0, X.shape[1]))
        if len(document) <= _FEW_TOKENS:
            # Of all at once, which takes half the calls.
            places, logits = self._read_bands(bands, np.arange(len(document)), document)
            likeliest = _likeliest(places, logits)
            first = likeliest[tokens]
            second, places, logits = likeliest[first], places[tokens], logits[tokens]
        else:
            places, logits = self._read_bands(bands, tokens, document)
            first = _likeliest(places, logits)
            # Few words govern many.
            verbs, which = distinct(first, len(document))
            second = _likeliest(*self._read_bands(bands, verbs, document))[which]
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        # The ends of a document may stand in a band many times, so that weights add up.
        average = embedding_bag(
            torch.from_numpy(places).to(X.device),
            X,
            per_sample_weights=torch.from_numpy(weights).to(X.device, X.dtype),
            mode="sum",
        )
        return Governors(first, second, average)

    def _read_bands(
        self, bands: Tensor, tokens: Ints, document: Ints
    ) -> tuple[Ints, npt.NDArray[np.float32]]:
        """The places of `band`, and their logits."""
        own = document[tokens]
        nearest = document.searchsorted(own) - tokens
        furthest = document.searchsorted(own, side="right") - 1 - tokens
        steps = np.minimum(np.maximum(_REACH, nearest[:, None]), furthest[:, None])
        rows = _to_numpy(bands)[tokens]
        starts = np.arange(HEAD_REACH, rows.size, rows.shape[1])
        logits = rows.ravel().take(starts[:, None] + steps)
        logits += _to_numpy(self.distance)
        return tokens[:, None] + steps, logits

    @torch.no_grad()
    def read_trees(self, projected: SyntaxProjections, bands: Tensor, sentence: Ints) -> Ints:
        """The likeliest tag, relation and head of every token. No head is in another sentence.

        bands: from `score_bands`.
        sentence: number of each token's sentence, rising. *Shape:* ``(tokens,)``
        RETURNS: numbers of the tag and of the relation, and the distance to the head, 0 at a
            root. *Shape:* ``(tokens, 3)``
        """
        places = np.arange(len(sentence))
        # Left and right of each token, and no further than counts: small numbers compare fast.
        before = places - sentence.searchsorted(sentence)
        after = sentence.searchsorted(sentence, side="right") - 1 - places
        before = np.minimum(before, HEAD_REACH).astype(np.int8)[:, None]
        after = np.minimum(after, HEAD_REACH).astype(np.int8)[:, None]
        heads, near, reach = _to_numpy(bands), _to_numpy(self.distance), _REACH.astype(np.int8)
        found = np.empty((len(sentence), 3), dtype=np.int64)
        # NumPy finds maxima faster than torch, of few as of many.
        _to_numpy(projected.tags).argmax(axis=1, out=found[:, 0])
        _to_numpy(projected.relations).argmax(axis=1, out=found[:, 1])
        for start in range(0, len(sentence), _TOKENS_AT_ONCE):
            part = slice(start, start + _TOKENS_AT_ONCE)
            logits = heads[part] + near
            np.putmask(logits, (reach < -before[part]) | (reach > after[part]), -np.inf)
            found[part, 2] = logits.argmax(axis=1) - HEAD_REACH
        return found


def _to_numpy(tensor: Tensor) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = tensor.detach().cpu().numpy()
    return found


def _likeliest(places: Ints, logits: npt.NDArray[Any]) -> Ints:
    found: Ints = places[np.arange(len(places)), logits.argmax(axis=1)]
    return found


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
