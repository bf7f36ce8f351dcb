"""Tiny datasets, one row of each family."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CLUSTER_ROW = {
    "id": "a/alice",
    "source": "litbank",
    "text": "Alice met Bob.\n\n  She  greeted him. Rain fell.",
    "tokens": [
        *([0, 5], [6, 9], [10, 13], [13, 14], [18, 21], [23, 30]),
        *([31, 34], [34, 35], [36, 40], [41, 45], [45, 46]),
    ],
    "clusters": [[[2, 3], [6, 7]], [[4, 5], [0, 1]], [[8, 9]]],
    "sents": [[0, 4], [4, 8], [8, 11]],
    "meta": {"genre": "fiction"},
}
PAIR_ROW = {
    "id": "p/1",
    "source": "gap",
    "text": "Ann told Zoë 😀 that she won.",
    "pronoun": {"start": 20, "end": 23},
    "pronoun_text": "she",
    "candidates": [
        {"start": 0, "end": 3, "text": "Ann", "label": 1},
        {"start": 9, "end": 12, "text": "Zoë", "label": 0},
    ],
    "meta": {"gender": "F"},
}
GAP_HEADER = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL"
GAP_LINE = 'dev-1\t"Ann told Zoe ""that"" she won.\tshe\t23\tAnn\t1\tTRUE\tZoe\t10\tFALSE\thttp://x'
TEXT_ROWS = [
    {"text": "Dull.", "label": 0},
    {"text": "Lovely film.", "label": 1},
    {"text": "A dull start, a fine end.", "label": 1},
    {"text": "No.", "label": 0},
]


def jsonl(path: Path, rows: Iterable[Any]) -> str:
    """Write rows as JSONL, gzipped if the name says so."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)
