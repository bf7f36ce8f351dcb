"""The columns that are added: names, Arrow types, and how each is read from a Doc.

docs/annotate.md describes them. Offsets are int32, ends exclusive; numbers are rounded, so that
they are the same in every format.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..descriptions import cluster_keys
from ..errors import LstmError
from ..labels import SIDES

__all__ = ["COLUMN_NAMES", "DEFAULT_COLUMNS", "Column", "choose_columns"]

# What the probabilities of one text differ by, read in another batch, is below it.
_DIGITS: Final = 4

_COREF: Final = "lstm_coref"
_SENTIMENT: Final = "lstm_sentiment"

_SPAN: Final = pa.struct(
    [(name, pa.int32()) for name in ("start", "end", "start_token", "end_token")]
)
_LINK: Final = pa.struct([("anaphor", _SPAN), ("antecedent", _SPAN), ("score", pa.float64())])
_ENTITY: Final = pa.struct(
    [("name", pa.string()), ("mentions", pa.list_(_SPAN)), ("sentiment", pa.float64())]
)
_OFFSETS: Final = ("start", "end", "source_start", "source_end")
_SEGMENT: Final = pa.struct([(name, pa.int32()) for name in _OFFSETS])
_TOKEN: Final = pa.struct([("start", pa.int32()), ("end", pa.int32())])


class Column(NamedTuple):
    """A column that is added.

    name: as the output has it.
    type: in Arrow and Parquet.
    read: gives the value for a Doc, as plain data that fits the type.
    """

    name: str
    type: pa.DataType
    read: Callable[[Doc], Any]


class _Kind(NamedTuple):
    type: pa.DataType
    read: Callable[[Doc], Any]
    needs: tuple[str, ...]
    usual: bool = True


def _clusters(doc: Doc) -> list[list[dict[str, int]]]:
    return [[_span(span) for span in doc.spans[key]] for key in cluster_keys(doc)]


def _links(doc: Doc) -> list[dict[str, Any]]:
    return [
        {
            "anaphor": _span(anaphor),
            "antecedent": _span(antecedent),
            "score": round(score, _DIGITS),
        }
        for anaphor, antecedent, score in doc._.coref_links
    ]


def _segments(doc: Doc) -> list[dict[str, int]]:
    return [dict(zip(_OFFSETS, segment, strict=True)) for segment in doc._.resolved_offsets]


def _entities(doc: Doc) -> list[dict[str, Any]]:
    return [
        {
            "name": record["name"],
            "mentions": [_span(doc[start:end]) for start, end in record["mentions"]],
            "sentiment": _rounded(record["sentiment"]),
        }
        for record in doc._.entity_sentiment
    ]


def _tokens(doc: Doc) -> list[dict[str, int]]:
    return [{"start": token.idx, "end": token.idx + len(token)} for token in doc]


def _weights(doc: Doc) -> list[float]:
    return [_rounded(token._.sentiment_weight) for token in doc]


def _span(span: Span) -> dict[str, int]:
    return {
        "start": span.start_char,
        "end": span.end_char,
        "start_token": span.start,
        "end_token": span.end,
    }


def _rounded(value: float) -> float:
    # Not -0.0, which formats write differently.
    return round(value, _DIGITS) + 0.0


_KINDS: Final = {
    "coref_clusters": _Kind(pa.list_(pa.list_(_SPAN)), _clusters, (_COREF,)),
    "coref_links": _Kind(pa.list_(_LINK), _links, (_COREF,)),
    "resolved_text": _Kind(pa.string(), lambda doc: doc._.resolved_text, (_COREF,)),
    "resolved_offsets": _Kind(pa.list_(_SEGMENT), _segments, (_COREF,), usual=False),
    "sentiment": _Kind(pa.float64(), lambda doc: _rounded(doc.sentiment), (_SENTIMENT,)),
    "sentiment_label": _Kind(pa.string(), lambda doc: None, (_SENTIMENT,)),
    "sentiment_probabilities": _Kind(pa.null(), lambda doc: None, (_SENTIMENT,)),
    "entity_sentiment": _Kind(pa.list_(_ENTITY), _entities, (_COREF, _SENTIMENT)),
    "sentiment_weights": _Kind(pa.list_(pa.float64()), _weights, (_SENTIMENT,), usual=False),
    "tokens": _Kind(pa.list_(_TOKEN), _tokens, (), usual=False),
}
# They tell POSITIVE from NEGATIVE, and mean nothing for other labels.
_SIDED: Final = ("sentiment", "sentiment_weights")
COLUMN_NAMES: Final = tuple(_KINDS)
DEFAULT_COLUMNS: Final = tuple(name for name, kind in _KINDS.items() if kind.usual)


def choose_columns(nlp: Language, names: Sequence[str] | None, prefix: str = "") -> list[Column]:
    """The columns that a pipeline can give; components of ours that none needs are put to sleep.

    names: those that are wanted, of COLUMN_NAMES; None: the usual ones that the pipeline knows.
    prefix: put before their names.

    Raises LstmError for unknown names, and where the pipeline lacks what they need.
    """
    pipes = {nlp.get_pipe_meta(name).factory: name for name in nlp.pipe_names}
    for name in names or ():
        if name not in _KINDS:
            raise LstmError(f"no column {name!r} to add: expected some of {', '.join(_KINDS)}")
        missing = [factory for factory in _KINDS[name].needs if factory not in pipes]
        if missing:
            has = ", ".join(nlp.pipe_names) or "none at all"
            raise LstmError(
                f"the column {name!r} needs {missing[0]}, which the pipeline lacks (it has {has}): "
                "leave the column out, or name another pipeline"
            )
    chosen = [
        name
        for name, kind in _KINDS.items()
        if (name in names if names is not None else kind.usual and set(kind.needs) <= set(pipes))
    ]
    if not chosen:
        raise LstmError(
            f"nothing to add: the pipeline has neither {_COREF} nor {_SENTIMENT}: name another"
        )
    needed = {factory for name in chosen for factory in _KINDS[name].needs}
    for factory in {_COREF, _SENTIMENT} - needed:
        if factory in pipes:
            nlp.disable_pipe(pipes[factory])
    labels: tuple[str, ...] = ()
    if _SENTIMENT in needed:
        classifier: Any = nlp.get_pipe(pipes[_SENTIMENT])
        labels = tuple(classifier.labels)
    return [_column(name, prefix, labels) for name in chosen]


def _column(name: str, prefix: str, labels: tuple[str, ...]) -> Column:
    kind = _KINDS[name]
    if name in _SIDED and not SIDES.keys() <= set(labels):
        return Column(prefix + name, kind.type, lambda doc: None)
    if name == "sentiment_label":
        # Of equal ones the first in the order of the model's labels.
        return Column(prefix + name, kind.type, lambda doc: max(labels, key=doc.cats.__getitem__))
    if name == "sentiment_probabilities":
        shape = pa.struct([(label, pa.float64()) for label in labels])
        return Column(
            prefix + name,
            shape,
            lambda doc: {label: _rounded(doc.cats[label]) for label in labels},
        )
    return Column(prefix + name, kind.type, kind.read)
