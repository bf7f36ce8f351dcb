"""Faithfulness where the truth is known, and on the answers of pipelines."""

import numpy as np
import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.explaining.answers import link_answers, sentiment_answers
from spacy_lstm.explaining.faithfulness import (
    BY_SHARE,
    BY_WORDS,
    RANDOM,
    Answer,
    measure_faithfulness,
)
from spacy_lstm.explaining.sentiment import label_probabilities

TEXT = "Alice met Bob in the garden. She smiled at him, and he gave her his old book."


def looks_at(word, tokens, removable=None, **weights):
    """The answer of a model that looks at one word only: 0.9 with it, 0.4 without."""

    def ask(parts):
        return [0.9 if word in part else 0.4 for part in parts]

    found = {name: np.array(values, dtype=float) for name, values in weights.items()}
    return Answer(found, list(range(tokens)) if removable is None else removable, ask)


def one_hot(place, tokens):
    return [float(i == place) for i in range(tokens)]


def test_the_truth_is_best_and_its_opposite_worst():
    def answers():
        for word in range(10):
            truth = one_hot(word, 10)
            yield looks_at(word, 10, truth=truth, opposite=[-value for value in truth])

    found = measure_faithfulness(answers(), steps=(0.1, 0.3, 0.5))
    assert (found.answers, found.steps, found.best) == (10, [0.1, 0.3, 0.5], "truth")
    truth, opposite = found.methods["truth"], found.methods["opposite"]
    assert truth.curve == pytest.approx([0.5] * 3)
    # Four points with that of no step.
    assert truth.area == pytest.approx(0.5 * 3 / 4)
    assert truth.standard_error == pytest.approx(0.0)
    assert (opposite.area, opposite.curve) == (0.0, [0.0] * 3)
    chance = found.methods[RANDOM]
    assert opposite.area < chance.area < truth.area
    assert chance.area == pytest.approx(0.5 * (0.1 + 0.3 + 0.5) / 4, abs=0.08)
    assert truth.above_random == pytest.approx(truth.area - chance.area)
    assert chance.above_random == chance.above_random_error == 0.0
    assert truth.above_random_error > 0


def test_only_what_may_go_goes_and_one_of_it_stays():
    asked = []

    def ask(parts):
        asked.extend(parts)
        return [1.0] * len(parts)

    answer = Answer({"m": np.arange(6.0)}, [1, 2, 3], ask)
    measure_faithfulness([answer], steps=(1, 2, 9))
    assert asked[0] == [0, 1, 2, 3, 4, 5]
    assert asked[1:4] == [[0, 1, 2, 4, 5], [0, 1, 4, 5], [0, 1, 4, 5]]
    assert all({0, 4, 5} <= set(part) for part in asked)


def test_the_seed_decides():
    def run(seed):
        answers = [looks_at(word, 9, m=one_hot(0, 9)) for word in range(9)]
        return measure_faithfulness(answers, seed=seed)

    assert run(1) == run(1)
    assert run(1).methods[RANDOM] != run(2).methods[RANDOM]


def test_without_a_method_there_is_still_chance():
    answer = Answer({"m": np.zeros(1)}, [0], lambda parts: [1.0] * len(parts))
    with pytest.raises(
        LstmError, match="no answer to measure: expected texts of two words or more"
    ):
        measure_faithfulness([answer])


@pytest.mark.parametrize("steps", [(), (0, 1), (2, 2), (3, 1)])
def test_steps_rise(steps):
    with pytest.raises(LstmError, match="expected numbers above 0 that rise"):
        measure_faithfulness([looks_at(0, 3, m=one_hot(0, 3))], steps=steps)


@pytest.mark.parametrize("shared", [False, True])
def test_answers_of_a_sentiment_pipeline(make_sentiment, shared):
    nlp = make_sentiment(shared=shared)
    docs = [nlp.make_doc(text) for text in ("A fine day, is it not?", "  ", "Dull.")]
    answers = list(sentiment_answers(nlp, docs, methods=["shares", "deletion"]))
    assert [len(answer.removable) for answer in answers] == [8, 2]
    first = answers[0]
    assert set(first.weights) == {"shares", "deletion"}
    doc = nlp(docs[0].text)
    whole, part = first.ask([list(range(8)), [0, 1]])
    assert whole == pytest.approx(max(doc.cats.values()), abs=1e-6)
    label = max(doc.cats, key=doc.cats.get)
    assert part == pytest.approx(nlp("A fine").cats[label], abs=1e-6)
    rows = label_probabilities(nlp, "lstm_sentiment", doc, [[0], [1, 2]])
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-6)


def test_answers_of_links_keep_pronoun_and_candidates(bundle):
    doc = bundle.make_doc(TEXT)
    answers = list(link_answers(bundle, [doc, bundle.make_doc("")], methods=["gradient_x_input"]))
    assert len(answers) == 5
    she = answers[0]
    kept = {doc[i].text for i in range(len(doc)) if i not in she.removable}
    assert {"She", "Alice", "Bob"} <= kept
    assert "gave" not in kept
    every = list(range(len(doc)))
    (whole,) = she.ask([every])
    assert 0.5 < whole <= 1.0
    without = [i for i in every if i not in she.removable[:3]]
    again, other = she.ask([every, without])
    assert again == pytest.approx(whole, abs=1e-5)
    assert other != pytest.approx(whole, abs=1e-9)


def test_links_of_some_pronouns_only(bundle):
    docs = [bundle.make_doc(TEXT)]
    she = TEXT.index("She")
    options = {"methods": ["gradient_x_input"]}
    found = list(link_answers(bundle, docs, anaphors=lambda doc: [(she, she + 3)], **options))
    assert len(found) == 1
    assert list(link_answers(bundle, docs, anaphors=lambda doc: [], **options)) == []


def test_explanations_of_the_bundle_are_better_than_chance(bundle):
    texts = ("A wonderful film.", "Dull and far too long.", "I love it, though it is slow.", TEXT)
    docs = [bundle.make_doc(text) for text in texts]
    found = measure_faithfulness(sentiment_answers(bundle, docs[:3]), steps=BY_SHARE)
    assert found.methods[found.best].above_random > 0.1
    found = measure_faithfulness(link_answers(bundle, docs), steps=BY_WORDS)
    assert found.methods[found.best].above_random > 0
