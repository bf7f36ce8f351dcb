"""Words a second of training, now and at an earlier commit.

    python benchmarks/training_speed.py [--against COMMIT] [--threads 1] [--rounds 5]

Trains coref and sentiment on the embedded corpus, in batches of 2,000 words, and pretrains on
generated text, in batches of 64 x 128 words; with the same settings on either side. Every round
measures each side once, in a process of its own, one after the other: what else the machine does
then slows both. Told are the medians of the rounds, in words a second of the process's CPU time
and of the clock, and the ratios of the medians.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import spacy
import torch
from generated_text import write_text
from spacy.tokens import DocBin
from spacy.training import Example

ROOT = Path(__file__).parents[1]
# The first commit that trains all three.
FIRST = "140ad25"
BATCH_WORDS = 2_000
# Steps that are not counted: caches fill and the library compiles its kernels.
WARMUP = 6
STEPS = 24
TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 128,
    "rows": 20_000,
    "window": 128,
    "dropout": 0.3,
    "attention": "multihead",
}
MODELS: dict[str, dict[str, Any]] = {
    "coref": {"@architectures": "spacy_lstm.Coref.v1", "hidden_width": 64, "mention_width": 96},
    "sentiment": {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 128},
}
TASKS = (*MODELS, "pretrain")


class Side(NamedTuple):
    """What is measured against the others."""

    name: str
    source: Path
    half: bool
    """Matrices in bfloat16."""


class Clock:
    """CPU time and the clock's, of all steps but the first."""

    def __init__(self) -> None:
        self.step = self.words = 0
        self.cpu = self.wall = 0.0

    def run(self, step: Callable[[], Any], words: int) -> Any:
        """Run a step of so many words."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = step()
        self.step += 1
        if self.step > WARMUP:
            self.cpu += time.process_time() - cpu
            self.wall += time.perf_counter() - wall
            self.words += words
        return result

    def told(self) -> dict[str, float]:
        """Words a second."""
        return {"cpu": self.words / self.cpu, "wall": self.words / self.wall}


def make_pipe(task: str, half: bool) -> tuple[spacy.Language, Any]:
    """A pipeline with an empty component. Half precision is set only where it is asked for: the
    first version had no such setting."""
    tok2vec = {**TOK2VEC, **({"mixed_precision": True} if half else {})}
    nlp = spacy.blank("en")
    model = {**MODELS[task], "tok2vec": tok2vec}
    return nlp, nlp.add_pipe(f"lstm_{task}", config={"pretrained": None, "model": model})


def train(task: str, folder: Path, half: bool) -> dict[str, float]:
    """Train a component of a pipeline, as spaCy's loop does, on one batch after the other."""
    nlp, _ = make_pipe(task, half)
    docs = DocBin().from_disk(folder / f"{task}.spacy").get_docs(nlp.vocab)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    clock = Clock()
    for batch in cut(cycle(examples)):
        words = sum(len(example.predicted) for example in batch)

        def step(batch: list[Example] = batch) -> None:
            nlp.update(batch, sgd=optimizer, drop=0.3, losses={})

        clock.run(step, words)
        if clock.step == WARMUP + STEPS:
            break
    return clock.told()


def cut(examples: Iterable[Example]) -> Iterable[list[Example]]:
    """Batches of about as many words."""
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if sum(len(each.predicted) for each in batch) >= BATCH_WORDS:
            yield batch
            batch = []


def pretrain(folder: Path, half: bool) -> dict[str, float]:
    """Pretrain the encoder of `lstm_coref`."""
    from spacy_lstm.pretraining import loop  # noqa: PLC0415
    from spacy_lstm.pretraining.text import stored_text  # noqa: PLC0415

    if not half:
        # The first version asked for it in any case; torch does as it is told here.
        torch.cpu._is_avx512_bf16_supported = lambda: False
        loop.torch.autocast = _single  # type: ignore[attr-defined]
    nlp, pipe = make_pipe("coref", False)
    tok2vec = pipe.model.get_ref("tok2vec")
    tok2vec.initialize()
    settings = loop.PretrainSettings(steps=WARMUP + STEPS)
    clock, update = Clock(), loop._Run.update

    def timed(run: Any, starts: Any, step: int) -> Any:
        return clock.run(lambda: update(run, starts, step), len(starts) * settings.length)

    loop._Run.update = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as output:
        text = stored_text(
            [folder / "raw.txt"], Path(output), nlp, tok2vec, vocabulary=settings.vocabulary
        )
        # Without a measure of the held-out text, which is the same on either side.
        loop._Run.perplexity = lambda run: 1.0  # type: ignore[method-assign]
        loop.pretrain_encoder(tok2vec, text, Path(output), settings, save_every=10**6)
    return clock.told()


_AUTOCAST = torch.autocast


def _single(device: str, dtype: Any = None, enabled: bool = True) -> torch.autocast:
    return _AUTOCAST(device, dtype=dtype, enabled=False)


def prepare(folder: Path) -> None:
    """What all sides train on."""
    for task in MODELS:
        words = ["prepare", str(ROOT / "corpus" / f"{task}_en"), str(folder / f"{task}.spacy")]
        command = [sys.executable, "-m", "spacy_lstm", *words, "--split", "train"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    write_text(folder / "raw.txt", 200_000)


def measure(task: str, side: Side, folder: Path, threads: int) -> dict[str, float] | None:
    """One measurement in a process of its own; None where that version cannot do it, which is
    told on standard error: at first, components could not train in bfloat16."""
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(side.source), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": str(threads),
    }
    result = subprocess.run(
        [*command, *(["--half"] if side.half else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        print(f"{task}, {side.name}: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    told: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return told


def check_out(commit: str, folder: Path) -> Path:
    """The package as it was, without touching the working tree."""
    target = folder / commit
    target.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "spacy_lstm"], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    return target


def compare(tasks: list[str], sides: list[Side], folder: Path, options: Any) -> None:
    """Print a line for every task and side; ratios are to the first side."""
    print("| task | version | words/s of CPU time | of the clock | ratio | of the clock |")
    print("| --- | --- | --- | --- | --- | --- |")
    for task in tasks:
        told: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
        able = sides
        for _ in range(options.rounds):
            for side in list(able):
                if found := measure(task, side, folder, options.threads):
                    told[side.name].append(found)
                else:
                    able = [other for other in able if other != side]
        medians = {
            name: [median(one[key] for one in each) for key in ("cpu", "wall")]
            for name, each in told.items()
            if each
        }
        first = medians.get(sides[0].name)
        for name, speeds in medians.items():
            ratios = [f"{a / b:.2f}" for a, b in zip(speeds, first or speeds, strict=True)]
            cells = [task, name, *(f"{speed:,.0f}" for speed in speeds), *ratios]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", default=FIRST, help="an earlier commit")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--half", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        torch.manual_seed(1)
        run = pretrain if options.task == "pretrain" else train
        arguments = () if options.task == "pretrain" else (options.task,)
        print(json.dumps(run(*arguments, options.folder, options.half)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        source = check_out(options.against, folder)
        sides = [
            Side(options.against, source, False),
            Side(f"{options.against}, bfloat16", source, True),
            Side("now", ROOT, False),
            Side("now, bfloat16", ROOT, True),
        ]
        compare(options.tasks, sides, folder, options)


if __name__ == "__main__":
    main()
