"""`lstm_sentiment`: the sentiment of documents, and of the tokens, spans and entities in them."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..batching import run_by_length
from ..errors import LstmError
from .base import PretrainedPipe, in_pipe_worker
from .extensions import register_extensions
from .polarity import USER_DATA_KEY, span_sentiment
from .sentiment_reading import (
    SentimentPrediction,
    find_parts,
    is_blank,
    read_clauses,
    read_outputs,
)
from .sides import Sides
from .tempering import Tempering

__all__ = [
    "LABELS",
    "SentimentClassifier",
    "make_lstm_sentiment",
]

LABELS: Final = ("NEGATIVE", "NEUTRAL", "POSITIVE")
"""The labels of a model that was given no others."""

# Tokens that go through the model at once. It bounds the memory that a batch of long texts
# takes, and on a CPU a larger batch is slower: it falls out of the cache.
BATCH_TOKENS: Final = 8_000

_DEFAULT_CONFIG: Final = """
[model]
@architectures = "spacy_lstm.TextCat.v1"
exclusive_classes = true
hidden_width = 128
pooling = ["attention","max"]
dropout = 0.3
nO = null

[model.tok2vec]
@architectures = "spacy_lstm.BiLSTMTok2Vec.v1"
width = 128
depth = 1
dropout = 0.3
cell = "lstm"
attention = null
width_factor = 1.0
rows = 20000
window = 128
margin = 16
name_dropout = 0.0
vectors = null
genders = null
"""
DEFAULT_MODEL: Final[dict[str, Any]] = Config().from_str(_DEFAULT_CONFIG)["model"]

register_extensions()


@Language.factory(
    "lstm_sentiment",
    assigns=["doc.cats", "doc.sentiment", "token._.sentiment_weight", "doc._.entity_sentiment"],
    default_config={
        "model": DEFAULT_MODEL,
        "pretrained": "auto",
        "precision": "single",
        "scorer": {"@scorers": "spacy_lstm.sentiment_scorer.v1"},
    },
    default_score_weights={"accuracy": 0.5, "cats_macro_f": 0.5},
)
def make_lstm_sentiment(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    pretrained: str | None,
    precision: str,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "SentimentClassifier":
    """The component `lstm_sentiment`.

    model: gives probabilities, and token shares through its attribute `token_shares`; such as
        `spacy_lstm.TextCat.v1` with exclusive classes.
    pretrained: "auto" for the bundled weights of the language, a bundle's name, the directory of
        a trained pipeline, or None for a model to train.
    precision: "single" or "bfloat16", see `PretrainedPipe.choose_precision`.
    scorer: of `nlp.evaluate`.
    """
    if model.attrs.get("multi_label", True) or "token_shares" not in model.attrs:
        raise LstmError(
            f"lstm_sentiment cannot use the model {model.name!r} as it is configured: expected "
            "spacy_lstm.TextCat.v1 with exclusive_classes = true."
        )
    component = SentimentClassifier(nlp.vocab, model, name, scorer=scorer)
    component.choose_precision(precision)
    component.adopt_pretrained(
        nlp, pretrained=pretrained, factory="lstm_sentiment", default_model=DEFAULT_MODEL
    )
    return component


class SentimentClassifier(PretrainedPipe):
    """Sets `doc.cats` to the labels' probabilities, which sum to 1, and `doc.sentiment` to
    P(POSITIVE) - P(NEGATIVE); VERY_POSITIVE and VERY_NEGATIVE count on their sides.

    The score is shared out among the tokens: `token._.sentiment_weight`, kept as plain data in
    `doc.user_data["lstm_sentiment"]`, sums to it. `span.sentiment` and `doc._.entity_sentiment`
    are worked out from these weights, see `polarity.span_sentiment`. `span.sentiment` is a hook of
    spaCy's, which it does not store with a document or send to another process.

    What `calibrate_sentiment` fitted on development data is in all of these. A text without a
    word is NEUTRAL for certain, 0.0, whatever the model knows.

    Learns from texts with any labels side by side: where the data knows only some of the model's
    labels (binary data in a model with NEUTRAL), only those compete with each other.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Floats2d],
        name: str = "lstm_sentiment",
        *,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg = {"labels": [], **Tempering()._asdict()}

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the model's output."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """The labels, as `spacy init labels` stores them."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add a label to a model that has no weights yet.

        RETURNS: 1, or 0 if it is there already.
        """
        if not isinstance(label, str) or not label:
            raise LstmError(f"The label {label!r} of {self.name!r}: expected a string.")
        if label in self.labels:
            return 0
        if self.model.has_dim("nO"):
            raise LstmError(
                f"{self.name!r} knows the labels {', '.join(self.labels)} and cannot learn "
                f"{label!r} any more: map the data's labels to these, or set pretrained = null to "
                "train a new model."
            )
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Iterable[str] | None = None,
        encoder: str | None = None,
    ) -> None:
        """Make new weights, unless pretrained ones are in place.

        get_examples: gives the training data, whose labels are taken.
        labels: the labels, if they are known beforehand.
        encoder: file that `spacy-lstm pretrain` wrote, which the token vectors start from.
        """
        validate_get_examples(get_examples, "SentimentClassifier.initialize")
        if isinstance(labels, str):
            raise LstmError(f"labels = {labels!r} of {self.name!r}: expected a list of strings.")
        found = list(labels) if labels is not None else _find_labels(get_examples())
        # With weights in place this asks no more than that the data fits them.
        for label in found or ([] if self.labels else LABELS):
            self.add_label(label)
        if len(self.labels) < 2:
            raise LstmError(
                f"{self.name!r} got the label {self.labels[0]!r} alone: expected two or more, "
                f"such as {', '.join(LABELS)}."
            )
        if not {"NEGATIVE", "POSITIVE"} <= set(self.labels):
            warnings.warn(
                f"{self.name!r} has the labels {', '.join(self.labels)}: without NEGATIVE and "
                "POSITIVE doc.cats is all that it sets; map the data's labels to these names.",
                UserWarning,
                stacklevel=2,
            )
        if not self.needs_weights:
            return
        docs = [example.reference for example in islice(get_examples(), 10)]
        truth = self.model.ops.alloc2f(len(docs), len(self.labels))
        self.model.initialize(X=docs, Y=truth)
        # What was fitted belongs to other weights.
        self.cfg.update(Tempering()._asdict())
        if encoder is not None:
            self.load_encoder(self.model.get_ref("tok2vec"), encoder)

    def predict(self, docs: Iterable[Doc]) -> list[SentimentPrediction]:
        """What the model says of the documents, without a change to them.

        A document without a word says nothing, whatever the model makes of it: NEUTRAL is
        certain, and without that label all are equally likely, or both sides where one has more
        labels than the other.
        """
        return run_by_length(self._predict_batch, docs, BATCH_TOKENS)

    def _predict_batch(self, batch: list[Doc]) -> list[SentimentPrediction]:
        labels = self.labels
        tempering, sides = self.tempering, Sides.find(labels)
        lengths = [len(doc) for doc in batch]
        blank = [is_blank(doc) for doc in batch]
        parts = find_parts(batch, lengths, blank)
        found = self.read_shares(batch, parts.owners)
        if not np.isfinite(found.logits).all():
            raise LstmError(
                f"{self.name!r} gives scores that are no numbers: its weights are damaged, or "
                "went astray in training: lower training.optimizer.learn_rate."
            )
        told, temperatures = tempering.temper(found.logits, lengths, labels)
        factors = 1 / temperatures
        outputs = read_outputs(
            sides,
            np.exp(told),
            found.logits * factors[:, None],
            np.concatenate(found.shares) * np.repeat(factors, lengths)[:, None],
            lengths,
        )
        outputs = [
            self._say_nothing(doc, sides) if empty else output
            for doc, empty, output in zip(batch, blank, outputs, strict=True)
        ]
        if sides is not None and len(parts.sizes):
            scores = tempering.log_probabilities(found.parts, parts.sizes, labels)
            outputs = read_clauses(outputs, parts, sides.score(np.exp(scores)))
        return outputs

    @property
    def tempering(self) -> Tempering:
        """What `calibrate_sentiment` fitted; nothing where it was not called."""
        return Tempering(*(self.cfg[name] for name in Tempering._fields))

    def _take_model(self, cfg: dict[str, Any]) -> None:
        super()._take_model(cfg)
        # What was fitted to the weights before says nothing of those to come, whose file may be
        # older than some of it.
        self.cfg.update(Tempering()._asdict())

    def read_shares(
        self, docs: Sequence[Doc], owners: Sequence[int] | npt.NDArray[np.int64] = ()
    ) -> Any:
        """The model's `token_shares`: logits, not tempered yet."""
        model = self.precise_model()
        return model.attrs["token_shares"](model, docs, owners)

    def _say_nothing(self, doc: Doc, sides: Sides | None) -> SentimentPrediction:
        equal = [1 / len(self.labels)] * len(self.labels)
        if "NEUTRAL" in self.labels:
            listed = [float(label == "NEUTRAL") for label in self.labels]
        else:
            listed = equal if sides is None else sides.balance(equal)
        if sides is None:
            return SentimentPrediction(listed, 0.0, None, 0.0, 0.0)
        ((positive,), (negative,)) = sides.probabilities(np.array([listed]))
        mass = float(positive + negative)
        return SentimentPrediction(listed, 0.0, [0.0] * len(doc), mass, mass / 2)

    def set_annotations(self, docs: Iterable[Doc], scores: list[SentimentPrediction]) -> None:
        """Write the predictions to the documents."""
        labels, in_worker = self.labels, in_pipe_worker()
        for doc, prediction in zip(docs, scores, strict=True):
            doc.cats.update(zip(labels, prediction.probabilities, strict=True))
            if prediction.weights is None:
                continue
            doc.sentiment = prediction.score
            if not in_worker:
                doc.user_span_hooks["sentiment"] = span_sentiment
            record: dict[str, Any] = {
                "weights": prediction.weights,
                "mass": prediction.mass,
                "scale": prediction.scale,
            }
            if prediction.clauses is not None:
                record["clauses"] = prediction.clauses
            doc.user_data[USER_DATA_KEY] = record

    def get_loss(self, examples: Iterable[Example], scores: Floats2d) -> tuple[float, Floats2d]:
        """Cross-entropy over the labels that each reference knows, of the probabilities that
        `predict` would tell: what was fitted to the weights before holds in training, too.

        scores: probabilities, not tempered yet. *Shape:* ``(examples, labels)``
        RETURNS: the mean over the examples that know anything, and the gradient of the logits,
            with each text's temperature as it is.
        """
        examples = list(examples)
        validate_examples(examples, "SentimentClassifier.get_loss")
        ops = self.model.ops
        truth, known = self.read_truth(examples)
        # The softmax over some of the labels is that over all, made to sum to 1 again.
        to_numpy: Callable[[Any], Any] = ops.to_numpy
        rows, temperatures = self._temper(np.maximum(to_numpy(scores), 1e-9), examples)
        rows = rows * known
        rows /= np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)
        count = max(1, int(known.any(axis=1).sum()))
        loss = -float((truth * np.log(np.where(known, rows, 1.0))).sum()) / count
        return loss, ops.asarray2f((rows - truth) / temperatures / count)

    def _temper(
        self, scores: npt.NDArray[Any], examples: Sequence[Example]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Probabilities as they are told, and the temperatures; *shapes* ``(examples, labels)``
        and ``(examples, 1)``."""
        if self.tempering == Tempering():
            return scores, np.ones((len(scores), 1), scores.dtype)
        lengths = [len(example.predicted) for example in examples]
        asked = np.log(scores), lengths, self.labels
        told = np.exp(self.tempering.log_probabilities(*asked))
        return np.maximum(told, 1e-9), self.tempering.temperatures(*asked)[:, None]

    def read_truth(
        self, examples: Sequence[Example]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """What is true, rows that sum to 1, and which labels compete; *shape* of both
        ``(examples, labels)``. A row of False says nothing: an example to pass over."""
        truth = np.zeros((len(examples), len(self.labels)), dtype=np.float32)
        known = np.zeros(truth.shape, dtype=np.bool_)
        for i, example in enumerate(examples):
            cats = example.reference.cats
            self._check_cats(cats)
            values = np.array([cats.get(label, 0.0) for label in self.labels], dtype=np.float32)
            if values.sum() > 0:
                truth[i] = values / values.sum()
                # A label alone does not tell which others the data knows: then all compete.
                known[i] = [label in cats or len(cats) == 1 for label in self.labels]
        return truth, known

    def _check_cats(self, cats: dict[str, float]) -> None:
        for label, value in cats.items():
            if label not in self.labels:
                raise LstmError(
                    f"The data has the label {label!r}, {self.name!r} knows "
                    f"{', '.join(self.labels) or 'none'}: map the data's labels to these, or name "
                    f"all in initialize.components.{self.name}.labels."
                )
            if not 0.0 <= value <= 1.0:
                raise LstmError(f"The label {label!r} has the value {value}: expected 0.0 to 1.0.")


def _find_labels(examples: Iterable[Example]) -> list[str]:
    """The labels in the data: the usual ones first, so that models of like data are alike."""
    found = dict.fromkeys(label for example in examples for label in example.reference.cats)
    usual = [label for label in LABELS if label in found]
    return [*usual, *(label for label in found if label not in usual)]
