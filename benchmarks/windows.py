"""How far the links of `lstm_coref` depend on where the encoder's windows fall.

    python benchmarks/windows.py --texts FILE [--model PIPELINE] [--words 500] [--documents 60]

Documents longer than the window are cut into windows that overlap by twice the margin. Each row is
another way to cut: the windows moved by half a step, other margins, or no windows at all (with
attention over the whole document). Compared are the links (anaphor and antecedent) and the clusters
with those of the model as it is, and the time with its time.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lstm.benchmarking.texts import read_texts
from spacy_lstm.nn import encoder as nn_encoder
from spacy_lstm.nn import tok2vec as nn_tok2vec
from spacy_lstm.nn.tok2vec import TokenEncoder, lay_windows
from spacy_lstm.pretrained import load_pipeline

_WHOLE = 1 << 30
Link = tuple[tuple[int, int], tuple[int, int]]


class Cut(NamedTuple):
    """A way to cut documents."""

    name: str
    window: int
    margin: int
    shift: int = 0


@contextmanager
def cutting(encoder: TokenEncoder, cut: Cut) -> Iterator[None]:
    """Have documents cut in this way while the block runs."""
    kept = encoder.window, encoder.margin, nn_encoder.ATTENTION_BLOCK
    encoder.window, encoder.margin = cut.window, cut.margin
    # A longer sequence would attend in blocks, which are windows without a margin.
    nn_encoder.ATTENTION_BLOCK = max(cut.window, kept[2])
    nn_tok2vec.lay_windows = partial(lay_windows, shift=cut.shift)
    try:
        yield
    finally:
        encoder.window, encoder.margin, nn_encoder.ATTENTION_BLOCK = kept
        nn_tok2vec.lay_windows = lay_windows


def read_links(doc: Doc) -> dict[Link, float]:
    """Every link and its probability."""
    return {((a.start, a.end), (b.start, b.end)): score for a, b, score in doc._.coref_links}


def overlap(first: Sequence[set[Any]], second: Sequence[set[Any]]) -> float:
    """F1 of one side against the other, over all documents."""
    same = sum(len(a & b) for a, b in zip(first, second, strict=True))
    return 2 * same / max(1, sum(map(len, first)) + sum(map(len, second)))


def run(nlp: Language, texts: list[str], encoder: TokenEncoder, cut: Cut) -> dict[str, Any]:
    """The links and the spans of each document, and CPU seconds."""
    with cutting(encoder, cut):
        list(nlp.pipe(texts[:4]))
        docs = [nlp.make_doc(text) for text in texts]
        started = time.process_time()
        docs = list(nlp.pipe(docs))
        seconds = time.process_time() - started
    return {
        "links": [read_links(doc) for doc in docs],
        "clusters": [
            {tuple((s.start, s.end) for s in group) for group in doc.spans.values()} for doc in docs
        ],
        "seconds": seconds,
    }


def compare(runs: dict[str, dict[str, Any]], base: dict[str, Any]) -> list[dict[str, Any]]:
    """Each way to cut beside the first."""
    rows = []
    for name, found in runs.items():
        shared = [
            abs(ours[link] - theirs[link])
            for ours, theirs in zip(found["links"], base["links"], strict=True)
            for link in ours.keys() & theirs.keys()
        ]
        links = [set(one) for one in found["links"]], [set(one) for one in base["links"]]
        rows.append(
            {
                "cut": name,
                "same_links": overlap(*links),
                "same_clusters": overlap(found["clusters"], base["clusters"]),
                "mean_difference": float(np.mean(shared)) if shared else 0.0,
                "time": found["seconds"] / base["seconds"],
            }
        )
    return rows


def measure(nlp: Language, texts: list[str]) -> dict[str, Any]:
    """Compare ways to cut with the model's own, and with no windows at all."""
    encoder = nlp.get_pipe("lstm_coref").model.get_ref("tok2vec").shims[0].module
    window, margin = encoder.window, encoder.margin
    cuts = [Cut(f"window {window}, margin {margin}: as it is", window, margin)]
    for other in dict.fromkeys([margin, *(m for m in (24, 32, 48) if 2 * m < window)]):
        step = (window - 2 * other) // 2
        cuts.append(Cut(f"margin {other}", window, other))
        cuts.append(Cut(f"margin {other}, moved by {step}", window, other, step))
    cuts.append(Cut("no windows", _WHOLE, margin))
    runs = {cut.name: run(nlp, texts, encoder, cut) for cut in cuts}
    names = list(runs)
    moved = []
    for still, shifted in zip(names[1:-1:2], names[2:-1:2], strict=True):
        moved += compare({f"{shifted} beside {still}": runs[shifted]}, runs[still])
    whole = compare({name: runs[name] for name in names}, runs[names[-1]])
    return {
        "documents": len(texts),
        "links": sum(map(len, runs[names[0]]["links"])),
        "beside no windows": whole,
        "moved windows": moved,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help=".txt or .jsonl")
    parser.add_argument("--model", default="en_lstm_sm")
    parser.add_argument("--words", type=int, default=500)
    parser.add_argument("--documents", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    nlp = load_pipeline(options.model)
    nlp.select_pipes(enable=["lstm_coref"])
    texts = read_texts(options.texts).take(options.words, options.documents)
    result = measure(nlp, texts)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
