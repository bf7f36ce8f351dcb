"""A pronoun with candidate antecedents (GAP, WinoBias, DPR, CLUEWSC and the like).

JSON form, one row a pronoun; offsets count characters, ends exclusive:

- `text`; `pronoun`: `{"start", "end"}`, with `pronoun_text` to check it by, optional;
- `candidates`: `[{"start", "end", "label", "text"?}, …]`, label 1 for an antecedent, else 0;
- `id`, `source`, `meta.gender` ("M", "F"), optional.

GAP's own form: columns ID, Text, Pronoun, Pronoun-offset, A, A-offset, A-coref, B, B-offset,
B-coref, URL, tab-separated without quoting; the two names are candidates A and B.

GAP: Webster, Recasens, Axelrod and Baldridge 2018.
"""

from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..coref.groups import PAIRS_PREFIX
from .docs import add_group, as_span, char_span, checked_text, set_row_data, text_doc
from .fields import Fields, Row
from .skipped import UnusableRowError

__all__ = ["GapConverter", "PairConverter"]

_TRUTH = {"1": 1, "true": 1, "0": 0, "false": 0}
_GENDERS = {"he": "M", "him": "M", "his": "M", "she": "F", "her": "F", "hers": "F"}


@dataclass(frozen=True)
class _Pair:
    """One pronoun with its candidates, in characters of the text."""

    pronoun: tuple[int, int]
    candidates: list[tuple[int, int]]
    labels: list[int]
    source: str | None
    gender: str | None


def _label(value: Any) -> int:
    key = str(value).strip().lower()
    if key not in _TRUTH:
        raise UnusableRowError("candidate label is not 0 or 1")
    return _TRUTH[key]


def _spelt(text: str, span: tuple[int, int], expected: Any, what: str) -> tuple[int, int]:
    if expected is not None and text[span[0] : span[1]] != expected:
        raise UnusableRowError(f"{what} differs from the text at its offsets")
    return span


def _pair_doc(nlp: Language, text: str, pair: _Pair, row_id: str, meta: Any) -> Doc:
    """The reference Doc of one pair; the candidates stay in the row's order."""
    if not pair.candidates:
        raise UnusableRowError("no candidates")
    if any(_overlap(pair.pronoun, candidate) for candidate in pair.candidates):
        raise UnusableRowError("candidate overlaps the pronoun")
    doc = text_doc(nlp, text)
    pronoun = char_span(doc, *pair.pronoun)
    candidates = [char_span(doc, *candidate) for candidate in pair.candidates]
    tokens = (pronoun.start, pronoun.end)
    if any(_overlap(tokens, (span.start, span.end)) for span in candidates):
        raise UnusableRowError("candidate shares a token with the pronoun")
    attrs = {
        "labels": pair.labels,
        "source": pair.source,
        "id": row_id,
        "gender": pair.gender,
    }
    add_group(doc, f"{PAIRS_PREFIX}_1", [pronoun, *candidates], attrs)
    set_row_data(doc, id=row_id, source=pair.source, meta=meta)
    return doc


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


class PairConverter:
    """Row of the JSON form → reference Doc with `coref_pairs_1`.

    Args:
        fields: the column map.
    """

    required = ("text", "pronoun", "candidates")

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __call__(self, nlp: Language, row: Row, row_id: str) -> Doc:
        """The reference Doc; raises UnusableRowError with the reason if there is none."""
        text = checked_text(self._fields.get(row, "text"))
        pronoun = as_span(self._fields.get(row, "pronoun"), len(text), "pronoun")
        _spelt(text, pronoun, self._fields.get(row, "pronoun_text"), "pronoun")
        items = self._fields.get(row, "candidates")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise UnusableRowError("candidates are not a list of objects")
        spans = [as_span(item, len(text), "candidate") for item in items]
        for span, item in zip(spans, items, strict=True):
            _spelt(text, span, item.get("text"), "candidate")
        meta = self._fields.get(row, "meta")
        gender = meta.get("gender") if isinstance(meta, dict) else None
        pair = _Pair(
            pronoun=pronoun,
            candidates=spans,
            labels=[_label(item.get("label")) for item in items],
            source=self._fields.get(row, "source"),
            gender=gender,
        )
        return _pair_doc(nlp, text, pair, row_id, meta)


class GapConverter:
    """Row of GAP's own form → reference Doc with `coref_pairs_1`.

    Args:
        fields: the column map.
    """

    required = (
        "Text",
        "Pronoun",
        "Pronoun-offset",
        "A",
        "A-offset",
        "A-coref",
        "B",
        "B-offset",
        "B-coref",
    )

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __call__(self, nlp: Language, row: Row, row_id: str) -> Doc:
        """The reference Doc; raises UnusableRowError with the reason if there is none."""
        text = checked_text(self._fields.get(row, "Text"))
        pair = _Pair(
            pronoun=self._span(row, text, "Pronoun"),
            candidates=[self._span(row, text, name) for name in ("A", "B")],
            labels=[_label(self._fields.get(row, f"{name}-coref")) for name in ("A", "B")],
            source="gap",
            gender=_GENDERS.get(str(self._fields.get(row, "Pronoun")).lower()),
        )
        url = self._fields.get(row, "URL")
        return _pair_doc(nlp, text, pair, row_id, {"url": url} if url else None)

    def _span(self, row: Row, text: str, name: str) -> tuple[int, int]:
        words = self._fields.get(row, name)
        if not isinstance(words, str) or not words:
            raise UnusableRowError(f"missing {name}")
        offset = self._fields.get(row, f"{name}-offset")
        try:
            start = int(offset)
        except (TypeError, ValueError):
            raise UnusableRowError(f"{name}-offset is not an integer") from None
        span = as_span((start, start + len(words)), len(text), name)
        return _spelt(text, span, words, name)
