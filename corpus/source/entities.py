"""Texts in which some persons and things are marked with what the text feels about them.

``[Maria]{0} hated [the hotel]{-}, but she loved [the beach]{+}.``

Lines stand under headings ``== class``. A bracket is a mention, the sign behind it the label.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .markup import read_records

_MARKED = re.compile(r"\[([^\[\]]+)\]\{([-0+])\}")
_LABELS = {"-": "NEGATIVE", "0": "NEUTRAL", "+": "POSITIVE"}

Row = dict[str, object]


def read_rows(name: str, lines: Iterable[str]) -> list[Row]:
    """The rows of a file; their ids begin with its name. Raises ValueError where no heading
    stands before a text, where a text marks nobody, and on brackets that are no mentions."""
    rows: list[Row] = []
    kind = ""
    for line in lines:
        if line.startswith("== "):
            kind = line[3:].strip()
            continue
        for (markup,) in read_records([line], 1):
            text, entities = _parse(markup)
            if not kind or not entities or set(text) & set("[]{}"):
                raise ValueError(f"not a text with marked entities under a heading: {line!r}")
            number = len(rows) + 1
            rows.append(
                {"id": f"{name}_{number:03}", "class": kind, "text": text, "entities": entities}
            )
    return rows


def _parse(markup: str) -> tuple[str, list[Row]]:
    text, place = "", 0
    entities: list[Row] = []
    for found in _MARKED.finditer(markup):
        text += markup[place : found.start()]
        start, place = len(text), found.end()
        text += found[1]
        entities.append(
            {"name": found[1], "start": start, "end": len(text), "label": _LABELS[found[2]]}
        )
    return text + markup[place:], entities


def count_table(halves: dict[str, list[Row]]) -> str:
    """Texts and labels of each class and half, as Markdown."""
    header = "| class | half | texts | NEGATIVE | NEUTRAL | POSITIVE |"
    lines = [header, "| --- | --- | ---: | ---: | ---: | ---: |"]
    for half, rows in halves.items():
        for kind in (*dict.fromkeys(str(row["class"]) for row in rows), "all"):
            chosen = [row for row in rows if kind in (row["class"], "all")]
            labels = [entity["label"] for row in chosen for entity in _entities(row)]
            counts = " | ".join(str(labels.count(label)) for label in _LABELS.values())
            lines.append(f"| {kind} | {half} | {len(chosen)} | {counts} |")
    return "\n".join(lines) + "\n"


def _entities(row: Row) -> list[Row]:
    found = row["entities"]
    assert isinstance(found, list)
    return found


def entity_rows(source: Path) -> Iterator[tuple[str, list[Row]]]:
    """Both halves: the name and the rows of each."""
    for half in ("dev", "test"):
        path = source / f"entities_en.{half}.txt"
        yield half, read_rows(f"entities_en/{half}", path.read_text(encoding="utf-8").splitlines())
