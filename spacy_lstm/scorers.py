"""Examples in, figures out: the scorers of both components.

Spans are compared by their character offsets, so the reference and the prediction may be
tokenized differently. Figures whose data the references lack are None, as in spaCy's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from spacy.scorer import Scorer
from spacy.tokens import Doc, SpanGroup
from spacy.tokens import Span as DocSpan
from spacy.training import Example

from spacy_lstm.coref.errors import PronounError, find_errors, find_pair_error
from spacy_lstm.coref.gap import (
    Gender,
    PairRecord,
    Stereotype,
    choose_detected,
    choose_given,
    gap_scores,
    pronoun_gender,
    winobias_scores,
)
from spacy_lstm.coref.groups import (
    CLUSTER_PREFIX,
    MENTIONS_KEY,
    PAIRS_PREFIX,
    ROW_DATA,
    numbered_keys,
)
from spacy_lstm.coref.mentions import Span
from spacy_lstm.coref.metrics import CorefTally, conll_f, tally_clusters
from spacy_lstm.coref.pronouns import (
    PronounTally,
    Response,
    Verdict,
    judge_pronouns,
    nearest_antecedents,
    tally_pronouns,
)
from spacy_lstm.coref.reliability import (
    Answer,
    calibration_error,
    precision_at_half,
    reliability_curve,
    threshold_curve,
)
from spacy_lstm.coref.targets import PARTIAL_SOURCES, check_pair
from spacy_lstm.labels import fold_labels, know_degrees

__all__ = ["make_coref_scorer", "make_sentiment_scorer", "score_coref", "score_sentiment"]

_METRICS = ("muc", "b_cubed", "ceafe", "coref", "mention")
_PRF = ("p", "r", "f")
_PRONOUN_SCORES = (
    "pronoun_accuracy",
    "pronoun_link_accuracy",
    "pronoun_p",
    "pronoun_r",
    "pronoun_f",
)

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


class _Pair(NamedTuple):
    """A gold pair group, in characters."""

    pronoun: Span
    candidates: list[Span]
    labels: tuple[bool, ...]
    gender: Gender | None
    stereotype: Stereotype | None
    document: str
    source: str


@dataclass
class _Tallies:
    """What adds up over the examples."""

    clusters: CorefTally | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    detected: list[PairRecord] = field(default_factory=list)
    given: list[PairRecord] = field(default_factory=list)
    choices: list[Answer] = field(default_factory=list)
    errors: list[PronounError] = field(default_factory=list)


def score_coref(
    examples: Iterable[Example],
    *,
    span_cluster_prefix: str = CLUSTER_PREFIX,
    singletons: bool = False,
    given: GivenProbabilities | None = None,
    considered: Sequence[Sequence[Span]] | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Score coreference clusters, pronoun links and GAP-like pairs.

    A reference with cluster groups or with "coref_mentions" counts in the figures of
    clusters and pronouns, one with pair groups in those of pairs.

    span_cluster_prefix: groups named by it, an underscore and digits are clusters.
    singletons: whether clusters of one mention count; a gold mention outside all clusters is
        one.
    given: what the component made of the given candidates of each pair group.
    considered: one list an example: the mentions that the component weighed, in characters.

    Returns `conll_f`; `_p`, `_r` and `_f` of `muc`, `b_cubed`, `ceafe`, `coref` (LEA) and
    `mention`; `pronoun_accuracy` and `pronoun_link_accuracy` (how they differ: see
    `PronounTally.scores`), `pronoun_p`, `_r` and `_f` and `pronoun_per_class`; of the links'
    probabilities `link_ece`, `link_cluster_ece`, `link_reliability`, `link_precision_at_half` and
    `link_thresholds` (see `_link_scores`); the keys of `gap_scores` with prefix `gap` for
    detected mentions, `gap_given` for given ones, and there `_ece` and `_reliability` of the
    choice; the keys of `winobias_scores` with prefixes `winobias` and `winobias_given`. With
    `considered` also `errors`, a list of `PronounError`.
    """
    listed = list(examples)
    for name, value in (("given", given), ("considered", considered)):
        if value is not None and len(value) != len(listed):
            raise ValueError(f"{name} has {len(value)} lists for {len(listed)} examples.")
    tallies = _Tallies()
    for i, example in enumerate(listed):
        response = _read_response(example.predicted, span_cluster_prefix)
        mentions = None if considered is None else considered[i]
        _score_document(
            tallies, example.reference, response, mentions, span_cluster_prefix, singletons
        )
        chosen = None if given is None else given[i]
        _score_pairs(tallies, example.reference, response, mentions, chosen)
    scores = {
        **_cluster_scores(tallies.clusters),
        **_pronoun_scores(tally_pronouns(tallies.verdicts)),
        **_link_scores(tallies.verdicts),
        **gap_scores(tallies.detected, "gap"),
        **gap_scores(tallies.given, "gap_given"),
        "gap_given_ece": calibration_error(tallies.choices),
        "gap_given_reliability": reliability_curve(tallies.choices) or None,
        **winobias_scores(tallies.detected, "winobias"),
        **winobias_scores(tallies.given, "winobias_given"),
    }
    return scores if considered is None else {**scores, "errors": tallies.errors}


