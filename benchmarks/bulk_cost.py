"""What `spacy-lstm annotate` costs for a million documents, and the way to a hundred million.

    python benchmarks/bulk_cost.py [MODEL] [--documents 20000] [--texts FILE] [--output FILE.json]

Paragraphs of about 90 words are put together from the embedded corpus, or come from the rows of
FILE, and are annotated by one worker process into a folder of Parquet. Cost is the CPU time of the
worker, less that of a run over a single document, so that other work on the machine and the
start of a process do not count. "pipeline alone" is the same texts through `nlp.pipe`, in one
process: the difference is what reading, describing and writing take. It prints the tables of
docs/annotate.md.
"""

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from spacy_lstm.bulk import Options, annotate
from spacy_lstm.corpora.files import read_rows
from spacy_lstm.pretrained import load_pipeline

CORPUS = Path(__file__).parents[1] / "corpus"
SETS = ("coref_en", "sentiment_en")
WORDS = 90
PLAN_DOCUMENTS = 100_000_000
PLAN_CORES = (2, 16, 64, 256, 1024)
# Of the cores' time, what is lost to starting, to the last parts, to machines that are taken away.
UTILIZATION = 0.9
# Read at each plan: megabytes of text in a part.
PLAN_PART_BYTES = 10_000_000


class Cost(NamedTuple):
    """What was measured, per document."""

    words: float
    seconds: float
    """Of one core, all told."""
    pipeline_seconds: float
    """Of one core, in the pipeline alone."""
    source_bytes: float
    parquet_bytes: float
    jsonl_gz_bytes: float
    memory: int
    """Of the largest process, bytes in all."""
    start_seconds: float
    """Of one core, until a worker has begun, and for the plan."""


def make_paragraphs(count: int, seed: int = 0) -> Iterator[str]:
    """Texts of the embedded corpus, drawn and joined to about 90 words each."""
    files = [CORPUS / name / "train.jsonl" for name in SETS]
    texts = [row["text"] for file in files for row in read_rows(file)]
    rng = Random(seed)
    for _ in range(count):
        words = 0
        chosen = []
        while words < WORDS - 5:
            chosen.append(rng.choice(texts))
            words += len(chosen[-1].split())
        yield " ".join(chosen)


def read_paragraphs(path: Path, count: int) -> Iterator[str]:
    """The texts of a file of rows, from the start again where there are too few."""
    return islice(cycle([row["text"] for row in read_rows(path)]), count)


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measure_run(source: Path, output: Path, model: str, **options: Any) -> tuple[float, Any]:
    """CPU seconds of an annotation with one worker, and what it told."""
    before = _cpu(resource.RUSAGE_CHILDREN)
    found = annotate(source, output, Options(model, **options), workers=1)
    return _cpu(resource.RUSAGE_CHILDREN) - before, found


def measure_pipeline(model: str, texts: Sequence[str]) -> float:
    """CPU seconds of the pipeline alone, after a first pass over some of the texts."""
    nlp = load_pipeline(model)
    for _ in nlp.pipe(texts[:200]):
        pass
    ordered = sorted(texts, key=len)
    start = time.process_time()
    for first in range(0, len(ordered), 4000):
        with nlp.memory_zone():
            for _ in nlp.pipe(ordered[first : first + 4000], batch_size=512):
                pass
    return time.process_time() - start


def measure(model: str, texts: Sequence[str]) -> Cost:
    """What these texts cost."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source, single = place / "in.jsonl", place / "one.jsonl"
        lines = [json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(texts)]
        source.write_text("".join(lines), encoding="utf-8")
        single.write_text(lines[0], encoding="utf-8")
        start, _ = measure_run(single, place / "one", model)
        seconds, found = measure_run(source, place / "out", model)
        annotate(source, place / "out.jsonl", Options(model), workers=1)
        count = len(texts)
        shards = sum(path.stat().st_size for path in (place / "out").glob("part-*"))
        return Cost(
            words=found["words"] / count,
            seconds=(seconds - start) / count,
            pipeline_seconds=measure_pipeline(model, texts) / count,
            source_bytes=source.stat().st_size / count,
            parquet_bytes=shards / count,
            jsonl_gz_bytes=len(gzip.compress((place / "out.jsonl").read_bytes(), 6)) / count,
            memory=found["peak_memory"],
            start_seconds=start,
        )


def format_cost(cost: Cost) -> str:
    """What a million documents cost, as Markdown."""
    million = 1_000_000
    rows = [
        ("words (tokens) of a document", f"{cost.words:.0f}"),
        ("words a second of one core", f"{cost.words / cost.seconds:,.0f}"),
        ("the same, pipeline alone", f"{cost.words / cost.pipeline_seconds:,.0f}"),
        ("core hours for a million documents", f"{cost.seconds * million / 3600:.2f}"),
        ("input, JSONL", f"{cost.source_bytes * million / 1e9:.2f} GB"),
        ("output, Parquet (zstd)", f"{cost.parquet_bytes * million / 1e9:.2f} GB"),
        ("output, JSONL (gzip)", f"{cost.jsonl_gz_bytes * million / 1e9:.2f} GB"),
        ("memory of the largest process", f"{cost.memory / 1e6:,.0f} MB"),
        ("start of a worker", f"{cost.start_seconds:.1f} s"),
    ]
    return "\n".join(["| a million documents | |", "| --- | --- |", *map(_row, rows)])


def format_plan(cost: Cost, documents: int = PLAN_DOCUMENTS) -> str:
    """The same for many more, as Markdown: cores against hours, and what else it takes."""
    core_hours = documents * cost.seconds / 3600
    parts = documents * cost.source_bytes / PLAN_PART_BYTES
    in_part = documents / parts
    rows = [
        ("core hours", f"{core_hours:,.0f}"),
        *(
            (f"hours on {cores:,} cores", f"{core_hours / cores / UTILIZATION:,.1f}")
            for cores in PLAN_CORES
        ),
        ("input, JSONL", f"{documents * cost.source_bytes / 1e9:,.0f} GB"),
        ("output, Parquet (zstd)", f"{documents * cost.parquet_bytes / 1e9:,.0f} GB"),
        ("parts (`--part-mb 10`)", f"{parts:,.0f}"),
        ("documents in a part", f"{in_part:,.0f}"),
        ("seconds of work in a part", f"{in_part * cost.seconds:,.0f}"),
        ("Parquet of a part", f"{in_part * cost.parquet_bytes / 1e6:,.0f} MB"),
        ("files beside it, while it runs", f"{parts:,.0f}"),
    ]
    head = f"| {documents:,} documents | |"
    return "\n".join([head, "| --- | --- |", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", nargs="?", default="en_lstm_sm")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--texts", type=Path, help="rows with a text, instead of made-up ones")
    parser.add_argument("--output", type=Path, help="the figures as JSON")
    given = parser.parse_args()
    if given.texts:
        texts = list(read_paragraphs(given.texts, given.documents))
    else:
        texts = list(make_paragraphs(given.documents))
    cost = measure(given.model, texts)
    print(format_cost(cost), format_plan(cost), sep="\n\n")
    if given.output:
        given.output.write_text(json.dumps(cost._asdict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
