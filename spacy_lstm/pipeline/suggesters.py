"""Mentions from other components, in place of the learned mention detector."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.tokens import Doc
from thinc.api import get_current_ops
from thinc.types import Ragged

__all__ = ["create_entity_suggester", "create_noun_chunk_suggester"]

Suggester = Callable[[Iterable[Doc]], Ragged]


def create_entity_suggester() -> Suggester:
    """Registered as `spacy_lstm.EntitySuggester.v1`: the named entities in `doc.ents`."""
    return _suggester(lambda doc: doc.ents)


def create_noun_chunk_suggester() -> Suggester:
    """Registered as `spacy_lstm.NounChunkSuggester.v1`: entities and noun chunks. Needs a parser
    before it."""
    return _suggester(lambda doc: [*doc.ents, *doc.noun_chunks])


def _suggester(find: Callable[[Doc], Iterable[Any]]) -> Suggester:
    def suggest(docs: Iterable[Doc]) -> Ragged:
        ops = get_current_ops()
        spans, lengths = [], []
        for doc in docs:
            found = sorted({(span.start, span.end) for span in find(doc)})
            spans.extend(found)
            lengths.append(len(found))
        data = ops.asarray2i(spans) if spans else ops.alloc2i(0, 2)
        return Ragged(data, ops.asarray1i(lengths))

    return suggest