def _score_document(
    tallies: _Tallies,
    reference: Doc,
    response: Response,
    considered: Sequence[Span] | None,
    prefix: str,
    singletons: bool,
) -> None:
    """Clusters and pronouns of a document that has gold ones."""
    key = _read_key(reference, prefix)
    if key is None:
        return
    text, source = reference.text, _source(reference)
    mentions = [_characters(span) for span in reference.spans.get(MENTIONS_KEY, ())]
    # A mention of a cluster comes again here; a tally counts it where it stands first.
    everything = [*key, *([mention] for mention in mentions)]
    tally = tally_clusters(everything, response.clusters, singletons=singletons)
    tallies.clusters = (tallies.clusters or CorefTally()) + tally
    verdicts = judge_pronouns(
        text, key, response, mentions=mentions, complete=source not in PARTIAL_SOURCES
    )
    tallies.verdicts += verdicts
    if considered is not None:
        name = _row_data(reference).get("id", "")
        tallies.errors += find_errors(text, verdicts, considered, document=name, source=source)


def _score_pairs(
    tallies: _Tallies,
    reference: Doc,
    response: Response,
    considered: Sequence[Span] | None,
    given: Sequence[Sequence[float]] | None,
) -> None:
    """The pairs of a document: by its predicted clusters, and by the choice among given ones."""
    text, pairs = reference.text, _read_pairs(reference)
    chosen: list[PairRecord] = []
    if given is not None:
        chosen = _choose(pairs, given)
        tallies.choices += [
            Answer(max(probabilities), record.is_right)
            for probabilities, record in zip(given, chosen, strict=True)
        ]
    tallies.given += chosen
    for i, pair in enumerate(pairs):
        record = _detect(text, pair, response)
        tallies.detected.append(record)
        if considered is None:
            continue
        error = find_pair_error(
            text,
            pair.pronoun,
            pair.candidates,
            record,
            considered,
            antecedent=response.links.get(pair.pronoun),
            probability=response.probabilities.get(pair.pronoun),
            is_right_if_given=bool(chosen) and chosen[i].is_right,
            document=pair.document,
            source=pair.source,
        )
        tallies.errors += [error] if error else []


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


