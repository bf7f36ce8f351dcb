"""Batchers of spaCy beside each other: words a second of training, and what is learned.

    python benchmarks/training_batches.py [--data TRAIN.spacy DEV.spacy] [--epochs 2] [--rounds 3]

trains `lstm_sentiment` as `spacy-lstm train` does, once with each batcher and a seed a round, on
the embedded corpus or on what `spacy-lstm prepare` made. Told are the medians of the rounds: words
a second of CPU time, texts and padding a batch (what the encoder would pad if it laid a batch out
as one block; it lays texts of like length together), and accuracy on the development texts.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median
from typing import Any

import spacy
import torch
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.batchers import (
    configure_minibatch,
    configure_minibatch_by_padded_size,
    configure_minibatch_by_words,
)
from thinc.api import Adam, fix_random_seed

ROOT = Path(__file__).parents[1]
Batcher = Callable[[Iterable[Example]], Iterable[list[Example]]]
BATCHERS: dict[str, Batcher] = {
    f"by_words, {size}": configure_minibatch_by_words(
        size=size, tolerance=0.2, discard_oversize=False
    )
    for size in (600, 2000, 4000)
} | {
    f"by_padded, {size}": configure_minibatch_by_padded_size(
        size=size, buffer=512, discard_oversize=False
    )
    for size in (600, 2000, 4000)
}
BATCHERS["by_sequence, 64"] = configure_minibatch(64)


def read(path: Path, nlp: spacy.Language) -> list[Example]:
    """Texts with their labels."""
    docs = DocBin().from_disk(path).get_docs(nlp.vocab)
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs if len(doc)]


def train(files: list[Path], batcher: Batcher, epochs: int, seed: int) -> dict[str, float]:
    """Train a new pipeline and measure it."""
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    tok2vec = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", "width": 128, "dropout": 0.3}
    model = {"@architectures": "spacy_lstm.TextCat.v1", "tok2vec": tok2vec}
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": model})
    examples, held_out = (read(file, nlp) for file in files)
    nlp.initialize(lambda: examples)
    optimizer = Adam(0.001, grad_clip=1.0, L2=0.0)
    order = random.Random(seed)
    words, texts, padding = 0, [], []
    spent = 0.0
    for _ in range(epochs):
        order.shuffle(examples)
        for batch in batcher(examples):
            lengths = [len(example.predicted) for example in batch]
            begun = time.process_time()
            nlp.update(batch, sgd=optimizer, drop=0.3, losses={})
            spent += time.process_time() - begun
            words += sum(lengths)
            texts.append(len(batch))
            padding.append(max(lengths) * len(batch) / sum(lengths) - 1)
    cats: Any = nlp.evaluate(held_out)
    return {
        "words/s": words / spent,
        "texts": mean(texts),
        "padding": mean(padding),
        "accuracy": cats["accuracy"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs=2, metavar=("TRAIN", "DEV"))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        files = options.data or [Path(name) / f"{split}.spacy" for split in ("train", "dev")]
        for file in [] if options.data else files:
            words = ["prepare", str(ROOT / "corpus" / "sentiment_en"), str(file)]
            command = [sys.executable, "-m", "spacy_lstm", *words, "--split", file.stem]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        told: dict[str, list[dict[str, float]]] = {batcher: [] for batcher in BATCHERS}
        for seed in range(options.rounds):
            for batcher, batches in BATCHERS.items():
                told[batcher].append(train(files, batches, options.epochs, seed))
    print("| batcher | words/s | texts | padding | accuracy |")
    print("| --- | --- | --- | --- | --- |")
    for batcher, rounds in told.items():
        middle = {key: median(one[key] for one in rounds) for key in rounds[0]}
        speed, texts = f"{middle['words/s']:,.0f}", f"{middle['texts']:.0f}"
        shares = f"{middle['padding']:.0%} | {middle['accuracy']:.1%}"
        print(f"| {batcher} | {speed} | {texts} | {shares} |")


if __name__ == "__main__":
    main()
