"""A text read again: what the model said of it, and what its decisions hang on."""

from threading import Thread

import numpy as np
import pytest
import spacy
from thinc.api import fix_random_seed

import spacy_lstm
from spacy_lstm.coref.pair_values import describe_values
from spacy_lstm.errors import LstmError
from spacy_lstm.models import attribution
from spacy_lstm.models.attribution import (
    GRADIENT_METHODS,
    LinkReplay,
    LinkTarget,
    TextReplay,
    group_apart,
)
from spacy_lstm.models.recording import Recording
from spacy_lstm.tracing import listen

TEXT = "Alice met Bob in the garden. She smiled at him, and he gave her his old book."


@pytest.fixture(scope="module")
def bundle():
    return spacy_lstm.load("en_lstm_sm")


@pytest.fixture(scope="module")
def linked(bundle):
    return LinkReplay(listen(bundle, TEXT, component="lstm_coref").recording)


def targets_of(replay, temperature=1.0):
    """Of every pronoun its likeliest candidate."""
    scores = replay.scores
    targets, pairs = [], []
    for row in np.flatnonzero(scores.mentions.is_pronoun).tolist():
        column = int(np.argmax(scores.pair_logits[row]))
        chosen = np.arange(scores.pair_logits.shape[1]) == column
        targets.append(LinkTarget(row, chosen, 0.5, temperature))
        pairs.append((row, column))
    return targets, pairs


def odds_of(replay, target):
    """The log odds of a target, worked out from what the model said."""
    logits = replay.scores.pair_logits[target.row].astype(float) / target.temperature
    null = (replay.scores.null_logits[target.row] + target.null_bias) / target.temperature
    rest = np.append(logits[~target.chosen], null)
    return np.logaddexp.reduce(logits[target.chosen]) - np.logaddexp.reduce(rest)


def test_scores_are_what_the_component_works_with(bundle, linked):
    doc = bundle.make_doc(TEXT)
    expected = bundle.get_pipe("lstm_coref").model.predict(
        bundle.get_pipe("lstm_coref")._input([doc], np.zeros((0, 2), dtype=np.int64))
    )
    np.testing.assert_allclose(linked.scores.pair_logits, expected.pair_logits, atol=1e-5)
    np.testing.assert_allclose(linked.scores.null_logits, expected.null_logits, atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_features_and_what_is_without_them_sum_to_the_log_odds(linked, temperature):
    targets, pairs = targets_of(linked, temperature)
    found = linked.share_features(targets, pairs)
    assert len(found) == len(targets) == 5
    # Asked twice of one mention, the same is told twice.
    twice = linked.share_features([targets[1]] * 2, [pairs[1]] * 2)
    assert twice[0] == twice[1]
    np.testing.assert_allclose(twice[0].shares, found[1].shares, atol=1e-5)
    for target, shares in zip(targets, found, strict=True):
        assert len(shares.values) == len(shares.shares) == 16
        total = odds_of(linked, target)
        assert sum(shares.shares) + shares.without == pytest.approx(total, abs=0.05)
    # She: that Alice is a woman, and Bob is none, is what decides.
    values = describe_values(found[0].values)
    assert values["gender and number"] == "feminine singular – feminine singular"
    assert list(values)[int(np.argmax(found[0].shares))] == "gender and number"


@pytest.mark.parametrize("method", GRADIENT_METHODS)
def test_words_of_several_targets_are_those_of_each(linked, method):
    targets, _ = targets_of(linked)
    together = linked.attribute(targets, method)
    assert together.shape == (5, 20)
    alone = linked.attribute(targets[2:3], method)
    np.testing.assert_allclose(together[2], alone[0], atol=1e-4)
    assert linked.attribute([], method).shape == (0, 20)
    assert linked.share_features([], []) == []


def test_integrated_gradients_of_words_are_complete(bundle):
    heard = listen(bundle, "A wonderful film.", component="lstm_sentiment")
    replay = TextReplay(heard.recording)
    read = replay._read
    found = replay.attribute(2, "integrated_gradients")
    fall = []
    for E in (read.embeddings, read.embeddings * 0):
        logits = replay._head(*read.encode(E[None]))[0].detach().numpy().astype(float)
        fall.append(logits[2] - np.logaddexp(logits[0], logits[1]))
    assert found.sum() == pytest.approx(fall[0] - fall[1], abs=0.1)
    assert np.argmax(found) == 1


def test_others_feel_nothing_of_it(bundle, linked):
    """Shares of features are found with hooks in modules that other threads work with."""
    expected = bundle(TEXT)._.coref_links
    targets, pairs = targets_of(linked)
    wrong, stop = [], []

    def work():
        while not stop:
            links = bundle(TEXT)._.coref_links
            found = [(a.text, b.text, round(s, 4)) for a, b, s in links]
            if found != [(a.text, b.text, round(s, 4)) for a, b, s in expected]:
                wrong.append(found)

    thread = Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            linked.share_features(targets, pairs)
    finally:
        stop.append(True)
        thread.join()
    assert not wrong
    assert not linked._scorer.pair_features._forward_hooks


def test_mistakes(bundle):
    nothing = Recording()
    with pytest.raises(LstmError, match=r"no spacy_lstm.BiLSTMTok2Vec.v1 has read the text: words"):
        TextReplay(nothing)
    linked = listen(bundle, TEXT, component="lstm_coref").recording
    with pytest.raises(LstmError, match=r"no spacy_lstm.TextCat.v1 has read the text"):
        TextReplay(linked)
    classified = listen(bundle, TEXT, component="lstm_sentiment").recording
    with pytest.raises(LstmError, match=r"no spacy_lstm.Coref.v1 has read the text: nothing to"):
        LinkReplay(classified)


@pytest.fixture(scope="module", params=range(4))
def far_apart(request):
    """Links of a text in small windows by random weights, many of which share no token."""
    nlp = spacy.blank("en")
    encoder = {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 8,
        "width_factor": 0.2,
        "rows": 50,
        "window": 12,
        "margin": 2,
    }
    model = {
        "@architectures": "spacy_lstm.Coref.v1",
        "tok2vec": encoder,
        "backward": 3,
        "forward": 1,
        "syntax": True,
        "floor": -20.0,
    }
    nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": model})
    doc = nlp.make_doc("Alice slept. She was tired.")
    fix_random_seed(request.param)
    nlp.initialize(lambda: [spacy.training.Example(doc, doc)])
    return LinkReplay(listen(nlp, TEXT * 40, component="lstm_coref").recording)


@pytest.mark.parametrize("method", ["gradient_x_input", "leave_one_out"])
def test_targets_that_share_no_token_are_asked_for_as_one(far_apart, method, monkeypatch):
    targets, _ = targets_of(far_apart)
    reaches = [far_apart._find_reach(target) for target in targets]
    groups = group_apart(np.array(reaches))
    assert max(groups) + 1 < len(targets) / 3
    found = far_apart.attribute(targets, method)
    # One by one, whatever each can hang on.
    monkeypatch.setattr(attribution, "group_apart", lambda reaches: list(range(len(reaches))))
    whole = (0, found.shape[1])
    monkeypatch.setattr(LinkReplay, "_find_reach", lambda self, target: whole)
    expected = far_apart.attribute(targets, method)
    assert abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_reaches_that_overlap_are_never_in_one_group():
    reaches = np.array([[0, 4], [2, 6], [4, 9], [6, 7], [0, 9]])
    assert group_apart(reaches) == [0, 2, 0, 2, 1]
    assert group_apart(reaches[:0]) == []
