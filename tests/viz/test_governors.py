"""Arcs from words to what governs them: their layout, and what a page says of them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.traces import AttentionTrace, Trace, Window
from spacy_lstm.viz import render
from spacy_lstm.viz.governors import lay_arcs, reads_from_right

# "The old dog barked. It was cold." with the governor of each token.
WORDS = ["The", "old", "dog", "barked", ".", "It", "was", "cold", "."]
GOVERNORS = [2, 2, 3, 3, 3, 7, 7, 7, 7]


def weigh(governors, sure=0.9):
    """Weights of which the governors have the largest."""
    tokens = len(governors)
    weights = np.full((tokens, tokens), (1 - sure) / max(1, tokens - 1), dtype=np.float32)
    weights[range(tokens), governors] = sure
    return weights


def lay(governors, names=None, **options):
    return lay_arcs(weigh(governors), names or ["word"] * len(governors), **options)


def top_of(arc):
    """How high an arc is; None for a token's that governs itself."""
    found = re.search(r"Q[\d.]+ ([\d.]+) ", arc["path"])
    return found and float(found[1])


def make_trace(words, governors, *, space=" ", lang="en"):
    offsets = np.cumsum([0, *(len(word) + len(space) for word in words)])[:-1]
    keys = np.tile(np.arange(len(words)), (len(words), 1))
    heads = AttentionTrace("heads", "biaffine", keys, weigh(governors)[None])
    return Trace(
        text=space.join(words),
        lang=lang,
        tokens=tuple(words),
        offsets=tuple(offsets.tolist()),
        component="lstm_coref",
        windows=(Window(0, len(words), 0, len(words)),),
        gates=(),
        attention=(heads,),
    )


def test_an_arc_begins_at_its_word_and_ends_beside_its_governor():
    (line,) = lay(GOVERNORS, WORDS)
    assert [word["name"] for word in line["words"]] == WORDS
    xs = [word["x"] for word in line["words"]]
    assert xs == sorted(xs)
    assert [arc["governor"] for arc in line["arcs"]] == [2, 2, 3, None, 3, 7, 7, None, 7]
    assert all(arc["weight"] == pytest.approx(0.9) for arc in line["arcs"])
    for arc, word in zip(line["arcs"], line["words"], strict=True):
        assert arc["i"] == word["i"]
        assert arc["path"].startswith(f"M{word['x']:g} ")
        if arc["governor"] is None:
            assert arc["x"] == word["x"]
        else:
            side = 7 if arc["governor"] < arc["i"] else -7
            assert arc["x"] == pytest.approx(xs[arc["governor"]] + side)
            assert f"{arc['x']:g} {line['base'] - 6:g}" in arc["path"].replace(
                "V", f"{arc['x']:g} "
            )
    # "The" passes over "old", whose arc is as low as that of "dog", which stands beside it.
    the, old, dog, *_ = map(top_of, line["arcs"])
    assert the < old == dog < line["base"]


def test_a_line_ends_where_no_arc_reaches_across():
    assert len(lay(GOVERNORS * 2)) == 1
    many = [governor + 9 * part for part in range(12) for governor in GOVERNORS]
    lines = lay(many, WORDS * 12)
    ends = [line["words"][-1]["i"] for line in lines]
    assert len(lines) > 2
    assert all(end % 9 in (4, 8) for end in ends)
    assert all(line["width"] <= 1000 for line in lines)
    # One that holds together stays whole, however wide it is.
    (wide,) = lay([79] * 80)
    assert wide["width"] > 1000


