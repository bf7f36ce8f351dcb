"""What a sentiment model says of a batch of documents, their tokens and clauses → predictions."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from ..coref.clauses import find_clauses, load_trees, number_clauses
from .polarity import stored_tree
from .sides import Sides

__all__ = ["Parts", "SentimentPrediction", "find_parts", "is_blank", "read_clauses", "read_outputs"]


class SentimentPrediction(NamedTuple):
    """What the model says of one document."""

    probabilities: list[float]
    """One a label."""
    score: float
    """P(POSITIVE) - P(NEGATIVE); 0.0 for labels without them."""
    weights: list[float] | None
    """Each token's share of the score; None for labels without POSITIVE and NEGATIVE."""
    mass: float
    """Probability of either side."""
    scale: float
    """A weight divided by the token's share of the tempered log odds of POSITIVE over NEGATIVE."""
    clauses: list[list[Any]] | None = None
    """The predicate of each clause, a token, and the score of each clause: two lists, which cost
    Python's garbage collector less than one a clause. None without a tree to tell them."""


class Parts(NamedTuple):
    """The clauses of a batch."""

    owners: npt.NDArray[np.int64]
    """Of each token the number of its clause through the batch, -1 for none; empty where there
    is no clause at all."""
    sizes: npt.NDArray[np.int64]
    """Tokens of each clause."""
    predicates: list[int]
    """Of each clause a token of its document."""
    counts: list[int | None]
    """Clauses of each document; None without a tree to tell them."""


def is_blank(doc: Doc) -> bool:
    """Whether a document has no word, so that the model is not asked."""
    return all(token.is_space for token in doc)


def find_parts(docs: Sequence[Doc], lengths: Sequence[int], blank: Sequence[bool]) -> Parts:
    """The clauses of a batch, where `lstm_coref` left a tree.

    lengths: tokens of each document.
    blank: whether it has no word, and so no clause.
    """
    trees = [None if empty else stored_tree(doc) for doc, empty in zip(docs, blank, strict=True)]
    known = [tree is not None for tree in trees]
    if not any(known):
        nothing = np.zeros(0, dtype=np.int64)
        return Parts(nothing, nothing, [], [None] * len(docs))
    columns = load_trees(tree for tree in trees if tree is not None)
    numbers, predicates = number_clauses(find_clauses(columns))
    owners = np.full(sum(lengths), -1)
    owners[np.repeat(known, lengths)] = numbers
    tokens = np.where(known, lengths, 0)
    ends = np.cumsum(tokens)
    document = np.searchsorted(ends, predicates, side="right")
    counts = np.bincount(document, minlength=len(docs)).tolist()
    return Parts(
        owners,
        np.bincount(numbers),
        (predicates - (ends - tokens)[document]).tolist(),
        [count if has else None for count, has in zip(counts, known, strict=True)],
    )


def read_outputs(
    sides: Sides | None,
    probabilities: npt.NDArray[Any],
    logits: npt.NDArray[Any],
    shares: npt.NDArray[Any],
    lengths: Sequence[int],
) -> list[SentimentPrediction]:
    """The predictions of a batch, without their clauses.

    probabilities: *shape* ``(docs, labels)``
    logits: tempered, as the probabilities are. *Shape:* ``(docs, labels)``
    shares: each token's share of its document's logits. *Shape:* ``(tokens, labels)``
    lengths: tokens of each document.
    """
    listed = probabilities.tolist()
    if sides is None:
        return [SentimentPrediction(row, 0.0, None, 0.0, 0.0) for row in listed]
    odds, parts = sides.log_odds(logits, shares, lengths)
    positive, negative = sides.probabilities(probabilities)
    masses = np.minimum(1.0, positive + negative).tolist()
    scales = list(map(_scale, masses, odds.tolist()))
    weights = (np.repeat(scales, lengths) * parts).tolist()
    bounds = pairwise(accumulate(lengths, initial=0))
    rows = zip(listed, (positive - negative).tolist(), bounds, masses, scales, strict=True)
    return [
        SentimentPrediction(row, score, weights[start:end], mass, scale)
        for row, score, (start, end), mass, scale in rows
    ]


def _scale(mass: float, odds: float) -> float:
    # mass * tanh(odds / 2) is P(POSITIVE) - P(NEGATIVE); this is how much of it one unit of the
    # log odds stands for, whose limit at even odds is mass / 2.
    return mass * math.tanh(odds / 2) / odds if odds else mass / 2


def read_clauses(
    predictions: Sequence[SentimentPrediction], parts: Parts, scores: npt.NDArray[Any]
) -> list[SentimentPrediction]:
    """The predictions of a batch with the scores of their clauses, which have the *shape*
    ``(clauses,)``."""
    listed = scores.tolist()
    ends = accumulate(count or 0 for count in parts.counts)
    return [
        prediction
        if count is None
        else prediction._replace(
            clauses=[parts.predicates[end - count : end], listed[end - count : end]]
        )
        for prediction, count, end in zip(predictions, parts.counts, ends, strict=True)
    ]
