"""What the components found in a text, as plain data; offsets are characters, ends exclusive.

The commands print it with `--json`, and the server answers with it.
"""

from typing import Any

from spacy.tokens import Doc, Span

__all__ = ["cluster_keys", "describe_entities", "describe_links", "describe_sentiment"]


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


def _plain(span: Span) -> dict[str, Any]:
    return {"start": span.start_char, "end": span.end_char, "text": span.text}
