"""What `spacy-lstm benchmark` measures: speed, memory and start-up beside others' encoders.

Words are spaCy's tokens; words that white space divides are told beside them.
"""

import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

import torch
from spacy.language import Language

from ..errors import LstmError
from ..pretrained import load_pipeline
from .peers import PEER_NAMES
from .processes import Asked, run_fresh
from .speed import LENGTHS, Length, measure_latency, measure_speed, measure_stages
from .texts import TextSource, make_texts, read_texts

__all__ = ["LENGTHS", "PEER_NAMES", "run_benchmark"]

_FACTORIES: Final = {"lstm_coref": "coref", "lstm_sentiment": "sentiment"}
_BOOK_WORDS: Final = 100_000
_MILLION: Final = 1_000_000
_QUICK: Final = {
    "short": Length(20, 20, 2),
    "paragraph": Length(90, 8, 2),
    "article": Length(500, 2, 2),
}


def run_benchmark(
    model: str | Path = "en_lstm_sm",
    *,
    texts: str | Path | None = None,
    quick: bool = False,
    threads: Sequence[int] = (1, 2),
    cpu: bool = False,
    precision: str | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Measure a pipeline with our components: each of them without the other, and both.

    model: a bundle's name, a pipeline's folder or package.
    texts: a `.txt` or `.jsonl` file; None for made ones. What it does not suffice for is left out.
    quick: few and short texts and no fresh process with long ones, to see that it runs.
    threads: numbers of torch's threads; the first one's speed of a book is compared with that of
        an article.
    cpu: count the process's CPU time and not that of the clock, which other processes on a busy
        machine stretch. For one thread.
    precision: of the components, "single" or "bfloat16"; None for what their config says.
    tell: called with what is done next.
    RETURNS: model, precision, texts, machine, pipelines (names of components by key), peers (their
        names), speed, peer_speed, stages, growth, latency and processes; see benchmarks/README.md.
    """
    if not threads or min(threads) < 1:
        raise LstmError(f"threads = {list(threads)}: expected one or more numbers from 1 on.")
    if cpu and list(threads) != [1]:
        raise LstmError(
            f"threads = {list(threads)} with CPU time: expected 1 alone, since that time is a sum "
            "over threads."
        )
    asked = Asked(str(model), precision)
    excluded = _find_variants(load_pipeline(model, precision=precision))
    source = make_texts() if texts is None else read_texts(texts)
    lengths = _QUICK if quick else LENGTHS
    kept = torch.get_num_threads()
    # What the caller has frozen stays so.
    thaw = not gc.get_freeze_count()
    began = _load()
    try:
        result = _measure(asked, excluded, source, lengths, threads, tell, quick=quick, cpu=cpu)
    finally:
        torch.set_num_threads(kept)
        if thaw:
            gc.unfreeze()
    if not result["speed"]:
        raise LstmError(f"texts {texts}: too few words for any measurement.")
    machine = {**_describe_machine(), "load_before": began, "load_after": _load()}
    return {
        "model": asked.model,
        "precision": precision,
        "texts": source.description,
        "quick": quick,
        "clock": "CPU time" if cpu else "wall clock",
        "machine": machine,
        "peers": PEER_NAMES,
        "excluded": excluded,
        **result,
    }


def _measure(
    asked: Asked,
    excluded: dict[str, list[str]],
    source: TextSource,
    lengths: dict[str, Length],
    threads: Sequence[int],
    tell: Callable[[str], None],
    *,
    quick: bool,
    cpu: bool,
) -> dict[str, Any]:
    clock = time.process_time if cpu else time.perf_counter
    speed: list[dict[str, Any]] = []
    peers: list[dict[str, Any]] = []
    for number in threads:
        # New ones, which know none of the words.
        pipelines = _load_variants(asked, excluded)
        found = measure_speed(pipelines, source, lengths, threads=number, clock=clock, tell=tell)
        speed += found.pipelines
        peers += found.peers
        # What is there when the next ones are loaded is there to stay.
        del pipelines
    pipelines = _load_variants(asked, excluded)
    tell("latency")
    count = 20 if quick else 300
    latency = measure_latency(pipelines, source, words=20, count=count, clock=clock)
    tell("stages")
    stages = measure_stages(pipelines, source, lengths, clock=clock)
    del pipelines
    return {
        "speed": speed,
        "peer_speed": peers,
        "growth": _compare_lengths(speed, threads[0]),
        "stages": stages,
        "latency": latency,
        "processes": _measure_processes(asked, excluded, source, tell, quick=quick, cpu=cpu),
    }


def _measure_processes(
    asked: Asked,
    excluded: dict[str, list[str]],
    source: TextSource,
    tell: Callable[[str], None],
    *,
    quick: bool,
    cpu: bool,
) -> list[dict[str, Any]]:
    rows = []
    (first,) = source.take(20, 1) or ("She smiles.",)
    warm_up = source.take(500, 2 if quick else 20)
    book = source.take(2_000 if quick else _BOOK_WORDS, 1)
    million = [] if quick else source.take(_MILLION, 1)
    for key, exclude in excluded.items():
        tell(f"fresh processes, {key}")
        starts = [run_fresh(asked, exclude, first=first, cpu=cpu) for _ in range(1 if quick else 3)]
        documents = [*book, *(million if len(exclude) == 0 else [])]
        long = run_fresh(asked, exclude, first=first, warm_up=warm_up, documents=documents, cpu=cpu)
        rows.append(
            {
                "components": key,
                **{
                    f"{part}_seconds": median(start[part] for start in starts)
                    for part in ("import", "load", "first", "start")
                },
                "base_megabytes": long["base"],
                "documents": long["documents"],
            }
        )
    return rows


def _find_variants(nlp: Language) -> dict[str, list[str]]:
    """By what is measured, the names of the components that are left out."""
    ours = {
        _FACTORIES[factory]: name
        for name in nlp.pipe_names
        if (factory := nlp.get_pipe_meta(name).factory) in _FACTORIES
    }
    if not ours:
        raise LstmError(
            f"The pipeline has neither lstm_coref nor lstm_sentiment (it has "
            f"{', '.join(nlp.pipe_names) or 'none at all'}): name another with --model."
        )
    found = {key: [name for other, name in ours.items() if other != key] for key in ours}
    if len(ours) == 2:
        found["both"] = []
    return found


def _load_variants(asked: Asked, excluded: dict[str, list[str]]) -> dict[str, Language]:
    pipelines = {
        key: load_pipeline(asked.model, exclude=names, precision=asked.precision)
        for key, names in excluded.items()
    }
    for nlp in pipelines.values():
        nlp.max_length = 1 << 40
    # As a process with one pipeline should, all the more one with three and their peers: Python's
    # garbage collector need not go through what is there to stay.
    gc.collect()
    gc.freeze()
    return pipelines


def _compare_lengths(speed: list[dict[str, Any]], threads: int) -> list[dict[str, Any]]:
    """Time a word of a book beside that of an article."""
    by_key = {
        (row["components"], row["length"]): row["words_per_second"]
        for row in speed
        if row["threads"] == threads
    }
    return [
        {"components": key, "book_to_article": by_key[key, "article"] / found}
        for (key, length), found in by_key.items()
        if length == "book" and (key, "article") in by_key
    ]


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _describe_machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    table = Path("/proc/cpuinfo")
    if table.is_file():
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        processor = named[0] if named else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "spacy", "thinc", "numpy")},
    }
