"""Extension attributes: getters over what the components leave on a `Doc`.

Nothing is stored in an attribute, so all of them work on any `Doc` that holds the data: after
`to_bytes`, in other processes, out of a `DocBin`.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

from spacy.tokens import Doc, Span, Token

from ..coref.mentions import is_pronoun
from ..coref.resolved import ResolvedText, Segment, Word, resolve_text
from .polarity import entity_sentiment, token_weight

__all__ = ["LinkedSpans", "register_extensions"]

LinkedSpans = tuple[Span, Span, float]
"""(anaphor, antecedent, probability of the link)"""


def register_extensions() -> None:
    """Register the attributes that are not there yet.

    An attribute of the same name that another package registered is left alone, with a warning:
    its users rely on it.
    """
    owners: tuple[tuple[Any, dict[str, Callable[[Any], Any]]], ...]
    owners = ((Token, _TOKEN_GETTERS), (Doc, _DOC_GETTERS))
    for owner, getters in owners:
        for name, getter in getters.items():
            if not owner.has_extension(name):
                owner.set_extension(name, getter=getter)
            elif not _is_ours(owner.get_extension(name)):
                warnings.warn(
                    f"{owner.__name__}._.{name} is registered by another package already and "
                    "stays as it is: spacy-lstm cannot offer its own attribute of that name.",
                    UserWarning,
                    stacklevel=2,
                )


def _is_ours(extension: tuple[Any, ...]) -> bool:
    # A reload of this module finds the getters of the old one.
    getter = extension[2]
    return getattr(getter, "__module__", None) in {__name__, token_weight.__module__}


def get_links(doc: Doc) -> list[LinkedSpans]:
    """Every link of the document's clusters, in text order of the anaphors.

    The clusters are the span groups with links in their `attrs`, whatever their prefix.
    """
    links = [link for group in doc.spans.values() for link in _group_links(doc, group.attrs)]
    return sorted(links, key=lambda link: (link[0].start, link[0].end, -link[2]))


def _group_links(doc: Doc, attrs: dict[str, Any]) -> Iterator[LinkedSpans]:
    for record in attrs.get("links") or ():
        anaphor = _read_span(doc, record.get("anaphor"))
        antecedent = _read_span(doc, record.get("antecedent"))
        if anaphor is not None and antecedent is not None:
            yield anaphor, antecedent, float(record.get("score", 0.0))


def _read_span(doc: Doc, offsets: Any) -> Span | None:
    """The span at stored offsets; None where a retokenized or cut document has none there."""
    start, end = offsets or (0, 0)
    return doc[start:end] if 0 <= start < end <= len(doc) else None


def _find_link(token: Token) -> LinkedSpans | None:
    """The link of the pronoun that this token belongs to: the surest, where there are several.

    Nouns are anaphors too, but whom "her mother" stands for is not whom "her" stands for.
    """
    around = [
        link
        for link in get_links(token.doc)
        if link[0].start <= token.i < link[0].end and is_pronoun([t.text for t in link[0]])
    ]
    return max(around, key=lambda link: link[2], default=None)


def get_antecedent(token: Token) -> Span | None:
    """The antecedent of the pronoun this token belongs to. For all pronouns of a long document
    `doc._.coref_links` is faster: each call here reads all links."""
    link = _find_link(token)
    return link[1] if link else None


def get_antecedent_score(token: Token) -> float:
    """Probability of the link to the antecedent; 0.0 without one."""
    link = _find_link(token)
    return link[2] if link else 0.0


def _resolve(doc: Doc) -> ResolvedText:
    words = [Word(token.text, token.whitespace_) for token in doc]
    links = [
        ((anaphor.start, anaphor.end), (antecedent.start, antecedent.end), score)
        for anaphor, antecedent, score in get_links(doc)
    ]
    return resolve_text(words, links)


def get_resolved_text(doc: Doc) -> str:
    """The text with its pronouns replaced by what they stand for."""
    return _resolve(doc).text


def get_resolved_offsets(doc: Doc) -> list[Segment]:
    """Segments (start, end in the resolved text, start, end in `doc.text`), in characters."""
    return _resolve(doc).offsets


_TOKEN_GETTERS: Final[dict[str, Callable[[Token], Any]]] = {
    "antecedent": get_antecedent,
    "antecedent_score": get_antecedent_score,
    "sentiment_weight": token_weight,
}
_DOC_GETTERS: Final[dict[str, Callable[[Doc], Any]]] = {
    "coref_links": get_links,
    "resolved_text": get_resolved_text,
    "coref_resolved": get_resolved_text,
    "resolved_offsets": get_resolved_offsets,
    "entity_sentiment": entity_sentiment,
}
