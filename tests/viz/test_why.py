"""Pages and figures of why a text got its answers: what they say of which numbers."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.explanations import Candidate, Explanation
from spacy_lstm.viz import draw, render
from spacy_lstm.viz.why import METHODS, rank_features, view_why

WORDS = ["Alice", "saw", "Bob", ".", "She"]


class Page(HTMLParser):
    """Tables by caption as rows of texts, the pieces of texts by class, and all elements."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.parts, self.elements, self.stack, self.text = {}, [], [], [], ""
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag in {"meta", "input"}:
            return
        self.stack.append((tag, attrs))
        if tag == "table":
            self.caption, self.rows = "", []
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag
        if tag == "table":
            self.tables.setdefault(self.caption, []).append(self.rows)

    def handle_data(self, data):
        tags = [tag for tag, _ in self.stack]
        if {"style", "script"} & set(tags):
            return
        self.text += data
        if "caption" in tags:
            self.caption += data
        elif "td" in tags or "th" in tags:
            self.rows[-1][-1] += data
        classes = {name for _, attrs in self.stack for name in attrs.get("class", "").split()}
        if "text" in classes and classes & {"anaphor", "chosen", "rival"} and data.strip():
            self.parts.append((data, *sorted(classes & {"anaphor", "chosen", "rival"})))


def signed(value):
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


@pytest.fixture
def explained(make_explanation):
    """One link of "She" to Alice, with Bob as a rival, and a positive sentiment."""
    found = make_explanation(WORDS, links=1)
    candidates = (
        Candidate((0, 1), "Alice", 0.7, True),
        Candidate((2, 3), "Bob", 0.2, False),
    )
    (link,) = found.links
    link = replace(
        link,
        antecedent=(0, 1),
        antecedent_text="Alice",
        decided_by=link.anaphor,
        candidates=candidates,
        none=0.06,
        probability=0.65,
    )
    sentiment = replace(found.sentiment, label="POSITIVE", probability=0.8)
    return replace(found, links=(link,), sentiment=sentiment)


def test_candidates_features_and_words_of_a_link(explained):
    page = Page(render(explained, "why"))
    (link,) = explained.links
    assert page.tables["Candidates"][0] == [
        ["Alice chosen", "", "70.0%"],
        ["Bob", "", "20.0%"],
        ["none of them", "", "6.0%"],
        ["all others", "", "4.0%"],
    ]
    *features, together = page.tables["Features that decided"][0]
    ranked = rank_features(link)
    assert [row[2] for row in features] == [signed(share) for *_, share in ranked]
    assert together == ["together", "", signed(link.log_odds)]
    words = page.tables["Words that decided"][0]
    order = sorted(range(5), key=lambda i: -abs(link.words[i]))
    assert [row[0] for row in words] == [WORDS[i] for i in order]
    assert [row[2] for row in words] == [signed(link.words[i]) for i in order]
    assert page.parts == [("Alice", "chosen"), ("Bob", "rival"), ("She", "anaphor")]
    assert "She → Alice 65%" in " ".join(page.text.split())
    assert METHODS[link.method] in page.text


def test_features_sum_up_to_what_is_shared_out(explained):
    (link,) = explained.links
    ranked = rank_features(link)
    total = sum(feature.share for feature in link.features) + link.without_features
    assert sum(share for *_, share in ranked) == pytest.approx(total)
    assert len(ranked) <= 8
    first, *_ = link.features
    few = replace(link, features=(first, replace(first, share=0.01)))
    names = [name for name, *_ in rank_features(few)]
    assert names == [first.name, "1 other feature", "the mentions themselves"]


def test_a_likelier_candidate_that_was_ruled_out(explained):
    (link,) = explained.links
    alice, bob = link.candidates
    bob = replace(bob, probability=0.8)
    odd = replace(link, candidates=(bob, replace(alice, probability=0.1)), none=0.1)
    assert odd.ruled_out == (bob,)
    assert link.ruled_out == ()
    page = Page(render(replace(explained, links=(odd,)), "why"))
    reason = "Bob ruled out: its cluster is of another gender or number"
    assert page.tables["Candidates"][0][0] == [reason, "", "80.0%"]


def test_a_later_name_that_led_back(explained):
    (link,) = explained.links
    html = render(replace(explained, links=(replace(link, decided_by=(0, 1)),)), "why")
    assert "“Alice” stands later and led back to it" in Page(html).text
    assert "stands later" not in Page(render(explained, "why")).text


def test_each_of_several_pronouns_can_be_chosen_without_a_script(make_explanation):
    found = make_explanation(WORDS, links=3)
    html = render(found, "why")
    page = Page(html)
    choices = [attrs for tag, attrs in page.elements if tag == "input"]
    assert [choice["class"] for choice in choices] == ["p1", "p2", "p3"]
    assert ["checked" in choice for choice in choices] == [True, False, False]
    assert len({choice["name"] for choice in choices}) == 1
    assert html.count(".link:not(.l2)") == 1
    assert not [tag for tag, _ in page.elements if tag == "script"]
    assert "<input" not in render(make_explanation(WORDS, links=1), "why")


def test_the_page_is_whole_in_itself(explained):
    html = render(explained, "why")
    assert not re.search(r"https?://|<link|@import|url\(|fetch\(", html)
    assert render(explained, "why", page=False) in html


@pytest.mark.parametrize(("label", "mark"), [("POSITIVE", "solid"), ("NEGATIVE", "dotted")])
def test_what_speaks_for_a_negative_label_has_the_negative_colour(explained, label, mark):
    sentiment = replace(explained.sentiment, label=label)
    html = render(replace(explained, sentiment=sentiment), "why")
    assert f'edge: 1">{mark}</span> speaks for <b>{label}</b>' in html
    assert ('class="feeling turned"' in html) == (label == "NEGATIVE")


