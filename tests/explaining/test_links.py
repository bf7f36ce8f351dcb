"""Why an anaphor has its antecedent: what must hold of every explanation, and what it tells."""

import json

import numpy as np
import pytest
import spacy

from spacy_lstm.coref.candidates import Pairs, describe_mentions, read_words
from spacy_lstm.coref.decode import CorefScores, Link
from spacy_lstm.coref.words import describe_word
from spacy_lstm.errors import LstmError
from spacy_lstm.explaining import LINK_METHODS, explain_links
from spacy_lstm.explaining.links import _find_decisions

TEXT = "Alice met Bob in the garden. She smiled at him, and he gave her his old book."


@pytest.fixture(scope="module")
def found(bundle):
    return explain_links(bundle, TEXT, least=0.0)


def test_one_record_a_link_as_the_pipeline_says(bundle, found):
    links = bundle(TEXT)._.coref_links
    told = [(e.anaphor, e.antecedent, e.anaphor_text, e.antecedent_text) for e in found]
    assert told == [((a.start, a.end), (b.start, b.end), a.text, b.text) for a, b, _ in links]
    assert [e.probability for e in found] == pytest.approx([s for *_, s in links], abs=1e-5)
    assert [e.anaphor_text for e in found] == ["She", "him", "he", "her", "his"]


def test_probabilities_and_shares_are_of_one_decision(found):
    for each in found:
        p = [candidate.probability for candidate in each.candidates]
        assert p == sorted(p, reverse=True)
        assert sum(p) + each.none == pytest.approx(1.0, abs=1e-6)
        chosen = sum(c.probability for c in each.candidates if c.chosen)
        assert np.log(chosen / (1 - chosen)) == pytest.approx(each.log_odds, abs=1e-3)
        shares = sum(feature.share for feature in each.features) + each.without_features
        assert shares == pytest.approx(each.log_odds, abs=0.05)
        assert each.decided_by == each.anaphor
        sizes = [abs(feature.share) for feature in each.features]
        assert sizes == sorted(sizes, reverse=True)


def test_gender_is_why_she_is_alice(found):
    she = found[0]
    assert she.antecedent_text == "Alice"
    first = she.features[0]
    assert (first.name, first.value) == (
        "gender and number",
        "feminine singular – feminine singular",
    )
    assert first.share > 1
    assert {c.text for c in she.candidates if c.chosen} == {"Alice"}


@pytest.mark.parametrize("method", LINK_METHODS)
def test_words_by_every_method(bundle, found, method):
    told = explain_links(bundle, TEXT, method=method)
    assert [e.method for e in told] == [method] * 5
    for each, other in zip(told, found, strict=True):
        assert len(each.words) == len(each.tokens) == 20
        assert each.log_odds == pytest.approx(other.log_odds, abs=1e-5)
        assert any(each.words)
        if method == "attention":
            assert sum(each.words) == pytest.approx(1.0, abs=1e-4)


def test_unlikely_candidates_can_be_left_out(bundle, found):
    few = explain_links(bundle, TEXT, least=1.0)
    for each, every in zip(few, found, strict=True):
        (one,) = each.candidates
        assert one == next(c for c in every.candidates if c.chosen)


def test_a_doc_is_not_changed_and_json_takes_all(bundle, found, unchanged):
    doc = bundle(TEXT)
    before = unchanged(doc)
    told = explain_links(bundle, doc, least=0.0)
    assert unchanged(doc) == before
    assert [e.words for e in told] == [e.words for e in found]
    again = json.loads(json.dumps(told[0].to_dict()))
    assert again["candidates"][0]["text"] == "Alice"
    assert again["features"][0]["name"] == "gender and number"
    assert again["anaphor"] == [7, 8]


def test_names_too(bundle):
    text = "Alice Brown sang. Later Alice Brown danced, and she laughed."
    told = explain_links(bundle, text, pronouns_only=False)
    assert [e.anaphor_text for e in told] == ["Alice Brown", "she"]
    assert {f.name: f.value for f in told[0].features}["string match"] == "same name"
    assert [e.anaphor_text for e in explain_links(bundle, text)] == ["she"]


