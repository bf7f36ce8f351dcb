"""Pages for every style: whole, escaped, self-contained, and nested as the mentions are."""

import re
from html.parser import HTMLParser

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, SpanGroup

from spacy_lstm.errors import LstmError
from spacy_lstm.viz import STYLES as ALL_STYLES
from spacy_lstm.viz import render
from spacy_lstm.viz.sentiment import view_sentiment

_VOID = {"meta", "br", "path"}
STYLES = [name for name, style in ALL_STYLES.items() if style.takes is Doc]


class Page(HTMLParser):
    """The elements of a page; fails where tags do not nest."""

    def __init__(self, page):
        super().__init__()
        self.stack, self.elements, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), len(self.stack)))
        if tag not in _VOID:
            self.stack.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        inside = [attrs.get("class") for _, attrs in self.stack]
        notes = any(tag == "rt" for tag, _ in self.stack) or "number" in inside
        if "text" in inside and not notes:
            self.text += data

    def named(self, css_class):
        return [
            (tag, attrs, depth)
            for tag, attrs, depth in self.elements
            if css_class in (attrs.get("class") or "").split()
        ]


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def add_cluster(doc, number, spans, links=(), prefix="coref_clusters"):
    """links: (anaphor, antecedent, score) with token spans."""
    attrs = {
        "links": [
            {"anaphor": list(anaphor), "antecedent": list(antecedent), "score": score}
            for anaphor, antecedent, score in links
        ]
    }
    key = f"{prefix}_{number}"
    group = SpanGroup(doc, name=key, attrs=attrs, spans=[doc[a:b] for a, b in spans])
    doc.spans[key] = group


@pytest.fixture
def linked(nlp):
    doc = nlp("Ann saw her old cat. She fed it.")
    add_cluster(doc, 1, [(0, 1), (2, 3), (6, 7)], [((2, 3), (0, 1), 0.9), ((6, 7), (0, 1), 0.8)])
    add_cluster(doc, 2, [(2, 5), (8, 9)], [((8, 9), (2, 5), 0.705)])
    return doc


@pytest.fixture
def felt(nlp):
    doc = nlp("Dull, but I liked it")
    doc.cats = {"NEGATIVE": 0.1, "NEUTRAL": 0.2, "POSITIVE": 0.7}
    doc.sentiment = 0.6
    doc.user_data["lstm_sentiment"] = {"weights": [-0.4, 0.0, 0.1, 0.0, 0.8, 0.05]}
    return doc


def test_coref_page_shows_text_clusters_and_links(linked):
    html = render(linked)
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.text == linked.text
    assert "2 clusters of 5 mentions" in html
    assert re.search(r"3 links\s+from an anaphor", html)
    assert len(page.named("mention")) == 5
    assert [
        attrs["data-cluster"] for _, attrs, _ in page.named("mention") if "data-to" in attrs
    ] == [
        "k1",
        "k1",
        "k2",
    ]
    assert html.count("90%") == 2, "under the anaphor and in the table"
    assert "→ her old cat" in html


def test_links_lead_to_elements_of_the_page(linked):
    page = Page(render(linked))
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    aims = {attrs["href"].lstrip("#") for tag, attrs, _ in page.elements if tag == "a"}
    aims |= {attrs["data-to"] for _, attrs, _ in page.elements if "data-to" in attrs}
    assert len(ids) == len(set(ids))
    assert aims <= set(ids)
    assert len(aims) == 5


def test_nested_mention_lies_in_the_outer_one(linked):
    page = Page(render(linked))
    outer, inner = page.named("mention")[1:3]
    assert (outer[1]["class"], inner[1]["class"]) == ("mention k2", "mention k1")
    assert inner[2] > outer[2]
    assert (outer[1]["style"], inner[1]["style"]) == ("--depth: 1", "--depth: 0")


def test_crossing_mentions_are_split(nlp):
    doc = nlp("a b c d")
    add_cluster(doc, 1, [(0, 2)])
    add_cluster(doc, 2, [(1, 3)])
    page = Page(render(doc))
    pieces = [attrs["class"] for _, attrs, _ in page.named("mention")]
    assert pieces == ["mention k1", "mention k2", "mention k2"]
    assert sum("id" in attrs for _, attrs, _ in page.named("mention")) == 2
    assert page.text == "a b c d"


def test_a_split_anaphor_has_its_note_behind_its_last_piece(nlp):
    doc = nlp("a b c d e f")
    add_cluster(doc, 1, [(0, 1), (2, 4)], [((2, 4), (0, 1), 0.6)])
    add_cluster(doc, 2, [(1, 3)])
    html = render(doc)
    page = Page(html)
    assert page.text == doc.text
    pieces = [attrs for _, attrs, _ in page.named("mention") if attrs["class"] == "mention k1"]
    assert ["data-to" in attrs for attrs in pieces] == [False, True, False]
    assert html.count("60%</rt>") == 1


def test_links_between_other_spans_are_left_out(nlp):
    doc = nlp("Ann sat. She ran.")
    links = [((3, 4), (7, 9), 0.9), ((3, 4), (1, 2), 0.8)]
    add_cluster(doc, 1, [(0, 1), (3, 4)], links)
    html = render(doc)
    assert re.search(r"2 mentions,\s+no links\.", html)
    assert "data-to" not in html.partition("<script>")[0]


def test_only_numbered_keys_are_clusters(nlp):
    doc = nlp("Ann sat. She ran.")
    add_cluster(doc, "head", [(0, 1)])
    add_cluster(doc, 1, [(0, 1), (3, 4)], prefix="mine")
    assert "No links found" in render(doc)
    assert "1 cluster of 2 mentions" in render(doc, span_cluster_prefix="mine")


