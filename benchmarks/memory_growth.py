"""Whether memory grows while short documents pass through both components, million by million.

    python benchmarks/memory_growth.py [--documents N] [--minutes 15] [--output DIR] [--resume]
    python benchmarks/memory_growth.py --draw DIR/memory_growth.jsonl

Documents come in batches, each in an `nlp.memory_zone()` (`--no-zone`: without one), and new words
with them without end; they are made in another process, whose memory does not count. Every two
seconds a row is written: documents so far, seconds, megabytes. `--resume` goes on in a new process
where the last one stopped, with texts that were not read yet; its curve begins anew. Where
matplotlib is installed, the curve is drawn beside the rows. The components keep what they know of
300,000 words and then begin anew; `--table-limit` lets that come sooner.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from spacy_lstm.benchmarking.texts import make_texts
from spacy_lstm.files import replacing
from spacy_lstm.models import lexemes
from spacy_lstm.pretrained import load_pipeline
from spacy_lstm.viz.speed import can_draw, draw_memory

_BATCH = 1_000
_SECONDS = 2.0


def resident() -> float:
    """Megabytes of this process."""
    with Path("/proc/self/status").open(encoding="ascii") as stream:
        return next(int(line.split()[1]) / 1024 for line in stream if line.startswith("VmRSS"))


def write_texts(seed: int, words: int) -> None:
    """Texts without end, a line each, on standard output."""
    source = make_texts(seed)
    try:
        while True:
            sys.stdout.write("".join(f"{text}\n" for text in source.take(words, 100)))
    except BrokenPipeError:
        # Who reads has had enough; there is nobody left to tell.
        sys.stderr.close()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """What earlier processes measured."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def annotate(
    options: argparse.Namespace, texts: Iterator[str], before: int, process: int
) -> Iterator[dict[str, Any]]:
    """Rows, as documents pass."""
    nlp = load_pipeline(options.model)
    started = last = time.monotonic()
    done = before
    while done < options.documents and last - started < options.minutes * 60:
        batch = [line.rstrip("\n") for line in islice(texts, _BATCH)]
        if options.zone:
            with nlp.memory_zone():
                done += sum(1 for _ in nlp.pipe(batch))
        else:
            done += sum(1 for _ in nlp.pipe(batch))
        now = time.monotonic()
        if now - last >= _SECONDS or done == before + _BATCH:
            last = now
            yield {
                "process": process,
                "documents": done,
                "seconds": round(now - started, 1),
                "megabytes": round(resident(), 1),
                "zone": options.zone,
                "words": options.words,
            }


def draw(path: Path) -> None:
    """The rows as a picture beside them."""
    for form in ("svg", "png"):
        with replacing(path.with_suffix(f".{form}")) as beside:
            beside.write_bytes(draw_memory(read_rows(path), form))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="en_lstm_sm")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--words", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("metrics/memory_growth"))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument(
        "--table-limit", type=int, help="words that the components' tables keep, to see them full"
    )
    parser.add_argument("--no-zone", dest="zone", action="store_false")
    parser.add_argument("--draw", type=Path, help="draw these rows, and measure nothing")
    parser.add_argument("--write-texts", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_texts is not None:
        write_texts(options.write_texts, options.words)
        return
    if options.draw is not None:
        draw(options.draw)
        return
    torch.set_num_threads(1)
    if options.table_limit is not None:
        lexemes.MAX_LEXEMES = options.table_limit  # type: ignore[misc]
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "memory_growth.jsonl"
    rows = read_rows(path) if options.resume and path.is_file() else []
    before = int(rows[-1]["documents"]) if rows else 0
    process = int(rows[-1]["process"]) + 1 if rows else 1
    command = [sys.executable, __file__, "--write-texts", str(process)]
    source = subprocess.Popen(
        [*command, "--words", str(options.words)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert source.stdout is not None
    # A row is whole or not there at all: who kills this loses two seconds.
    with path.open("a" if rows else "w", encoding="utf-8", buffering=1) as stream:
        for row in annotate(options, source.stdout, before, process):
            stream.write(json.dumps(row) + "\n")
            print(f"{row['documents']:>9,} documents {row['megabytes']:8.1f} MB", flush=True)
    source.kill()
    source.wait()
    if can_draw():
        draw(path)


if __name__ == "__main__":
    main()
