"""Documents with full coreference clusters (LitBank, GUM, OntoGUM, VisPro and the like).

One row is one document:

- `text`: the document (may be left out where `tokens` are words);
- `tokens`: `[[start, end], …]` character offsets, or a list of words; without it the
  pipeline's tokenizer decides and every offset below counts characters instead of tokens;
- `clusters`: `[[[start, end], …], …]`, ends exclusive; a cluster of one is a singleton;
- `sents`: `[[start, end], …]`, optional; `speakers`, one per sentence, optional;
- `source`: which corpus it is, optional; `exhaustive`: true if singletons are marked too.

LitBank: Bamman, Lewke and Mansoor 2020; GUM: Zeldes 2017; OntoGUM: Zhu, Pradhan and Zeldes
2021; VisPro: Yu et al. 2019.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import get_words_and_spaces

from ..coref.groups import MENTIONS_KEY
from ..errors import LstmError
from .docs import (
    add_group,
    as_span,
    char_span,
    checked_text,
    set_row_data,
    set_sentence_starts,
    text_doc,
    tokenized_doc,
)
from .fields import Fields, Row
from .skipped import UnusableRowError

__all__ = ["ClusterConverter", "MentionIndex"]

# Corpora whose annotators marked mentions that are never mentioned again.
_EXHAUSTIVE_SOURCES = {"litbank", "gum"}

SpanMaker = Callable[[Any], Span]


@dataclass
class _Document:
    """A Doc and the way from the row's offsets to its spans."""

    doc: Doc
    span: SpanMaker


def _open_document(nlp: Language, fields: Fields, row: Row) -> _Document:
    tokens = fields.get(row, "tokens")
    text = fields.get(row, "text")
    if tokens is None:
        doc = text_doc(nlp, checked_text(text))
        length = len(doc.text)
        return _Document(doc, lambda item: char_span(doc, *as_span(item, length, "character")))
    if not isinstance(tokens, list) or not tokens:
        raise UnusableRowError("tokens are not a list of offsets or words")
    if isinstance(tokens[0], str):
        doc, index = _words_doc(nlp, tokens, text)
    else:
        doc, index = tokenized_doc(nlp.vocab, checked_text(text), tokens)

    def token_span(item: Any) -> Span:
        start, end = as_span(item, len(index), "token")
        return doc[index[start] : index[end - 1] + 1]

    return _Document(doc, token_span)


def _words_doc(nlp: Language, tokens: list[Any], text: Any) -> tuple[Doc, list[int]]:
    if not all(isinstance(word, str) and word for word in tokens):
        raise UnusableRowError("tokens are not all words")
    checked_text(" ".join(tokens))
    if text is None:
        return Doc(nlp.vocab, words=tokens), list(range(len(tokens)))
    try:
        words, spaces = get_words_and_spaces(tokens, checked_text(text))
    except ValueError:
        raise UnusableRowError("words do not spell the text") from None
    index = [i for i, word in enumerate(words) if not word.isspace()]
    if len(index) != len(tokens):
        raise UnusableRowError("words do not spell the text")
    return Doc(nlp.vocab, words=words, spaces=spaces), index


def _read_clusters(document: _Document, value: Any) -> list[list[Span]]:
    if not isinstance(value, list):
        raise UnusableRowError("missing clusters")
    clusters = []
    for members in value:
        if not isinstance(members, list) or not members:
            raise UnusableRowError("a cluster is not a list of spans")
        clusters.append(_in_text_order(document.span(member) for member in members))
    return sorted(clusters, key=lambda spans: (spans[0].start, spans[0].end))


def _in_text_order(spans: Iterable[Span]) -> list[Span]:
    """Each place once, by start and then by end."""
    unique = {(span.start, span.end): span for span in spans}
    return [unique[place] for place in sorted(unique)]


