"""Probabilities that mean what they say: fitted on development data after training."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from spacy.training import Example

from ..coref.decode import antecedent_logits, with_null_bias
from ..coref.groups import PAIRS_PREFIX
from ..coref.words import Kind
from .coref import CoreferenceResolver
from .coref_targets import numbered_groups, read_targets, source_of

__all__ = ["calibrate"]

_TEMPERATURES: Final = np.linspace(0.5, 3.0, 51)
_NULL_WEIGHTS: Final = np.geomspace(0.05, 2.0, 38)
_BIASED_TOGETHER: Final = (
    (Kind.HE, Kind.SHE),
    (Kind.IT,),
    (Kind.THEY,),
    (Kind.COMMON,),
    (Kind.PROPER,),
    (Kind.I, Kind.WE, Kind.YOU),
)
_GIVEN_TEMPERATURES: Final = (1.0, 1.25, 1.5, 1.75, 2.0)
_FITTED: Final = (
    "temperature",
    "null_bias",
    "link_scale",
    "link_own",
    "link_offset",
    "given_temperature",
    "null_weight",
)
_BIAS_STEPS: Final = (-1.0, -0.5, 0.5, 1.0)
_ROUNDS: Final = 3
_FEWEST_BINS: Final = 3
_OWN_RATIOS: Final = (0.0, 0.25, 0.5, 1.0)
# A smaller gain does not make up for one more weight.
_LEAST_LIKELIER: Final = 1e-4
_NEWTON_STEPS: Final = 20
# A smaller gain on a few dozen documents is chance.
_LEAST_GAIN: Final = 0.0005


def calibrate(pipe: CoreferenceResolver, examples: Sequence[Example]) -> dict[str, Any]:
    """Fit what turns scores into decisions and probabilities, and store it with the weights.

    The temperature (Guo et al. 2017) makes the gold antecedents of third-person pronouns most
    likely; the null bias of each kind of mention makes clusters and pronouns best; two weights
    and an offset (Platt 1999) make a link's log-odds those of a right antecedent; a temperature of
    their own and a weight of "none" make most choices among given candidates right. Documents
    with clusters serve all but the last two, pair data these and the null bias; what has no
    data stays as it is.

    examples: development data, with the tokens of the pipeline as predicted documents.
    RETURNS: what was fitted.
    """
    pipe.cfg.update(null_bias={}, link_scale=1.0, link_own=0.0, link_offset=0.0)
    _fit_temperature(pipe, examples)
    # Without a null bias yet, which each fit adds as it needs it: the model reads them only once.
    groups = _by_source(pipe, examples)
    _fit_null_bias(pipe, groups)
    _fit_temperature(pipe, examples)
    _fit_links(pipe, groups)
    _fit_given(pipe, examples)
    return {key: pipe.cfg[key] for key in _FITTED}


def _fit_given(pipe: CoreferenceResolver, examples: Sequence[Example]) -> None:
    if not any(numbered_groups(example.reference, PAIRS_PREFIX) for example in examples):
        return
    most, best = 0, (pipe.cfg["given_temperature"], pipe.cfg["null_weight"])
    pipe.cfg["null_weight"] = 1.0
    for factor in _GIVEN_TEMPERATURES:
        pipe.cfg["given_temperature"] = factor * pipe.cfg["temperature"]
        pairs = _given_pairs(pipe, examples)
        right = np.array(
            [sum(_is_right(*pair, weight) for pair in pairs) for weight in _NULL_WEIGHTS]
        )
        if right.max() > most:
            # Of equally good weights one in the middle.
            places = np.flatnonzero(right == right.max())
            weight = float(_NULL_WEIGHTS[places[len(places) // 2]])
            most, best = int(right.max()), (pipe.cfg["given_temperature"], weight)
    pipe.cfg["given_temperature"], pipe.cfg["null_weight"] = best


def _fit_temperature(pipe: CoreferenceResolver, examples: Sequence[Example]) -> None:
    likelihoods = [
        found for example in examples if (found := _gold_logits(pipe, example)) is not None
    ]
    if likelihoods:
        losses = [
            sum(_negative_log_likelihood(*found, temperature) for found in likelihoods)
            for temperature in _TEMPERATURES
        ]
        pipe.cfg["temperature"] = float(_TEMPERATURES[int(np.argmin(losses))])


def _fit_null_bias(pipe: CoreferenceResolver, groups: Sequence["_Decoded"]) -> None:
    """One kind of mention after the other, for as long as the clusters get better by it."""
    bias: dict[str, float] = {}
    best = _mean_score(groups, bias)
    for _ in range(_ROUNDS):
        before = dict(bias)
        for kinds in _BIASED_TOGETHER:
            for step in _BIAS_STEPS:
                moved = {kind.name: before.get(kind.name, 0.0) + step for kind in kinds}
                score = _mean_score(groups, bias | moved)
                if score > best + _LEAST_GAIN:
                    best, bias = score, bias | moved
        if bias == before:
            break
    pipe.cfg["null_bias"] = {kind: round(value, 3) for kind, value in bias.items()}


def _by_source(pipe: CoreferenceResolver, examples: Sequence[Example]) -> list["_Decoded"]:
    """Nothing where the component has no scorer."""
    sources: dict[str | None, list[Example]] = {}
    for example in examples if pipe.scorer else ():
        if source_of(example.reference) is not None:
            sources.setdefault(source_of(example.reference), []).append(example)
    return [_Decoded(pipe, group) for group in sources.values()]


def _fit_links(pipe: CoreferenceResolver, groups: Sequence["_Decoded"]) -> None:
    """Logistic regression of being right on the log-odds of chain and decision, over the bins of
    reliability curves: their ratio is tried out, the rest fitted."""
    most, best = -np.inf, (1.0, 0.0, 0.0)
    for ratio in _OWN_RATIOS:
        # Both together are to be about as large as one, or all would fall into the last bin.
        scale = 1 / (1 + ratio)
        pipe.cfg.update(link_scale=scale, link_own=scale * ratio, link_offset=0.0)
        bins = [
            row
            for group in groups
            for row in group.evaluate(pipe.cfg["null_bias"]).get("link_reliability") or ()
            if 0 < row["probability"] < 1
        ]
        if len(bins) < _FEWEST_BINS:
            break
        slope, offset, likelihood = _regress(bins)
        if likelihood > most + _LEAST_LIKELIER:
            most, best = likelihood, (slope * scale, slope * scale * ratio, offset)
    for key, value in zip(("link_scale", "link_own", "link_offset"), best, strict=True):
        pipe.cfg[key] = round(float(value), 4)


def _regress(bins: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Slope and offset of log-odds, and the mean log-likelihood of an answer with them; no change
    where none is better."""
    n, p, right = (np.array([row[key] for row in bins]) for key in ("n", "probability", "accuracy"))
    inputs = np.stack([np.log(p / (1 - p)), np.ones_like(p)], axis=1)
    unchanged = weights = np.array([1.0, 0.0])
    for _ in range(_NEWTON_STEPS):
        fitted = _sigmoid(inputs @ weights)
        # A prior of one answer in each bin keeps what perfect answers ask for finite.
        gradient = inputs.T @ (n * (right - fitted) + (p - fitted))
        curvature = (inputs * ((n + 1) * fitted * (1 - fitted))[:, None]).T @ inputs
        # Short steps, for far away the curvature is nothing.
        weights = weights + np.clip(np.linalg.pinv(curvature) @ gradient, -1, 1)

    def likelihood(weights: Any) -> float:
        fitted = _sigmoid(inputs @ weights)
        each = right * np.log(fitted) + (1 - right) * np.log(1 - fitted)
        return float(n @ each / n.sum())

    if weights[0] <= 0 or likelihood(weights) < likelihood(unchanged):
        weights = unchanged
    return float(weights[0]), float(weights[1]), likelihood(weights)


