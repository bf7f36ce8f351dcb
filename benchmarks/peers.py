"""What people use for sentiment instead of `lstm_sentiment`, each behind the same two methods.

Lexicons: VADER (Hutto and Gilbert 2014) and TextBlob. Trained: TF-IDF with logistic regression,
and spaCy's `textcat` with three of the architectures of spaCy 3.8.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import count
from statistics import fmean
from typing import Any, NamedTuple, Protocol

import numpy as np
import spacy
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.loop import train_while_improving
from spacy.util import fix_random_seed, registry

from spacy_lstm.scorers import score_sentiment

__all__ = ["LABELS", "PEERS", "Cats", "Peer", "Text", "Training", "make_example"]

NEGATIVE, NEUTRAL, POSITIVE = LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")
Cats = dict[str, float]


class Text(NamedTuple):
    """A text with its truth, as `doc.cats` has it: only the labels that its data knows."""

    text: str
    cats: Cats

    @property
    def label(self) -> str:
        """The one that is true."""
        return max(self.cats, key=self.cats.__getitem__)


class Training(NamedTuple):
    """What a peer may learn from: `stop` is a part of the training data, for choices such as
    when to stop; `seconds` of CPU time are the limit where training goes on in steps."""

    texts: Sequence[Text]
    stop: Sequence[Text]
    seconds: float


class Peer(Protocol):
    """A way to tell sentiment."""

    probabilities: bool  # whether the values of `predict` are that

    def train(self, training: Training) -> dict[str, Any]:
        """Learn; returns what is worth keeping about it."""

    def predict(self, texts: Sequence[str]) -> list[Cats]:
        """A value for each label; the highest wins, among those that are asked for."""


def load(module: str, package: str) -> Any:
    """A module that the package itself does without."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SystemExit(
            f"{package} is missing ({error}): pip install -c constraints.txt -e '.[benchmarks]', "
            "or leave its peers out with --peers"
        ) from error


class Lexicon:
    """A polarity from −1 to 1 by rules and a list of words.

    Args:
        score: text → polarity.
        neutral: below this distance from 0 a text is neutral. Where neutral is no choice, 0
            counts as positive.
    """

    probabilities = False

    def __init__(self, score: Callable[[str], float], neutral: float) -> None:
        self._score = score
        self._neutral = neutral

    def train(self, training: Training) -> dict[str, Any]:
        """There is nothing to learn."""
        return {}

    def predict(self, texts: Sequence[str]) -> list[Cats]:
        """As `Peer` says."""
        return [self._cats(self._score(text)) for text in texts]

    def _cats(self, polarity: float) -> Cats:
        return {
            POSITIVE: polarity,
            NEGATIVE: -polarity - 1e-9,
            NEUTRAL: 2.0 if abs(polarity) < self._neutral else -2.0,
        }


def make_vader() -> Lexicon:
    """VADER's compound score, neutral between −0.05 and 0.05 as its authors advise."""
    module = load("vaderSentiment.vaderSentiment", "vaderSentiment")
    analyzer = module.SentimentIntensityAnalyzer()
    return Lexicon(lambda text: float(analyzer.polarity_scores(text)["compound"]), 0.05)


def make_textblob() -> Lexicon:
    """TextBlob's polarity, neutral at 0, which it gives where it knows no word."""
    blob = load("textblob", "textblob").TextBlob
    return Lexicon(lambda text: float(blob(text).sentiment.polarity), 1e-6)


class TfidfRegression:
    """TF-IDF of n-grams with logistic regression, whose C is chosen on the `stop` part.

    vectorizer: options of scikit-learn's TfidfVectorizer.
    """

    probabilities = True
    strengths = (0.5, 1.0, 2.0, 4.0)

    def __init__(self, **vectorizer: Any) -> None:
        text = load("sklearn.feature_extraction.text", "scikit-learn")
        self._regression = load("sklearn.linear_model", "scikit-learn").LogisticRegression
        self._vectorizer = text.TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **vectorizer)

    def train(self, training: Training) -> dict[str, Any]:
        """As `Peer` says."""
        features = self._vectorizer.fit_transform([item.text for item in training.texts])
        labels = [item.label for item in training.texts]
        tried: dict[float, float] = {}
        best = math.inf
        for strength in self.strengths:
            model = self._regression(C=strength, max_iter=300, tol=1e-3)
            model.fit(features, labels)
            # A few hundred texts tell little by the number that are right.
            tried[strength] = log_loss(training.stop, self._predict(model, training.stop))
            if tried[strength] < best:
                best, chosen = tried[strength], model
        self._model = chosen
        return {"features": features.shape[1], "log_loss_by_C": tried}

    def predict(self, texts: Sequence[str]) -> list[Cats]:
        """As `Peer` says."""
        probabilities = self._model.predict_proba(self._vectorizer.transform(texts))
        labels = self._model.classes_.tolist()
        return [dict(zip(labels, row, strict=True)) for row in probabilities.tolist()]

    def _predict(self, model: Any, items: Sequence[Text]) -> list[Cats]:
        self._model = model
        return self.predict([item.text for item in items])


