"""Probabilities that mean what they say: fitted on development data after training."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from spacy.training import Example

from ..coref.decode import antecedent_logits
from ..coref.groups import PAIRS_PREFIX
from .coref import CoreferenceResolver
from .coref_targets import numbered_groups, read_targets

__all__ = ["calibrate"]

_TEMPERATURES: Final = np.linspace(0.5, 3.0, 51)
_NULL_WEIGHTS: Final = np.geomspace(0.05, 2.0, 38)


def calibrate(pipe: CoreferenceResolver, examples: Sequence[Example]) -> dict[str, float]:
    """Fit temperature and null weight, and store them with the weights.

    The temperature (Guo et al. 2017) makes the gold antecedents of third-person pronouns most
    likely; the null weight makes most choices among given candidates right. Documents with
    clusters serve the first, pair data the second; what has no data stays as it is.

    examples: development data, with the tokens of the pipeline as predicted documents.
    RETURNS: what was fitted.
    """
    likelihoods = [
        found for example in examples if (found := _gold_logits(pipe, example)) is not None
    ]
    if likelihoods:
        losses = [
            sum(_negative_log_likelihood(*found, temperature) for found in likelihoods)
            for temperature in _TEMPERATURES
        ]
        pipe.cfg["temperature"] = float(_TEMPERATURES[int(np.argmin(losses))])
    pairs = [pair for example in examples for pair in _given_pairs(pipe, example)]
    if pairs:
        right = [sum(_is_right(*pair, weight) for pair in pairs) for weight in _NULL_WEIGHTS]
        pipe.cfg["null_weight"] *= float(_NULL_WEIGHTS[int(np.argmax(right))])
    return {key: pipe.cfg[key] for key in ("temperature", "null_weight")}


def _gold_logits(pipe: CoreferenceResolver, example: Example) -> tuple[Any, Any] | None:
    """Logits of the pronouns that have a gold antecedent among their candidates, or surely none,
    and which of them are right."""
    targets = read_targets([example], pipe.span_cluster_prefix)
    if not targets.annotated.any():
        return None
    scores = pipe.score_documents([example.predicted])
    cluster = targets.clusters_of(scores.mentions)
    candidates = scores.pairs.candidates
    same = (cluster[np.maximum(candidates, 0)] == cluster[:, None]) & (candidates >= 0)
    same &= cluster[:, None] >= 0
    gold = np.concatenate([~same.any(axis=1, keepdims=True), same], axis=1)
    rows = scores.mentions.is_pronoun & ((cluster >= 0) | ~targets.unmarked.any())
    return antecedent_logits(scores)[rows], gold[rows]


def _negative_log_likelihood(logits: Any, gold: Any, temperature: float) -> float:
    scaled = logits / temperature
    everything = np.logaddexp.reduce(scaled, axis=1)
    right = np.logaddexp.reduce(np.where(gold, scaled, -np.inf), axis=1)
    return float((everything - right).sum())


def _given_pairs(pipe: CoreferenceResolver, example: Example) -> list[tuple[Any, list[int]]]:
    groups = numbered_groups(example.reference, PAIRS_PREFIX)
    given = pipe.score_given(example)
    return [
        (np.array(p), list(group.attrs["labels"])) for p, group in zip(given, groups, strict=True)
    ]


def _is_right(p: Any, labels: list[int], weight: float) -> bool:
    choice = int(np.argmax(np.append(p[:-1], p[-1] * weight)))
    return bool(labels[choice]) if choice < len(labels) else not any(labels)