def test_the_curve_and_its_largest_step(explained):
    scores = [0.1, -0.5, -0.4, 0.9, 0.95]
    running = tuple(
        replace(each, score=score) for each, score in zip(explained.running, scores, strict=True)
    )
    page = Page(render(replace(explained, running=running), "why"))
    circles = [attrs for tag, attrs in page.elements if tag == "circle"]
    heights = [float(circle["cy"]) for circle in circles]
    assert heights == [pytest.approx(8 + 60 * (1 - score), abs=0.06) for score in scores]
    tones = [circle["class"] for circle in circles]
    assert tones == ["positive", "negative", "negative", "positive", "positive"]
    assert "The largest step is at “.”: from −0.40 to +0.90." in page.text
    (label,) = [attrs["aria-label"] for tag, attrs in page.elements if tag == "svg"]
    assert label == "Score after each of 5 tokens, from +0.10 to +0.95"
    still = tuple(replace(each, score=0.1) for each in running)
    assert "largest step" not in render(replace(explained, running=still), "why")


def test_only_one_of_the_components(explained):
    page = Page(render(replace(explained, links=None), "why"))
    assert "Why this antecedent" not in page.text
    assert "Why this sentiment" in page.text
    page = Page(render(replace(explained, sentiment=None, running=()), "why"))
    assert "Why this antecedent" in page.text
    assert "Why this sentiment" not in page.text
    assert "No pronoun here refers" in render(replace(explained, links=()), "why")
    assert "As numbers" not in render(replace(explained, running=()), "why")


def test_an_empty_text():
    html = render(Explanation(" ", "en", (), None, ()), "why")
    assert "The text is empty" in html
    assert "Why this antecedent" not in html


def test_of_a_long_text_what_stands_around_the_mentions(make_explanation):
    words = [f"w{i}" for i in range(200)]
    found = make_explanation(words, links=1)
    (link,) = found.links
    link = replace(
        link,
        anaphor=(150, 151),
        antecedent=(20, 21),
        decided_by=(150, 151),
        candidates=(Candidate((20, 21), "w20", 0.9, True),),
    )
    (view,) = view_why(replace(found, links=(link,)), "")["links"]
    shown = [piece["text"] for piece in view["pieces"] if piece["text"]]
    assert shown == words[2:39] + words[132:169]
    gaps = [piece["text"] for piece in view["pieces"] if piece["gap"]]
    assert gaps == ["w2", "w132", ""]
    assert len(render(make_explanation(words * 2, links=40), "why")) < 1_500_000


def test_mentions_of_several_words_are_framed_as_one(explained):
    (link,) = explained.links
    link = replace(
        link, antecedent=(0, 3), candidates=(Candidate((0, 3), "Alice saw Bob", 0.9, True),)
    )
    html = render(replace(explained, links=(link,)), "why")
    classes = re.findall(r'class="part (chosen[ a-z]*)"><span', html)
    assert classes[:3] == ["chosen opens", "chosen", "chosen closes"]


def test_a_doc_is_no_explanation():
    with pytest.raises(
        LstmError, match=r"got a str, expected an Explanation: .*spacy_lstm\.explain"
    ):
        render("Ann sat.", "why")


@pytest.fixture
def plots():
    return pytest.importorskip("matplotlib", reason="the extra plots is not installed")


def test_figure_of_a_link_and_a_sentiment(plots, explained):
    candidates, features, words, sentiment, running = draw(explained, "why").axes
    (link,) = explained.links
    assert [bar.get_width() for bar in candidates.patches] == [0.7, 0.2, 0.06]
    assert candidates.get_title(loc="left") == "candidates: She → Alice 65%"
    shares = [share for *_, share in rank_features(link)]
    assert [bar.get_width() for bar in features.patches] == pytest.approx(shares)
    assert [bar.get_width() for bar in words.patches] == pytest.approx(link.words)
    assert [label.get_text() for label in words.get_yticklabels()] == WORDS
    assert [bar.get_width() for bar in sentiment.patches] == pytest.approx(
        explained.sentiment.words
    )
    assert sentiment.get_title(loc="left") == "words: POSITIVE 80%"
    assert not any(label.get_text() for label in sentiment.get_yticklabels())
    (curve, _) = running.lines
    assert curve.get_xdata() == pytest.approx([each.score for each in explained.running])
    assert curve.get_ydata().tolist() == [0, 1, 2, 3, 4]


def test_figure_of_one_component_alone(plots, explained):
    only = draw(replace(explained, links=None), "why").axes
    assert len(only) == 2
    assert [label.get_text() for label in only[0].get_yticklabels()] == WORDS
    assert len(draw(replace(explained, sentiment=None, running=()), "why").axes) == 3
    # Labels without two sides have no running score.
    assert len(draw(replace(explained, running=()), "why").axes) == 4


def test_figure_of_another_pronoun(plots, explained):
    (link,) = explained.links
    other = replace(link, anaphor=(2, 3), anaphor_text="he")
    both = replace(explained, links=(link, other))
    assert draw(both, "why", token=2).axes[0].get_title(loc="left").startswith("candidates: he")
    with pytest.raises(LstmError, match="no link of a pronoun at token 1: there are 4, 2"):
        draw(both, "why", token=1)


def test_nothing_to_draw(plots, explained):
    empty = replace(explained, links=(), sentiment=None, running=())
    with pytest.raises(LstmError, match="neither a link nor a sentiment"):
        draw(empty, "why")
    with pytest.raises(LstmError, match=r"style 'gates' takes a Trace, as .*: got Explanation"):
        draw(explained, "gates")
