"""Why an anaphor has the antecedent that it has."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc

from ..coref.decode import (
    CorefScores,
    Link,
    antecedent_logits,
    antecedent_probabilities,
    with_null_bias,
)
from ..coref.mentions import Span
from ..coref.pair_values import describe_values
from ..errors import LstmError
from ..explanations import Candidate, FeatureShare, LinkExplanation
from ..models.attribution import GRADIENT_METHODS, LinkReplay, LinkTarget, PairShares
from ..tracing import Heard, listen
from .parts import find_component, is_blank, read_first, read_tokens
from .sentiment import check_method

__all__ = ["LINK_METHODS", "Decision", "HeardLinks", "explain_links", "hear_links"]

Floats = npt.NDArray[np.float64]

LINK_METHODS: Final = ("attention", *GRADIENT_METHODS)
"""Ways to weigh the words of a text for a link: the attention of the encoder, or else the one that
finds heads, from the mention and its likeliest candidate; and those by the embeddings, see
`nn.attribution`."""

_FACTORY: Final = "lstm_coref"
_DEFAULT: Final = "leave_one_out"


class Decision(NamedTuple):
    """A link, and the decision that made it."""

    link: Link
    row: int
    """The mention that decided."""
    chosen: npt.NDArray[np.bool_]
    """Which of its candidates are of the link's cluster. *Shape:* ``(candidates,)``"""
    column: int
    """The likeliest of these."""


class HeardLinks(NamedTuple):
    """A text that `lstm_coref` has read."""

    heard: Heard
    replay: LinkReplay
    scores: CorefScores
    """With what was fitted to them added."""
    temperature: float
    probabilities: npt.NDArray[Any]
    """Of each mention's having no antecedent, then each of its candidates. *Shape:*
    ``(mentions, 1 + candidates)``"""
    decisions: list[Decision]

    def weigh_words(self, decisions: Sequence[Decision], method: str) -> Floats:
        """What each token brought to some decisions. *Shape:* ``(decisions, tokens)``"""
        if method == "attention":
            found = self.read_attention(decisions)
            if found is None:
                raise LstmError(f"no attention in {self.heard.component}: choose another method")
            return found
        return self.replay.attribute(self.targets(decisions), method).astype(np.float64)

    def targets(self, decisions: Sequence[Decision]) -> list[LinkTarget]:
        """The decisions as what to share out."""
        bias = self.scores.null_logits - self.replay.scores.null_logits
        return [
            LinkTarget(each.row, each.chosen, float(bias[each.row]), self.temperature)
            for each in decisions
        ]

    def span(self, row: int) -> Span:
        """The tokens of a mention."""
        mentions = self.scores.mentions
        return int(mentions.start[row]), int(mentions.end[row])

    def read_attention(self, decisions: Sequence[Decision]) -> Floats | None:
        """How much mention and likeliest candidate look at each token; None without attention.
        *Shape:* ``(decisions, tokens)``"""
        recording = self.heard.recording
        found = recording.read_attention(recording.read_windows())
        if not found:
            return None
        tokens = len(self.heard.doc)
        looks = found[0].dense(tokens).mean(axis=0).astype(np.float64)
        rows = np.zeros((len(decisions), tokens))
        for row, each in zip(rows, decisions, strict=True):
            candidate = int(self.scores.pairs.candidates[each.row, each.column])
            sides = [looks[slice(*self.span(i))].mean(axis=0) for i in (each.row, candidate)]
            row[:] = np.mean(sides, axis=0)
        return rows


def hear_links(
    nlp: Language,
    text_or_doc: str | Doc,
    *,
    component: str | None = None,
    pronouns_only: bool = True,
) -> HeardLinks:
    """Let `lstm_coref` read a text, and find what decided its links; arguments as of
    `explain_links`. The text has a word."""
    name = find_component(nlp, _FACTORY, component)
    pipe: Any = nlp.get_pipe(name)
    heard = listen(nlp, read_first(nlp, name, text_or_doc), component=name)
    replay = LinkReplay(heard.recording)
    scores = with_null_bias(replay.scores, pipe.cfg["null_bias"])
    temperature = pipe.cfg["temperature"]
    p = antecedent_probabilities(scores, temperature)
    (clustering,) = pipe.decode_scores([heard.doc], scores)
    found = _find_decisions(scores, p, clustering.clusters, clustering.links, pronouns_only)
    decisions = sorted(found, key=lambda each: each.link.anaphor)
    return HeardLinks(heard, replay, scores, temperature, p, decisions)


