"""A text head that pools token vectors, and what each token adds to its decision."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from .inference import Derived, is_lean, multiply, parameters_of
from .pooling import Segments, pool_logits, pool_shares
from .tok2vec import BLOCK_ROWS

__all__ = ["POOLING", "PooledClassifier"]

POOLING: Final = ("attention", "max", "mean")
"""The ways to pool. Several are joined."""


class _Projected(NamedTuple):
    """A ragged batch before it is pooled."""

    tokens: Tensor
    """*Shape:* ``(tokens, hidden_width)``"""
    scores: Tensor | None
    """Of the attention. *Shape:* ``(tokens, 1)``"""
    owner: Tensor
    """The sequence of each token. *Shape:* ``(tokens,)``"""
    sizes: Tensor
    """*Shape:* ``(batch,)``"""


class PooledClassifier(nn.Module):
    """Token vectors → projection → pooling → one linear layer.

    Attention pooling weighs the tokens by a learned score v · tanh(W x) (Yang et al. 2016,
    section 2.2). After the projection everything is a sum over tokens, so the logits fall apart
    into exact shares: nothing about them has to be estimated.

    input_width: width of the token vectors.
    hidden_width: width of the projected tokens.
    labels: number of logits.
    pooling: one or several of `POOLING`.
    dropout: rate for the token vectors and for the pooled vector.
    """

    def __init__(
        self,
        *,
        input_width: int,
        hidden_width: int,
        labels: int,
        pooling: Sequence[str] = ("attention", "max"),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pooling = tuple(pooling)
        self.project = nn.Linear(input_width, hidden_width)
        self.score: nn.Sequential | None = None
        if "attention" in self.pooling:
            self.score = nn.Sequential(
                nn.Linear(input_width, max(1, hidden_width // 2)),
                nn.Tanh(),
                nn.Linear(max(1, hidden_width // 2), 1, bias=False),
            )
        self.output = nn.Linear(hidden_width * len(self.pooling), labels)
        self.dropout = nn.Dropout(dropout)
        self._joined = Derived(_join_layers)

    def forward(
        self,
        X: Tensor,
        lengths: Sequence[int],
        projected: bool = False,
        *,
        with_shares: bool = False,
        parts: tuple[Tensor, Sequence[int]] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Classify a ragged batch. A sequence without tokens gets the bias alone.

        X: vectors of all tokens. *Shape:* ``(tokens, input_width)``; there may be more rows, which
            are passed over.
        lengths: tokens per sequence; they sum to ``tokens``; zeros are allowed.
        projected: with shares, where no gradient is wanted on a CPU: whether `X` is what
            `project_tokens` made of the vectors.
        parts: with shares, sets of tokens to classify each as if it were a sequence: the places
            of their tokens, set by set, and the tokens of each, one or more.
        RETURNS: logits, *shape* ``(batch, labels)``; with shares also each token's part of
            them, *shape* ``(tokens, labels)``: those of a sequence sum to its logits; and the
            logits of the parts, *shape* ``(parts, labels)``.
        """
        if with_shares and not self.training and is_lean(X):
            return self._share_out(X if projected else self.project_tokens(X), lengths, parts)
        batch = self._project(X, lengths, projected)
        tokens, scores, owner, sizes = batch
        weighed = [_weigh(name, batch) * tokens for name in self.pooling]
        pooled = torch.cat([_sum_by_owner(part, owner, len(sizes)) for part in weighed], dim=1)
        logits: Tensor = self.output(self.dropout(pooled))
        if not with_shares:
            return logits
        # The bias belongs to no token in particular, so all bear the same part of it.
        bias = self.output.bias / sizes.clamp(min=1).unsqueeze(1)
        shares = torch.cat(weighed, dim=1) @ self.output.weight.T + bias[owner]
        if parts is None:
            return logits, shares, logits[:0]
        places, part_lengths = parts
        scores = None if scores is None else embedding(places, scores)
        return logits, shares, self._classify_parts(embedding(places, tokens), scores, part_lengths)

    def project_tokens(self, X: Tensor) -> Tensor:
        """What is read of each token by itself, all in one product: several times narrower.

        X: *Shape:* ``(tokens, input_width)``
        """
        return multiply(X, *self.joined_layer())

    def joined_layer(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the layer that `project_tokens` is."""
        layers = [self.project]
        if self.score is not None:
            gate = self.score[0]
            assert isinstance(gate, nn.Linear)
            layers.append(gate)
        return self._joined.of(*parameters_of(layers))

    def _share_out(
        self, found: Tensor, lengths: Sequence[int], parts: tuple[Tensor, Sequence[int]] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same to rounding, see `pooling`.

        found: from `project_tokens`.
        """
        hidden, bias = self.project.out_features, self.output.bias.detach().numpy()
        segments = Segments(np.asarray(lengths, dtype=np.int64))
        rows = found[: segments.tokens]
        # A copy, without gaps between its rows; of a long text it would be a large one.
        relu = torch.relu if len(rows) <= BLOCK_ROWS else torch.relu_
        tokens, scores = relu(rows[:, :hidden]).numpy(), None
        if self.score is not None:
            scores = self._score(rows[:, hidden:]).squeeze(1).numpy()
        output = self.output.weight.detach().numpy()
        weights = {
            name: output[:, place * hidden : (place + 1) * hidden]
            for place, name in enumerate(self.pooling)
        }
        shares = pool_shares(tokens, scores, segments, weights)
        logits = segments.total(shares) + bias
        # The bias belongs to no token in particular, so all bear the same part of it.
        shares += segments.spread(bias / segments.held_sizes[:, None])
        said = logits[:0]
        if parts is not None:
            places = parts[0].numpy()
            sets = Segments(np.asarray(parts[1], dtype=np.int64))
            chosen = None if scores is None else scores[places]
            said = pool_logits(tokens[places], chosen, sets, weights) + bias
        return torch.from_numpy(logits), torch.from_numpy(shares), torch.from_numpy(said)

    def _score(self, hidden: Tensor) -> Tensor:
        """Of the attention, from what its first layer gives. (A part of an `nn.Sequential` is a new
        module, which takes longer to make than to run.)"""
        assert self.score is not None
        scores: Tensor = self.score[2](torch.tanh(hidden))
        return scores

    def weigh_tokens(
        self, X: Tensor, lengths: Sequence[int], projected: bool = False
    ) -> dict[str, Tensor]:
        """The weights of each pooling, by its name: of a sequence they sum to 1. Arguments as in
        `forward`.

        RETURNS: *shape* ``(tokens, 1)``, or ``(tokens, hidden_width)`` for max pooling, where
            each feature picks its own token.
        """
        batch = self._project(X, lengths, projected)
        return {name: _weigh(name, batch) for name in self.pooling}

    def _project(self, X: Tensor, lengths: Sequence[int], projected: bool) -> _Projected:
        X = X[: sum(lengths)]
        if projected:
            hidden = self.project.out_features
            scores = None if self.score is None else self._score(X[:, hidden:])
            return _lay_out(torch.relu(X[:, :hidden]), scores, lengths)
        X = self.dropout(X)
        scores = None if self.score is None else self.score(X)
        return _lay_out(torch.relu(self.project(X)), scores, lengths)

    def _classify_parts(
        self, tokens: Tensor, scores: Tensor | None, lengths: Sequence[int]
    ) -> Tensor:
        """Logits of sequences that have tokens, when no shares are wanted."""
        batch = _lay_out(tokens, scores, lengths)
        pooled = [
            _max_by_owner(tokens, batch.sizes)
            if name == "max"
            else _sum_by_owner(_weigh(name, batch) * tokens, batch.owner, len(lengths))
            for name in self.pooling
        ]
        logits: Tensor = self.output(self.dropout(torch.cat(pooled, dim=1)))
        return logits


def _lay_out(tokens: Tensor, scores: Tensor | None, lengths: Sequence[int]) -> _Projected:
    sizes = torch.as_tensor(lengths, dtype=torch.long, device=tokens.device)
    owner = torch.repeat_interleave(torch.arange(len(sizes), device=tokens.device), sizes)
    return _Projected(tokens, scores, owner, sizes)


def _weigh(name: str, batch: _Projected) -> Tensor:
    """Weights with which a sequence's projected tokens are summed.

    name: one of `POOLING`.
    RETURNS: *Shape:* ``(tokens, 1)``, or ``(tokens, hidden_width)`` for max pooling, where
        each feature picks its own token.
    """
    tokens, scores, owner, sizes = batch
    if name == "mean":
        return 1 / sizes[owner].unsqueeze(1).to(tokens.dtype)
    if name == "max":
        highest = _max_by_owner(tokens.detach(), sizes)[owner]
        is_highest = (tokens.detach() == highest).to(tokens.dtype)
        ties = _sum_by_owner(is_highest, owner, len(sizes))
        return is_highest * (1 / ties)[owner]
    assert scores is not None
    exponents = torch.exp(scores - _max_by_owner(scores.detach(), sizes)[owner])
    return exponents / _sum_by_owner(exponents, owner, len(sizes))[owner]


def _join_layers(*parts: Tensor) -> tuple[Tensor, Tensor]:
    return torch.cat(parts[::2]), torch.cat(parts[1::2])


def _sum_by_owner(rows: Tensor, owner: Tensor, batch: int) -> Tensor:
    return rows.new_zeros(batch, rows.shape[1]).index_add(0, owner, rows)


def _max_by_owner(rows: Tensor, sizes: Tensor) -> Tensor:
    if not len(rows):
        return rows.new_zeros(len(sizes), rows.shape[1])
    return torch.segment_reduce(rows, "max", lengths=sizes, axis=0)