def _link_scores(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Whether the probabilities of third-person pronouns' links mean what they say.

    A link is right if its antecedent is in the pronoun's gold cluster; for `link_cluster_ece`
    it suffices that the mention just before the pronoun is, so that it leaves aside what went
    wrong earlier in a chain of pronouns. Links of pronouns that the gold does not mark are
    wrong, and not counted where the guideline leaves out things that pronouns refer to. Half,
    and recall, are of the pronouns with a gold name or noun.
    """
    kept = list(verdicts)
    links, steps = [], []
    for verdict in kept:
        if verdict.probability is not None:
            links.append(Answer(verdict.probability, verdict.is_right))
            steps.append(Answer(verdict.probability, verdict.is_right or verdict.is_led))
    wanted = sum(bool(verdict.names) for verdict in kept)
    return {
        "link_ece": calibration_error(links),
        "link_cluster_ece": calibration_error(steps),
        "link_reliability": reliability_curve(links) or None,
        "link_precision_at_half": precision_at_half(links, wanted),
        "link_thresholds": threshold_curve(links, wanted) if links else None,
    }


def _detect(text: str, pair: _Pair, response: Response) -> PairRecord:
    cluster = next((c for c in response.clusters if pair.pronoun in c), [])
    antecedent = response.links.get(pair.pronoun)
    predicted = choose_detected(text, pair.pronoun, pair.candidates, cluster, antecedent)
    return PairRecord(pair.labels, predicted, pair.gender, pair.stereotype)


def _choose(pairs: list[_Pair], given: Sequence[Sequence[float]]) -> list[PairRecord]:
    expected = [len(pair.candidates) + 1 for pair in pairs]
    got = [len(probabilities) for probabilities in given]
    if got != expected:
        raise ValueError(
            f"given has {got} probabilities for pair groups that need {expected}: one a "
            "candidate, and none last."
        )
    return [
        PairRecord(pair.labels, choose_given(probabilities), pair.gender, pair.stereotype)
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


def _read_response(doc: Doc, prefix: str) -> Response:
    clusters: list[list[Span]] = []
    links: dict[Span, Span] = {}
    probabilities: dict[Span, float] = {}
    for group in _numbered_groups(doc, prefix):
        cluster = [_characters(span) for span in group]
        clusters.append(cluster)
        if "links" not in group.attrs:
            links.update(nearest_antecedents(doc.text, [cluster]))
            continue
        for link in group.attrs["links"]:
            ends = (doc[slice(*link[end])] for end in ("anaphor", "antecedent"))
            anaphor, antecedent = map(_characters, ends)
            links[anaphor] = antecedent
            probabilities[anaphor] = link["score"]
    return Response(clusters, links, probabilities)


def _row_data(reference: Doc) -> Mapping[str, Any]:
    return reference.user_data.get(ROW_DATA) or {}


def _source(reference: Doc) -> str:
    if MENTIONS_KEY not in reference.spans:
        return ""
    return reference.spans[MENTIONS_KEY].attrs.get("source") or ""


def _stereotype(reference: Doc) -> Stereotype | None:
    meta = _row_data(reference).get("meta")
    value = meta.get("stereotype") if isinstance(meta, dict) else None
    return value if value in ("pro", "anti") else None


def _read_pairs(doc: Doc) -> list[_Pair]:
    pairs = []
    for group in _numbered_groups(doc, PAIRS_PREFIX):
        spans = list(group)
        labels = group.attrs.get("labels", [])
        check_pair(group.name or PAIRS_PREFIX, len(spans), len(labels))
        pronoun, *candidates = map(_characters, spans)
        gender = group.attrs.get("gender") or pronoun_gender(spans[0].text)
        pairs.append(
            _Pair(
                pronoun,
                candidates,
                tuple(map(bool, labels)),
                gender,
                _stereotype(doc),
                document=str(group.attrs.get("id") or ""),
                source=group.attrs.get("source") or "",
            )
        )
    return pairs


def score_sentiment(
    examples: Iterable[Example], *, positive_label: str | None = None, **_: Any
) -> dict[str, Any]:
    """spaCy's `cats_*` figures for exclusive labels, `accuracy`, and whether the probability of
    the answer means what it says: `ece` and `reliability`, see `coref.reliability`.

    Only the labels that the reference knows compete: where its data is binary, a model that
    also has NEUTRAL is asked which of the two is the more probable; where it does not know
    VERY_NEGATIVE and VERY_POSITIVE, they count on their sides. A document without a prediction
    counts as wrong, a reference without a true label not at all.

    positive_label: handed to spaCy's scorer for binary tasks.
    """
    kept = [example for example in examples if any(example.reference.cats.values())]
    labels = list(dict.fromkeys(label for example in kept for label in example.reference.cats))
    # score_cats asks its getter about a document, which does not say which reference it has.
    folds = not know_degrees(labels)
    views = {id(example.predicted): _comparable(example, labels, folds) for example in kept}
    scores: dict[str, Any] = Scorer.score_cats(
        kept,
        "cats",
        getter=lambda doc, attr: views.get(id(doc), doc.cats),
        labels=labels,
        multi_label=False,
        positive_label=positive_label,
    )
    if not kept:
        return dict.fromkeys([*scores, "accuracy", "ece", "reliability"])
    answers = [_answer(views[id(example.predicted)], example.reference.cats) for example in kept]
    return {
        **scores,
        "accuracy": sum(answer.is_right for answer in answers) / len(kept),
        "ece": calibration_error(answers),
        "reliability": reliability_curve(answers),
    }


def _answer(competing: Mapping[str, float], gold: Mapping[str, float]) -> Answer:
    """The most probable of the labels that compete, with its probability among them."""
    best = _best(competing)
    total = sum(competing.values())
    probability = competing[best] / total if total else 1 / len(competing)
    return Answer(probability, best == _best(gold))


def _comparable(example: Example, labels: Sequence[str], folds: bool) -> dict[str, float]:
    """The predicted probabilities of the labels that compete for one reference."""
    gold, predicted = example.reference.cats, example.predicted.cats
    # Data that writes the true label only says nothing about which labels it knows.
    competing = gold if len(gold) > 1 else labels
    if folds:
        predicted = fold_labels(predicted)
    comparable = {label: predicted[label] for label in competing if label in predicted}
    return comparable or {label: float(label != _best(gold)) for label in competing}


def _best(cats: Mapping[str, float]) -> str:
    return max(cats, key=cats.__getitem__)
