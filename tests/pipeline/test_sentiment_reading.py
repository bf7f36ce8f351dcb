"""What is read for a whole batch at once is what each document says by itself."""

import math

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_lstm.coref.clauses import find_clauses, load_trees, store_trees
from spacy_lstm.coref.syntax import RELATIONS, TAGS
from spacy_lstm.pipeline.sentiment_reading import (
    SentimentPrediction,
    find_parts,
    is_blank,
    read_clauses,
    read_outputs,
)
from spacy_lstm.pipeline.sides import Sides

VOCAB = spacy.blank("en").vocab
THREE = ("NEGATIVE", "NEUTRAL", "POSITIVE")
FIVE = ("VERY_NEGATIVE", *THREE, "VERY_POSITIVE")


@st.composite
def documents(draw):
    """With a tree, without one, with one of other tokens, and of nothing but white space."""
    n = draw(st.integers(0, 8))
    doc = Doc(VOCAB, words=draw(st.sampled_from([["x"], [" "]])) * n)
    columns = [
        draw(st.lists(values, min_size=n, max_size=n))
        for values in (
            st.integers(0, len(TAGS) - 1),
            st.integers(0, len(RELATIONS) - 1),
            st.integers(0, max(0, n - 1)),
        )
    ]
    columns[2] = [head - i for i, head in enumerate(columns[2])]
    (tree,) = store_trees(np.array(columns).T.reshape(-1, 3), [n])
    stored = draw(st.sampled_from([tree, tree, None, tree + "###"]))
    if stored is not None:
        doc.user_data["lstm_coref"] = stored
    return doc, stored == tree and not is_blank(doc)


@given(st.lists(documents(), min_size=1, max_size=6))
def test_parts_of_a_batch(drawn):
    docs = [doc for doc, _ in drawn]
    lengths = [len(doc) for doc in docs]
    parts = find_parts(docs, lengths, [is_blank(doc) for doc in docs])
    owners, predicates, counts = [], [], []
    for doc, has_tree in drawn:
        if not has_tree:
            owners += [-1] * len(doc)
            counts.append(None)
            continue
        clauses = find_clauses(load_trees([doc.user_data["lstm_coref"]])).tolist()
        ordered = list(dict.fromkeys(clauses))
        owners += [len(predicates) + ordered.index(clause) for clause in clauses]
        predicates += ordered
        counts.append(len(ordered))
    assert parts.counts == counts
    assert parts.predicates == predicates
    assert parts.owners.tolist() == (owners if predicates else [])
    assert parts.sizes.tolist() == [owners.count(part) for part in range(len(predicates))]

    predictions = [SentimentPrediction([], 0.0, [], i, 1.0) for i in range(len(docs))]
    scores = np.arange(len(predicates)) / 100
    read = read_clauses(predictions, parts, scores)
    assert [prediction.mass for prediction in read] == list(range(len(docs)))
    assert [None if p.clauses is None else len(p.clauses[0]) for p in read] == counts
    told = [prediction.clauses for prediction in read if prediction.clauses is not None]
    assert [predicate for clauses in told for predicate in clauses[0]] == predicates
    assert [score for clauses in told for score in clauses[1]] == scores.tolist()


def read_alone(sides, probabilities, logits, shares):
    """The prediction of one document, by the definition."""

    def weigh(side):
        own = logits[side].astype(np.float64)
        p = np.exp(own - np.logaddexp.reduce(own))
        entropy = -float(p @ np.log(p))
        split = shares[:, side].astype(np.float64) @ p + entropy / max(1, len(shares))
        return float(np.logaddexp.reduce(own)), split

    (positive, its), (negative, others) = (weigh(side) for side in sides)
    odds = positive - negative
    for_it, against = (float(probabilities[side].sum()) for side in sides)
    mass = min(1.0, for_it + against)
    scale = mass * math.tanh(odds / 2) / odds if odds else mass / 2
    return for_it - against, (scale * (its - others)).tolist(), mass, scale


@pytest.mark.parametrize("labels", [THREE, FIVE, FIVE[1:]])
def test_outputs_of_a_batch(labels):
    random = np.random.default_rng(1)
    lengths = [3, 0, 1, 12]
    shares = random.normal(size=(16, len(labels)))
    logits = random.normal(size=(4, len(labels)))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sides = Sides.find(labels)
    found = read_outputs(sides, probabilities, logits, shares, lengths)
    split = np.split(shares, np.cumsum(lengths)[:-1])
    rows = zip(found, probabilities, logits, split, strict=True)
    for prediction, p, z, its in rows:
        score, weights, mass, scale = read_alone(sides, p, z, its)
        assert prediction.probabilities == p.tolist()
        assert prediction.clauses is None
        assert prediction.weights == pytest.approx(weights, abs=1e-12)
        assert (prediction.score, prediction.mass) == pytest.approx((score, mass), abs=1e-12)
        assert prediction.scale == pytest.approx(scale, abs=1e-12)


def test_labels_without_two_sides():
    p = np.array([[0.25, 0.75]])
    (found,) = read_outputs(None, p, np.log(p), np.zeros((2, 2)), [2])
    assert found == SentimentPrediction([0.25, 0.75], 0.0, None, 0.0, 0.0)


def test_even_odds_share_nothing_out():
    sides = Sides.find(THREE)
    shares = np.array([[1, 0, 0], [0, 0, 1]], dtype="f")
    even = np.full((1, 3), 1 / 3, dtype="f"), np.zeros((1, 3), dtype="f")
    (prediction,) = read_outputs(sides, *even, shares, [2])
    assert prediction.scale == pytest.approx(1 / 3)
    assert prediction.weights == pytest.approx([-1 / 3, 1 / 3])
    extreme = np.array([[0, 0, 1]], dtype="f"), np.array([[-300, 0, 300]], dtype="f")
    (prediction,) = read_outputs(sides, *extreme, shares * 300, [2])
    assert all(math.isfinite(weight) for weight in prediction.weights)