def _sigmoid(log_odds: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(log_odds, -20, 20)))


class _Decoded:
    """Examples of one source with what the model says of them, to be decoded again and again."""

    def __init__(self, pipe: CoreferenceResolver, examples: Sequence[Example]) -> None:
        self.pipe = pipe
        self.examples = [example for example in examples if len(example.predicted)]
        self.scores = [pipe.score_documents([example.predicted]) for example in self.examples]

    def score(self, bias: dict[str, float]) -> float:
        """Of documents the mean of CoNLL F, which counts twice, and of the F1 of pronouns' links,
        which counts those of pronouns that refer to nothing; F1 of pairs with names detected; 0
        for what has neither."""
        scored = self.evaluate(bias)
        if scored.get("conll_f") is None:
            return float(scored.get("gap_f") or 0.0)
        everything = (scored.get("link_thresholds") or [{}])[0]
        p, r = (float(everything.get(key) or 0.0) for key in ("p", "r"))
        links = 2 * p * r / (p + r) if p + r else 0.0
        return (2 * float(scored["conll_f"]) + links) / 3

    def evaluate(self, bias: dict[str, float]) -> dict[str, Any]:
        """What the component's scorer says."""
        for example, scores in zip(self.examples, self.scores, strict=True):
            docs = [example.predicted]
            self.pipe.set_annotations(
                docs, self.pipe.decode_scores(docs, with_null_bias(scores, bias))
            )
        assert self.pipe.scorer is not None
        return dict(self.pipe.scorer(self.examples))


def _mean_score(groups: Sequence[_Decoded], bias: dict[str, float]) -> float:
    return sum(group.score(bias) for group in groups) / max(1, len(groups))


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


def _given_pairs(
    pipe: CoreferenceResolver, examples: Sequence[Example]
) -> list[tuple[Any, list[int]]]:
    return [
        (np.array(p), list(group.attrs["labels"]))
        for example, given in zip(examples, pipe.score_given(examples), strict=True)
        for p, group in zip(given, numbered_groups(example.reference, PAIRS_PREFIX), strict=True)
    ]


def _is_right(p: Any, labels: list[int], weight: float) -> bool:
    choice = int(np.argmax(np.append(p[:-1], p[-1] * weight)))
    return bool(labels[choice]) if choice < len(labels) else not any(labels)