class SpacyTextcat:
    """spaCy's `textcat` as `spacy train` would train it with its default settings.

    model: the architecture's config.
    """

    probabilities = True

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._nlp = spacy.blank("en")
        self._nlp.add_pipe("textcat", config={"model": dict(model)})

    def train(self, training: Training) -> dict[str, Any]:
        """As `Peer` says; the weights that were best on `stop` stay."""
        nlp = self._nlp
        fix_random_seed(0)
        nlp.config["initialize"]["components"]["textcat"] = {"labels": list(LABELS)}
        settings = registry.resolve(
            nlp.config.interpolate()["training"], schema=ConfigSchemaTraining
        )
        first = [make_example(nlp, item) for item in training.texts[:200]]
        nlp.initialize(lambda: first, sgd=settings["optimizer"])
        started = time.process_time()
        steps = train_while_improving(
            nlp,
            settings["optimizer"],
            _batches(nlp, training.texts, settings["batcher"]),
            lambda: (accuracy(training.stop, self.predict([t.text for t in training.stop])), {}),
            exclude=[],
            annotating_components=[],
            before_update=None,
            **{name: settings[name] for name in _LOOP},
        )
        model = nlp.get_pipe("textcat").model
        best, timed_out, last = b"", False, {}
        for _, info, is_best in steps:
            last = info
            if is_best:
                best = model.to_bytes()
            # At an evaluation, so that no step goes to waste.
            timed_out = is_best is not None and _passed(started) > training.seconds
            if timed_out:
                break
        model.from_bytes(best)
        score, step = max(last["checkpoints"])
        return {
            "steps": last["step"],
            "epochs": last["epoch"],
            "words": last["words"],
            "best_step": step,
            "stop_accuracy": score,
            "timed_out": timed_out,
        }

    def predict(self, texts: Sequence[str]) -> list[Cats]:
        """As `Peer` says."""
        return [doc.cats for doc in self._nlp.pipe(texts, batch_size=64)]


_LOOP = ("dropout", "eval_frequency", "accumulate_gradient", "patience", "max_steps")


def _passed(started: float) -> float:
    return time.process_time() - started


def make_example(nlp: Language, item: Text) -> Example:
    """A Doc to predict on beside one with the truth."""
    reference = nlp.make_doc(item.text)
    predicted = reference.copy()
    reference.cats = item.cats
    return Example(predicted, reference)


def _batches(
    nlp: Language,
    texts: Sequence[Text],
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
) -> Iterator[tuple[int, list[Example]]]:
    """Epoch after epoch, each in an order of its own."""
    rng = random.Random(0)
    for epoch in count():
        order = rng.sample(texts, len(texts))
        for batch in batcher(make_example(nlp, item) for item in order):
            yield epoch, batch


def accuracy(items: Sequence[Text], predicted: Sequence[Cats]) -> float:
    """The share of texts whose most probable label, of those their data knows, is true."""
    nlp = spacy.blank("en")
    examples = [make_example(nlp, Text("x", item.cats)) for item in items]
    for example, cats in zip(examples, predicted, strict=True):
        example.predicted.cats = cats
    return float(score_sentiment(examples)["accuracy"])


def log_loss(items: Sequence[Text], predicted: Sequence[Cats]) -> float:
    """The mean surprise at the truth, among the labels that a text's data knows."""
    shares = (
        cats[item.label] / sum(cats[label] for label in item.cats)
        for item, cats in zip(items, predicted, strict=True)
    )
    return fmean(-math.log(max(share, 1e-9)) for share in shares)


_BOW = {
    "@architectures": "spacy.TextCatBOW.v3",
    "exclusive_classes": True,
    "length": 262144,
    "ngram_size": 1,
    "no_output_layer": False,
}
# The encoder that `textcat` has by default.
_TOK2VEC = {
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 64,
        "rows": [2000, 2000, 500, 1000, 500],
        "attrs": ["NORM", "LOWER", "PREFIX", "SUFFIX", "SHAPE"],
        "include_static_vectors": False,
    },
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 64,
        "window_size": 1,
        "maxout_pieces": 3,
        "depth": 2,
    },
}
_ATTENTION = {
    "@architectures": "spacy.TextCatParametricAttention.v1",
    "tok2vec": _TOK2VEC,
    "exclusive_classes": True,
}
_ENSEMBLE = {
    "@architectures": "spacy.TextCatEnsemble.v2",
    "tok2vec": _TOK2VEC,
    "linear_model": _BOW,
}
# Words with their apostrophes, and runs of marks: "don't", "!!", ":-(".
_WORDS = r"\w+(?:['’]\w+)*|[^\w\s]+"

# By name, the cheapest first.
PEERS: dict[str, Callable[[], Peer]] = {
    "VADER": make_vader,
    "TextBlob": make_textblob,
    "spaCy TextCatBOW": lambda: SpacyTextcat(_BOW),
    "TF-IDF words 1-2": lambda: TfidfRegression(ngram_range=(1, 2), min_df=2, token_pattern=_WORDS),
    "spaCy TextCatParametricAttention": lambda: SpacyTextcat(_ATTENTION),
    "spaCy TextCatEnsemble": lambda: SpacyTextcat(_ENSEMBLE),
    "TF-IDF characters 2-5": lambda: TfidfRegression(
        ngram_range=(2, 5), min_df=5, analyzer="char_wb", max_features=1_000_000
    ),
}