def _find_decisions(
    scores: CorefScores,
    p: npt.NDArray[Any],
    clusters: Sequence[Sequence[Span]],
    links: Sequence[Sequence[Link]],
    pronouns_only: bool,
) -> Iterator[Decision]:
    mentions, candidates = scores.mentions, scores.pairs.candidates
    places = zip(mentions.start.tolist(), mentions.end.tolist(), strict=True)
    rows = {span: row for row, span in enumerate(places)}
    is_pronoun = mentions.is_pronoun
    for spans, found in zip(clusters, links, strict=True):
        members = np.array([rows[span] for span in spans])
        for link in found:
            if pronouns_only and not is_pronoun[rows[link.anaphor]]:
                continue
            # An anaphor that joined nothing was joined by what became its antecedent.
            chosen = {
                row: np.isin(candidates[row], members) & (candidates[row] >= 0)
                for row in (rows[link.anaphor], rows[link.antecedent])
            }
            row = max(chosen, key=lambda row: _decides(p[row], chosen[row]))
            if not chosen[row].any():
                # What led there was not sure enough to stay in the cluster.
                row = min(chosen, key=lambda row: p[row, 0])
                chosen[row] = np.arange(chosen[row].size) == np.argmax(p[row, 1:])
            column = int(np.argmax(np.where(chosen[row], p[row, 1:], -1.0)))
            yield Decision(link, row, chosen[row], column)


def _decides(p: npt.NDArray[Any], chosen: npt.NDArray[np.bool_]) -> bool:
    """Whether a mention joined one of the chosen itself: the first that did counts."""
    return bool(p[1:][chosen].sum() > p[0])


def explain_links(
    nlp: Language,
    text_or_doc: str | Doc,
    *,
    method: str = _DEFAULT,
    pronouns_only: bool = True,
    least: float = 0.01,
    component: str | None = None,
) -> list[LinkExplanation]:
    """Why each pronoun has its antecedent: the candidates and their probabilities, and what the
    named features of the pairs and the words of the text brought to the decision. A `Doc` is read
    again, and not changed.

    method: how the words are weighed, one of `LINK_METHODS`. The default is the one whose first
        words, taken out of the text, change the answer most: docs/explaining.md has the figures.
        Its time grows with the square of the text's length; that of "gradient_x_input" does not.
    pronouns_only: leave out links of names and nouns.
    least: candidates less probable than this are left out, but for the likeliest chosen one.
    component: name of the component; None for the first.
    RETURNS: one record a link, in text order; none for a text without a word.

    Raises LstmError where there is no such component or method; LstmTypeError for what is neither
    text nor `Doc`.
    """
    check_method(method, LINK_METHODS)
    doc = read_tokens(nlp, text_or_doc)
    name = find_component(nlp, _FACTORY, component)
    if is_blank(doc):
        return []
    heard = hear_links(nlp, text_or_doc, component=name, pronouns_only=pronouns_only)
    decisions = heard.decisions
    words = heard.weigh_words(decisions, method)
    pairs = [(each.row, each.column) for each in decisions]
    shares = heard.replay.share_features(heard.targets(decisions), pairs)
    return [
        _build(heard, each, share, row.tolist(), method, least)
        for each, share, row in zip(decisions, shares, words, strict=True)
    ]


def _build(
    heard: HeardLinks,
    decision: Decision,
    shares: PairShares,
    words: list[float],
    method: str,
    least: float,
) -> LinkExplanation:
    doc, (link, row, chosen, _) = heard.heard.doc, decision
    logits = antecedent_logits(heard.scores)[row] / heard.temperature
    picked = np.concatenate([[False], chosen])
    log_odds = np.logaddexp.reduce(logits[picked]) - np.logaddexp.reduce(logits[~picked])
    values = describe_values(shares.values).items()
    features = [
        FeatureShare(name, value, share)
        for (name, value), share in zip(values, shares.shares, strict=True)
    ]
    return LinkExplanation(
        tokens=tuple(token.text for token in doc),
        offsets=tuple(token.idx for token in doc),
        anaphor=link.anaphor,
        anaphor_text=_text(doc, link.anaphor),
        antecedent=link.antecedent,
        antecedent_text=_text(doc, link.antecedent),
        probability=float(link.score),
        decided_by=heard.span(row),
        candidates=tuple(_candidates(heard, decision, least)),
        none=float(heard.probabilities[row, 0]),
        log_odds=float(log_odds),
        features=tuple(sorted(features, key=lambda each: -abs(each.share))),
        without_features=shares.without,
        words=tuple(words),
        method=method,
    )


def _candidates(heard: HeardLinks, decision: Decision, least: float) -> Iterator[Candidate]:
    p = heard.probabilities[decision.row, 1:]
    for column in np.argsort(-p, kind="stable").tolist():
        mention = int(heard.scores.pairs.candidates[decision.row, column])
        if mention >= 0 and (p[column] >= least or column == decision.column):
            span = heard.span(mention)
            chosen = bool(decision.chosen[column])
            yield Candidate(span, _text(heard.heard.doc, span), float(p[column]), chosen)


def _text(doc: Doc, span: Span) -> str:
    return str(doc[span[0] : span[1]].text)
