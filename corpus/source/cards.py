"""The dataset cards: YAML for the loader, and what a reader has to know."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

Rows = Sequence[Mapping[str, object]]

_YAML = """---
license: mit
language:
- {language}
pretty_name: {title}
task_categories:
- {task}
size_categories:
- {size}
configs:
- config_name: default
  data_files:
{files}{features}---

"""

# The hub's names of the splits that our files are called by.
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}

_TEXT_AND_LABEL = """dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': NEGATIVE
          '1': NEUTRAL
          '2': POSITIVE
"""
_LABELS = f"""{_TEXT_AND_LABEL}  - name: phenomenon
    dtype: string
  - name: origin
    dtype: string
"""


def card(about: Path, *, task: str, splits: Mapping[str, Rows]) -> str:
    """The README of a dataset: YAML, the hand-written text of `about`, and counts of the rows."""
    total = sum(len(rows) for rows in splits.values())
    return _write(
        about,
        task="token-classification" if task == "coref" else "text-classification",
        size="n<1K" if total < 1000 else "1K<n<10K",
        splits=("train", "dev", "test"),
        features=_LABELS if task == "sentiment" else "",
        counts=_counts(splits),
    )


def patterns_card(about: Path, table: str) -> str:
    """The README of a dataset that is for training only, with the table of its counts."""
    return _write(
        about,
        task="text-classification",
        size="10K<n<100K",
        splits=("train",),
        features=_TEXT_AND_LABEL,
        counts=table,
    )


def _write(
    about: Path, *, task: str, size: str, splits: Sequence[str], features: str, counts: str
) -> str:
    title, prose = about.read_text(encoding="utf-8").split("\n", 1)
    head = _YAML.format(
        language=about.name.split(".")[0].rsplit("_", 1)[1],
        title=title.removeprefix("# "),
        task=task,
        size=size,
        files="".join(f"  - split: {_SPLITS[name]}\n    path: {name}.jsonl\n" for name in splits),
        features=features,
    )
    return f"{head}{title}\n{prose.rstrip()}\n\n## Counts\n\n{counts}"


def _counts(splits: Mapping[str, Rows]) -> str:
    columns = [*splits, "all"]
    tables = []
    for heading, key in (("origin", "origin"), ("phenomenon", "phenomenon"), ("label", "label")):
        counted = {name: Counter(_values(rows, key)) for name, rows in splits.items()}
        kinds = sorted(set().union(*counted.values()))
        if not kinds:
            continue
        lines = [f"| {heading} | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
        for kind in kinds:
            numbers = [counter[kind] for counter in counted.values()]
            lines.append(f"| {kind} | {' | '.join(map(str, [*numbers, sum(numbers)]))} |")
        tables.append("\n".join(lines))
    sizes = ", ".join(f"{len(rows)} in {name}" for name, rows in splits.items())
    return f"Rows: {sizes}.\n\n" + "\n\n".join(tables) + "\n"


def _values(rows: Rows, key: str) -> list[str]:
    """The values of a field, which coreference rows keep under ``meta``."""
    found = []
    for row in rows:
        meta = row.get("meta")
        place = meta if isinstance(meta, Mapping) else row
        if key in place:
            found.append(str(place[key]))
    return found
