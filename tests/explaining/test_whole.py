"""Everything at once is what its parts are, as far as the pipeline has them."""

from itertools import pairwise

import pytest
import spacy
from spacy.tokens import Doc

import spacy_lstm
from spacy_lstm.errors import LstmError, LstmTypeError
from spacy_lstm.explaining import (
    Explanation,
    explain,
    explain_links,
    explain_sentiment,
    running_sentiment,
    whole,
)
from spacy_lstm.viz import render

TEXT = "Alice met Bob in the garden. She smiled at him. Dull at first, but the end was wonderful."


@pytest.fixture(scope="module")
def found(bundle):
    return explain(bundle, TEXT)


def test_all_parts_are_what_they_are_alone(bundle, found):
    assert (found.text, found.lang) == (TEXT, "en")
    assert [(link.anaphor_text, link.antecedent_text) for link in found.links] == [
        ("She", "Alice"),
        ("him", "Bob"),
    ]
    assert list(found.links) == explain_links(bundle, TEXT)
    assert found.sentiment == explain_sentiment(bundle, TEXT)
    assert [each.score for each in found.running] == running_sentiment(bundle, TEXT)
    for part in (*found.links, found.sentiment):
        pieces = zip(part.tokens, part.offsets, strict=True)
        assert all(TEXT[at : at + len(token)] == token for token, at in pieces)
    assert all(TEXT[e.offset : e.offset + len(e.token)] == e.token for e in found.running)


def test_a_contrast_turns_where_it_does(found):
    scores = {each.token: each.score for each in found.running}
    assert scores["Dull"] < 0 < scores["wonderful"]


def test_long_texts_are_weighed_by_gradients(bundle, monkeypatch):
    monkeypatch.setattr(whole, "LONG_TEXT", 20)
    tokens = len(bundle.make_doc(TEXT))
    assert tokens > 20
    assert {link.method for link in explain(bundle, TEXT).links} == {"gradient_x_input"}
    assert {link.method for link in explain(bundle, TEXT, link_method="leave_one_out").links} == {
        "leave_one_out"
    }
    monkeypatch.setattr(whole, "LONG_TEXT", tokens)
    assert {link.method for link in explain(bundle, TEXT).links} == {"leave_one_out"}


def test_of_long_texts_the_curve_has_some_tokens_and_the_last(bundle, found, monkeypatch):
    monkeypatch.setattr(whole, "_READINGS", 8)
    few = explain(bundle, TEXT).running
    assert len(few) <= 8
    places = [
        found.running.index(next(e for e in found.running if e.offset == f.offset)) for f in few
    ]
    assert places[-1] == len(found.running) - 1
    assert len({b - a for a, b in pairwise(places)}) == 1
    assert [e.score for e in few] == pytest.approx([found.running[i].score for i in places])


def test_only_one_component(make_sentiment, shared_coref):
    sentiment = explain(make_sentiment(), "Dull at first.")
    assert sentiment.links is None
    assert sentiment.sentiment.tokens == ("Dull", "at", "first", ".")
    assert len(sentiment.running) == 4
    coref = explain(shared_coref, "Ann ran. She won.")
    assert [link.anaphor_text for link in coref.links] == ["She"]
    assert (coref.sentiment, coref.running) == (None, ())


def test_chinese(make_sentiment):
    found = explain(make_sentiment("zh"), "虽然开头无聊，但结局很棒")
    assert [each.token for each in found.running] == list("虽然开头无聊，但结局很棒")


def test_labels_without_two_sides_have_no_curve(make_sentiment):
    with pytest.warns(UserWarning, match="has the labels SPAM, HAM"):
        nlp = make_sentiment(labels=("SPAM", "HAM"))
    found = explain(nlp, "Buy this.")
    assert found.sentiment.label in {"SPAM", "HAM"}
    assert found.running == ()


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_text_without_a_word(bundle, text):
    found = explain(bundle, text)
    assert (found.text, found.links) == (text, ())
    assert (found.sentiment.label, found.sentiment.log_odds) == ("NEUTRAL", 0.0)
    assert [each.score for each in found.running] == [0.0] * len(bundle.make_doc(text))
    assert "The text is empty" in render(found, "why")


def test_a_doc_is_read_again_and_not_changed(bundle, found, unchanged):
    doc = bundle(TEXT)
    before = unchanged(doc)
    told = explain(bundle, doc)
    assert unchanged(doc) == before
    assert told == found


def test_tokens_that_were_merged_keep_their_places(bundle):
    """A component between ours may change what counts as a token."""
    nlp = spacy_lstm.load("en_lstm_sm")
    spacy.language.Language.component("merge_start", func=merge_start)
    nlp.add_pipe("merge_start", first=True)
    found = explain(nlp, TEXT)
    assert found.links[0].tokens[0] == "Alice met"
    assert found.links[0].offsets[:2] == (0, 10)
    assert "Alice met" in render(found, "why")


def merge_start(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    return doc


def test_notebooks_show_the_picture(found):
    shown = found._repr_html_()
    assert shown == render(found, "why", page=False)
    assert "<script" not in shown
    assert isinstance(spacy_lstm.explain(spacy_lstm.load("en_lstm_sm"), "A joy."), Explanation)


def test_mistakes(bundle):
    with pytest.raises(LstmError, match="nothing to explain in the pipeline: expected lstm_coref"):
        explain(spacy.blank("en"), TEXT)
    with pytest.raises(LstmError, match="no method 'lime': expected one of attention, gradient_x"):
        explain(bundle, TEXT, link_method="lime")
    with pytest.raises(LstmError, match="no method 'lime': expected one of shares, attention"):
        explain(bundle, TEXT, sentiment_method="lime")
    with pytest.raises(LstmTypeError, match="got int as text: expected a str or a Doc"):
        explain(bundle, 5)
    with pytest.raises(LstmError, match="no token 3 in a text of 3: expected 0 to 2"):
        running_sentiment(bundle, "A joy.", after=[0, 3])
