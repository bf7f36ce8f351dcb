"""Clusters and links of a `Doc` as the plain data that the coreference template shows."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span

from ..coref.groups import numbered_keys

__all__ = ["view_coref"]

# Okabe and Ito's colours, which stay apart for every kind of colour blindness; as "R G B".
# Black and yellow are left out, since one is the text's colour and the other hardly shows.
_PALETTE = ("0 114 178", "213 94 0", "0 158 115", "204 121 167", "230 159 0", "86 180 233")

_LABEL_LENGTH = 28


class _Mention(NamedTuple):
    start: int
    end: int
    cluster: int


def view_coref(doc: Doc, span_cluster_prefix: str) -> dict[str, Any]:
    """Clusters, links and the text as a run of opening marks, closing marks and pieces of text."""
    clusters = _clusters(doc, span_cluster_prefix)
    mentions = sorted(
        {_Mention(span.start, span.end, n) for n, group in clusters for span in group},
        key=lambda mention: (mention.start, -mention.end, mention.cluster),
    )
    ids = {mention: f"m{i}" for i, mention in enumerate(mentions)}
    links = [link for n, _ in clusters for link in _links(doc, span_cluster_prefix, n, ids)]
    links.sort(key=lambda link: link["at"])
    by_anaphor = {link["id"]: link for link in links}
    return {
        "lang": doc.lang_,
        "prefix": span_cluster_prefix,
        "clusters": [_cluster(n, group, i) for i, (n, group) in enumerate(clusters)],
        "mention_count": len(mentions),
        "links": links,
        "marks": list(_marks(doc, mentions, ids, by_anaphor)),
    }


def _clusters(doc: Doc, prefix: str) -> list[tuple[int, list[Span]]]:
    return [(number, list(doc.spans[key])) for number, key in numbered_keys(doc.spans, prefix)]


def _cluster(number: int, spans: list[Span], index: int) -> dict[str, Any]:
    # The longest mention names the cluster best: pronouns are short.
    name = max((span.text for span in spans), key=len, default="")
    return {
        "number": number,
        "name": _shorten(name),
        "size": len(spans),
        "colour": _PALETTE[index % len(_PALETTE)],
    }


def _links(
    doc: Doc, prefix: str, number: int, ids: dict[_Mention, str]
) -> Iterator[dict[str, Any]]:
    for link in doc.spans[f"{prefix}_{number}"].attrs.get("links") or ():
        (start, end), (antecedent_start, antecedent_end) = link["anaphor"], link["antecedent"]
        anaphor = _Mention(start, end, number)
        antecedent = _Mention(antecedent_start, antecedent_end, number)
        # Spans that another component took out of the cluster leave their links behind.
        if anaphor in ids and antecedent in ids:
            yield {
                "at": anaphor.start,
                "cluster": number,
                "id": ids[anaphor],
                "to": ids[antecedent],
                "anaphor": _shorten(doc[anaphor.start : anaphor.end].text),
                "antecedent": _shorten(doc[antecedent.start : antecedent.end].text),
                "percent": 100 * link["score"],
            }


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1].rstrip() + "…"


def _marks(
    doc: Doc,
    mentions: list[_Mention],
    ids: dict[_Mention, str],
    links: dict[str, dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """The text with its mentions opened and closed as HTML nests them.

    A mention that overlaps another without lying in it is closed where the other ends and
    opened again, as a continuation without number and anchor. The space behind a mention is
    not part of it.
    """
    depths = _depths(mentions)
    waiting = list(reversed(mentions))
    opened: list[_Mention] = []
    bounds = sorted({0, len(doc)} | {at for m in mentions for at in (m.start, m.end)})
    space = ""
    for start, end in pairwise([*bounds, len(doc)]):
        ended = [k for k, mention in enumerate(opened) if mention.end <= start]
        closed = opened[ended[0] :] if ended else []
        opened = opened[: len(opened) - len(closed)]
        for mention in reversed(closed):
            # Only the last piece of a split anaphor carries its link.
            link = links.get(ids[mention]) if mention.end <= start else None
            yield {"kind": "close", "link": link, "is_anaphor": ids[mention] in links}
        if space:
            yield {"kind": "text", "text": space}
        fresh: list[_Mention] = []
        while waiting and waiting[-1].start == start:
            fresh.append(waiting.pop())
        continued = [mention for mention in closed if mention.end > start]
        opened += continued + fresh
        for mention in continued + fresh:
            yield {
                "kind": "open",
                "cluster": mention.cluster,
                "depth": depths[mention],
                "id": ids[mention] if mention.start == start else None,
                "is_anaphor": ids[mention] in links,
                "link": links.get(ids[mention]) if mention.start == start else None,
            }
        if start < end:
            space = doc[end - 1].whitespace_
            yield {"kind": "text", "text": doc[start:end].text}


def _depths(mentions: list[_Mention]) -> dict[_Mention, int]:
    """How many levels of mentions lie inside each, so that its line runs below theirs."""
    depths: dict[_Mention, int] = {}
    for i in range(len(mentions) - 1, -1, -1):
        outer, depth = mentions[i], 0
        for inner in mentions[i + 1 :]:
            if inner.start >= outer.end:
                break
            if inner.end <= outer.end:
                depth = max(depth, depths[inner] + 1)
        depths[outer] = depth
    return depths
