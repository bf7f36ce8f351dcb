"""Examples → what the coreference model is trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

from ..coref.groups import MENTIONS_KEY, PAIRS_PREFIX, numbered_keys
from ..coref.mentions import Span as Offsets
from ..coref.syntax import HEAD_REACH, SyntaxTargets, relation_number, tag_number
from ..coref.targets import PARTIAL_SOURCES, CorefTargets, PairTarget, check_pair

__all__ = [
    "align_spans",
    "has_tree",
    "numbered_groups",
    "read_targets",
    "source_of",
]


def numbered_groups(doc: Doc, prefix: str) -> list[SpanGroup]:
    """The span groups `prefix_1`, `prefix_2`, … in the order of their numbers."""
    return [doc.spans[key] for _, key in numbered_keys(doc.spans, prefix)]


def source_of(doc: Doc) -> str | None:
    """The name of the data set that an annotated document comes from."""
    groups = [*numbered_groups(doc, PAIRS_PREFIX)]
    if MENTIONS_KEY in doc.spans:
        groups.append(doc.spans[MENTIONS_KEY])
    return next((group.attrs.get("source") for group in groups), None)


def read_targets(examples: Sequence[Example], prefix: str) -> CorefTargets:
    """Gold mentions, clusters and pairs, on the tokens of the predicted documents.

    prefix: of the keys of the gold clusters' span groups.
    """
    spans: list[Offsets] = []
    clusters: list[int] = []
    pairs: list[PairTarget] = []
    annotated, exhaustive, unmarked = [], [], []
    first = 0
    for example in examples:
        reference = example.reference
        align = _Alignment(example.predicted, first)
        groups = numbered_groups(reference, prefix)
        gold: dict[Offsets, int] = {}
        for group in groups:
            number = len(spans) + len(gold)
            for span in align.spans(list(group)):
                gold.setdefault(span, number)
        if MENTIONS_KEY in reference.spans:
            for span in align.spans(list(reference.spans[MENTIONS_KEY])):
                gold.setdefault(span, len(spans) + len(gold))
        spans.extend(gold)
        clusters.extend(gold.values())
        annotated.append(bool(groups) or MENTIONS_KEY in reference.spans)
        exhaustive.append(_is_exhaustive(reference))
        unmarked.append(source_of(reference) in PARTIAL_SOURCES)
        for group in numbered_groups(reference, PAIRS_PREFIX):
            labels = [bool(label) for label in group.attrs.get("labels", [])]
            check_pair(group.name or PAIRS_PREFIX, len(group), len(labels))
            pronoun, *candidates = align.spans(list(group))
            pairs.append(PairTarget(pronoun, candidates, labels))
        first += len(example.predicted)
    parsed = any(has_tree(example.reference) for example in examples)
    return CorefTargets(
        spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
        cluster=np.array(clusters, dtype=np.int64),
        annotated=np.array(annotated, dtype=bool),
        exhaustive=np.array(exhaustive, dtype=bool),
        unmarked=np.array(unmarked, dtype=bool),
        pairs=pairs,
        syntax=_read_syntax(examples) if parsed else None,
    )


def has_tree(doc: Doc) -> bool:
    """Whether a document is annotated with relations and heads."""
    return bool(doc.has_annotation("DEP"))


def _read_syntax(examples: Sequence[Example]) -> SyntaxTargets:
    """Tags, relations and heads where words are the same in both tokenizations."""
    parts = [
        _read_tree(example)
        if has_tree(example.reference)
        else np.full((3, len(example.predicted)), -1, dtype=np.int64)
        for example in examples
    ]
    return SyntaxTargets(*np.concatenate(parts, axis=1))


def _read_tree(example: Example) -> Any:
    tags = [tag_number(tag or "") for tag in example.get_aligned("POS", as_string=True)]
    aligned: Any = example  # the method has no types
    heads, relations = aligned.get_aligned_parse(projectivize=False)
    numbers = [relation_number(relation or "") for relation in relations]
    places = [-1 if head is None else head - token + HEAD_REACH for token, head in enumerate(heads)]
    places = [place if 0 <= place <= 2 * HEAD_REACH else -1 for place in places]
    return np.array([tags, numbers, places], dtype=np.int64)


def _is_exhaustive(doc: Doc) -> bool:
    return MENTIONS_KEY in doc.spans and bool(doc.spans[MENTIONS_KEY].attrs.get("exhaustive"))


def align_spans(doc: Doc, spans: Sequence[Span]) -> list[Offsets]:
    """The tokens of `doc` that cover spans of another tokenization of the same text."""
    return _Alignment(doc, 0).spans(spans)


class _Alignment:
    """Finds the tokens that cover spans of another tokenization of the same text."""

    def __init__(self, doc: Doc, offset: int) -> None:
        table: Any = doc.to_array([IDX, LENGTH]).astype(np.int64).reshape(-1, 2)
        self.starts, self.ends = table[:, 0], table.sum(axis=1)
        self.offset = offset

    def spans(self, spans: Sequence[Span]) -> list[Offsets]:
        if not len(self.starts):
            return []
        start = np.array([span.start_char for span in spans], dtype=np.int64)
        end = np.array([span.end_char for span in spans], dtype=np.int64)
        first = np.searchsorted(self.starts, start, side="right") - 1
        last = np.searchsorted(self.ends, end, side="left") + 1
        first = np.maximum(first, 0)
        last = np.clip(last, first + 1, len(self.starts))
        offsets = zip((first + self.offset).tolist(), (last + self.offset).tolist(), strict=True)
        return list(offsets)
