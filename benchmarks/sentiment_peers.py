"""`lstm_sentiment` beside its peers: trained on the same data, measured on the same texts.

    OMP_NUM_THREADS=1 python benchmarks/sentiment_peers.py --data FOLDER [--model PIPELINE ...]

FOLDER is the one that docs/bundle.md describes. Training data: that of the bundle's recipe, but
for what its teachers say. Each peer's figures are kept in a file of `--output`, and a peer that
has one is not trained again; our own pipelines are measured every time.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import spacy
import torch
from peers import PEERS, Cats, Peer, Text, Training, make_example
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lstm.cli.files import write_atomically
from spacy_lstm.cli.models import DEFAULT_MODEL, load_for
from spacy_lstm.coref.reliability import Answer, calibration_error
from spacy_lstm.corpora.files import read_rows
from spacy_lstm.corpora.readers import HuggingFaceCorpus
from spacy_lstm.errors import LstmError
from spacy_lstm.scorers import score_sentiment

DOMAINS = ("books", "dvd", "electronics", "kitchen", "airline")
REVIEWS = tuple(f"blitzer_{domain}.train.jsonl.gz" for domain in DOMAINS)
IMDB = "imdb.train.jsonl"
PATTERNS = Path(__file__).parents[1] / "corpus" / "sentiment_patterns_en" / "train.jsonl"
# As often as the bundle's recipe reads them (train-bundle-sentiment in project.yml), but for the
# patterns: six times over they would rule what counts words.
TRAIN = (
    "sst5_phrases.train.jsonl.gz",
    *("sst5.train.jsonl.gz", "mr.train.jsonl.gz") * 2,
    "pros_cons.train.jsonl.gz",
    *("semeval2017_4a.train.jsonl.gz", *REVIEWS) * 2,
    IMDB,
    PATTERNS.name,
)
# Files of whole texts: what is held out of them has no parts elsewhere.
STOP = ("pros_cons.train.jsonl.gz", "semeval2017_4a.train.jsonl.gz", *REVIEWS, IMDB)
STOP_ROWS = 100
DEV = {
    "SST-2": ("sst2.dev.jsonl.gz",),
    "IMDb": ("imdb.dev.jsonl",),
    "Blitzer": tuple(f"blitzer_{domain}.dev.jsonl.gz" for domain in DOMAINS),
    "tweets": ("tweeteval_sentiment.val.jsonl.gz",),
}
# Three labels: the mean recall of them. Else accuracy.
MACRO_RECALL = {"tweets"}


class Sizes(NamedTuple):
    """How much is read and trained."""

    rows: int  # of each file, 0: all
    minutes: float  # of CPU time, for peers trained in steps


class Whole:
    """A tokenizer for texts that nobody looks into yet: each is one token."""

    def __init__(self, nlp: Language) -> None:
        self._vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self._vocab, words=[text], spaces=[False])


def read_texts(path: Path, rows: int = 0) -> list[Text]:
    """A file's texts, by the naturally spaced column where there is one."""
    nlp = spacy.blank("en")
    nlp.tokenizer = Whole(nlp)
    natural = path.exists() and "detok" in next(read_rows(path), {})
    corpus = HuggingFaceCorpus(
        path, kind="text", limit=rows, columns={"text": "detok"} if natural else None
    )
    return [Text(doc.text, dict(doc.cats)) for doc in corpus.docs(nlp)]


def find(name: str, data: Path, imdb: Path) -> Path:
    """Where a file of the lists above is."""
    if name == PATTERNS.name:
        return PATTERNS
    return imdb / name if name.startswith("imdb.") else data / "sentiment" / name


