import numpy as np
import pytest
import spacy
from spacy.tokens import SpanGroup
from spacy.training import Example

from spacy_lstm.coref.candidates import describe_mentions, pair_candidates, read_words
from spacy_lstm.coref.decode import CorefScores, with_null_bias
from spacy_lstm.coref.words import describe_word
from spacy_lstm.pipeline.calibration import calibrate

TEXT = "Ann left. She waved."


class Stub:
    """A component whose scores are known: as sure as `logit`, right in `right` of all texts."""

    span_cluster_prefix = "coref_clusters"
    scorer = None

    def __init__(self, logit=4.0, given=()):
        self.cfg = {"temperature": 1.0, "given_temperature": 1.0, "null_weight": 1.0}
        self.logit = logit
        self.given = given

    def score_documents(self, docs):
        (doc,) = docs
        words = read_words(np.array([describe_word(t.text, 0) for t in doc]), [len(doc)])
        mentions = describe_mentions(words, np.array([0, 3]), np.array([1, 4]))
        pairs = pair_candidates(mentions, backward=1, forward=0, same_head=0, max_distance=0)
        logits = np.where(pairs.candidates >= 0, self.logit, -np.inf)
        return CorefScores(logits, np.zeros(2), mentions, pairs)

    def score_given(self, examples):
        return [
            [list(self.given)] if "coref_pairs_1" in example.reference.spans else []
            for example in examples
        ]


def clustered(linked):
    nlp = spacy.blank("en")
    doc = nlp.make_doc(TEXT)
    spans = [doc[0:1], doc[3:4]]
    attrs = {"source": "test", "exhaustive": True}
    doc.spans["coref_mentions"] = SpanGroup(doc, attrs=attrs, spans=spans)
    if linked:
        doc.spans["coref_clusters_1"] = spans
    return Example(nlp.make_doc(TEXT), doc)


def paired(label):
    nlp = spacy.blank("en")
    doc = nlp.make_doc(TEXT)
    attrs = {"labels": [label], "source": "gap", "id": "1", "gender": "F"}
    doc.spans["coref_pairs_1"] = SpanGroup(doc, attrs=attrs, spans=[doc[3:4], doc[0:1]])
    return Example(nlp.make_doc(TEXT), doc)


@pytest.mark.parametrize("right", [4, 9])
def test_temperature_brings_confidence_to_accuracy(right):
    """With one logit z and a share a that is right, the best is z / log(a / (1 − a))."""
    stub = Stub(logit=4.0)
    examples = [clustered(linked=i < right) for i in range(right + 1)]
    fitted = calibrate(stub, examples)
    assert fitted["temperature"] == stub.cfg["temperature"]
    assert stub.cfg["temperature"] == pytest.approx(4.0 / np.log(right), abs=0.06)
    assert stub.cfg["null_weight"] == 1.0


def test_null_weight_makes_most_choices_right():
    stub = Stub(given=(0.3, 0.7))
    calibrate(stub, [paired(1), paired(1), paired(0)])
    assert stub.cfg["null_weight"] < 0.3 / 0.7
    assert stub.cfg["temperature"] == 1.0
    stub = Stub(given=(0.6, 0.4))
    calibrate(stub, [paired(0), paired(0), paired(1)])
    assert stub.cfg["null_weight"] > 0.6 / 0.4


def test_without_data_all_stays_as_it_is():
    stub = Stub()
    unchanged = {"temperature": 1.0, "null_bias": {}, "null_weight": 1.0}
    unchanged |= {"link_scale": 1.0, "link_own": 0.0, "link_offset": 0.0}
    unchanged["given_temperature"] = 1.0
    assert calibrate(stub, []) == unchanged


def test_given_candidates_have_a_temperature_of_their_own():
    stub = Stub()

    def score_given(examples):
        # Right only where softer than the temperature of links.
        p = 0.6 if stub.cfg["given_temperature"] > 1.3 else 0.001
        return [[[p, 1 - p]] for _ in examples]

    stub.score_given = score_given
    fitted = calibrate(stub, [paired(1), paired(1)])
    assert fitted["given_temperature"] == 1.5
    assert fitted["null_weight"] < 0.6 / 0.4