def test_from_the_right_is_its_mirror_image():
    (left,), (right,) = (lay(GOVERNORS, WORDS, from_right=side) for side in (False, True))
    assert (left["width"], left["height"]) == (right["width"], right["height"])
    for one, other in zip(left["words"], right["words"], strict=True):
        assert other["x"] == pytest.approx(left["width"] - one["x"], abs=0.11)
        assert one["name"] == other["name"]
    assert [*map(top_of, left["arcs"])] == [*map(top_of, right["arcs"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alice", False),
        ("שלום Alice", True),
        ("« ليلى »", True),
        ("1. Alice שלום", False),
        ("猫追老鼠", False),
        ("12 …", False),
        ("", False),
    ],
)
def test_the_first_letter_tells_the_direction(text, expected):
    assert reads_from_right(text) is expected


def test_wide_signs_have_more_room_and_long_names_end_early():
    def widths(*names):
        return [lay([0], [name])[0]["width"] for name in names]

    latin, chinese, marks = widths("abcdef", "猫追老鼠跑了", "e\u0301" * 6)
    assert latin == marks < chinese
    (line,) = lay([0], ["x" * 40])
    assert line["words"][0]["name"] == "x" * 17 + "…"
    assert lay([]) == []


@given(
    st.integers(1, 30).flatmap(lambda n: st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
)
def test_whatever_governs_no_two_arcs_lie_on_each_other(governors):
    lines = lay(governors)
    tokens = [word["i"] for line in lines for word in line["words"]]
    assert tokens == [arc["i"] for line in lines for arc in line["arcs"]]
    assert tokens == list(range(len(governors)))
    for line in lines:
        taken = set()
        numbers = range(line["words"][0]["i"], line["words"][-1]["i"] + 1)
        for arc in line["arcs"]:
            if arc["governor"] is None:
                continue
            assert arc["governor"] in numbers
            low, high = sorted((arc["i"], arc["governor"]))
            here = {(top_of(arc), gap) for gap in range(low, high)}
            assert not here & taken
            taken |= here
            assert 0 < top_of(arc) < line["base"] < line["height"]
            assert 0 < arc["x"] < line["width"]


def test_the_page_has_an_arc_for_every_token():
    page = render(make_trace(WORDS, GOVERNORS), "attention")
    assert page.count('<g class="arc') == len(WORDS)
    assert page.count("<svg") == page.count('role="img" aria-label="Arcs over tokens 1 – 9') == 1
    assert "<title>old is governed by dog: 90%</title>" in page
    assert "<title>cold governs the sentence: 90%</title>" in page
    assert page.count("<circle") == 2
    assert '<div class="scroll trees" dir="ltr" role="region" tabindex="0"' in page
    # "It" is chosen, the first third-person pronoun.
    assert '<g class="arc chosen" data-token="5"' in page
    assert '<text class="name chosen" data-token="5"' in page


def test_other_directions_scripts_and_markup():
    hebrew = ["ליאת", "אמרה", "שהיא", "עייפה"]
    page = render(make_trace(hebrew, [1, 1, 3, 1], lang="he"), "attention")
    assert '<div class="scroll trees" dir="rtl"' in page
    assert [float(x) for x in re.findall(r'<text [^>]* x="([\d.]+)"', page)] == sorted(
        (float(x) for x in re.findall(r'<text [^>]* x="([\d.]+)"', page)), reverse=True
    )
    page = render(make_trace(list("猫追老鼠"), [1, 1, 3, 1], space="", lang="zh"), "attention")
    assert "<title>老 is governed by 鼠: 90%</title>" in page
    evil = ["</title><script>1</script>", '"><b>', "\u202eabc"]
    page = render(make_trace(evil, [1, 1, 1]), "attention", scripts=False)
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;/title&gt;&lt;script&gt;1&lt;/script&gt; is governed by" in page
    assert "<title>\ufffdabc is governed by &#34;&gt;&lt;b&gt;: 90%</title>" in page


def test_other_attentions_have_none(make_trace):
    trace = make_trace(WORDS)
    page = render(trace, "attention")
    assert page.count('class="map square"') == 2
    assert page.count('class="scroll trees"') == 1
    assert "<svg" not in render(
        Trace(
            trace.text,
            trace.lang,
            trace.tokens,
            trace.offsets,
            "x",
            trace.windows,
            (),
            trace.attention[:1],
        ),
        "attention",
    )


def test_scripts_follow_the_chosen_token(browse):
    page = render(make_trace(WORDS, GOVERNORS), "attention")
    click = """<script>document.querySelector('text[data-token="1"]')
    .dispatchEvent(new Event('click'))</script></body>"""
    html = browse(page.replace("</body>", click))
    assert re.findall(r'<g class="arc chosen" data-token="(\d+)"', html) == ["1"]
    assert re.findall(r'<text class="name chosen" data-token="(\d+)"', html) == ["1"]
    assert re.findall(r'aria-selected="(\w+)"', html).index("true") == 1
