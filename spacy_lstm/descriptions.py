"""What the components found in a text, as plain data; offsets are characters, ends exclusive.

The commands print it with `--json`, and the server answers with it.
"""

from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc, Span

from .explanations import Explanation, LinkExplanation, SentimentExplanation

__all__ = [
    "cluster_keys",
    "describe_entities",
    "describe_explanation",
    "describe_links",
    "describe_sentiment",
]

# Digits of what a word brought: more than this no picture shows.
_DIGITS = 5


def describe_links(doc: Doc) -> dict[str, Any]:
    """The clusters and links of a Doc, and its text with the pronouns replaced."""
    return {
        "text": doc.text,
        "resolved_text": doc._.resolved_text,
        "resolved_offsets": [list(segment) for segment in doc._.resolved_offsets],
        "clusters": [[_plain(span) for span in doc.spans[key]] for key in cluster_keys(doc)],
        "links": [
            {"anaphor": _plain(anaphor), "antecedent": _plain(antecedent), "score": score}
            for anaphor, antecedent, score in doc._.coref_links
        ],
    }


def cluster_keys(doc: Doc) -> list[str]:
    """The span groups that `lstm_coref` made, whatever its prefix."""
    return [key for key, group in doc.spans.items() if "links" in group.attrs]


def describe_sentiment(doc: Doc) -> dict[str, Any]:
    """The sentiment of a Doc; `tokens` with their signed share in the decision."""
    return {
        "text": doc.text,
        "cats": dict(doc.cats),
        "label": max(doc.cats, key=doc.cats.__getitem__),
        "sentiment": doc.sentiment,
        "tokens": [
            {
                "text": token.text,
                "start": token.idx,
                "end": token.idx + len(token),
                "weight": token._.sentiment_weight,
            }
            for token in doc
        ],
    }


def describe_entities(doc: Doc) -> list[dict[str, Any]]:
    """What the text says of each person and thing: the records of `doc._.entity_sentiment`."""
    return [
        {**record, "mentions": [_plain(doc[start:end]) for start, end in record["mentions"]]}
        for record in doc._.entity_sentiment
    ]


def describe_explanation(found: Explanation) -> dict[str, Any]:
    """Why a text got its answers; null where there is no component for it. `words` has a number
    for each of the tokens beside it."""
    links = found.links
    return {
        "text": found.text,
        "lang": found.lang,
        "links": None if links is None else _describe_links(found.text, links),
        "sentiment": _describe_sentiment(found.sentiment) if found.sentiment else None,
        "running": [
            {**_piece(each.token, each.offset), "score": each.score} for each in found.running
        ],
    }


def _describe_links(text: str, links: Sequence[LinkExplanation]) -> dict[str, Any]:
    # All of them are of one reading, with one method.
    return {
        "method": links[0].method if links else None,
        "tokens": _pieces(links[0]) if links else [],
        "explained": [_describe_link(text, link) for link in links],
    }


def _describe_link(text: str, link: LinkExplanation) -> dict[str, Any]:
    def span(tokens: tuple[int, int]) -> dict[str, Any]:
        last = tokens[1] - 1
        start, end = link.offsets[tokens[0]], link.offsets[last] + len(link.tokens[last])
        return {"start": start, "end": end, "text": text[start:end]}

    return {
        "anaphor": span(link.anaphor),
        "antecedent": span(link.antecedent),
        "score": link.probability,
        "decided_by": span(link.decided_by),
        "candidates": [
            {
                **span(each.span),
                "probability": each.probability,
                "chosen": each.chosen,
                "ruled_out": each in link.ruled_out,
            }
            for each in link.candidates
        ],
        "none": link.none,
        "log_odds": link.log_odds,
        "features": [each.to_dict() for each in link.features],
        "without_features": link.without_features,
        "words": [round(share, _DIGITS) for share in link.words],
    }


def _describe_sentiment(found: SentimentExplanation) -> dict[str, Any]:
    return {
        "method": found.method,
        "tokens": _pieces(found),
        "label": found.label,
        "probability": found.probability,
        "cats": found.probabilities,
        "log_odds": found.log_odds,
        "words": [round(share, _DIGITS) for share in found.words],
    }


def _pieces(found: LinkExplanation | SentimentExplanation) -> list[dict[str, Any]]:
    return [_piece(*pair) for pair in zip(found.tokens, found.offsets, strict=True)]


def _piece(token: str, offset: int) -> dict[str, Any]:
    return {"start": offset, "end": offset + len(token), "text": token}


def _plain(span: Span) -> dict[str, Any]:
    return {"start": span.start_char, "end": span.end_char, "text": span.text}
