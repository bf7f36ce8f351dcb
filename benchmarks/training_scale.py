"""Time and memory of training against the size of the corpus, up to 50 million words.

    python benchmarks/training_scale.py [--sizes 0.5 5 50] [--output metrics/training_scale]

For each size, in millions of generated words, measures in a process of its own

- prepare: rows of JSONL, 48 words and a label each, into
  `.spacy` files of 20,000 documents: in full up to 5 million words, since it takes no other path
  for more of them;
- read: what `pretrain` does first, raw text into numbered tokens on the disk, in full;
- pretrain: 40 steps of 64 x 128 words on all of that text, of which the first ten are not counted.

Time is that of the process, in microseconds a word. Memory is what the process holds itself at its
highest (RssAnon, sampled), above what it held before: pages of a file that it reads, which the
system may drop at any moment, are not counted. Every measurement is kept in the output folder as
soon as it is made, and a call that was interrupted goes on from there; scale.json and scale.svg
hold them all.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spacy
import torch
from generated_text import words_of, write_text

from spacy_lstm.cli.prepare import prepare
from spacy_lstm.pretraining import loop
from spacy_lstm.pretraining.ranks import ALONE
from spacy_lstm.pretraining.text import TokenText, stored_text
from spacy_lstm.viz.scaling import draw_scaling

MILLION = 1_000_000
STAGES = ("prepare", "read", "pretrain")
# Words of `prepare` at most.
PREPARED = 5
WARMUP, STEPS = 10, 40
ROW = 48


def resident() -> int:
    """Bytes of memory that this process holds itself."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system does not tell a process's memory: Linux does")


@contextmanager
def watched(record: dict[str, float], words: int) -> Iterator[None]:
    """Time and memory of a block that passes over so many words."""
    before = highest = resident()
    ended = threading.Event()

    def sample() -> None:
        nonlocal highest
        while not ended.wait(0.02):
            highest = max(highest, resident())

    thread = threading.Thread(target=sample)
    thread.start()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield
    finally:
        record["microseconds"] = (time.process_time() - cpu) / words * 1e6
        record["seconds"] = time.perf_counter() - wall
        ended.set()
        thread.join()
        record["megabytes"] = (max(highest, resident()) - before) / MILLION


def make_encoder() -> tuple[spacy.Language, Any]:
    """The encoder of `configs/embedded_coref.cfg`, at its usual width."""
    tok2vec = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", "width": 128}
    model = {"@architectures": "spacy_lstm.Coref.v1", "tok2vec": tok2vec}
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": model})
    encoder = pipe.model.get_ref("tok2vec")
    torch.manual_seed(1)
    encoder.initialize()
    return nlp, encoder


def read(folder: Path) -> TokenText:
    """The text of a folder, read or found there."""
    nlp, encoder = make_encoder()
    files = [folder / "raw.txt"]
    return stored_text(files, folder, nlp, encoder, vocabulary=loop.PretrainSettings().vocabulary)


def measure_prepare(folder: Path, words: int) -> dict[str, float]:
    """`spacy-lstm prepare --shard-size 20000`."""
    source, record = folder / "rows.jsonl", {}
    with source.open("w", encoding="utf-8") as stream:
        for block in words_of(words):
            for first in range(0, len(block), ROW):
                row = {"text": " ".join(block[first : first + ROW]), "label": first // ROW % 2}
                stream.write(json.dumps(row) + "\n")
    # What a first call loads is no matter of size.
    prepare([source], folder / "few.spacy", limit=100)
    with watched(record, words):
        prepare([source], folder / "shards", shard_size=20_000)
    return record


def measure_read(folder: Path, words: int) -> dict[str, float]:
    """Raw text into numbered tokens."""
    record: dict[str, float] = {}
    make_encoder()
    with watched(record, words):
        text = read(folder)
    record |= {"tokens": len(text.tokens), "types": len(text.features)}
    return record


def measure_pretrain(folder: Path, words: int) -> dict[str, float]:
    """Steps on a text that was read before, and what comes before the first of them."""
    record: dict[str, float] = {}
    text = read(folder)
    _, encoder = make_encoder()
    settings = loop.PretrainSettings(steps=STEPS)
    tokens = settings.sequences * settings.length * (STEPS - WARMUP)
    begun = time.process_time()
    with watched({}, 1):
        run = loop._Run(encoder, text, settings, ALONE)
        batches = list(run.batches(0))
    record["seconds_before"] = time.process_time() - begun
    steps = iter(enumerate(batches))
    with watched(record, tokens):
        for _ in range(WARMUP):
            number, batch = next(steps)
            run.update(batch, number)
        begun = time.process_time()
        for number, batch in steps:
            run.update(batch, number)
        spent = time.process_time() - begun
    record["microseconds"] = spent / tokens * 1e6
    return record


MEASURES: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "prepare": measure_prepare,
    "read": measure_read,
    "pretrain": measure_pretrain,
}


def measure(stage: str, words: int, folder: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", str(folder)]
    result = subprocess.run(
        [*command, "--words", str(words)], check=True, stdout=subprocess.PIPE, text=True
    )
    return {"stage": stage, "words": words, **json.loads(result.stdout.splitlines()[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.5, 5, 50])
    parser.add_argument("--output", type=Path, default=Path("metrics/training_scale"))
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--words", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        torch.set_num_threads(1)
        print(json.dumps(MEASURES[options.stage](options.folder, options.words)))
        return
    options.output.mkdir(parents=True, exist_ok=True)
    records = []
    for size in options.sizes:
        words = round(size * MILLION)
        stages = [stage for stage in STAGES if stage != "prepare" or size <= PREPARED]
        kept = {stage: options.output / f"{stage}-{words}.json" for stage in stages}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if not all(path.is_file() for path in kept.values()):
                write_text(folder / "raw.txt", words)
            for stage, path in kept.items():
                if not path.is_file():
                    path.write_text(json.dumps(measure(stage, words, folder)), encoding="utf-8")
                records.append(json.loads(path.read_text("utf-8")))
                print(json.dumps(records[-1]), flush=True)
    (options.output / "scale.json").write_text(json.dumps(records, indent=1), encoding="utf-8")
    (options.output / "scale.svg").write_bytes(draw_scaling(records))


if __name__ == "__main__":
    main()
