"""Words a second of lstm_coref on prepared documents, and where the time goes.

    python benchmarks/coref_speed.py [MODEL] [--texts DIR] [--words 100000] [--cpu]

One thread, the component alone in its pipeline. Documents are cut from the texts to 90, 500 and
2000 words. "cold" is the first pass over them, when every word is new to the component's table
of spellings; "warm" the best of those that follow. The shares are those of the best warm pass.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_lstm.models.lexemes import Lexicon
from spacy_lstm.nn import coref as nn_coref
from spacy_lstm.nn.coref import CorefScorer
from spacy_lstm.nn.embed import TokenEmbedding
from spacy_lstm.nn.encoder import BiLSTMEncoder
from spacy_lstm.pipeline import coref as pipe_coref
from spacy_lstm.pipeline.coref import CoreferenceResolver

LENGTHS = (90, 500, 2000)

# What each step is in the code; a step's time leaves out the steps inside it.
STEPS: dict[str, list[tuple[Any, str]]] = {
    "features": [(Lexicon, "rows")],
    "embed": [(TokenEmbedding, "forward")],
    "recurrent": [(BiLSTMEncoder, "recur")],
    "attention": [(BiLSTMEncoder, "forward")],
    "spans": [(CorefScorer, "score_spans"), (CorefScorer, "_choose_spans")],
    "mentions": [
        (nn_coref, "read_words"),
        (nn_coref, "describe_mentions"),
        (CorefScorer, "_mention_vectors"),
    ],
    "candidates": [(nn_coref, "pair_candidates")],
    "pair features": [(nn_coref, "joint_features")],
    "pair scores": [(CorefScorer, "_score_pairs")],
    "decode": [(pipe_coref, "decode")],
    "clusters": [(CoreferenceResolver, "_decode")],
    "annotate": [(CoreferenceResolver, "set_annotations")],
}


def read_texts(nlp: Language, folder: Path) -> list[list[str]]:
    """The words of every document in the `.spacy` files of a folder."""
    files = sorted(folder.glob("*.spacy"))
    if not files:
        raise SystemExit(f"no .spacy files in {folder}: write some with `spacy-lstm prepare`")
    docs = [doc for file in files for doc in DocBin().from_disk(file).get_docs(nlp.vocab)]
    return [[token.text for token in doc] for doc in docs]


def cut(nlp: Language, texts: list[list[str]], length: int, words: int) -> list[Doc]:
    """Documents of `length` words, `words` together, out of texts that are as long or that
    follow on one another."""
    running = [word for text in texts for word in text]
    while len(running) < words:
        running = running + running
    starts = range(0, words - length + 1, length)
    return [Doc(nlp.vocab, words=running[first : first + length]) for first in starts]


@contextmanager
def clocked(clock: Callable[[], float]) -> Iterator[dict[str, float]]:
    """The seconds of each step while the block runs."""
    seconds = dict.fromkeys(STEPS, 0.0)
    inner = [0.0]
    kept = [
        (owner, name, getattr(owner, name)) for parts in STEPS.values() for owner, name in parts
    ]
    for step, parts in STEPS.items():
        for owner, name in parts:
            setattr(owner, name, _timed(getattr(owner, name), step, seconds, inner, clock))
    try:
        yield seconds
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def _timed(
    function: Callable[..., Any],
    step: str,
    seconds: dict[str, float],
    inner: list[float],
    clock: Callable[[], float],
) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        inner.append(0.0)
        started = clock()
        result = function(*args, **kwargs)
        passed = clock() - started
        seconds[step] += passed - inner.pop()
        inner[-1] += passed
        return result

    return run


def forget_words(nlp: Language) -> None:
    """Empty the tables of spellings, as if the component had just been loaded."""
    for node in nlp.get_pipe("lstm_coref").model.walk():
        for shim in node.shims:
            if isinstance(shim, Lexicon):
                shim.__setstate__(shim.__getstate__())


def measure(
    nlp: Language, texts: list[list[str]], length: int, words: int, clock: Callable[[], float]
) -> tuple[float, float, dict[str, float]]:
    """Words a second, cold and warm, and the share of each step in the warm pass."""
    forget_words(nlp)
    speeds, shares = [], []
    for _ in range(4):
        docs = cut(nlp, texts, length, words)
        with clocked(clock) as seconds:
            started = clock()
            for _ in nlp.pipe(docs):
                pass
            passed = clock() - started
        speeds.append(sum(len(doc) for doc in docs) / passed)
        shares.append({step: spent / passed for step, spent in seconds.items()})
    best = max(range(1, len(speeds)), key=lambda i: speeds[i])
    return speeds[0], speeds[best], shares[best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="a trained pipeline; left out: the bundle")
    parser.add_argument("--texts", type=Path, default=Path("data/bundle/dev"))
    parser.add_argument("--words", type=int, default=40_000)
    parser.add_argument("--cpu", action="store_true", help="count CPU time, on a busy machine")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock = time.process_time if options.cpu else time.perf_counter
    if options.model:
        nlp = spacy.load(options.model)
    else:
        nlp = spacy.blank("en")
        nlp.add_pipe("lstm_coref")
    texts = read_texts(nlp, options.texts)
    results = {length: measure(nlp, texts, length, options.words, clock) for length in LENGTHS}
    print("words a document", *(f"{length:>9}" for length in LENGTHS))
    for row, name in enumerate(("cold words/s", "warm words/s")):
        print(f"{name:16}", *(f"{results[length][row]:9.0f}" for length in LENGTHS))
    for step in STEPS:
        print(f"{step:16}", *(f"{results[length][2][step]:9.1%}" for length in LENGTHS))
    rest = (f"{1 - sum(results[length][2].values()):9.1%}" for length in LENGTHS)
    print(f"{'the rest':16}", *rest)


if __name__ == "__main__":
    main()
