"""Texts and labels full of markup add nothing to a page but text: no element, no attribute, no
script, no broken nesting."""

import json
import random
import re
from functools import partial
from html.parser import HTMLParser

import pytest
import spacy
from spacy.tokens import Doc, SpanGroup

from spacy_lstm.explanations import Explanation
from spacy_lstm.traces import Trace
from spacy_lstm.viz import STYLES, render

_VOID = {"meta", "br", "img", "input"}
_HOSTILE = [
    "</script><script>document.title='pwned'</script>",
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "'><svg onload=document.title='pwned'>",
    "</style><style>*{display:none}</style>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "</div></table></bdi>",
    "<a href=javascript:document.title='pwned'>x</a>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "&lt;b&gt;",
    "&#x3c;script&#x3e;",
    "&amp",
    '" onmouseover="document.title=1" x="',
    "' style='position:fixed' '",
    "`${document.title=1}`",
    "\\u003cscript\\u003e",
    '\\"};document.title=1//',
    "\u2028",
    "\u2029",
    "\x00",
    "\x1b[31m",
    "\ufeff",
    "\ufffe",
    "\u202eevil\u202c",
    "\u2066\u2067",
    "\u2069\u2069",
    "<\u0338script>",
    "\U0001f469\u200d\U0001f680",
    "a\u0301" * 40,
    "x" * 300,
    "\n\n",
    "\t",
    "\r",
    "عبرי",
    "他",
    "she",
]
# spaCy's store of strings takes no halves of surrogate pairs; a loaded trace may have them.
_SURROGATES = ["\ud800", "\udfff", "\udfff\ud800", "<\udc00script>"]


class Skeleton(HTMLParser):
    """What a page is made of beside its text."""

    def __init__(self, page):
        super().__init__()
        self.parts, self.scripts, self.styles, self.stack = set(), [], [], []
        self.values, self.labels = [], ""
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.parts.add((tag, tuple(name for name, _ in attrs)))
        self.values += [(name, value) for name, value in attrs]
        if tag not in _VOID:
            self.stack.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            (self.scripts if tag == "script" else self.styles).append("")

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        inside = [tag for tag, _ in self.stack]
        if "script" in inside:
            self.scripts[-1] += data
        elif "style" in inside:
            self.styles[-1] += data
        elif ("div", "text") not in [(tag, attrs.get("class")) for tag, attrs in self.stack]:
            self.labels += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, declaration):
        assert declaration == "DOCTYPE html"

    def unknown_decl(self, data):
        raise AssertionError(f"a declaration: {data}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def make_doc(nlp, words, chance):
    spaces = [chance.random() < 0.7 for _ in words]
    doc = Doc(nlp.vocab, words=words, spaces=spaces)
    for number in range(1, 1 + chance.randint(0, 3)):
        starts = sorted(chance.sample(range(len(words)), min(len(words), chance.randint(1, 4))))
        bounds = [(start, min(len(words), start + chance.randint(1, 3))) for start in starts]
        pairs = zip(bounds[1:], bounds, strict=False)
        links = [
            {"anaphor": list(anaphor), "antecedent": list(antecedent), "score": chance.random()}
            for anaphor, antecedent in pairs
        ]
        key = f"coref_clusters_{number}"
        spans = [doc[start:end] for start, end in bounds]
        doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"links": links})
    labels = [*chance.sample(_HOSTILE, 2), "POSITIVE"]
    doc.cats = {label: chance.random() for label in labels}
    weights = [chance.choice([0.0, chance.uniform(-1, 1)]) for _ in words]
    doc.user_data["lstm_sentiment"] = {"weights": weights}
    return doc


@pytest.fixture(scope="module")
def make_subject(nlp, make_trace, make_explanation):
    return partial(_make_subject, nlp, make_trace, make_explanation)


