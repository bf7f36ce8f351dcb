"""From a request to its answer: the work itself, which knows nothing of the web.

A request that cannot be met raises `RefusedError` with the HTTP status that says why.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from ..descriptions import (
    describe_entities,
    describe_explanation,
    describe_links,
    describe_sentiment,
)
from ..errors import LstmError
from ..explaining import explain
from ..traces import AttentionTrace, Trace
from ..tracing import trace
from .library import Library, ServedModel
from .limits import Limits
from .schema import (
    AttentionAnswer,
    ExplainAnswer,
    ExplainRequest,
    GatesAnswer,
    ResolveAnswer,
    ResolveBatch,
    SentimentAnswer,
    SentimentBatch,
    SurvivalAnswer,
    TextsRequest,
    TraceAnswer,
    TraceRequest,
)

__all__ = [
    "RefusedError",
    "answer_explain",
    "answer_resolve",
    "answer_sentiment",
    "answer_trace",
    "find_model",
]

# Digits that a picture can show; the full trace is `spacy_lstm.trace`'s.
_DIGITS = 5


class RefusedError(Exception):
    """A request that is not met."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def find_model(library: Library, name: str | None) -> ServedModel:
    """The model that a request names."""
    found = library.find(name)
    if found is None:
        known = ", ".join(model.name for model in library)
        raise RefusedError(404, f"no model {_shorten(name)!r}: expected one of {known}")
    return found


def _shorten(text: str | None) -> str:
    return (text or "")[:80]


def answer_resolve(
    model: ServedModel, asked: TextsRequest, limits: Limits
) -> ResolveAnswer | ResolveBatch:
    """The answer of `/api/resolve`."""
    if not model.resolves:
        raise RefusedError(422, f"the model {model.name} has no lstm_coref")
    found = _read(model, asked, limits, describe_links, disable=model.silent)
    if asked.text is not None:
        return ResolveAnswer.model_validate({"model": model.name, **found[0]})
    return ResolveBatch.model_validate({"model": model.name, "results": found})


def answer_sentiment(
    model: ServedModel, asked: TextsRequest, limits: Limits
) -> SentimentAnswer | SentimentBatch:
    """The answer of `/api/sentiment`."""
    if not model.classifies:
        raise RefusedError(422, f"the model {model.name} has no lstm_sentiment")
    found = _read(model, asked, limits, _describe_sentiment, disable=())
    if asked.text is not None:
        return SentimentAnswer.model_validate({"model": model.name, **found[0]})
    return SentimentBatch.model_validate({"model": model.name, "results": found})


def _describe_sentiment(doc: Doc) -> dict[str, Any]:
    return {**describe_sentiment(doc), "entities": describe_entities(doc)}


def _read(
    model: ServedModel,
    asked: TextsRequest,
    limits: Limits,
    describe: Callable[[Doc], dict[str, Any]],
    disable: Sequence[str],
) -> list[dict[str, Any]]:
    texts = [asked.text] if asked.text is not None else asked.texts or []
    if len(texts) > limits.max_texts:
        raise RefusedError(
            413, f"{len(texts)} texts: expected at most {limits.max_texts} a request"
        )
    _check_chars(sum(map(len, texts)), limits)
    return [describe(doc) for doc in model.nlp.pipe(texts, disable=list(disable))]


def _check_chars(count: int, limits: Limits) -> None:
    if count > limits.max_chars:
        raise RefusedError(
            413, f"{count} characters: expected at most {limits.max_chars} a request"
        )


def answer_explain(model: ServedModel, asked: ExplainRequest, limits: Limits) -> ExplainAnswer:
    """The answer of `/api/explain`."""
    if not (model.resolves or model.classifies):
        raise RefusedError(422, f"the model {model.name} has no lstm_coref and no lstm_sentiment")
    _check_length(model, asked.text, limits, limits.max_explained, "explain")
    found = describe_explanation(explain(model.nlp, asked.text))
    return ExplainAnswer.model_validate({"model": model.name, **found})


def _check_length(
    model: ServedModel, text: str, limits: Limits, max_tokens: int, purpose: str
) -> None:
    _check_chars(len(text), limits)
    tokens = len(model.nlp.make_doc(text))
    if tokens > max_tokens:
        raise RefusedError(413, f"{tokens} tokens: expected at most {max_tokens} to {purpose}")


def answer_trace(model: ServedModel, asked: TraceRequest, limits: Limits) -> TraceAnswer:
    """The answer of `/api/trace`."""
    if not model.inside:
        raise RefusedError(422, f"the model {model.name} has no LSTM encoder to look into")
    component = asked.component or next(iter(model.inside))
    if component not in model.inside:
        known = ", ".join(model.inside)
        raise RefusedError(422, f"no component {_shorten(component)!r} to trace: expected {known}")
    _check_length(model, asked.text, limits, limits.max_tokens, "trace")
    try:
        found = trace(model.nlp, asked.text, component=component)
        return _describe_trace(model.name, asked, found)
    except LstmError as error:
        raise RefusedError(422, str(error)) from error


def _describe_trace(model: str, asked: TraceRequest, found: Trace) -> TraceAnswer:
    pieces = zip(found.offsets, found.tokens, strict=True)
    return TraceAnswer.model_validate(
        {
            "model": model,
            "component": found.component,
            "lang": found.lang,
            "text": found.text,
            "tokens": [{"start": at, "end": at + len(word), "text": word} for at, word in pieces],
            "windows": [tuple(window) for window in found.windows],
            "gates": _describe_gates(asked, found),
            "survival": _describe_survival(asked, found),
            "attention": _describe_attention(asked, found),
        }
    )


def _describe_gates(asked: TraceRequest, found: Trace) -> GatesAnswer | None:
    if asked.channel is None:
        return None
    gates = found.find(layer=asked.layer, direction=asked.direction)
    return GatesAnswer(
        layer=gates.layer,
        direction=gates.direction,
        cell=gates.cell,
        channel=asked.channel,
        units=gates.units,
        values=_round(gates[asked.channel]),
    )


def _describe_survival(asked: TraceRequest, found: Trace) -> SurvivalAnswer | None:
    if asked.token is None:
        return None
    gates = found.find(layer=asked.layer, direction=asked.direction)
    left = gates.survival(asked.token).mean(axis=1)
    return SurvivalAnswer(token=asked.token, left=_round(left))


def _describe_attention(asked: TraceRequest, found: Trace) -> AttentionAnswer | None:
    if asked.attention is None:
        return None
    attention = _find_attention(asked.attention, found)
    heads = len(attention.weights)
    weights = attention.dense(len(found.tokens))
    if asked.head is not None and not 0 <= asked.head < heads:
        raise LstmError(f"no head {asked.head} in {attention.name}: expected 0 to {heads - 1}")
    chosen = weights.mean(axis=0) if asked.head is None else weights[asked.head]
    return AttentionAnswer(
        name=attention.name,
        kind=attention.kind,
        heads=heads,
        head=asked.head,
        weights=_round(chosen),
    )


def _find_attention(name: str, found: Trace) -> AttentionTrace:
    for attention in found.attention:
        if attention.name == name:
            return attention
    known = ", ".join(attention.name for attention in found.attention) or "none"
    raise LstmError(f"no attention {_shorten(name)!r} in {found.component}: it has {known}")


def _round(values: npt.NDArray[np.float32]) -> Any:
    return values.astype(np.float64).round(_DIGITS).tolist()