@pytest.mark.parametrize(("linked", "logit"), [(True, -0.4), (False, 0.4)])
def test_null_bias_makes_clusters_better(linked, logit):
    """A model that never dares to link learns to, and one that always does learns not to."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("lstm_coref", config={"pretrained": None})
    stub = Stub(logit=logit)
    pipe.score_documents = lambda docs: with_null_bias(
        stub.score_documents(docs), pipe.cfg["null_bias"]
    )
    # A text with a link in any case keeps the score from being zero whatever is done.
    fitted = calibrate(pipe, [clustered(linked), clustered(linked), clustered(linked=True)])
    assert (fitted["null_bias"].get("SHE", 0.0) < 0) == linked


def curve(*bins):
    return [{"n": n, "probability": p, "accuracy": right} for n, p, right in bins]


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, 0.3), (1.6, -0.4)])
def test_links_get_the_log_odds_of_being_right(scale, offset):
    p = np.linspace(0.1, 0.95, 9)
    right = 1 / (1 + np.exp(-(scale * np.log(p / (1 - p)) + offset)))
    stub = Stub()
    rows = curve(*((10_000, *values) for values in zip(p, right, strict=True)))
    stub.scorer = lambda examples: {"conll_f": 0.5, "link_reliability": rows}
    stub.set_annotations = stub.decode_scores = lambda *_: None
    fitted = calibrate(stub, [clustered(linked=True)])
    assert fitted["link_scale"] == pytest.approx(scale, abs=0.01)
    assert fitted["link_offset"] == pytest.approx(offset, abs=0.01)


@pytest.mark.parametrize(
    "rows",
    [
        curve((5, 0.4, 1.0), (5, 0.9, 1.0)),  # too few bins to tell
        curve((50, 0.2, 0.9), (50, 0.5, 0.5), (50, 0.8, 0.1)),  # the wrong way round
        curve((9, 0.9, 0.9), (9, 0.9, 0.9), (9, 0.9, 0.9)),
        None,
    ],
)
def test_links_stay_as_they_are_where_answers_do_not_tell(rows):
    stub = Stub()
    stub.scorer = lambda examples: {"conll_f": 0.5, "link_reliability": rows}
    stub.set_annotations = stub.decode_scores = lambda *_: None
    fitted = calibrate(stub, [clustered(linked=True)])
    assert (fitted["link_scale"], fitted["link_own"], fitted["link_offset"]) == (1.0, 0.0, 0.0)


def test_the_own_decision_counts_where_it_tells_more():
    stub = Stub()

    def scorer(examples):
        right = 0.9 if stub.cfg["link_own"] == stub.cfg["link_scale"] else 0.6
        rows = curve((99, 0.4, 1 - right), (99, 0.5, 0.5), (99, 0.6, right))
        return {"conll_f": 0.5, "link_reliability": rows}

    stub.scorer = scorer
    stub.set_annotations = stub.decode_scores = lambda *_: None
    fitted = calibrate(stub, [clustered(linked=True)])
    assert fitted["link_own"] == pytest.approx(fitted["link_scale"], abs=1e-3)
    assert fitted["link_own"] > 1


@pytest.mark.parametrize(
    "rows",
    [
        curve((50, 0.999, 0.3), (50, 0.9, 0.9), (50, 0.99, 0.5)),
        curve((500, 0.9999, 0.01), (5, 0.0001, 0.0), (5, 0.5, 0.5)),
    ],
)
def test_odd_curves_leave_finite_weights(rows):
    stub = Stub()
    stub.scorer = lambda examples: {"conll_f": 0.5, "link_reliability": rows}
    stub.set_annotations = stub.decode_scores = lambda *_: None
    fitted = calibrate(stub, [clustered(linked=True)])
    assert 0 < fitted["link_scale"] < 20
    assert abs(fitted["link_offset"]) < 20


def test_answers_that_are_all_right_leave_finite_odds():
    stub = Stub()
    rows = curve((50, 0.5, 1.0), (50, 0.7, 1.0), (50, 0.9, 1.0))
    stub.scorer = lambda examples: {"conll_f": 0.5, "link_reliability": rows}
    stub.set_annotations = stub.decode_scores = lambda *_: None
    fitted = calibrate(stub, [clustered(linked=True)])
    assert fitted["link_scale"] > 0
    assert 0 < fitted["link_offset"] < 9
