"""Throughput of `nlp.pipe` with one process, two processes, and two threads that share a pipeline.

    python benchmarks/processes.py [--model PIPELINE] [--documents 4000] [--words 90] [--tries 5]

Every try measures all three right after one another, on texts that were not read before; told are
the best and the median of the ratios to one process, and the load of the machine: two processes are
no faster where other programs use the second core. What starting the processes takes is in
it, so give enough documents.
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import torch
from spacy.language import Language

from spacy_lstm.benchmarking.texts import make_texts
from spacy_lstm.pretrained import load_pipeline


def run_processes(nlp: Language, texts: list[str], processes: int) -> int:
    """Words annotated."""
    return sum(len(doc) for doc in nlp.pipe(texts, n_process=processes, batch_size=250))


def run_threads(nlp: Language, texts: list[str]) -> int:
    """The same, with two threads and one half of the texts each."""
    half = len(texts) // 2
    with ThreadPoolExecutor(2) as threads:
        return sum(
            threads.map(lambda part: run_processes(nlp, part, 1), (texts[:half], texts[half:]))
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="en_lstm_sm")
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--words", type=int, default=90)
    parser.add_argument("--tries", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    nlp = load_pipeline(options.model)
    source = make_texts(7)
    run_processes(nlp, source.take(options.words, 200), 1)
    ways = {
        "one process": lambda texts: run_processes(nlp, texts, 1),
        "two processes": lambda texts: run_processes(nlp, texts, 2),
        "two threads": lambda texts: run_threads(nlp, texts),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.tries):
        for name, way in ways.items():
            texts = source.take(options.words, options.documents)
            started = time.perf_counter()
            words = way(texts)
            speeds[name].append(words / (time.perf_counter() - started))
        load = os.getloadavg()[0]
        told = ", ".join(f"{name} {speeds[name][number]:,.0f} words/s" for name in ways)
        print(f"{told}; load {load:.1f}", flush=True)
    result: dict[str, Any] = {}
    for name in list(ways)[1:]:
        pairs = zip(speeds[name], speeds["one process"], strict=True)
        ratios = [fast / slow for fast, slow in pairs]
        result[name] = {"best": round(max(ratios), 2), "median": round(median(ratios), 2)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