def decided(p, clusters):
    """What `_find_decisions` makes of "He ran . Bob sat", where He has the later name as its only
    candidate and Bob the pronoun; from probabilities, of none and of that candidate."""
    codes = np.array([describe_word(word, 0) for word in ["He", "ran", ".", "Bob", "sat"]])
    words = read_words(codes, [5])
    mentions = describe_mentions(words, np.array([0, 3]), np.array([1, 4]))
    candidates = np.array([[1, -1], [-1, 0]])
    pairs = Pairs.find(candidates)
    scores = CorefScores(np.zeros((2, 2), np.float32), np.zeros(2, np.float32), mentions, pairs)
    link = Link((0, 1), (3, 4), 0.8)
    (found,) = _find_decisions(scores, np.array(p), clusters, [[link]], True)
    return found.row, found.chosen.tolist(), found.column


def test_the_mention_that_decided_may_be_the_antecedent():
    """A pronoun that joined nothing itself was joined by a later name."""
    cluster = [[(0, 1), (3, 4)]]
    assert decided([[0.2, 0.8, 0.0], [0.9, 0.0, 0.1]], cluster) == (0, [True, False], 0)
    assert decided([[0.9, 0.1, 0.0], [0.2, 0.0, 0.8]], cluster) == (1, [False, True], 1)


def test_what_led_there_may_have_left_the_cluster():
    assert decided([[0.9, 0.1, 0.0], [0.2, 0.0, 0.8]], [[]]) == (1, [False, True], 1)


def test_a_threshold_leaves_sure_links_alone(bundle):
    pipe = bundle.get_pipe("lstm_coref")
    pipe.threshold = 0.9
    try:
        links = bundle(TEXT)._.coref_links
        told = explain_links(bundle, TEXT)
    finally:
        pipe.threshold = 0.0
    assert len(told) == len(links) < 5
    assert all(any(c.chosen for c in each.candidates) for each in told)


@pytest.mark.parametrize("text", ["The train leaves at nine.", "", " ", " \n\t"])
def test_a_text_without_links(bundle, shared_coref, text):
    assert explain_links(bundle, text) == explain_links(bundle, bundle.make_doc(text)) == []
    if not text.strip():
        assert explain_links(shared_coref, text) == []


def test_behind_a_shared_encoder_and_without_a_second_task(shared_coref, unchanged):
    doc = shared_coref.make_doc(TEXT)
    before = unchanged(doc)
    found = explain_links(shared_coref, doc, least=0.0)
    assert unchanged(doc) == before
    assert len(found) >= 3
    links = shared_coref(TEXT)._.coref_links
    by_anaphor = {(a.start, a.end): score for a, _, score in links}
    for each in found:
        assert each.probability == pytest.approx(by_anaphor[each.anaphor], abs=1e-5)
        assert len(each.features) == 14
        shares = sum(feature.share for feature in each.features) + each.without_features
        assert shares == pytest.approx(each.log_odds, abs=0.05)
        assert any(each.words)
    told = explain_links(shared_coref, TEXT, least=0.0)
    assert [e.words for e in told] == [pytest.approx(e.words, abs=1e-5) for e in found]
    with pytest.raises(LstmError, match="no attention in lstm_coref: choose another method"):
        explain_links(shared_coref, TEXT, method="attention")


def test_mistakes(bundle):
    with pytest.raises(LstmError, match="no method 'lime': expected one of attention, gradient_x"):
        explain_links(bundle, TEXT, method="lime")
    with pytest.raises(LstmError, match="no lstm_coref in the pipeline: it has no components"):
        explain_links(spacy.blank("en"), TEXT)
    with pytest.raises(LstmError, match="no lstm_coref named 'lstm_sentiment' in the pipeline"):
        explain_links(bundle, TEXT, component="lstm_sentiment")
    for given in (5, None, b"She ran."):
        kind = type(given).__name__
        with pytest.raises(TypeError, match=f"got {kind} as text: expected a str or a Doc"):
            explain_links(bundle, given)


@pytest.mark.parametrize("method", ["gradient_x_input", "attention"])
def test_texts_that_the_encoder_reads_with_rows_to_spare(bundle, method):
    """Long ones are laid into few shapes, whose rows are more than the tokens."""
    told = explain_links(bundle, "Alice is happy. She smiles. " * 40, method=method)
    assert len(told) == 40
    assert {len(each.words) for each in told} == {280}
