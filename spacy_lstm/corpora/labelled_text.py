"""Text with one label (SST, MR, IMDb, tweets, reviews and the like).

One row is one text: `text` and `label`. Some sets hold a naturally spaced copy of the text in
another column; the column map `text=detok` chooses it.

A line break written as `<br />`, as in IMDb's reviews, is read as one.

Without a label map the label's own names decide, else how many different labels there are:
0 1 (negative, positive), 0 1 2 or -1 0 1 (with neutral in the middle), 0…4 (two negative,
neutral, two positive).

In the place of `label` a row may have `probabilities`, an object of label → number, as
`spacy-lstm label` writes them: what another model thinks of the text (Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network"). A row with both goes by its label.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import LstmError
from .docs import checked_text, set_row_data, text_doc, with_line_breaks
from .fields import Fields, Row
from .skipped import UnusableRowError

__all__ = ["TextConverter", "default_label_map", "label_key"]

NEGATIVE, NEUTRAL, POSITIVE = "NEGATIVE", "NEUTRAL", "POSITIVE"
_NAMES = {
    NEGATIVE: ("negative", "neg", "very negative", "very_negative"),
    NEUTRAL: ("neutral", "neu"),
    POSITIVE: ("positive", "pos", "very positive", "very_positive"),
}
# How far the sum of probabilities may be from 1, for those that were rounded.
_TOLERANCE = 0.02
_BY_NAME = {name: label for label, names in _NAMES.items() for name in names}
_BY_NUMBER = (
    {"0": NEGATIVE, "1": POSITIVE},
    {"0": NEGATIVE, "1": NEUTRAL, "2": POSITIVE},
    {"-1": NEGATIVE, "0": NEUTRAL, "1": POSITIVE},
    {"0": NEGATIVE, "1": NEGATIVE, "2": NEUTRAL, "3": POSITIVE, "4": POSITIVE},
)


def label_key(value: Any) -> str:
    """The form under which a label value is looked up: `1`, `1.0`, True and "1" are one."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def default_label_map(source: str, values: Iterable[Any]) -> dict[str, str]:
    """The map for a dataset's label values where none was given.

    Args:
        source: the dataset, for the message.
        values: every label value there is, or the dataset's class names.
    """
    keys = sorted({label_key(value) for value in values if value is not None})
    named = {key: _BY_NAME[key.lower()] for key in keys if key.lower() in _BY_NAME}
    if named:
        return named
    for known in _BY_NUMBER:
        if set(keys) == set(known):
            return dict(known)
    shown = ", ".join(keys[:8]) + (", …" if len(keys) > 8 else "")
    raise LstmError(
        f"{source}: no default for the labels {shown or '(none)'}: give a label map such as "
        f"{keys[0] if keys else 0}=NEGATIVE"
    )


def class_label_map(source: str, names: list[str]) -> dict[str, str]:
    """The map for a dataset that declares class names: by number and by name."""
    by_name = default_label_map(source, names)
    by_number = {str(i): by_name[name] for i, name in enumerate(names) if name in by_name}
    # A declared order of digits ("0", "1") says the same twice.
    return {**by_name, **by_number}


class TextConverter:
    """Row with text and label, or probabilities → reference Doc with `doc.cats`.

    Args:
        fields: the column map.
        labels: label value → our label. Probabilities of labels that it does not name keep
            their name; those that it makes one are added up.
        names: the dataset's class names, to allow names in `labels` where values are numbers.
    """

    required = ("text", "label")

    def __init__(
        self, fields: Fields, labels: Mapping[Any, str], names: list[str] | None = None
    ) -> None:
        self._fields = fields
        self._labels = {label_key(key): str(label) for key, label in labels.items()}
        for number, name in enumerate(names or []):
            if name in self._labels:
                self._labels.setdefault(str(number), self._labels[name])
        order = (NEGATIVE, NEUTRAL, POSITIVE)
        known = [label for label in order if label in self._labels.values()]
        self._cats = list(dict.fromkeys([*known, *self._labels.values()]))

    def __call__(self, nlp: Language, row: Row, row_id: str) -> Doc:
        """The reference Doc; raises UnusableRowError with the reason if there is none."""
        # Glued to the words around it, the markup would hide them.
        text = checked_text(with_line_breaks(checked_text(self._fields.get(row, "text"))))
        cats = self._read_cats(row)
        doc = text_doc(nlp, text)
        doc.cats = cats
        set_row_data(doc, id=row_id)
        return doc

    def _read_cats(self, row: Row) -> dict[str, float]:
        value = self._fields.get(row, "label")
        if value is None or value == "":
            probabilities = self._fields.get(row, "probabilities")
            if probabilities is None:
                raise UnusableRowError("missing label")
            return self._soft_cats(probabilities)
        label = self._labels.get(label_key(value))
        if label is None:
            raise UnusableRowError(f"label {label_key(value)[:40]!r} outside the label map")
        return {cat: float(cat == label) for cat in self._cats}

    def _soft_cats(self, probabilities: Any) -> dict[str, float]:
        if not isinstance(probabilities, Mapping) or not probabilities:
            raise UnusableRowError("probabilities are not an object of label and number")
        cats: dict[str, float] = {}
        for key, value in probabilities.items():
            # Arrow gives every row the keys of all.
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UnusableRowError(f"probability of {str(key)[:40]!r} is not a number")
            # No number is both at least 0 and at most 1 if it is not finite.
            if not 0 <= value <= 1:
                raise UnusableRowError(f"probability of {str(key)[:40]!r} outside 0 to 1")
            label = self._labels.get(label_key(key), str(key))
            cats[label] = cats.get(label, 0.0) + value
        total = math.fsum(cats.values())
        if abs(total - 1) > _TOLERANCE:
            raise UnusableRowError("probabilities do not sum to 1")
        return {label: value / total for label, value in cats.items()}
