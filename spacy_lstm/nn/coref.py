"""Mention scorer, pair scorer and null antecedent over token vectors."""

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag, pad

from ..coref.candidates import (
    Mentions,
    Pairs,
    Words,
    describe_mentions,
    distinct,
    pair_candidates,
    read_words,
)
from ..coref.pair_features import PAIR_FEATURES, PairFeatures, number_features
from ..coref.roles import ROLE_FEATURES, RoleFeatures, Roles
from ..coref.spans import choose_spans, find_broken
from ..coref.syntax import RELATIONS
from ..coref.words import FINE_TYPES
from .inference import Derived, is_lean, multiply, pad_rows, padded_rows, parameters_of
from .pair_scores import PairProducts, sum_combinations
from .syntax import SyntaxHead, SyntaxLogits, SyntaxProjections, band
from .tok2vec import BLOCK_ROWS

__all__ = ["CorefOutput", "CorefRequest", "CorefScorer"]

Ints = npt.NDArray[np.int64]

_GENDERS: Final = 5
_NUMBERS: Final = 3
_OCCURRENCES: Final = 6
_PLACES: Final = 4
# Pairs scored at once: bounds the memory that long documents take, and stays in the cache.
_PAIR_BLOCK: Final = 8192
_MENTION_BLOCK: Final = 8192
_TOKEN_BLOCK: Final = 128


class CorefRequest(NamedTuple):
    """What to score, beside the token vectors."""

    codes: npt.NDArray[Any]
    """Codes of the words. *Shape:* ``(tokens, 6)``, see `coref.words.WordColumn`"""
    lengths: list[int]
    """Tokens per document."""
    spans: Ints
    """Mentions that have to be among those considered: offsets in the batch. *Shape:*
    ``(spans, 2)``"""
    detect: bool
    """Whether to look for mentions beside those."""
    guideline: Ints
    """Per document the annotation guideline to follow, 0 for none known. *Shape:*
    ``(documents,)``"""
    max_distance: int
    """Words between a mention and its candidates at most; 0 for no limit."""


class CorefOutput(NamedTuple):
    """Scores of a batch, and what they are scores of."""

    mention_logits: Tensor
    """Of the span that begins at a token and has 1, 2, … words. *Shape:* ``(tokens,
    max_width)``; -inf where the document ends before."""
    pair_logits: Tensor
    """*Shape:* ``(mentions, candidates)``; -inf where there is no candidate."""
    null_logits: Tensor
    """Of having no antecedent. *Shape:* ``(mentions,)``"""
    words: Words
    mentions: Mentions
    pairs: Pairs
    syntax: SyntaxLogits | None = None
    """In training with the second task: tags, relations and heads."""
    trees: Ints | None = None
    """Otherwise, what `SyntaxHead.read_trees` tells of each token."""


class _Tree(NamedTuple):
    """What the predicted tree says of mentions, without gradients."""

    roles: Roles
    places: Tensor
    """Of each mention its row in the other two, where a word is that is the head of several.
    *Shape:* ``(mentions,)``"""
    relations: Tensor
    """Probabilities. *Shape:* ``(heads, relations)``"""
    governors: Tensor
    """As `Governors.average`. *Shape:* ``(heads, input_width)``"""
    stored: Ints | None
    """Of all tokens, from `SyntaxHead.read_trees`; None in training."""


class _Sides(NamedTuple):
    """What is read of each mention by itself, for its pairs and for having no antecedent."""

    anaphors: Tensor
    """*Shape:* ``(mentions, hidden_width)``"""
    candidates: Tensor
    """*Shape:* ``(mentions, hidden_width)``"""
    products: Tensor
    """What a candidate's vector is multiplied with. *Shape:* ``(mentions, mention_width)``"""
    nulls: Tensor
    """*Shape:* ``(mentions, hidden_width)``"""


class _Projected(NamedTuple):
    """What is read of each token by itself."""

    starts: Tensor
    """*Shape:* ``(tokens, hidden_width)``"""
    ends: Tensor
    """*Shape:* ``(tokens, hidden_width)``"""
    syntax: SyntaxProjections | None