def test_text_without_links_gets_a_page_that_says_so(nlp):
    html = render(nlp("It rains."))
    assert "No links found" in html
    assert Page(html).text == "It rains."


@pytest.mark.parametrize("style", STYLES)
def test_empty_text(nlp, style):
    doc = nlp("")
    doc.user_data["lstm_sentiment"] = {"weights": []}
    html = render(doc, style)
    Page(html)
    assert "The text is empty" in html


def test_sentiment_page_shows_labels_and_weights(felt):
    html = render(felt, "sentiment")
    page = Page(html)
    assert page.text == felt.text
    assert "Score +0.60" in html
    assert re.findall(r"<td>([A-Z]+)</td>", html) == ["NEGATIVE", "NEUTRAL", "POSITIVE"]
    assert "width: 70.0%" in html
    assert 'title="−0.400"' in html
    tones = [attrs["class"] for _, attrs, _ in page.named("token")]
    assert tones[:4] == ["token negative", "token positive", "token positive", "token positive"]
    strongest = re.findall(r"<td><bdi>(.+)</bdi></td>", html)
    assert strongest == ["liked", "Dull", "but", "it"]


def test_stronger_labels_have_their_sides_tone(felt):
    felt.cats = {"VERY_NEGATIVE": 0.1, "NEUTRAL": 0.2, "VERY_POSITIVE": 0.7}
    rows = view_sentiment(felt, "coref_clusters")["cats"]
    assert [row["tone"] for row in rows] == ["negative", "neutral", "positive"]


def test_without_weights_nothing_is_tinted(felt):
    felt.user_data["lstm_sentiment"] = {"weights": [0.0] * len(felt)}
    html = render(felt, "sentiment")
    assert "What weighed most" not in html
    assert len(Page(html).named("token")) == 2, "those of the key"


def test_everything_is_escaped(nlp):
    words = ["<script>alert(1)</script>", '"><img src=x>', "&amp;", "{{ 7 * 7 }}", "</div>"]
    doc = Doc(nlp.vocab, words=words, spaces=[True] * 5)
    add_cluster(doc, 1, [(0, 1), (1, 2), (4, 5)], [((1, 2), (0, 1), 0.5)])
    doc.cats = {"<b>": 1.0}
    doc.user_data["lstm_sentiment"] = {"weights": [1.0] * 5}
    for style in STYLES:
        html = render(doc, style)
        assert Page(html).text == doc.text
        assert "alert(1)</script>" not in html
        assert "<img" not in html
        assert "<b>" not in html


@pytest.mark.parametrize("style", STYLES)
def test_nothing_comes_from_outside(linked, felt, style):
    html = render(linked if style == "coref" else felt, style)
    assert re.findall(r"https?://[^\"')\s]+", html) in ([], ["http://www.w3.org/2000/svg"])
    assert not re.search(r"<link|@import|url\(|src=|fetch\(", html)


def test_element_for_another_page(linked, nlp):
    fragment = render(linked, page=False)
    page = Page(fragment)
    assert fragment.startswith("<div")
    assert "<html" not in fragment
    assert fragment in render(linked)
    other = Page(render(nlp("Else."), page=False))
    assert page.elements[0][1]["id"] != other.elements[0][1]["id"]
    assert render(linked, page=False) == fragment, "anchors are the same in every run"


def test_control_characters_become_visible(nlp):
    doc = Doc(nlp.vocab, words=["a\x00b", "\x1b", "\x85", "\n", "\t"], spaces=[False] * 5)
    assert Page(render(doc)).text == "a␀b␛\ufffd\n\t"


def test_long_names_are_cut(nlp):
    doc = nlp("The old man who lived by the wild grey sea slept. He dreamt.")
    add_cluster(doc, 1, [(0, 10), (12, 13)], [((12, 13), (0, 10), 0.5)])
    assert "→ The old man who lived by th… " in render(doc)


def test_unknown_style(linked):
    with pytest.raises(LstmError, match=r"Unknown style 'gantt': choose one of coref, sentiment, "):
        render(linked, "gantt")


def test_not_a_doc():
    with pytest.raises(TypeError, match=r"got a int, expected a Doc: call the pipeline first"):
        render(5)
    with pytest.raises(LstmError, match=r"got a str, expected a Doc: .*render\(nlp\(text\)\)"):
        render("Ann sat.")


def test_sentiment_that_was_never_read(nlp):
    with pytest.raises(LstmError, match=r"without sentiment.*nlp\.add_pipe\(\"lstm_sentiment\"\)"):
        render(nlp("Fine."), "sentiment")


def test_weights_of_other_tokens(felt):
    felt.user_data["lstm_sentiment"] = {"weights": [0.5]}
    with pytest.raises(LstmError, match=r"1 token weights for 6 tokens.*run it last"):
        render(felt, "sentiment")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_text_and_spans(nlp, data):
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
    words = data.draw(st.lists(text, max_size=8))
    doc = Doc(nlp.vocab, words=words, spaces=data.draw(st.tuples(*[st.booleans()] * len(words))))
    if words:
        bounds = st.integers(0, len(words))
        spans = st.lists(st.tuples(bounds, bounds).filter(lambda b: b[0] < b[1]), max_size=4)
        for number in (1, 2):
            add_cluster(doc, number, data.draw(spans))
    page = Page(render(doc))
    assert page.text == show(doc.text)


def show(text):
    """What a reader of the page sees of a text: no control characters, line ends as parsed."""
    pictures = {i: 0x2400 + i for i in range(32) if chr(i) not in "\t\n\r"}
    return text.translate({**pictures, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)})
