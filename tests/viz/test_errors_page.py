"""The page of wrong pronouns: what it says, what it can be filtered by, and that it is safe."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.errors import PronounError
from spacy_lstm.viz.errors import render_errors

TEXT = "Ann met Eve in the rain. She smiled at Bob."
_VOID = {"meta", "input"}


class Page(HTMLParser):
    """What a page holds; fails where tags do not nest."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.articles, self.options, self.counts = [], {}, {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.elements.append((tag, found))
        if tag == "article":
            self.articles.append({**found, "marks": {}, "text": ""})
        if tag == "select":
            self.options[found["name"]] = []
        if tag == "option" and found["value"]:
            self.options[list(self.options)[-1]].append(found["value"])
        if tag == "tr" and "data-count" in found:
            self.counts[found["data-count"]] = []
        if tag not in _VOID:
            self.open.append((tag, found))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        inside = dict(self.open)
        if "article" in inside and inside.get("div", {}).get("class") == "text":
            roles = inside.get("mark", {}).get("class", "").split()
            for role in roles:
                marks = self.articles[-1]["marks"]
                marks[role] = marks.get(role, "") + data
            self.articles[-1]["text"] += data
        if inside.get("td", {}).get("class") == "figure" and "data-count" in inside["tr"]:
            self.counts[inside["tr"]["data-count"]].append(int(data))


def error(text=TEXT, pronoun="She", gold="Ann", guess="Eve", **values):
    def find(words):
        return None if words is None else (text.index(words), text.index(words) + len(words))

    facts = {
        "document": "doc/1",
        "source": "gum",
        "name": "she",
        "probability": 0.805,
        "kind": "wrong candidate",
        "remarks": (),
        **values,
    }
    return PronounError(text, pronoun=find(pronoun), gold=find(gold), guess=find(guess), **facts)


SEVERAL = [
    error(),
    error(kind="over-resolved", gold=None, remarks=("quoted speech", "inherited")),
    error(kind="under-resolved", guess=None, probability=None, source="gap"),
    error(pronoun="Bob", name="he", source="", remarks=("inherited",)),
]


def test_an_error_in_its_context():
    page = render_errors([error()])
    (article,) = Page(page).articles
    assert article["text"] == TEXT
    assert article["marks"] == {"pronoun": "She", "gold": "Ann", "guess": "Eve"}
    assert "<bdi>She</bdi> → <bdi>Eve</bdi> <small>80%</small>, stands for <bdi>Ann</bdi>" in page
    assert "doc/1" in page
    assert "1 pronoun was resolved wrongly" in page


def test_no_antecedent_and_no_guess():
    page = render_errors([error(gold=None)])
    assert "refers to nothing that is marked" in page
    page = render_errors([error(guess=None, probability=None)])
    assert "<bdi>She</bdi> was left alone, stands for" in page
    assert "%</small>" not in page


def test_data_attributes_are_what_the_filters_choose_from():
    page = Page(render_errors(SEVERAL))
    names = ("data-kind", "data-pronoun", "data-source", "data-remarks")
    assert [tuple(article[name] for name in names) for article in page.articles] == [
        ("wrong candidate", "she", "gum", ""),
        ("over-resolved", "she", "gum", "quoted speech|inherited"),
        ("under-resolved", "she", "gap", ""),
        ("wrong candidate", "he", "", "inherited"),
    ]
    assert page.options == {
        "kind": ["wrong candidate", "under-resolved", "over-resolved"],
        "remarks": ["quoted speech", "inherited"],
        "pronoun": ["he", "she"],
        "source": ["gap", "gum"],
    }
    for name, values in page.options.items():
        present = {part for a in page.articles for part in a[f"data-{name}"].split("|")}
        assert set(values) == present - {""}


def test_counts_per_class_and_pronoun():
    # he, she, all; remarks have their sum only
    assert Page(render_errors(SEVERAL)).counts == {
        "wrong candidate": [1, 1, 2],
        "over-resolved": [1, 1],
        "under-resolved": [1, 1],
        "all": [1, 3, 4],
        "quoted speech": [1],
        "inherited": [2],
    }


def test_distant_antecedents_are_shown_with_the_text_about_them():
    text = "One. Ann met Eve. " + "Nothing more. " * 80 + "She left. Two. Three. " + "End. " * 9
    article = Page(render_errors([error(text)])).articles[0]
    assert article["marks"].pop("gap") == " …  …  …"
    assert article["marks"] == {"pronoun": "She", "gold": "Ann", "guess": "Eve"}
    assert article["text"] == (" … Ann met Eve.  … " + "Nothing more. " * 3 + "She left. Two.  …")


def test_long_sentences_are_cut_at_a_space():
    text = "Ann " + "word " * 300 + "She " + "word " * 300 + "Eve."
    article = Page(render_errors([error(text)])).articles[0]
    assert set(article["text"].split()) == {"Ann", "word", "She", "Eve.", "…"}
    assert len(article["text"]) < 1600
    assert len(Page(render_errors([error("她" * 2000 + "Ann She Eve")])).articles[0]["text"]) < 1200


def test_nested_spans_share_their_words():
    text = "She saw Ann's mother with her dog."
    article = Page(
        render_errors([error(text, pronoun="her", gold="Ann's mother", guess="Ann")])
    ).articles[0]
    assert article["marks"] == {"pronoun": "her", "gold": "Ann's mother", "guess": "Ann"}
    assert article["text"] == text


@pytest.mark.parametrize("where", ["text", "document", "source", "name"])
def test_hostile_text_stays_text(where):
    hostile = "</div><script>alert('\"')</script>\x1b<img src=x onerror=alert(1)>&"
    facts = {"text": f"{hostile} {TEXT}"} if where == "text" else {where: hostile}
    page = render_errors([error(**facts), error(source="b")])
    assert hostile not in page
    found = Page(page)
    assert [tag for tag, _ in found.elements].count("script") == 1
    assert "img" not in {tag for tag, _ in found.elements}
    if where == "text":
        assert hostile.replace("\x1b", "␛") in found.articles[0]["text"]
    if where == "source":
        assert found.articles[0]["data-source"] in found.options["source"]


def test_the_page_needs_nothing_outside_of_it():
    page = render_errors(SEVERAL)
    assert page.startswith("<!DOCTYPE html>")
    for tag, attributes in Page(page).elements:
        assert tag not in {"link", "img", "iframe", "base"}
        assert not {"src", "href", "action"} & set(attributes)
    assert "url(" not in page
    assert "http" not in page
    assert not render_errors(SEVERAL, page=False).startswith("<!DOCTYPE")


def test_everything_is_there_to_read_without_scripts():
    page = Page(render_errors(SEVERAL))
    assert [tag for tag, attributes in page.elements if "hidden" in attributes] == ["form"]


def test_no_errors_at_all():
    page = render_errors([], title="Nothing <wrong>")
    assert "No pronoun was resolved wrongly." in page
    assert "Nothing &lt;wrong&gt;" in page
    assert Page(page).articles == []


@given(
    st.text(max_size=40), st.text(min_size=1, max_size=8), st.text(max_size=40), st.integers(0, 40)
)
def test_any_text_gives_a_whole_page(before, pronoun, after, length):
    text = before + pronoun + after
    found = error()._replace(
        text=text, pronoun=(len(before), len(before) + len(pronoun)), gold=(0, length), guess=None
    )
    assert len(Page(render_errors([found])).articles) == 1
