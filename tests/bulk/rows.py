"""Rows to annotate, written and read again."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]

NAMES = ("Alice", "Bruno", "Carla", "Dario")


def make_rows(count: int) -> Rows:
    """Texts of different lengths, each once."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        more = " It was dull." * int(rng.integers(0, 4))
        text = f"{name} saw film {number}. She said that {name} liked it.{more}"
        rows.append({"id": f"r{number}", "text": text, "stars": number % 5})
    return rows


def write_jsonl(path: Path, rows: Rows) -> Path:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    content = lines.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(path: Path) -> Rows:
    """The rows of an output, a file or a folder of shards."""
    if path.is_dir():
        return [row for shard in sorted(path.glob("part-*")) for row in read(shard)]
    if path.suffix == ".parquet":
        rows: Rows = pq.read_table(path).to_pylist()
        return rows
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        if ".csv" in path.suffixes:
            return list(csv.DictReader(stream))
        return [json.loads(line) for line in stream]
