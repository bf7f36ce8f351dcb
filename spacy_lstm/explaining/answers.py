"""The answers of a pipeline to texts: what `faithfulness` measures explanations on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..batching import batch_by_tokens
from ..coref.decode import antecedent_probabilities
from ..coref.mentions import Span
from .faithfulness import Answer
from .links import LINK_METHODS, Decision, HeardLinks, hear_links
from .parts import BATCH_TOKENS, is_blank, prepare_parts
from .sentiment import (
    SENTIMENT_METHODS,
    hear_sentiment,
    label_probabilities,
    read_pooling,
    weigh_words,
)

__all__ = ["link_answers", "sentiment_answers"]

# A candidate below this probability is no rival whose loss would change the question.
_RIVAL = 0.01


def sentiment_answers(
    nlp: Language,
    docs: Iterable[Doc],
    *,
    methods: Sequence[str] = (),
    component: str | None = None,
) -> Iterator[Answer]:
    """The label that `lstm_sentiment` gives to each text, whatever is true; texts without a word
    are passed over.

    docs: texts; they are not changed.
    methods: some of `SENTIMENT_METHODS`; none: all that the model has.
    """
    for doc in docs:
        if is_blank(doc):
            continue
        heard, pipe = hear_sentiment(nlp, doc.text, component)
        (prediction,) = pipe.predict([heard.doc])
        label = int(np.argmax(prediction.probabilities))
        known = [
            m for m in SENTIMENT_METHODS if m != "attention" or read_pooling(heard) is not None
        ]
        weights = {method: weigh_words(nlp, heard, label, method) for method in methods or known}
        removable = [token.i for token in heard.doc if not token.is_space]
        ask = partial(_ask_label, nlp, heard.component, heard.doc, label)
        yield Answer(weights, removable, ask)


def _ask_label(
    nlp: Language, component: str, doc: Doc, label: int, parts: Sequence[Sequence[int]]
) -> list[float]:
    found: list[float] = label_probabilities(nlp, component, doc, parts)[:, label].tolist()
    return found


def link_answers(
    nlp: Language,
    docs: Iterable[Doc],
    *,
    methods: Sequence[str] = (),
    anaphors: Callable[[Doc], Sequence[Span] | None] = lambda doc: None,
    component: str | None = None,
) -> Iterator[Answer]:
    """The antecedent that `lstm_coref` gives to each pronoun, whatever is true. Pronoun and
    candidates stay in the text, whatever is taken out of it.

    docs: texts; they are not changed.
    methods: some of `LINK_METHODS`; none: all that the model has.
    anaphors: gives the pronouns of a text to take, in its characters, or None for all.
    """
    for doc in docs:
        if is_blank(doc):
            continue
        heard = hear_links(nlp, doc.text, component=component)
        wanted = anaphors(doc)
        decisions = [
            decision
            for decision in heard.decisions
            if wanted is None or _characters(heard, decision.link.anaphor) in wanted
        ]
        if not decisions:
            continue
        attends = heard.read_attention(decisions) is not None
        known = [method for method in LINK_METHODS if method != "attention" or attends]
        weights = {method: heard.weigh_words(decisions, method) for method in methods or known}
        for number, decision in enumerate(decisions):
            kept = _rivals(heard, decision)
            held = {i for span in kept for i in range(*span)}
            tokens = heard.heard.doc
            yield Answer(
                {method: rows[number] for method, rows in weights.items()},
                [token.i for token in tokens if not token.is_space and token.i not in held],
                partial(_ask_link, nlp, heard, decision, kept),
            )


def _characters(heard: HeardLinks, span: Span) -> Span:
    found = heard.heard.doc[span[0] : span[1]]
    return found.start_char, found.end_char


def _rivals(heard: HeardLinks, decision: Decision) -> list[Span]:
    """What has to stay: the mention, then its chosen candidates and their rivals."""
    p = heard.probabilities[decision.row, 1:]
    candidates = heard.scores.pairs.candidates[decision.row]
    kept = (candidates >= 0) & ((p >= _RIVAL) | decision.chosen)
    rows = [decision.row, *candidates[kept].tolist()]
    return [heard.span(row) for row in dict.fromkeys(rows)]


def _ask_link(
    nlp: Language,
    heard: HeardLinks,
    decision: Decision,
    kept: Sequence[Span],
    parts: Sequence[Sequence[int]],
) -> list[float]:
    """The probability of the chosen candidates together in parts of the text."""
    pipe: Any = nlp.get_pipe(heard.heard.component)
    candidates = heard.scores.pairs.candidates[decision.row]
    chosen = {heard.span(row) for row in candidates[decision.chosen].tolist()}
    found = []
    for batch in batch_by_tokens(parts, BATCH_TOKENS):
        docs = prepare_parts(nlp, heard.heard.component, heard.heard.doc, batch)
        moved, first = [], 0
        for part in batch:
            place = {token: first + i for i, token in enumerate(part)}
            moved.append({span: (place[span[0]], place[span[1] - 1] + 1) for span in kept})
            first += len(part)
        spans = [span for each in moved for span in each.values()]
        scores = pipe.score_documents(docs, np.array(spans, dtype=np.int64).reshape(-1, 2))
        p = antecedent_probabilities(scores, heard.temperature)
        mentions = scores.mentions
        ends = zip(mentions.start.tolist(), mentions.end.tolist(), strict=True)
        rows = {span: row for row, span in enumerate(ends)}
        for each in moved:
            row = rows[each[heard.span(decision.row)]]
            wanted = [rows[each[span]] for span in each if span in chosen]
            hits = np.isin(scores.pairs.candidates[row], wanted)
            found.append(float(p[row, 1:][hits].sum()))
    return found
