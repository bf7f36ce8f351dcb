"""Which spans of a batch are considered as mentions, by their scores."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt

from .candidates import Bools, Ints, Words, is_third_person
from .words import Flag, WordColumn

__all__ = ["choose_spans", "find_broken"]

Scores = npt.NDArray[np.float32]

# As plain numbers, which arrays are compared with in a fifth of the time.
_KIND, _FLAGS = int(WordColumn.KIND), int(WordColumn.FLAGS)
_SPACE, _COORDINATOR = int(Flag.SPACE), int(Flag.COORDINATOR)
# Mentions kept in a text of any length: a single sentence may be all mentions.
_FEWEST_SPANS: Final = 6


def choose_spans(
    words: Words,
    scores: Scores | None,
    lengths: Sequence[int],
    *,
    asked: Ints,
    ratio: float,
    floor: float,
) -> Ints:
    """The spans to consider, sorted: the best ones, pronouns, and those asked for.

    scores: of the span that begins at a token and has 1, 2, … words, -inf where there is none;
        None to look for no others. *Shape:* ``(tokens, max_width)``
    lengths: tokens of each document.
    asked: offsets in the batch. *Shape:* ``(spans, 2)``
    ratio: spans kept per word.
    floor: score below which none is kept.
    RETURNS: offsets in the batch. *Shape:* ``(spans, 2)``
    """
    # As one number each, which sorts many times faster than rows do.
    width = len(words.codes) + 1
    (pronouns,) = is_third_person(words.codes[:, _KIND]).nonzero()
    parts = [pronouns * (width + 1) + 1]
    if len(asked):
        parts.append(asked[:, 0] * width + asked[:, 1])
    if scores is not None:
        starts, ends = _best_spans(scores, lengths, ratio, floor)
        parts.append(starts * width + ends)
        (marks,) = (words.codes[:, _FLAGS] & _COORDINATOR).nonzero()
        if len(marks):
            starts, ends = np.divmod(np.concatenate(parts), width)
            joined = _coordinations(np.array([starts, ends]).T, marks, words, scores)
            parts.append(joined[:, 0] * width + joined[:, 1])
    keys = np.concatenate(parts)
    keys.sort()
    new = np.empty(len(keys), dtype=bool)
    new[:1], new[1:] = True, keys[1:] != keys[:-1]
    found: Ints = np.array(np.divmod(keys[new], width)).T
    return found


def _best_spans(
    logits: Scores, lengths: Sequence[int], ratio: float, floor: float
) -> tuple[Ints, Ints]:
    """The starts and ends of the best-scored spans of each document, by document."""
    # Places of a row are found five times as fast as those of a table.
    starts, columns = np.divmod((logits > floor).ravel().nonzero()[0], logits.shape[1])
    limits = [_FEWEST_SPANS + math.ceil(ratio * length) for length in lengths]
    bounds = starts.searchsorted(list(accumulate(lengths, initial=0)))
    counts = bounds[1:] - bounds[:-1]
    if (counts > limits).any():
        # By document, best first: those up to its limit stay.
        scores = -logits[starts, columns]
        # Repeated words have equal scores: among these the first count, in any company.
        if len(limits) == 1:
            kept = scores.argsort(kind="stable")[: limits[0]]
        else:
            order = np.lexsort((scores, np.repeat(np.arange(len(limits)), counts)))
            rank = np.arange(len(starts)) - np.repeat(bounds[:-1], counts)
            kept = order[rank < np.repeat(limits, counts)]
        starts, columns = starts[kept], columns[kept]
    return starts, starts + columns + 1


def find_broken(words: Words, max_width: int) -> Bools:
    """Spans of 1, 2, … words that begin or end with white space, or go on into another sentence,
    as do those that go on into another document or beyond the last one. *Shape:* ``(tokens,
    max_width)``"""
    n = len(words.codes)
    tokens, steps = np.arange(n), np.arange(max_width)
    left = words.sentence.searchsorted(words.sentence, side="right") - tokens
    broken: Bools = left[:, None] <= steps
    space = (words.codes[:, _FLAGS] & _SPACE) > 0
    if space.any():
        broken |= space[:, None] | space[np.minimum(tokens[:, None] + steps, n - 1)]
    return broken


def _coordinations(spans: Ints, marks: Ints, words: Words, scores: Scores) -> Ints:
    """What coordinators join: from the start of the best of some spans before each of them to
    the end of the best one after it. *Shape:* ``(joined, 2)``

    marks: the coordinators.
    """
    spans = spans[spans[:, 1] - spans[:, 0] <= scores.shape[1]]
    order = scores[spans[:, 0], spans[:, 1] - spans[:, 0] - 1].argsort(kind="stable")
    # The best comes last, so that it is what stays.
    before = np.full(len(words.codes) + 1, -1, dtype=np.int64)
    before[spans[order, 1]] = spans[order, 0]
    after = np.full(len(words.codes) + 1, -1, dtype=np.int64)
    after[spans[order, 0]] = spans[order, 1]
    joined = np.stack([before[marks], after[marks + 1]], axis=1)
    joined = joined[(joined >= 0).all(axis=1)]
    short = joined[:, 1] - joined[:, 0] <= scores.shape[1]
    same = words.sentence[joined[:, 0]] == words.sentence[joined[:, 1] - 1]
    return np.asarray(joined[short & same])