class CorefScorer(nn.Module):
    """Finds mentions and scores their candidate antecedents.

    A mention's score is v · relu(S[start] + E[end] + width), a pair's u · relu(A[i] + B[j] +
    features) + a bilinear term + both mention scores, weighed, in the manner of Lee et al.
    (2017), with sums of projected token vectors in place of span vectors: nothing of the size
    spans × width is ever made.

    input_width: of the token vectors.
    hidden_width: of the scorers.
    mention_width: of the mention vectors.
    max_width: longest mention, in words.
    ratio: mentions kept per word.
    floor: mention logit below which none is kept.
    backward, forward, same_head: as in `coref.candidates.pair_candidates`.
    guidelines: number of annotation guidelines told apart in training.
    dropout: rate before the scorers.
    syntax: learn tags, relations and heads as a second task; let a mention's vector tell the
        relation of its head word and the word that governs it, and a pair's score know how the
        two stand to each other in the tree.
    """

    def __init__(
        self,
        *,
        input_width: int,
        hidden_width: int,
        mention_width: int,
        max_width: int,
        ratio: float,
        floor: float,
        backward: int,
        forward: int,
        same_head: int,
        guidelines: int,
        dropout: float,
        syntax: bool = False,
    ) -> None:
        super().__init__()
        self.max_width, self.ratio, self.floor = max_width, ratio, floor
        self.reach = {
            "backward": backward,
            "forward": forward,
            "same_head": same_head,
        }
        self.dropout = nn.Dropout(dropout)
        self._joined = Derived(_join_layers)
        self._joined_mention = Derived(_join_columns)
        self._joined_sides = Derived(_join_layers)
        self.span_start = nn.Linear(input_width, hidden_width)
        self.span_end = nn.Linear(input_width, hidden_width, bias=False)
        self.span_width = nn.Embedding(max_width, hidden_width)
        self.span_guideline = nn.Embedding(guidelines + 1, hidden_width)
        self.span_score = nn.Linear(hidden_width, 1)
        self.mention_start = nn.Linear(input_width, mention_width)
        self.mention_end = nn.Linear(input_width, mention_width, bias=False)
        self.mention_head = nn.Linear(input_width, mention_width, bias=False)
        sizes = (max_width, FINE_TYPES, _GENDERS * _NUMBERS, _OCCURRENCES, _PLACES)
        self.register_buffer("feature_offsets", torch.tensor([0, *np.cumsum(sizes[:-1])]))
        self.feature_offsets: Tensor
        self.mention_features = nn.EmbeddingBag(sum(sizes), mention_width, mode="sum")
        self.anaphor = nn.Linear(mention_width, hidden_width)
        self.candidate = nn.Linear(mention_width, hidden_width, bias=False)
        self.bilinear = nn.Linear(mention_width, mention_width, bias=False)
        self.pair_features = nn.EmbeddingBag(sum(PAIR_FEATURES.values()), hidden_width, mode="sum")
        self._joint_table = Derived(sum_combinations)
        self.pair_score = nn.Linear(hidden_width, 1, bias=False)
        self.own_weights = nn.Parameter(torch.tensor([0.5, 0.3]))
        self.null_hidden = nn.Linear(mention_width, hidden_width)
        self.null_guideline = nn.Embedding(guidelines + 1, hidden_width)
        self.null_score = nn.Linear(hidden_width, 1)
        self.null_type = nn.Embedding(FINE_TYPES, 1)
        for table in (self.mention_features, self.pair_features, self.null_type):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.span_guideline, self.null_guideline):
            nn.init.zeros_(table.weight)
        self.syntax = SyntaxHead(input_width=input_width) if syntax else None
        if syntax:
            self.mention_relation = nn.Linear(len(RELATIONS), mention_width, bias=False)
            self.mention_governor = nn.Linear(input_width, mention_width, bias=False)
            self._joined_role = Derived(_join_columns)
            self.role_features = nn.EmbeddingBag(
                sum(ROLE_FEATURES.values()), hidden_width, mode="sum"
            )
            nn.init.normal_(self.role_features.weight, std=0.1)

    def forward(self, X: Tensor, request: CorefRequest) -> CorefOutput:
        """Score a batch of documents.

        X: token vectors. *Shape:* ``(tokens, input_width)``; there may be more rows, which are
            passed over.
        """
        words = read_words(request.codes, request.lengths)
        if self.training:
            X = self.dropout(X)
        projected = self._project_tokens(X, len(words.document))
        X = X[: len(words.document)]
        guideline = torch.from_numpy(_spread(request.guideline, words.document)).to(X.device)
        mention_logits = self.score_spans(projected, words, guideline)
        # A long text's are large, and read no more.
        projected = projected._replace(starts=X[:0], ends=X[:0])
        spans = choose_spans(
            words,
            mention_logits.detach().cpu().numpy() if request.detect else None,
            request.lengths,
            asked=request.spans,
            ratio=self.ratio,
            floor=self.floor,
        )
        mentions = describe_mentions(words, spans[:, 0], spans[:, 1])
        pairs = pair_candidates(mentions, max_distance=request.max_distance, **self.reach)
        tree = self._read_tree(X, projected, mentions, words)
        # Nor is the rest.
        del projected
        G = self._mention_vectors(X, mentions, words.document, tree)
        sides = self._project_mentions(G)
        G = G[: len(spans)]
        scores = self._own_scores(mention_logits, spans)
        roles = None if tree is None else tree.roles
        pair_logits = self._score_pairs(G, sides, scores, words, mentions, pairs, roles)
        guideline = torch.from_numpy(_spread(request.guideline, mentions.document)).to(X.device)
        hidden = sides.nulls[: len(spans)] + self.null_guideline(guideline)
        fine = torch.from_numpy(mentions.fine).to(X.device)
        null_logits = self.null_score(torch.relu(hidden)) + self.null_type(fine)
        output = CorefOutput(
            mention_logits, pair_logits, null_logits.squeeze(1), words, mentions, pairs
        )
        if self.syntax is None or tree is None:
            return output
        if self.training:
            document = torch.from_numpy(words.document).to(X.device)
            return output._replace(syntax=self.syntax(X, document))
        return output._replace(trees=tree.stored)

    def _project_tokens(self, X: Tensor, tokens: int) -> _Projected:
        if not is_lean(X):
            # What was recorded where no gradient was wanted has more rows, too.
            X = X[:tokens]
            syntax = None if self.syntax is None else self.syntax.project(X)
            return _Projected(self.span_start(X), self.span_end(X), syntax)
        # All in one product.
        layers = [self.span_start, self.span_end]
        if self.syntax is not None:
            layers += self.syntax.layers()
        sizes = [layer.out_features for layer in layers]
        found = multiply(X, *self._joined.of(*parameters_of(layers)))[:tokens]
        starts, ends, *rest = torch.split(found, sizes, dim=1)
        if tokens > BLOCK_ROWS:
            # Not views: what is read of starts and ends is done with before the rest is.
            rest = [part.clone() for part in rest]
        return _Projected(starts, ends, SyntaxProjections(*rest) if rest else None)

    def score_spans(self, projected: _Projected, words: Words, guideline: Tensor) -> Tensor:
        """Logits of all spans of up to `max_width` words, as in `CorefOutput.mention_logits`.

        guideline: of each token's document, *shape* ``(tokens,)``, or one for all.
        """
        if not len(words.document):
            return projected.starts.new_zeros(0, self.max_width)
        starts = projected.starts + self.span_guideline(guideline)
        ends = pad(projected.ends, (0, 0, 0, self.max_width - 1))
        # A view: row i is tokens i to i + max_width - 1.
        reach = ends.unfold(0, self.max_width, 1).transpose(1, 2)
        # Few at a time, so that what is between stays in the cache.
        blocks = [
            self.span_score(torch.relu_((start + self.span_width.weight).add_(end)))
            for start, end in zip(
                torch.split(starts.unsqueeze(1), _TOKEN_BLOCK),
                torch.split(reach, _TOKEN_BLOCK),
                strict=True,
            )
        ]
        mask = torch.from_numpy(find_broken(words, self.max_width)).to(starts.device)
        scores = torch.cat(blocks) if blocks[1:] else blocks[0]
        return scores.squeeze(-1).masked_fill(mask, -math.inf)

    def _own_scores(self, logits: Tensor, spans: Ints) -> Tensor:
        width = spans[:, 1] - spans[:, 0] - 1
        column = np.minimum(width, self.max_width - 1)
        places = torch.from_numpy(spans[:, 0] * self.max_width + column).to(logits.device)
        scores = logits.take(places).clamp(min=-8, max=8)
        # A span asked for may be longer than any that is scored; it is one for certain.
        (unknown,) = (width > column).nonzero()
        if not len(unknown):
            return scores
        return scores.index_fill(0, torch.from_numpy(unknown).to(logits.device), 0.0)

    def _mention_vectors(
        self, X: Tensor, mentions: Mentions, document: Ints, tree: _Tree | None
    ) -> Tensor:
        """*Shape:* ``(mentions, mention_width)``; where no gradient is wanted there may be more
        rows, which are passed over."""
        width = np.minimum(mentions.end - mentions.start, self.max_width) - 1
        occurrences = np.minimum(mentions.occurrences, _OCCURRENCES) - 1
        agreement = mentions.gender * _NUMBERS + mentions.number
        columns = (width, mentions.fine, agreement, occurrences, mentions.place)
        features = torch.from_numpy(np.array(columns).T).to(X.device)
        known = self.mention_features(features + self.feature_offsets)
        if is_lean(X):
            return self._lean_vectors(X, mentions, known, tree)
        start, end, head = (
            torch.from_numpy(places).to(X.device)
            for places in (mentions.start, mentions.end - 1, mentions.head)
        )
        summed: Tensor = (
            self.mention_start(embedding(start, X))
            + self.mention_end(embedding(end, X))
            + self.mention_head(embedding(head, X))
            + known
        )
        if tree is not None:
            owner = torch.from_numpy(document).to(X.device)
            summed = summed + self._roles(X, head, owner, tree)
        return torch.tanh(summed)

    def _lean_vectors(
        self, X: Tensor, mentions: Mentions, known: Tensor, tree: _Tree | None
    ) -> Tensor:
        places = np.array([mentions.start, mentions.end - 1, mentions.head]).T
        weight = self._joined_mention.of(
            self.mention_start.weight, self.mention_end.weight, self.mention_head.weight
        )
        # The three rows of a mention one after the other are one longer row, of which a long text
        # has more than should be held at once.
        parts = [
            multiply(embedding(part, X).flatten(1), weight, self.mention_start.bias)
            for part in torch.split(torch.from_numpy(pad_rows(places)), _MENTION_BLOCK)
        ]
        found = torch.cat(parts) if parts[1:] else parts[0]
        summed = found[: len(known)]
        summed += known
        if tree is not None:
            # What is linear may come after the average, of which there are fewer than tokens.
            read = torch.cat([tree.relations, tree.governors], dim=1)
            weight = self._joined_role.of(
                self.mention_relation.weight, self.mention_governor.weight
            )
            spare = padded_rows(len(read)) - len(read)
            role = multiply(pad(read, (0, 0, 0, spare)) if spare else read, weight)
            summed += embedding(tree.places, role)
        return found.tanh_()

    def _project_mentions(self, G: Tensor) -> _Sides:
        layers = (self.anaphor, self.candidate, self.bilinear, self.null_hidden)
        if not is_lean(G):
            return _Sides(*(layer(G) for layer in layers))
        found = multiply(G, *self._joined_sides.of(*parameters_of(layers)))
        return _Sides(*torch.split(found, [layer.out_features for layer in layers], dim=1))

    def _read_tree(
        self, X: Tensor, projected: _Projected, mentions: Mentions, words: Words
    ) -> _Tree | None:
        if self.syntax is None or projected.syntax is None:
            return None
        # Mentions within each other share their head word.
        heads, own = distinct(mentions.head, len(words.document))
        tokens = torch.from_numpy(heads).to(X.device)
        with torch.no_grad():
            relations = embedding(tokens, projected.syntax.relations)
            bands = self.syntax.score_bands(projected.syntax)
            governors = self.syntax.read_governors(X, bands, heads, words.document)
        stored = None
        if not self.training:
            stored = self.syntax.read_trees(projected.syntax, bands, words.sentence)
        likeliest = relations.argmax(dim=1).cpu().numpy()
        roles = Roles(likeliest[own], governors.first[own], governors.second[own])
        places = torch.from_numpy(own).to(X.device)
        return _Tree(roles, places, torch.softmax(relations, dim=1), governors.average, stored)

    def _roles(self, X: Tensor, tokens: Tensor, document: Tensor, tree: _Tree) -> Tensor:
        """What the relations of some tokens, and the words that govern them, say of mentions."""
        assert self.syntax is not None
        relations = torch.softmax(self.syntax.relation(embedding(tokens, X)), dim=1)
        places = band(tokens, document)
        heads = torch.softmax(self.syntax.head_logits(X, places), dim=1)
        governors = self.mention_governor(X)[places]
        governor: Tensor = (heads.unsqueeze(1) @ governors).squeeze(1)
        trained: Tensor = self.mention_relation(relations) + governor
        return trained

    def _score_pairs(
        self,
        G: Tensor,
        sides: _Sides,
        scores: Tensor,
        words: Words,
        mentions: Mentions,
        pairs: Pairs,
        roles: Roles | None,
    ) -> Tensor:
        logits = G.new_full(pairs.candidates.shape, -math.inf)
        if not len(pairs.anaphor):
            return logits
        own = scores.unsqueeze(1) * self.own_weights
        features = PairFeatures(words, mentions)
        ties = None if roles is None else RoleFeatures(roles, mentions, words.sentence)
        score = self._lean_blocks if is_lean(G) else self._pair_blocks
        found = torch.cat(list(score(G, sides, own, pairs, features, ties)))
        there = torch.from_numpy(pairs.candidates >= 0).to(G.device)
        return logits.masked_scatter(there, found)

    def _pair_blocks(
        self,
        G: Tensor,
        sides: _Sides,
        own: Tensor,
        pairs: Pairs,
        features: PairFeatures,
        ties: RoleFeatures | None,
    ) -> Iterator[Tensor]:
        A, B, Q, _ = sides
        scale = 1 / math.sqrt(G.shape[1])
        for i, j in _split_pairs(pairs):
            numbers = torch.from_numpy(number_features(features.joint(i, j))).to(G.device)
            tied = (
                None if ties is None else torch.from_numpy(ties.of(i, j)).to(G.device, torch.long)
            )
            first, second = (torch.from_numpy(side).to(G.device) for side in (i, j))
            # As a lookup, since its gradient is far faster than an index's on a CPU.
            hidden = embedding(first, A) + embedding(second, B) + self.pair_features(numbers)
            if tied is not None:
                hidden = hidden + self.role_features(tied)
            yield (
                self.pair_score(torch.relu(hidden)).squeeze(1)
                + (embedding(first, Q) * embedding(second, G)).sum(1) * scale
                + own[first, 0]
                + own[second, 1]
            )

    def _lean_blocks(
        self,
        G: Tensor,
        sides: _Sides,
        own: Tensor,
        pairs: Pairs,
        features: PairFeatures,
        ties: RoleFeatures | None,
    ) -> Iterator[Tensor]:
        """The same, to rounding, where no gradient is wanted."""
        projected = torch.cat([sides.anaphors, sides.candidates])
        rows = len(sides.anaphors)
        Q = sides.products[: len(G)] * (1 / math.sqrt(G.shape[1]))
        products = PairProducts(Q, G, own)
        table = self._joint_table.of(self.pair_features.weight)
        for i, j in _split_pairs(pairs):
            both = torch.from_numpy(np.stack([i, j + rows], axis=1))
            hidden = embedding_bag(torch.from_numpy(features.joint(i, j)), table, mode="sum")
            hidden += embedding_bag(both, projected, mode="sum")
            if ties is not None:
                hidden += self.role_features(torch.from_numpy(ties.of(i, j)))
            yield self.pair_score(hidden.relu_()).squeeze(1).add_(products.of(i, j))


def _join_layers(*parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and biases, as `parameters_of` gives them, of layers that read the same."""
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    for parameter in parameters:
        if parameter.dim() == 2:
            weights.append(parameter)
            biases.append(parameter.new_zeros(len(parameter)))
        else:
            biases[-1] = parameter
    return torch.cat(weights), torch.cat(biases)


def _join_columns(*weights: Tensor) -> Tensor:
    return torch.cat(weights, dim=1)


def _spread(numbers: Ints, document: Ints) -> Ints:
    """To each of some tokens or mentions the number of its document; one for all where all are of
    one document."""
    return numbers if len(numbers) == 1 else numbers[document]


def _split_pairs(pairs: Pairs) -> Iterator[tuple[Ints, Ints]]:
    """The mentions and the candidates of some pairs at a time."""
    for first in range(0, len(pairs.anaphor), _PAIR_BLOCK):
        block = slice(first, first + _PAIR_BLOCK)
        yield pairs.anaphor[block], pairs.antecedent[block]
