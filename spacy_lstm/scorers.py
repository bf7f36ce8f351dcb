"""Examples in, figures out: the scorers of both components.

Spans are compared by their character offsets, so the reference and the prediction may be
tokenized differently. Figures whose data the references lack are None, as in spaCy's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from spacy.scorer import Scorer
from spacy.tokens import Doc, SpanGroup
from spacy.tokens import Span as DocSpan
from spacy.training import Example

from spacy_lstm.coref.gap import (
    Gender,
    PairRecord,
    choose_detected,
    choose_given,
    gap_scores,
    pronoun_gender,
)
from spacy_lstm.coref.groups import CLUSTER_PREFIX, MENTIONS_KEY, PAIRS_PREFIX, numbered_keys
from spacy_lstm.coref.mentions import Span
from spacy_lstm.coref.metrics import (
    CorefTally,
    PronounTally,
    conll_f,
    nearest_antecedents,
    tally_clusters,
    tally_pronouns,
)
from spacy_lstm.coref.targets import check_pair

__all__ = ["make_coref_scorer", "make_sentiment_scorer", "score_coref", "score_sentiment"]

_METRICS = ("muc", "b_cubed", "ceafe", "coref", "mention")
_PRF = ("p", "r", "f")
_PRONOUN_SCORES = ("pronoun_accuracy", "pronoun_p", "pronoun_r", "pronoun_f")

GivenProbabilities = Sequence[Sequence[Sequence[float]]]
"""One list an example, in it one a pair group, in it one probability a candidate and that of
"none of them" last."""


def make_coref_scorer(
    span_cluster_prefix: str | None = None,
) -> Callable[..., dict[str, Any]]:
    """Registered as spacy_lstm.coref_scorer.v1: score_coref for groups of this prefix.

    span_cluster_prefix: None for that of the component that is scored.
    """
    if span_cluster_prefix is None:
        return score_coref
    # A partial, unlike a closure, can be pickled with the component for n_process > 1.
    return partial(_score_groups, span_cluster_prefix)


def _score_groups(prefix: str, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    return score_coref(examples, **{**kwargs, "span_cluster_prefix": prefix})


def make_sentiment_scorer() -> Callable[..., dict[str, Any]]:
    """Registered as spacy_lstm.sentiment_scorer.v1: score_sentiment."""
    return score_sentiment


class _Response(NamedTuple):
    """What was predicted for one document, in characters; links are anaphor to antecedent."""

    clusters: list[list[Span]]
    links: dict[Span, Span]


class _Pair(NamedTuple):
    """A gold pair group, in characters."""

    pronoun: Span
    candidates: list[Span]
    labels: tuple[bool, ...]
    gender: Gender | None


def score_coref(
    examples: Iterable[Example],
    *,
    span_cluster_prefix: str = CLUSTER_PREFIX,
    singletons: bool = False,
    given: GivenProbabilities | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Score coreference clusters, pronoun links and GAP-like pairs.

    A reference with cluster groups or with "coref_mentions" counts in the figures of
    clusters and pronouns, one with pair groups in those of pairs.

    span_cluster_prefix: groups named by it, an underscore and digits are clusters.
    singletons: whether clusters of one mention count; a gold mention outside all clusters is
        one.
    given: what the component made of the given candidates of each pair group.

    Returns `conll_f`; `_p`, `_r` and `_f` of `muc`, `b_cubed`, `ceafe`, `coref` (LEA) and
    `mention`; `pronoun_accuracy`, `pronoun_p`, `_r` and `_f` and `pronoun_per_class`; and the
    keys of `gap_scores`, with prefix `gap` for detected mentions, `gap_given` for given ones.
    """
    listed = list(examples)
    if given is not None and len(given) != len(listed):
        raise ValueError(f"given has {len(given)} lists for {len(listed)} examples.")
    clusters: CorefTally | None = None
    pronouns: dict[str, PronounTally] = {}
    detected: list[PairRecord] = []
    chosen: list[PairRecord] = []
    for i, example in enumerate(listed):
        reference, text = example.reference, example.reference.text
        response = _read_response(example.predicted, span_cluster_prefix)
        key = _read_key(reference, span_cluster_prefix)
        if key is not None:
            mentions = [_characters(span) for span in reference.spans.get(MENTIONS_KEY, ())]
            # A mention of a cluster comes again here; a tally counts it where it stands first.
            clusters = (clusters or CorefTally()) + tally_clusters(
                [*key, *([mention] for mention in mentions)],
                response.clusters,
                singletons=singletons,
            )
            tallies = tally_pronouns(text, key, response.links, mentions=mentions)
            for name, tally in tallies.items():
                pronouns[name] = pronouns.get(name, PronounTally()) + tally
        pairs = _read_pairs(reference)
        detected.extend(_detect(text, pair, response) for pair in pairs)
        if given is not None:
            chosen.extend(_choose(pairs, given[i]))
    return {
        **_cluster_scores(clusters),
        **_pronoun_scores(pronouns),
        **gap_scores(detected, "gap"),
        **gap_scores(chosen, "gap_given"),
    }


