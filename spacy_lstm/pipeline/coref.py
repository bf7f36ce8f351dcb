"""lstm_coref: pronoun resolution with coreference clusters."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from random import random
from typing import Any, Final

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Ragged

from ..batching import batch_by_tokens, run_by_length
from ..coref.batch import CorefInput
from ..coref.clauses import USER_DATA_KEY, store_trees
from ..coref.decode import (
    Clustering,
    CorefScores,
    Link,
    antecedent_probabilities,
    decode,
    reach,
    with_null_bias,
)
from ..coref.groups import CLUSTER_PREFIX, MENTIONS_KEY, PAIRS_PREFIX, numbered_keys
from ..coref.mentions import Span as Offsets
from ..errors import LstmError
from ..pretrained import has_listener
from .base import PretrainedPipe
from .coref_targets import (
    align_spans,
    has_tree,
    numbered_groups,
    read_targets,
    source_of,
)
from .extensions import register_extensions

__all__ = ["CoreferenceResolver", "make_lstm_coref"]

LINKS: Final = ("pronouns", "all")
# Documents are scored together up to this many tokens: it bounds the memory of a batch.
_BATCH_TOKENS: Final = 10_000
_NO_SPANS: Final = np.zeros((0, 2), dtype=np.int64)
# How often training shows the model which guideline a document follows. The rest of the time
# it learns to do without, which is how raw text comes.
_GUIDELINE_RATE: Final = 0.5

_DEFAULT_CONFIG: Final = """
[model]
@architectures = "spacy_lstm.Coref.v1"