class MentionIndex:
    """Mentions of other rows for the same documents, found by id.

    OntoGUM has only the mentions of clusters, GUM has the singletons of the same documents.
    Ids are compared whole, then without what stands before their first slash
    (`gum/GUM_x` and `ontogum/GUM_x` are the same document).

    Args:
        source: the file, for messages.
        rows: rows of this form, with tokens as offsets or without tokens.
        fields: the column map.
    """

    def __init__(self, source: str, rows: Iterable[Row], fields: Fields) -> None:
        self._by_id: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        for row in rows:
            row_id = fields.get(row, "id")
            if row_id is None:
                continue
            try:
                entry = (str(fields.get(row, "text")), self._char_spans(row, fields))
            except (TypeError, ValueError, IndexError):
                raise LstmError(
                    f"{source}: row {row_id} has no readable mentions: expected tokens as "
                    "[start, end] offsets and clusters of [start, end] spans"
                ) from None
            self._by_id[str(row_id)] = entry
            self._by_id.setdefault(_bare(str(row_id)), entry)

    @staticmethod
    def _char_spans(row: Row, fields: Fields) -> list[tuple[int, int]]:
        tokens = fields.get(row, "tokens")
        spans = []
        for members in fields.get(row, "clusters") or []:
            for start, end in members:
                if tokens is not None:
                    start, end = tokens[start][0], tokens[end - 1][1]
                spans.append((int(start), int(end)))
        return spans

    def find(self, row_id: str, doc: Doc) -> list[Span]:
        """The mentions of a document, as spans of `doc`."""
        entry = self._by_id.get(row_id) or self._by_id.get(_bare(row_id))
        if entry is None:
            raise UnusableRowError("not in the mentions file")
        text, spans = entry
        if text != doc.text:
            raise UnusableRowError("text differs from the mentions file")
        # Both files mostly have the same tokens: look those up, search for the rest.
        starts = {token.idx: token.i for token in doc}
        ends = {token.idx + len(token): token.i + 1 for token in doc}
        return [
            doc[starts[start] : ends[end]]
            if start in starts and end in ends and start < end
            else char_span(doc, start, end)
            for start, end in spans
        ]


def _bare(row_id: str) -> str:
    return row_id.split("/", 1)[-1]


class ClusterConverter:
    """Row with clusters → reference Doc with `coref_clusters_1`… and `coref_mentions`.

    Clusters of one mention go to `coref_mentions` alone, whose attribute `exhaustive` says
    whether mentions outside clusters were annotated at all.

    Args:
        fields: the column map.
        prefix: span group prefix of the clusters.
        mentions: further mentions by document id; makes `exhaustive` true.
        exhaustive: overrides what the row or its source says.
    """

    required = ("clusters",)

    def __init__(
        self,
        fields: Fields,
        prefix: str,
        mentions: MentionIndex | None = None,
        exhaustive: bool | None = None,
    ) -> None:
        self._fields = fields
        self._prefix = prefix
        self._mentions = mentions
        self._exhaustive = exhaustive

    def __call__(self, nlp: Language, row: Row, row_id: str) -> Doc:
        """The reference Doc; raises UnusableRowError with the reason if there is none."""
        document = _open_document(nlp, self._fields, row)
        doc = document.doc
        clusters = _read_clusters(document, self._fields.get(row, "clusters"))
        mentions = [span for spans in clusters for span in spans]
        if self._mentions is not None:
            mentions += self._mentions.find(row_id, doc)
        chains = [spans for spans in clusters if len(spans) > 1]
        for number, spans in enumerate(chains, start=1):
            add_group(doc, f"{self._prefix}_{number}", spans, {})
        source = self._fields.get(row, "source")
        attrs = {"source": source, "exhaustive": self._is_exhaustive(row, source)}
        add_group(doc, MENTIONS_KEY, _in_text_order(mentions), attrs)
        self._set_sentences(document, row)
        set_row_data(
            doc,
            id=row_id,
            source=source,
            speakers=self._fields.get(row, "speakers"),
            meta=self._fields.get(row, "meta"),
        )
        return doc

    def _is_exhaustive(self, row: Mapping[str, Any], source: Any) -> bool:
        if self._exhaustive is not None:
            return self._exhaustive
        if self._mentions is not None:
            return True
        stated = self._fields.get(row, "exhaustive")
        return bool(stated) if stated is not None else source in _EXHAUSTIVE_SOURCES

    def _set_sentences(self, document: _Document, row: Row) -> None:
        sents = self._fields.get(row, "sents")
        if sents is None:
            return
        if not isinstance(sents, list):
            raise UnusableRowError("sents are not a list of spans")
        set_sentence_starts(document.doc, [document.span(sent).start for sent in sents])