def _cluster_scores(tally: CorefTally | None) -> dict[str, float | None]:
    names = [f"{metric}_{value}" for metric in _METRICS for value in _PRF]
    if tally is None:
        return dict.fromkeys(["conll_f", *names])
    tallies = (tally.muc, tally.b_cubed, tally.ceafe, tally.lea, tally.mention)
    values = [value for metric in tallies for value in (metric.precision, metric.recall, metric.f)]
    return {"conll_f": conll_f(tally), **dict(zip(names, values, strict=True))}


def _pronoun_scores(tallies: Mapping[str, PronounTally]) -> dict[str, Any]:
    if not tallies:
        return dict.fromkeys([*_PRONOUN_SCORES, "pronoun_per_class"])
    total = sum(tallies.values(), PronounTally()).scores()
    return {
        **{name: total[name.removeprefix("pronoun_")] for name in _PRONOUN_SCORES},
        "pronoun_per_class": {name: tally.scores() for name, tally in sorted(tallies.items())},
    }


def _detect(text: str, pair: _Pair, response: _Response) -> PairRecord:
    cluster = next((c for c in response.clusters if pair.pronoun in c), [])
    antecedent = response.links.get(pair.pronoun)
    predicted = choose_detected(text, pair.pronoun, pair.candidates, cluster, antecedent)
    return PairRecord(pair.labels, predicted, pair.gender)


def _choose(pairs: list[_Pair], given: Sequence[Sequence[float]]) -> list[PairRecord]:
    expected = [len(pair.candidates) + 1 for pair in pairs]
    got = [len(probabilities) for probabilities in given]
    if got != expected:
        raise ValueError(
            f"given has {got} probabilities for pair groups that need {expected}: one a "
            "candidate, and none last."
        )
    return [
        PairRecord(pair.labels, choose_given(probabilities), pair.gender)
        for pair, probabilities in zip(pairs, given, strict=True)
    ]


def _characters(span: DocSpan) -> Span:
    return span.start_char, span.end_char


def _numbered_groups(doc: Doc, prefix: str) -> list[SpanGroup]:
    """The groups named by the prefix, an underscore and digits, by number."""
    return [doc.spans[key] for _, key in numbered_keys(doc.spans, prefix)]


def _read_key(doc: Doc, prefix: str) -> list[list[Span]] | None:
    """The gold clusters; None where the document was not annotated with any."""
    groups = _numbered_groups(doc, prefix)
    if not groups and MENTIONS_KEY not in doc.spans:
        return None
    return [[_characters(span) for span in group] for group in groups]


def _read_response(doc: Doc, prefix: str) -> _Response:
    clusters: list[list[Span]] = []
    links: dict[Span, Span] = {}
    for group in _numbered_groups(doc, prefix):
        cluster = [_characters(span) for span in group]
        clusters.append(cluster)
        if "links" not in group.attrs:
            links.update(nearest_antecedents(doc.text, [cluster]))
            continue
        for link in group.attrs["links"]:
            anaphor, antecedent = (doc[slice(*link[end])] for end in ("anaphor", "antecedent"))
            links[_characters(anaphor)] = _characters(antecedent)
    return _Response(clusters, links)


def _read_pairs(doc: Doc) -> list[_Pair]:
    pairs = []
    for group in _numbered_groups(doc, PAIRS_PREFIX):
        spans = list(group)
        labels = group.attrs.get("labels", [])
        check_pair(group.name or PAIRS_PREFIX, len(spans), len(labels))
        pronoun, *candidates = map(_characters, spans)
        gender = group.attrs.get("gender") or pronoun_gender(spans[0].text)
        pairs.append(_Pair(pronoun, candidates, tuple(map(bool, labels)), gender))
    return pairs


def score_sentiment(
    examples: Iterable[Example], *, positive_label: str | None = None, **_: Any
) -> dict[str, Any]:
    """spaCy's `cats_*` figures for exclusive labels, and `accuracy`.

    Only the labels that the reference knows compete: where its data is binary, a model that
    also has NEUTRAL is asked which of the two is the more probable. A document without a
    prediction counts as wrong, a reference without a true label not at all.

    positive_label: handed to spaCy's scorer for binary tasks.
    """
    kept = [example for example in examples if any(example.reference.cats.values())]
    labels = list(dict.fromkeys(label for example in kept for label in example.reference.cats))
    # score_cats asks its getter about a document, which does not say which reference it has.
    views = {id(example.predicted): _comparable(example, labels) for example in kept}
    scores: dict[str, Any] = Scorer.score_cats(
        kept,
        "cats",
        getter=lambda doc, attr: views.get(id(doc), doc.cats),
        labels=labels,
        multi_label=False,
        positive_label=positive_label,
    )
    if not kept:
        return dict.fromkeys([*scores, "accuracy"])
    right = sum(
        _best(views[id(example.predicted)]) == _best(example.reference.cats) for example in kept
    )
    return {**scores, "accuracy": right / len(kept)}


def _comparable(example: Example, labels: Sequence[str]) -> dict[str, float]:
    """The predicted probabilities of the labels that compete for one reference."""
    gold, predicted = example.reference.cats, example.predicted.cats
    # Data that writes the true label only says nothing about which labels it knows.
    competing = gold if len(gold) > 1 else labels
    comparable = {label: predicted[label] for label in competing if label in predicted}
    return comparable or {label: float(label != _best(gold)) for label in competing}


def _best(cats: Mapping[str, float]) -> str:
    return max(cats, key=cats.__getitem__)
