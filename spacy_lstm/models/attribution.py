"""Texts that a model has read, to be read again: what of them its answer hangs on."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..coref.decode import CorefScores
from ..coref.pair_features import PAIR_FEATURES
from ..coref.roles import ROLE_FEATURES
from ..coref.syntax import HEAD_REACH
from ..errors import LstmError
from ..nn.attribution import (
    Score,
    gradient_times_input,
    integrated_gradients,
    leave_one_out,
    log_odds,
)
from ..nn.classifier import PooledClassifier
from ..nn.coref import CorefOutput, CorefRequest, CorefScorer
from ..nn.pair_shares import feature_shares
from ..nn.tok2vec import TokenEncoder
from .recording import Recording

__all__ = [
    "GRADIENT_METHODS",
    "LinkReplay",
    "LinkTarget",
    "PairShares",
    "TextReplay",
    "group_apart",
]

Floats = npt.NDArray[np.float32]
M = TypeVar("M", bound=nn.Module)

GRADIENT_METHODS: Final[dict[str, Callable[[Score, Tensor], Tensor]]] = {
    "gradient_x_input": gradient_times_input,
    "integrated_gradients": integrated_gradients,
    "leave_one_out": leave_one_out,
}
"""Ways to attribute a score to tokens by their embeddings, by name."""


class _Read(NamedTuple):
    """A text on its way through an encoder."""

    encoder: TokenEncoder
    embeddings: Tensor
    """*Shape:* ``(tokens, width)``"""

    def encode(self, E: Tensor) -> tuple[Tensor, list[int]]:
        """Token vectors of copies with other embeddings, one copy after the other, and the tokens
        of each.

        E: *Shape:* ``(copies, tokens, width)``
        """
        lengths = [E.shape[1]] * len(E)
        return self.encoder.encode(E.flatten(0, 1), lengths), lengths


class TextReplay:
    """A text that a `PooledClassifier` has classified.

    recording: of the one text.

    Raises LstmError where another model than ours was at work.
    """

    def __init__(self, recording: Recording) -> None:
        self._read = _find_read(recording)
        self._head, _ = _find_head(recording, PooledClassifier, "spacy_lstm.TextCat.v1")

    def attribute(self, label: int, method: str) -> Floats:
        """What each token brought to the log odds of a label against all others, untempered.

        method: a key of `GRADIENT_METHODS`.
        RETURNS: *Shape:* ``(tokens,)``
        """

        def score(E: Tensor) -> Tensor:
            logits = self._head(*self._read.encode(E))
            chosen = torch.arange(logits.shape[1], device=logits.device) == label
            return log_odds(logits, chosen).unsqueeze(1)

        found = GRADIENT_METHODS[method](score, self._read.embeddings)[0]
        return np.asarray(_to_numpy(found))


class LinkTarget(NamedTuple):
    """A decision to explain: that a mention refers to one of some candidates."""

    row: int
    """The mention."""
    chosen: npt.NDArray[np.bool_]
    """Which of its candidates. *Shape:* ``(candidates,)``"""
    null_bias: float
    """What is added to the logit of none."""
    temperature: float
    """What all logits are divided by."""


class PairShares(NamedTuple):
    """What the named features of a mention's pairs brought to a target."""

    values: list[int]
    """Of the pair of mention and candidate that was asked for, each counted from 0: of
    `PAIR_FEATURES`, then of `ROLE_FEATURES` where the model reads trees."""
    shares: list[float]
    """In the same order. They sum to the log odds less `without`."""
    without: float
    """The log odds when no pair has any feature."""


