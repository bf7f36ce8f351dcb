"""Sentiment's probabilities, fitted on development data after training."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.training import Example

from ..batching import batch_by_tokens
from ..errors import LstmError
from .sentiment import BATCH_TOKENS, SentimentClassifier
from .sentiment_reading import is_blank
from .tempering import Tempering

__all__ = ["calibrate_sentiment"]

# What each weight may become, from least to most.
_RANGES: Final = {
    "temperature": (0.2, 5.0),
    "length_exponent": (-0.5, 0.5),
    "neutral_offset": (-3.0, 3.0),
    "polarity_exponent": (-1.0, 1.0),
}
_FIRST_STEP: Final = 0.2
_LAST_STEP: Final = 0.0005
# One more weight has to bring this much: a smaller gain on some hundred texts does not carry over
# to others, and an offset moves answers too.
_LEAST_GAIN: Final = 0.001


class _Truth(NamedTuple):
    """Texts whose data knows the same labels."""

    logits: npt.NDArray[Any]
    """*Shape:* ``(texts, labels)``"""
    lengths: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    """Which labels compete."""
    right: npt.NDArray[np.int64]
    """Which of these is true."""


def calibrate_sentiment(
    pipe: SentimentClassifier, sets: Sequence[Sequence[Example]]
) -> dict[str, float]:
    """Fit the temperature that makes the truth of development data most likely, and store it.

    The mean over the sets of the negative log-likelihood is made least, so a large set counts
    as much as a small one; of each text the labels that its reference knows compete, as in
    `scorers.score_sentiment`. A temperature that follows the length or the polarity, and an offset
    of NEUTRAL where data with three labels is among the sets, are taken as well if they bring
    enough.

    pipe: the component; its `cfg` is changed.
    sets: development sets, with the tokens of the pipeline as predicted documents.
    RETURNS: what `Tempering` has.
    """
    truths = [groups for examples in sets if (groups := list(_read_truths(pipe, examples)))]
    if not truths:
        raise LstmError("no labels to fit probabilities to: give texts with a label each")
    names = ["temperature"]
    best, loss = _search(truths, pipe.labels, Tempering(), names)
    for name in ("length_exponent", "polarity_exponent", "neutral_offset"):
        found, found_loss = _search(truths, pipe.labels, best, [*names, name])
        if found_loss < loss - _LEAST_GAIN:
            best, loss, names = found, found_loss, [*names, name]
    fitted = {name: round(float(value), 4) for name, value in best._asdict().items()}
    pipe.cfg.update(fitted)
    return fitted


def _search(
    truths: Sequence[Sequence[_Truth]],
    labels: Sequence[str],
    start: Tempering,
    names: Sequence[str],
) -> tuple[Tempering, float]:
    """A pattern search (Hooke and Jeeves 1961): there are four weights at most."""
    best, loss, step = start, _loss(truths, labels, start), _FIRST_STEP
    while step > _LAST_STEP:
        moved = False
        for name in names:
            least, most = _RANGES[name]
            for change in (step, -step):
                value = min(most, max(least, getattr(best, name) + change))
                candidate = best._replace(**{name: value})
                found = _loss(truths, labels, candidate)
                if found < loss:
                    best, loss, moved = candidate, found, True
        if not moved:
            step /= 2
    return best, loss


def _loss(truths: Sequence[Sequence[_Truth]], labels: Sequence[str], tempering: Tempering) -> float:
    """The mean over sets of the mean negative log-likelihood of a text."""
    losses = []
    for groups in truths:
        each = []
        for group in groups:
            told = tempering.log_probabilities(group.logits, group.lengths, labels)
            told = told[:, group.places]
            right = np.take_along_axis(told, group.right[:, None], axis=1)[:, 0]
            each.append(np.logaddexp.reduce(told, axis=1) - right)
        losses.append(np.concatenate(each).mean())
    return float(np.mean(losses))


def _read_truths(pipe: SentimentClassifier, examples: Sequence[Example]) -> Iterator[_Truth]:
    """The texts that say anything, by the labels that compete; blank ones are not the model's."""
    truth, known = pipe.read_truth(examples)
    usable = known.any(axis=1) & np.array(
        [not is_blank(example.predicted) for example in examples], bool
    )
    kept = [example.predicted for example, use in zip(examples, usable, strict=True) if use]
    logits = [pipe.read_shares(batch).logits for batch in batch_by_tokens(kept, BATCH_TOKENS)]
    if not logits:
        return
    everything = np.concatenate(logits).astype(np.float64)
    lengths = np.array([len(doc) for doc in kept])
    rows, right = known[usable], truth[usable].argmax(axis=1)
    for pattern in np.unique(rows, axis=0):
        same = (rows == pattern).all(axis=1)
        places = np.flatnonzero(pattern)
        yield _Truth(
            everything[same],
            lengths[same],
            places,
            np.searchsorted(places, right[same]),
        )