def gather_training(paths: Sequence[Path], sizes: Sizes) -> Training:
    """The training data, and what of it is held back to stop by."""
    rng = random.Random(0)
    texts: list[Text] = []
    stop: list[Text] = []
    for path, times in Counter(paths).items():
        found = read_texts(path, sizes.rows)
        texts += found * times
        if path.name in STOP:
            stop += rng.sample(found, min(STOP_ROWS, len(found) // 4))
    held = {item.text for item in stop}
    kept = [item for item in texts if item.text not in held]
    return Training(kept, stop, sizes.minutes * 60)


def measure(
    predict: Callable[[Sequence[str]], list[Cats]],
    dev: Mapping[str, Sequence[Sequence[Text]]],
    probabilities: bool,
) -> dict[str, Any]:
    """Figures of each development set, the mean of its files where it has several, and the
    speed over all of them.

    Words are what white space divides; seconds are the process's, not the clock's, which other
    programs stretch.
    """
    sets: dict[str, dict[str, float | None]] = {}
    words, seconds = 0, 0.0
    for name, files in dev.items():
        scores = []
        for items in files:
            texts = [item.text for item in items]
            started = time.process_time()
            predicted = predict(texts)
            seconds += time.process_time() - started
            words += sum(len(text.split()) for text in texts)
            scores.append(score(items, predicted, probabilities))
        figure = "macro_recall" if name in MACRO_RECALL else "accuracy"
        sets[name] = {
            figure: fmean(row[figure] for row in scores),
            "ece": fmean(row["ece"] for row in scores) if probabilities else None,
        }
    return {"sets": sets, "words": words, "words_per_second": words / seconds}


def score(items: Sequence[Text], predicted: Sequence[Cats], probabilities: bool) -> dict[str, Any]:
    """Accuracy, macro-averaged recall, and expected calibration error of probabilities, all
    among the labels that the data knows."""
    nlp = spacy.blank("en")
    examples = [make_example(nlp, Text("x", item.cats)) for item in items]
    answers = []
    for item, example, cats in zip(items, examples, predicted, strict=True):
        known = {label: cats[label] for label in item.cats}
        example.predicted.cats = known
        best = max(known, key=known.__getitem__)
        total = sum(known.values())
        if probabilities and total:
            answers.append(Answer(known[best] / total, best == item.label))
    scores = score_sentiment(examples)
    return {
        "accuracy": scores["accuracy"],
        "macro_recall": scores["cats_macro_r"],
        "ece": calibration_error(answers),
    }


def train_and_measure(
    peer: Peer, training: Training, dev: Mapping[str, Sequence[Sequence[Text]]]
) -> dict[str, Any]:
    """A peer's record."""
    started = time.process_time()
    report = peer.train(training)
    spent = time.process_time() - started
    figures = measure(peer.predict, dev, peer.probabilities)
    return {**figures, "training": {"seconds": spent, "texts": len(training.texts), **report}}


def measure_ours(model: str, dev: Mapping[str, Sequence[Sequence[Text]]]) -> dict[str, Any]:
    """The record of a pipeline with `lstm_sentiment`."""
    nlp, _ = load_for(model, "lstm_sentiment")
    return measure(lambda texts: [doc.cats for doc in nlp.pipe(texts)], dev, True)


def format_markdown(records: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each; the calibration error stands in brackets."""
    header = ["", *DEV, "words/s"]
    lines = [_row(header), _row(["---"] * len(header))]
    for name, record in records.items():
        cells = [_cell(record["sets"][key]) for key in DEV]
        speed = round(record["words_per_second"], -2)
        lines.append(_row([name, *cells, f"{speed:,.0f}"]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(figures: Mapping[str, float | None]) -> str:
    (value,) = (value for key, value in figures.items() if key != "ece")
    error = figures["ece"]
    return f"{value:.1%}" + ("" if error is None else f" ({error:.1%})")


def file_name(peer: str) -> str:
    """Where a peer's record is kept."""
    return f"{peer.lower().replace(' ', '_')}.json"


def kept_record(path: Path, sizes: Sizes) -> dict[str, Any] | None:
    """What was measured before on as much data, unless more time may now be had than what it
    had too little of."""
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    before = Sizes(**record["sizes"])
    hurried = record["training"].get("timed_out") and before.minutes < sizes.minutes
    return None if hurried or before.rows != sizes.rows else record


def run(options: argparse.Namespace, sizes: Sizes) -> None:
    """Measure what is not there yet, ours first, and write the table after each."""
    # What is not installed is told before anything is trained.
    peers = {name: PEERS[name]() for name in options.peers}
    output: Path = options.output
    dev = {
        name: [read_texts(find(file, options.data, options.imdb), sizes.rows) for file in files]
        for name, files in DEV.items()
    }
    records = {model: measure_ours(model, dev) for model in options.model}
    training: Training | None = None
    for name, peer in peers.items():
        path = output / file_name(name)
        record = kept_record(path, sizes)
        if record is None:
            if training is None:
                paths = [find(file, options.data, options.imdb) for file in TRAIN]
                training = gather_training(paths, sizes)
            record = {
                "peer": name,
                "sizes": sizes._asdict(),
                **train_and_measure(peer, training, dev),
            }
            write_atomically(path, json.dumps(record, indent=2) + "\n")
        records[name] = record
        write_atomically(output / "table.md", format_markdown(records))
    write_atomically(output / "all.json", json.dumps(records, indent=2) + "\n")
    print(format_markdown(records), end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the real data")
    parser.add_argument(
        "--imdb",
        type=Path,
        default=Path("data/bundle_sentiment"),
        help="where imdb.train.jsonl and imdb.dev.jsonl are, which prepare-bundle-sentiment makes",
    )
    parser.add_argument("--model", action="append", help="a pipeline or bundle of ours, repeatable")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="PEER")
    parser.add_argument("--output", type=Path, default=Path("metrics/sentiment_peers"))
    parser.add_argument("--minutes", type=float, default=30.0, help="a peer's, of one CPU")
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    options = parser.parse_args()
    options.model = options.model or [DEFAULT_MODEL]
    torch.set_num_threads(1)
    try:
        run(options, Sizes(200, 0.1) if options.quick else Sizes(0, options.minutes))
    except LstmError as error:
        raise SystemExit(f"✘ {error}") from error


if __name__ == "__main__":
    main()