class LinkReplay:
    """A text whose mentions a `CorefScorer` has linked. Mentions, pairs and their features stay
    as they were found; only what the tokens' embeddings say is changed.

    recording: of the one text.

    Raises LstmError where another model than ours was at work.
    """

    def __init__(self, recording: Recording) -> None:
        self._read = _find_read(recording)
        self._scorer, args = _find_head(recording, CorefScorer, "spacy_lstm.Coref.v1")
        X, request = args
        with torch.inference_mode(False), torch.no_grad():
            # A tensor made in inference mode, as a caller may be in, takes no part in gradients.
            self._X = X.clone() if X.is_inference() else X
            output = self._scorer(self._X, request)
        self.scores = CorefScores(
            pair_logits=_to_numpy(output.pair_logits),
            null_logits=_to_numpy(output.null_logits),
            mentions=output.mentions,
            pairs=output.pairs,
            trees=output.trees,
        )
        """What the model said."""
        spans = np.stack([output.mentions.start, output.mentions.end], axis=1)
        self._request: CorefRequest = request._replace(spans=spans, detect=False)

    def attribute(self, targets: Sequence[LinkTarget], method: str) -> Floats:
        """What each token brought, through the encoder, to the log odds of each target.

        Targets that hang on no token together are asked for as one, so that the passes through a
        long text do not grow in number with its links.

        method: a key of `GRADIENT_METHODS`.
        RETURNS: *Shape:* ``(targets, tokens)``
        """
        tokens = len(self._read.embeddings)
        if not targets:
            return np.zeros((0, tokens), dtype=np.float32)
        reaches = np.array([self._find_reach(target) for target in targets])
        groups = group_apart(reaches)
        together = np.zeros((len(targets), max(groups) + 1), dtype=np.float32)
        together[np.arange(len(targets)), groups] = 1

        def score(E: Tensor) -> Tensor:
            X, lengths = self._read.encode(E)
            output = self._scorer(X, _repeat(self._request, len(lengths)))
            scores = _score_targets(output, targets, len(lengths))
            return scores @ torch.from_numpy(together).to(scores.device)

        found = _to_numpy(GRADIENT_METHODS[method](score, self._read.embeddings))[groups]
        places = np.arange(tokens)
        within = (places >= reaches[:, :1]) & (places < reaches[:, 1:])
        return np.asarray(np.where(within, found, np.float32(0)))

    def _find_reach(self, target: LinkTarget) -> tuple[int, int]:
        """The first token that a target can hang on, and the end of them: of its mentions, of what
        may govern these and what may govern that, and of the windows that those are read in."""
        mentions, candidates = self.scores.mentions, self.scores.pairs.candidates[target.row]
        rows = [target.row, *candidates[candidates >= 0].tolist()]
        around = self._read.encoder.window + 2 * HEAD_REACH
        first, end = int(mentions.start[rows].min()), int(mentions.end[rows].max())
        return max(0, first - around), min(len(self._read.embeddings), end + around)

    def share_features(
        self, targets: Sequence[LinkTarget], pairs: Sequence[tuple[int, int]]
    ) -> list[PairShares]:
        """What the named features of its pairs brought to each target. Targets of one mention have
        the same candidates chosen.

        pairs: of each target the mention and the column of the candidate whose values are told.
        """
        if not targets:
            return []

        # An antecedent that joined several anaphors has made one decision.
        rows = {target.row: target for target in targets}

        def score(output: CorefOutput) -> Tensor:
            return _score_targets(output, list(rows.values()), 1)[0]

        found = feature_shares(self._scorer, self._X, self._request, score)
        firsts = np.concatenate([_firsts(PAIR_FEATURES), _firsts(ROLE_FEATURES)])
        values = _to_numpy(found.values) - firsts[: found.values.shape[1]]
        places = self.scores.pairs
        without = dict(zip(rows, found.without.tolist(), strict=True))
        told = []
        for row, column in pairs:
            (pair,) = np.flatnonzero((places.anaphor == row) & (places.column == column))
            told.append(PairShares(values[pair].tolist(), found.shares[row].tolist(), without[row]))
        return told


def group_apart(reaches: npt.NDArray[np.int64]) -> list[int]:
    """Numbers of groups, as few as there can be, within which none overlaps another.

    reaches: first and end of each. *Shape:* ``(n, 2)``
    """
    groups, ends = [0] * len(reaches), list[int]()
    for i in np.argsort(reaches[:, 0], kind="stable").tolist():
        first, end = reaches[i].tolist()
        group = next((g for g, taken in enumerate(ends) if taken <= first), len(ends))
        if group == len(ends):
            ends.append(end)
        groups[i], ends[group] = group, end
    return groups


def _score_targets(output: CorefOutput, targets: Sequence[LinkTarget], copies: int) -> Tensor:
    """The log odds of each target in every copy of a text. *Shape:* ``(copies, targets)``"""
    mentions = len(output.null_logits) // copies
    pairs = output.pair_logits.reshape(copies, mentions, -1)
    none = output.null_logits.reshape(copies, mentions)
    found = []
    for target in targets:
        # Where there is no candidate, the logit is -inf, which has no gradient.
        there = torch.from_numpy(np.isfinite(_to_numpy(pairs[0, target.row]))).to(pairs.device)
        own = none[:, target.row, None] + target.null_bias
        logits = torch.cat([own, pairs[:, target.row, there]], dim=1) / target.temperature
        chosen = torch.from_numpy(target.chosen).to(there.device)[there]
        found.append(log_odds(logits, torch.cat([chosen.new_zeros(1), chosen])))
    return torch.stack(found, dim=1)


def _repeat(request: CorefRequest, copies: int) -> CorefRequest:
    """The same asked of copies of a text, one after the other."""
    tokens = sum(request.lengths)
    firsts = np.repeat(np.arange(copies) * tokens, len(request.spans))
    return request._replace(
        codes=np.tile(request.codes, (copies, 1)),
        lengths=request.lengths * copies,
        spans=np.tile(request.spans, (copies, 1)) + firsts[:, None],
        guideline=np.tile(request.guideline, copies),
    )


def _find_head(recording: Recording, kind: type[M], name: str) -> tuple[M, tuple[Any, ...]]:
    """The module that answered, and what it was asked.

    name: of the architecture that has such a module.
    """
    call = recording.find(kind)
    if call is None:
        raise LstmError(f"no {name} has read the text: nothing to explain")
    assert isinstance(call.module, kind)
    return call.module, call.args


def _find_read(recording: Recording) -> _Read:
    call = recording.find(TokenEncoder)
    if call is None:
        raise LstmError(
            "no spacy_lstm.BiLSTMTok2Vec.v1 has read the text: words can be weighed by their "
            "embeddings only in a model with one"
        )
    encoder, (features, _, *rest) = call
    assert isinstance(encoder, TokenEncoder)
    # What is made here goes on to where gradients are wanted, in whatever mode the caller is.
    with torch.inference_mode(False), torch.no_grad():
        if rest and rest[0] is not None:
            features = features[torch.from_numpy(rest[0])]
        return _Read(encoder, encoder.embedding(features))


def _firsts(sizes: dict[str, int]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *sizes.values()])[:-1]


def _to_numpy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()
