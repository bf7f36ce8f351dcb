"""Why a text has the sentiment that it has, and how it came to it word by word."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc

from ..batching import batch_by_tokens
from ..errors import LstmError
from ..explanations import SentimentExplanation
from ..labels import SIDES
from ..models.attribution import GRADIENT_METHODS, TextReplay
from ..tracing import Heard, listen
from .parts import (
    BATCH_TOKENS,
    find_component,
    is_blank,
    prepare_parts,
    read_first,
    read_tokens,
)

__all__ = [
    "SENTIMENT_METHODS",
    "check_method",
    "explain_sentiment",
    "has_sides",
    "hear_sentiment",
    "label_probabilities",
    "read_pooling",
    "running_sentiment",
    "share_log_odds",
    "weigh_words",
]

Floats = npt.NDArray[np.float64]

SENTIMENT_METHODS: Final = ("shares", "attention", *GRADIENT_METHODS, "deletion")
"""Ways to weigh the words of a text: the exact shares of the pooled head; the weights of its
attention; those by the embeddings, see `nn.attribution`; and how far the log odds fall when a word
is taken out of the text."""

_FACTORY: Final = "lstm_sentiment"
_DEFAULT: Final = "integrated_gradients"


def explain_sentiment(
    nlp: Language,
    text_or_doc: str | Doc,
    *,
    label: str | None = None,
    method: str = _DEFAULT,
    component: str | None = None,
) -> SentimentExplanation:
    """What each word brought to the answer of `lstm_sentiment`. A `Doc` is read again, and not
    changed.

    label: the answer to explain; None for the one that is given.
    method: one of `SENTIMENT_METHODS`. The default is the one whose first words, taken out of the
        text, change the answer most: docs/explaining.md has the figures.
    component: name of the component; None for the first.

    RETURNS: for a text without a word, whose answer is a rule and not the model's (NEUTRAL is
        certain), one with `log_odds` and all `words` 0.

    Raises LstmError where there is no such component, label or method; LstmTypeError for what is
    neither text nor `Doc`.
    """
    check_method(method, SENTIMENT_METHODS)
    doc = read_tokens(nlp, text_or_doc)
    name = find_component(nlp, _FACTORY, component)
    pipe: Any = nlp.get_pipe(name)
    labels = pipe.labels
    if label is not None and label not in labels:
        raise LstmError(f"no label {label!r}: {name} knows {', '.join(labels)}")
    heard = None
    if not is_blank(doc):
        heard, _ = hear_sentiment(nlp, text_or_doc, name)
        doc = heard.doc
    (prediction,) = pipe.predict([doc])
    told = prediction.probabilities
    number = int(np.argmax(told)) if label is None else labels.index(label)
    log_odds, words = 0.0, np.zeros(len(doc))
    if heard is not None:
        log_odds = _log_odds(pipe.read_shares([doc]).logits[0], number)
        words = weigh_words(nlp, heard, number, method)
    return SentimentExplanation(
        tokens=tuple(token.text for token in doc),
        offsets=tuple(token.idx for token in doc),
        label=labels[number],
        probability=float(told[number]),
        probabilities=dict(zip(labels, map(float, told), strict=True)),
        log_odds=log_odds,
        words=tuple(words.tolist()),
        method=method,
    )


def hear_sentiment(
    nlp: Language, text_or_doc: str | Doc, component: str | None = None
) -> tuple[Heard, Any]:
    """A text that the component has read, and the component. The text has a word."""
    name = find_component(nlp, _FACTORY, component)
    heard = listen(nlp, read_first(nlp, name, text_or_doc), component=name)
    return heard, nlp.get_pipe(name)


def check_method(method: str, known: Sequence[str]) -> None:
    """Raise LstmError for a method that there is not."""
    if method not in known:
        raise LstmError(f"no method {method!r}: expected one of {', '.join(known)}")


def weigh_words(nlp: Language, heard: Heard, label: int, method: str) -> Floats:
    """What each token brought to a label. *Shape:* ``(tokens,)``

    label: its number.
    method: one of `SENTIMENT_METHODS`.
    """
    if method in GRADIENT_METHODS:
        return TextReplay(heard.recording).attribute(label, method).astype(np.float64)
    if method == "attention":
        found = read_pooling(heard)
        if found is None:
            raise LstmError(f"no attention pools the words of {heard.component}: choose another")
        return found
    pipe: Any = nlp.get_pipe(heard.component)
    if method == "shares":
        said = pipe.read_shares([heard.doc])
        return share_log_odds(said.logits[0], said.shares[0], label)
    tokens = range(len(heard.doc))
    parts = [[i for i in tokens if i != out] for out in tokens]
    logits = _read_logits(nlp, heard, [list(tokens), *parts])
    odds = np.array([_log_odds(row, label) for row in logits])
    return np.asarray(odds[0] - odds[1:])


def read_pooling(heard: Heard) -> Floats | None:
    """The weights of the attention that pools the words; None where none does. *Shape:*
    ``(tokens,)``"""
    found = heard.recording.read_attention(heard.recording.read_windows())
    for attention in found:
        if attention.name == "pooling":
            weights = attention.dense(len(heard.doc)).mean(axis=0)[0]
            return np.asarray(weights, dtype=np.float64)
    return None


def share_log_odds(logits: npt.NDArray[Any], shares: npt.NDArray[Any], label: int) -> Floats:
    """Each token's share of the log odds of a label against all others, which they sum to.

    With z the logits and q the softmax of the others, the log odds are z_label - Σ q z - H(q): the
    logits fall apart into tokens, and all tokens bear the same part of the entropy H.

    logits: *shape* ``(labels,)``
    shares: the tokens' shares of them. *Shape:* ``(tokens, labels)``
    RETURNS: *shape* ``(tokens,)``
    """
    others = np.arange(len(logits)) != label
    rest = logits[others].astype(np.float64)
    total = float(np.logaddexp.reduce(rest))
    q = np.exp(rest - total)
    entropy = total - float(q @ rest)
    split = shares.astype(np.float64)
    return np.asarray(split[:, label] - split[:, others] @ q - entropy / max(1, len(shares)))


def _log_odds(logits: npt.NDArray[Any], label: int) -> float:
    wide = logits.astype(np.float64)
    return float(wide[label] - np.logaddexp.reduce(np.delete(wide, label)))


def _read_logits(nlp: Language, heard: Heard, parts: Sequence[Sequence[int]]) -> Floats:
    pipe: Any = nlp.get_pipe(heard.component)
    rows = [
        pipe.read_shares(prepare_parts(nlp, heard.component, heard.doc, batch)).logits
        for batch in batch_by_tokens(parts, BATCH_TOKENS)
    ]
    return np.concatenate(rows).astype(np.float64)


def label_probabilities(
    nlp: Language, component: str, doc: Doc, parts: Sequence[Sequence[int]]
) -> Floats:
    """What the component says of parts of a text that it reads alone.

    parts: the tokens of each.
    RETURNS: *shape* ``(parts, labels)``
    """
    pipe: Any = nlp.get_pipe(component)
    found: list[list[float]] = []
    for batch in batch_by_tokens(parts, BATCH_TOKENS):
        predictions = pipe.predict(prepare_parts(nlp, component, doc, batch))
        found.extend(prediction.probabilities for prediction in predictions)
    return np.array(found, dtype=np.float64).reshape(len(parts), -1)


def has_sides(labels: Sequence[str]) -> bool:
    """Whether some labels tell POSITIVE from NEGATIVE."""
    return SIDES.keys() <= set(labels)


def running_sentiment(
    nlp: Language,
    text_or_doc: str | Doc,
    *,
    after: Sequence[int] | None = None,
    component: str | None = None,
) -> list[float]:
    """P(POSITIVE) - P(NEGATIVE) after each token of a text: of the text up to there, read alone.
    So it is told how a contrast turns ("dull at first, but the ending is wonderful"). The last one
    is `doc.sentiment`. A `Doc` is not changed.

    after: the tokens after which to tell it; None for all. All of them together take time that
        grows with the square of the text's length.
    component: name of the component; None for the first.
    RETURNS: a number a token; 0 as long as there was no word.

    Raises LstmError where there is no such component or token, or its labels have no two sides;
    LstmTypeError for what is neither text nor `Doc`.
    """
    doc = read_tokens(nlp, text_or_doc)
    name = find_component(nlp, _FACTORY, component)
    pipe: Any = nlp.get_pipe(name)
    labels = pipe.labels
    if not has_sides(labels):
        raise LstmError(f"no POSITIVE and NEGATIVE among the labels of {name}: {', '.join(labels)}")
    if not len(doc):
        return []
    tokens = range(len(doc)) if after is None else after
    for token in tokens:
        if not 0 <= token < len(doc):
            raise LstmError(
                f"no token {token} in a text of {len(doc)}: expected 0 to {len(doc) - 1}"
            )
    parts = [range(token + 1) for token in tokens]
    signs = [
        float(label in SIDES["POSITIVE"]) - float(label in SIDES["NEGATIVE"]) for label in labels
    ]
    scores = label_probabilities(nlp, name, doc, parts) @ np.array(signs)
    return [float(score) for score in scores]