def _make_subject(nlp, make_trace, make_explanation, style, number, words=None):
    """What a style draws, of random words; the number is the seed."""
    chance = random.Random(number)
    hostile = _HOSTILE if STYLES[style].takes is Doc else _HOSTILE + _SURROGATES
    words = words or ["".join(chance.choices(hostile, k=chance.randint(1, 2))) for _ in range(8)]
    if STYLES[style].takes is Doc:
        return make_doc(nlp, words, chance)
    if STYLES[style].takes is Explanation:
        # Of two labels one is hostile; the other speaks for a side.
        labels = (chance.choice(hostile), chance.choice(["NEGATIVE", "POSITIVE"]))
        return make_explanation(words, labels=labels, lang=chance.choice(hostile), seed=number)
    assert STYLES[style].takes is Trace
    names = dict(
        zip(["component", "lang", "kind", "name"], chance.choices(hostile, k=4), strict=True)
    )
    return make_trace(words, seed=number, cell=chance.choice(["lstm", "gru", "rnn"]), **names)


def collect_allowed(style, make_subject):
    """The parts of many pages of plain words: all that the templates have."""
    parts, scripts = set(), set()
    for number in range(60):
        words = random.Random(number).choices(["Ann", "she", "sat", "."], k=8)
        subject = make_subject(style, number, words)
        skeleton = Skeleton(render(subject, style))
        parts |= skeleton.parts
        scripts.update(skeleton.scripts)
    return parts, {script for script in scripts if not script.startswith("{")}


def check(style, number, make_subject, allowed):
    parts, scripts = allowed
    subject = make_subject(style, number)
    page = render(subject, style)
    page.encode("utf-8")
    skeleton = Skeleton(page)
    assert skeleton.parts <= parts, skeleton.parts - parts
    for script in skeleton.scripts:
        if script not in scripts:
            check_data(script)
    for style_sheet in skeleton.styles:
        assert "display:none" not in style_sheet
    for name, value in skeleton.values:
        check_value(name, value)
    for forbidden in ["\x00", "\x1b"]:
        assert forbidden not in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", skeleton.labels)


def check_data(script):
    """Numbers alone, and names that are ours."""
    text = json.dumps(json.loads(script))
    for word in re.findall(r'"([^"]*)"', text):
        assert re.fullmatch(r"[A-Za-z0-9+/=_]*", word), word


def check_value(name, value):
    assert not name.startswith("on")
    if name == "style":
        assert re.fullmatch(r"(--?[a-z]+|width): ?[\w.% -]+(; --edge: [\d.]+)?", value), value
    if name == "href":
        assert re.fullmatch(r"#lstm-[0-9a-f]+-m\d+", value)
    if name == "src":
        assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", value)
    if name in {"id", "class", "name", "type", "value", "data-to", "data-cluster", "role"}:
        assert value is None or re.fullmatch(r"[\w /-]*", value), (name, value)


@pytest.mark.parametrize("style", STYLES)
def test_a_hundred_hostile_texts(make_subject, style):
    allowed = collect_allowed(style, make_subject)
    for number in range(100):
        check(style, number, make_subject, allowed)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_a_thousand_hostile_texts(make_subject, style):
    allowed = collect_allowed(style, make_subject)
    for number in range(100, 1100):
        check(style, number, make_subject, allowed)


def test_the_check_notices_what_comes_in(nlp, make_subject):
    allowed, _ = collect_allowed("coref", make_subject)
    page = render(nlp("Ann sat."), "coref")
    assert Skeleton(page).parts <= allowed
    assert not Skeleton(page.replace("Ann", "<img src=x onerror=y>")).parts <= allowed
    with pytest.raises(AssertionError, match="word"):
        check_data('{"a": "word word"}')
    with pytest.raises(AssertionError):
        check_value("href", "javascript:x")


def test_a_browser_runs_nothing_of_it(make_subject, browse):
    """All styles on one page, as in a notebook: were one word run, the title would change."""
    parts = []
    for style in STYLES:
        for number in range(4):
            subject = make_subject(style, number)
            parts.append(render(subject, style, page=False))
        every = make_subject(style, 1, list(_HOSTILE))
        parts.append(render(every, style, page=False))
    page = f"<!DOCTYPE html><title>clean</title><body>{''.join(parts)}</body>"
    html = browse(page)
    assert "<title>clean</title>" in html
    # Every picture with a script has started, and none has stumbled over a text.
    assert html.count('role="application"') >= 10
    assert not re.search(r"<form[^>]*hidden", html)