[model.tok2vec]
@architectures = "spacy_lstm.BiLSTMTok2Vec.v1"
"""
DEFAULT_MODEL: Final[dict[str, Any]] = Config().from_str(_DEFAULT_CONFIG)["model"]

register_extensions()


@Language.factory(
    "lstm_coref",
    assigns=["doc.spans", "doc._.coref_links", "doc._.resolved_text", "token._.antecedent"],
    default_config={
        "model": DEFAULT_MODEL,
        "pretrained": "auto",
        "span_cluster_prefix": CLUSTER_PREFIX,
        "link": "all",
        "threshold": 0.0,
        "max_distance": None,
        "candidates": None,
        "guideline": None,
        "precision": "single",
        "scorer": {"@scorers": "spacy_lstm.coref_scorer.v1"},
    },
    default_score_weights={
        "conll_f": 0.5,
        "pronoun_f": 0.5,
        "coref_f": None,
        "mention_f": None,
        "pronoun_accuracy": None,
        "gap_f": None,
        "gap_given_f": None,
    },
)
def make_lstm_coref(
    nlp: Language,
    name: str,
    model: Model[CorefInput, Any],
    pretrained: str | None,
    span_cluster_prefix: str,
    link: str,
    threshold: float,
    max_distance: int | None,
    candidates: Callable[[Iterable[Doc]], Ragged] | None,
    guideline: str | None,
    precision: str,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "CoreferenceResolver":
    """The factory of `lstm_coref`; see `CoreferenceResolver` for its settings.

    pretrained: "auto" for the bundle of the pipeline's language, a bundle's name, the directory
        of a trained pipeline, or None for a model to be trained.
    precision: "single" or "bfloat16", see `PretrainedPipe.choose_precision`.
    """
    pipe = CoreferenceResolver(
        nlp.vocab,
        model,
        name,
        span_cluster_prefix=span_cluster_prefix,
        link=link,
        threshold=threshold,
        max_distance=max_distance,
        candidates=candidates,
        guideline=guideline,
        scorer=scorer,
    )
    pipe.choose_precision(precision)
    pipe.adopt_pretrained(
        nlp, pretrained=pretrained, factory="lstm_coref", default_model=DEFAULT_MODEL
    )
    return pipe


class CoreferenceResolver(PretrainedPipe):
    """Finds mentions, joins those of one thing to clusters, and tells what pronouns refer to.

    span_cluster_prefix: clusters are stored as `doc.spans[prefix_1]`, `prefix_2`, ….
    link: "all" to join names and nouns too, "pronouns" to let only pronouns look for a cluster.
    threshold: probability below which a mention is left alone.
    max_distance: words between a mention and one that it is joined to at most, None for no
        limit; a chain of pronouns may lead further.
    candidates: a suggester that gives the mentions; None for the learned mention detector.
    guideline: the annotation guideline to follow, one of those that the model was trained with;
        None for what they have in common.
    scorer: scores examples, such as `spacy_lstm.coref_scorer.v1`.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[CorefInput, Any],
        name: str = "lstm_coref",
        *,
        span_cluster_prefix: str = CLUSTER_PREFIX,
        link: str = "all",
        threshold: float = 0.0,
        max_distance: int | None = None,
        candidates: Callable[[Iterable[Doc]], Ragged] | None = None,
        guideline: str | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        if link not in LINKS:
            raise LstmError(f"link = {link!r} in {name}: expected one of {', '.join(LINKS)}.")
        if not 0 <= threshold <= 1:
            raise LstmError(f"threshold = {threshold} in {name}: expected a number from 0 to 1.")
        if max_distance is not None and max_distance < 1:
            raise LstmError(
                f"max_distance = {max_distance} in {name}: expected words, 1 or more, or null."
            )
        if not span_cluster_prefix:
            raise LstmError(f"span_cluster_prefix in {name} is empty: expected a name.")
        self.vocab = vocab
        self.model = model
        self.name = name
        self.span_cluster_prefix = span_cluster_prefix
        self.link = link
        self.threshold = threshold
        self.max_distance = max_distance
        self.candidates = candidates
        self.guideline = guideline
        self.scorer = scorer
        self.cfg: dict[str, Any] = {
            "temperature": 1.0,
            "null_bias": {},
            "given_temperature": 1.0,
            "null_weight": 1.0,
            "link_scale": 1.0,
            "link_own": 0.0,
            "link_offset": 0.0,
        }

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        encoder: str | None = None,
    ) -> None:
        """Make new weights, unless there are pretrained ones to go on from.

        encoder: file that `spacy-lstm pretrain` wrote, which the token vectors start from.
        """
        validate_get_examples(get_examples, "CoreferenceResolver.initialize")
        if not self.needs_weights:
            return
        docs = [example.predicted for example in islice(get_examples(), 10) if len(example.x)]
        if not docs:
            raise LstmError(
                f"{self.name} got no text to initialize from: the training data is empty."
            )
        self.model.initialize(X=self._input(docs, _NO_SPANS))
        if encoder is not None:
            self.load_encoder(self.model.get_ref("tok2vec"), encoder)

    def predict(self, docs: Iterable[Doc]) -> list[Clustering]:
        """The clusters and links of each document, in its own token offsets."""
        return run_by_length(self._decode, docs, _BATCH_TOKENS)

    def _decode(self, docs: list[Doc]) -> list[Clustering]:
        whole = [doc for doc in docs if len(doc)]
        if not whole:
            return [Clustering([], []) for _ in docs]
        scores = self.score_documents(whole, self._suggested(whole))
        found = iter(self.decode_scores(whole, scores))
        return [next(found) if len(doc) else Clustering([], []) for doc in docs]

    def decode_scores(self, docs: list[Doc], scores: CorefScores) -> list[Clustering]:
        """The clusters and links of each document, from what the model says of all of them."""
        lengths = [len(doc) for doc in docs]
        found = decode(
            scores,
            lengths,
            pronouns_only=self.link == "pronouns",
            threshold=self.threshold,
            temperature=self.cfg["temperature"],
            link_scale=self.cfg["link_scale"],
            link_own=self.cfg["link_own"],
            link_offset=self.cfg["link_offset"],
        )
        if scores.trees is None:
            return found
        trees = store_trees(scores.trees, lengths)
        return [part._replace(tree=tree) for part, tree in zip(found, trees, strict=True)]

    def score_documents(self, docs: list[Doc], spans: Any = _NO_SPANS) -> CorefScores:
        """What the model says of documents that have words, before anything is decided.

        spans: mentions that have to be considered, in tokens of the batch. *Shape:* ``(n, 2)``
        """
        scores: CorefScores = self.precise_model().predict(self._input(docs, spans))
        return with_null_bias(scores, self.cfg["null_bias"])

    def _input(
        self, docs: list[Doc], spans: Any, guidelines: Sequence[str | None] = ()
    ) -> CorefInput:
        known = self.model.attrs["guidelines"]
        if not guidelines and self.guideline not in (None, *known):
            raise LstmError(
                f"guideline = {self.guideline!r} in {self.name}: expected one that the model was "
                f"trained with ({', '.join(known) or 'none'}), or null."
            )
        return CorefInput(
            docs=docs,
            spans=spans,
            detect=self.candidates is None,
            guidelines=tuple(guidelines) or (self.guideline,) * len(docs),
            max_distance=self.max_distance or 0,
        )

    def _suggested(self, docs: list[Doc]) -> Any:
        """The spans that a suggester proposes, in tokens of the batch."""
        if self.candidates is None:
            return _NO_SPANS
        suggested = self.candidates(docs)
        to_numpy: Callable[[Any], Any] = self.model.ops.to_numpy
        firsts = np.cumsum([0, *(len(doc) for doc in docs)])[:-1]
        offsets = np.repeat(firsts, to_numpy(suggested.lengths))
        return to_numpy(suggested.dataXd).reshape(-1, 2) + offsets[:, None]

    def set_annotations(self, docs: Iterable[Doc], predictions: list[Clustering]) -> None:
        """Write clusters and links to `doc.spans`, in the place of earlier ones, and the tree to
        `doc.user_data["lstm_coref"]`, for who asks what is said of whom."""
        for doc, found in zip(docs, predictions, strict=True):
            groups = doc.spans
            if groups:
                for _, key in numbered_keys(groups, self.span_cluster_prefix):
                    del groups[key]
            pairs = zip(found.clusters, found.links, strict=True)
            ordered = sorted(pairs, key=lambda pair: pair[0][0])
            for number, (spans, links) in enumerate(ordered, start=1):
                name = f"{self.span_cluster_prefix}_{number}"
                groups[name] = SpanGroup(
                    doc,
                    name=name,
                    attrs={"links": [_record(link) for link in links]},
                    spans=[Span(doc, start, end) for start, end in spans],
                )
            doc.user_data.pop(USER_DATA_KEY, None)
            if found.tree is not None:
                doc.user_data[USER_DATA_KEY] = found.tree

    def score_candidates(self, doc: Doc, anaphor: Span, candidates: Sequence[Span]) -> list[float]:
        """Probabilities that the anaphor refers to each of the candidates, and to none of them
        last; they sum to 1.

        What leads over other mentions of the text to a candidate counts for it. That one of
        the candidates is likely meant, or they would not be given, is in the weight that
        "none" was calibrated with.
        """
        for span in (anaphor, *candidates):
            if span.doc is not doc or not len(span):
                raise LstmError(
                    f"score_candidates got the span {span.text!r} of another document or without "
                    "words: expected spans of the document itself."
                )
        spans = [(span.start, span.end) for span in (anaphor, *candidates)]
        return self._weigh([doc], [[spans]])[0][0]

    def _weigh(
        self, docs: list[Doc], asked: Sequence[Sequence[Sequence[Offsets]]]
    ) -> list[list[list[float]]]:
        """What `score_candidates` gives for each that is asked of each document, which has words.

        asked: per document, per question the anaphor and its candidates, in tokens of the
            document.
        """
        if has_listener(self.model) and not all(doc.tensor.size for doc in docs):
            raise LstmError(
                f"{self.name} shares an encoder that has not read this document: expected one "
                "that the pipeline was called on."
            )
        firsts = np.cumsum([0, *(len(doc) for doc in docs)]).tolist()
        moved = [
            [[_shift(span, first) for span in spans] for spans in questions]
            for first, questions in zip(firsts, asked, strict=False)
        ]
        every = [span for questions in moved for spans in questions for span in spans]
        scores = self.score_documents(docs, np.array(every, dtype=np.int64).reshape(-1, 2))
        parts = [scores.of_document(number) for number in range(len(docs))]
        return [
            [self._weigh_one(part, anaphor, candidates) for anaphor, *candidates in questions]
            for part, questions in zip(parts, moved, strict=True)
        ]

    def _weigh_one(
        self, scores: CorefScores, anaphor: Offsets, candidates: Sequence[Offsets]
    ) -> list[float]:
        mentions = scores.mentions
        row = int(np.flatnonzero((mentions.start == anaphor[0]) & (mentions.end == anaphor[1]))[0])
        hits = np.zeros((len(mentions.start), len(candidates)), dtype=bool)
        for column, (start, end) in enumerate(candidates):
            same = (mentions.start == start) & (mentions.end == end)
            inside = (mentions.head >= start) & (mentions.head < end)
            hits[:, column] = same | (inside & ~mentions.is_pronoun & ~mentions.coordinated)
        # A mention within two candidates, one inside the other, counts for the first.
        hits &= np.cumsum(hits, axis=1) == 1
        hits[row] = False
        p = antecedent_probabilities(scores, self.cfg["given_temperature"])
        reached = np.clip(reach(p, scores, row, hits), 0.0, 1.0)
        none = max(0.0, 1.0 - float(reached.sum())) * self.cfg["null_weight"]
        shares = np.append(reached, none)
        total = shares.sum()
        return (shares / total).tolist() if total else [*([0.0] * len(candidates)), 1.0]

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of documents with clusters or pairs; others are passed over."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "CoreferenceResolver.update")
        examples = [example for example in examples if self._is_annotated(example)]
        if not examples:
            return losses
        set_dropout_rate(self.model, drop)
        targets = read_targets(examples, self.span_cluster_prefix)
        docs = [example.predicted for example in examples]
        guidelines = [
            source_of(example.reference) if random() < _GUIDELINE_RATE else None
            for example in examples
        ]
        # Who follows a guideline leaves alone what it does not mark. Who follows none knows
        # nothing of those pronouns.
        known = self.model.attrs["guidelines"]
        told = np.array([guideline in known for guideline in guidelines], dtype=bool)
        targets = targets._replace(unmarked=targets.unmarked & ~told)
        output, backprop = self.model.begin_update(self._input(docs, targets.all_spans, guidelines))
        loss, gradients = self.model.attrs["loss"](output, targets)
        backprop(gradients)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """The loss of scores from `model.begin_update`, and its gradients."""
        targets = read_targets(list(examples), self.span_cluster_prefix)
        loss, gradients = self.model.attrs["loss"](scores, targets)
        return loss, gradients

    def _is_annotated(self, example: Example) -> bool:
        spans = example.reference.spans
        return len(example.predicted) > 0 and bool(
            MENTIONS_KEY in spans
            or numbered_keys(spans, self.span_cluster_prefix)
            or numbered_keys(spans, PAIRS_PREFIX)
            or has_tree(example.reference)
        )

    def score(
        self, examples: Iterable[Example], *, errors: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Scores of predicted examples. Pair data is scored twice: by the clusters that were
        found, and by `score_candidates` with the candidates given.

        errors: whether to tell, under that key, of every pronoun that was resolved wrongly.
        """
        if self.scorer is None:
            return {}
        examples = list(examples)
        given = self.score_given(examples)
        kwargs = {"span_cluster_prefix": self.span_cluster_prefix, **kwargs}
        if errors:
            kwargs["considered"] = [self._consider(example.predicted) for example in examples]
        return self.scorer(examples, given=given if any(given) else None, **kwargs)

    def _consider(self, doc: Doc) -> list[Offsets]:
        """The mentions that are weighed in a document, in a cluster or not, in characters."""
        if not len(doc):
            return []
        mentions = self.score_documents([doc], self._suggested([doc])).mentions
        spans = zip(mentions.start.tolist(), mentions.end.tolist(), strict=True)
        return [(doc[start].idx, doc[end - 1].idx + len(doc[end - 1])) for start, end in spans]

    def score_given(self, examples: Iterable[Example]) -> list[list[list[float]]]:
        """Per example and gold pair of it what `score_candidates` gives for its candidates."""
        examples = list(examples)
        found: list[list[list[float]]] = [[] for _ in examples]
        asked = {
            i: [align_spans(example.predicted, list(group)) for group in groups]
            for i, example in enumerate(examples)
            if (groups := numbered_groups(example.reference, PAIRS_PREFIX))
        }
        numbers = iter(asked)
        for batch in batch_by_tokens((examples[i].predicted for i in asked), _BATCH_TOKENS):
            chosen = list(islice(numbers, len(batch)))
            weighed = self._weigh(batch, [asked[i] for i in chosen])
            for i, probabilities in zip(chosen, weighed, strict=True):
                found[i] = probabilities
        return found


def _shift(span: Offsets, by: int) -> Offsets:
    return span[0] + by, span[1] + by


def _record(link: Link) -> dict[str, Any]:
    return {
        "anaphor": list(link.anaphor),
        "antecedent": list(link.antecedent),
        "score": link.score,
    }
