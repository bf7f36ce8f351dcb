"""Pages of gates, memory and attention: what they say, with and without scripts."""

import base64
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.traces import GateTrace, Trace, Window
from spacy_lstm.tracing import PUBLISHED, trace_example
from spacy_lstm.viz import render
from spacy_lstm.viz.example import render_example, view_example
from spacy_lstm.viz.memory import holds, view_memory
from spacy_lstm.viz.packing import pack, paint, png_address
from spacy_lstm.viz.words import choose_token, name_tokens

STYLES = ["gates", "memory", "attention"]
WORDS = ["Alice", "said", "that", "she", "slept"]
WINDOWS = (Window(0, 4, 0, 3), Window(1, 6, 3, 6))
_VOID = {"meta", "img", "input", "option"}


class Page(HTMLParser):
    """Tables as rows of texts, and the words of texts; fails where tags do not nest."""

    def __init__(self, page):
        super().__init__()
        self.stack, self.elements, self.tables, self.words = [], [], [], []
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag not in _VOID:
            self.stack.append((tag, attrs))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        if "word" in attrs.get("class", "").split() and ("div", "text") in self._around():
            self.words.append({**attrs, "text": ""})

    def handle_endtag(self, tag):
        if tag not in _VOID:
            assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        tags = [tag for tag, _ in self.stack]
        if "td" in tags or "th" in tags:
            self.tables[-1][-1][-1] += data
        classes = self.stack[-1][1].get("class", "").split() if self.stack else []
        if "word" in classes and ("div", "text") in self._around():
            self.words[-1]["text"] += data

    def _around(self):
        return [(tag, attrs.get("class")) for tag, attrs in self.stack]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("scripts", [True, False])
def test_pages_hold_every_token_and_nothing_from_outside(make_trace, style, scripts):
    html = render(make_trace(WORDS), style, scripts=scripts)
    page = Page(html)
    assert [word["text"] for word in page.words][:5] == WORDS
    assert ("<script" in html) == scripts
    assert not re.search(r"https?://|<link|@import|url\(|fetch\(", html)
    for tag, attrs in page.elements:
        assert attrs.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
        assert tag not in {"iframe", "object", "embed"}


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_heat_map_of_every_kind_of_cell(make_trace, cell):
    trace = make_trace(WORDS, cell=cell, layers=2)
    html = render(trace, "gates")
    page = Page(html)
    shown = trace.find(layer=-1)
    first = next(iter(shown.steps))
    means = [f"{mean:.2f}" for mean in np.abs(shown[first]).mean(axis=1)]
    assert [row[1] for row in page.tables[0][1:]] == means
    switches = [a["value"] for t, a in page.elements if a.get("name") == "channel"]
    followed = [] if cell == "rnn" else ["left", "written"]
    assert switches == [*shown.steps, *followed]
    assert ("What the memory holds" in html) == (cell != "rnn")
    assert '<select name="layer">' in html
    assert "that remember longest" in html or cell == "rnn"


def test_without_scripts_the_gate_is_a_picture(make_trace):
    trace = make_trace(WORDS)
    page = Page(render(trace, "gates", scripts=False))
    (picture,) = [attrs for tag, attrs in page.elements if tag == "img"]
    assert picture["alt"]
    pixels = read_png(picture["src"])
    assert pixels.shape == (5, 4, 4)
    np.testing.assert_allclose(pixels[..., 3], 255 * trace.find().forget_gate, atol=0.51)
    assert not [a for _, a in page.elements if a.get("hidden") is not None]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("windows", [None, WINDOWS])
def test_what_was_written_is_the_memory(make_trace, cell, windows):
    """Of random gates, with the states that follow from them."""
    random = np.random.default_rng(1)
    trace = make_trace(["a", "b", "c", "d", "e", "f"], cell=cell, windows=windows)
    for gate in trace.gates:
        memory = np.zeros_like(gate.steps["candidate"])
        first = 0
        for window in trace.windows:
            here = range(first, first + window.end - window.start)
            state = random.normal(size=gate.units) * 0
            for step in here if gate.direction == "forward" else reversed(here):
                at = {name: values[step] for name, values in gate.steps.items()}
                if cell == "lstm":
                    state = at["forget_gate"] * state + at["input_gate"] * at["candidate"]
                else:
                    z = at["update_gate"]
                    state = z * state + (1 - z) * at["candidate"]
                memory[step] = state
            first += len(here)
        steps = {**gate.steps, "cell_state": memory}
        followed = GateTrace(gate.layer, gate.direction, cell, gate.windows, steps)
        for token in range(6):
            written = followed.written(token)
            np.testing.assert_allclose(written.sum(axis=0), followed.cell_state[token], atol=1e-6)
            assert holds(followed, token).sum() == pytest.approx(1, abs=1e-6)


def test_a_memory_of_nothing_has_no_shares(make_trace):
    trace = make_trace(WORDS)
    steps = {name: values * 0 for name, values in trace.find().steps.items()}
    empty = GateTrace(0, "forward", "lstm", trace.windows, steps)
    assert not holds(empty, 3).any()
    (memory,) = view_memory(replace_gates(trace, [empty]), "")["memories"]
    assert [row["survives"] for row in memory["rows"]] == [0, 0, 0, 100]
    assert memory["units"] == []


def test_memory_at_the_first_pronoun(make_trace):
    trace = make_trace(WORDS)
    html = render(trace, "memory")
    page = Page(html)
    assert [word["class"] for word in page.words] == [
        *["word forward"] * 3,
        "word chosen",
        "word backward",
    ]
    before, after = page.tables
    assert [row[0] for row in before[1:]] == WORDS[:4]
    assert [row[0] for row in after[1:]] == WORDS[3:]
    survives = 100 * trace.find().survival(3).mean(axis=1)
    shares = 100 * holds(trace.find(), 3)
    for row, left, share in zip(before[1:], survives, shares, strict=False):
        assert (row[2], row[4]) == (f"{left:.0f}%", f"{share:.0f}%")
    assert sum(int(row[5] or 0) for row in before[1:]) == trace.find().units
    assert page.words[0]["style"] == f"--a: {survives[0] / 100:.3f}"


def test_units_that_remember_longest_come_first(make_trace):
    trace = make_trace(WORDS, units=12)
    (forward, _) = view_memory(trace, "")["memories"]
    reach = trace.find().survival(3).sum(axis=0) - 1
    best = np.argsort(-reach)[:5]
    assert [unit["unit"] for unit in forward["units"]] == best.tolist()
    assert [unit["reach"] for unit in forward["units"]] == pytest.approx(reach[best], abs=1e-5)
    written = np.abs(trace.find().written(3))[:3]
    shares = 100 * written.max(axis=0) / written.sum(axis=0)
    assert [unit["share"] for unit in forward["units"]] == pytest.approx(shares[best], abs=1e-3)
    names = [WORDS[i] for i in written.argmax(axis=0)[best]]
    assert [unit["name"] for unit in forward["units"]] == names


def test_memory_of_a_cell_without_gates(make_trace):
    assert "no gate that keeps its memory" in render(make_trace(WORDS, cell="rnn"), "memory")


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (WORDS, 3),
        (["She", "saw", "Ann"], 2),
        (["I", "slept", "."], 1),
        (["小明", "说", "他", "累"], 2),
        (["?", "!"], 1),
    ],
)
def test_which_token_is_looked_at_first(make_trace, words, chosen):
    assert choose_token(make_trace(words)) == chosen


def test_names_of_tokens_fit_on_a_line(make_trace):
    words = ["\n\n\n\n", " ", "a\tb", "x" * 90, "\u202eevil", ""]
    names = name_tokens(make_trace(words))
    assert names == ["⏎⏎⏎", "␣", "a b", "x" * 39 + "…", "\ufffdevil", "∅"]


@pytest.mark.parametrize("style", STYLES)
def test_empty_trace(make_trace, style):
    html = render(make_trace([]), style)
    assert "The text is empty" in html
    assert Page(html).words == []


def test_attention_of_tokens_and_of_the_text(make_trace):
    trace = make_trace(WORDS)
    page = Page(render(trace, "attention"))
    encoder, heads, pooling, pooled = page.tables
    weights = trace.attention[0].weights.mean(axis=0)
    for i, row in enumerate(encoder[1:]):
        best = np.argsort(-weights[i])[:3]
        shown = "".join(f"{WORDS[key]} {100 * weights[i, key]:.0f}%" for key in best)
        assert row[:2] == [WORDS[i], shown]
    assert heads[0][1] == "is governed by"
    order = np.argsort(-trace.attention[2].weights[0, 0])
    assert [row[0] for row in pooling[1:]] == [WORDS[i] for i in order]
    won = 100 * trace.attention[3].weights.mean(axis=0)[0]
    assert {row[0]: row[2] for row in pooled[1:]} == {
        word: f"{share:.1f}%" for word, share in zip(WORDS, won, strict=True)
    }
    assert [a["value"] for _, a in page.elements if a.get("name") == "head"] == ["-1", "0", "1"]


def test_component_without_attention(make_trace):
    plain = make_trace(WORDS)
    bare = Trace(
        plain.text, "en", plain.tokens, plain.offsets, "tagger", plain.windows, plain.gates
    )
    assert "<bdi>tagger</bdi> has no attention" in render(bare, "attention")


def test_long_texts_have_no_names_over_the_columns(make_trace):
    html = render(make_trace(["word"] * 61), "attention")
    assert "tokens 1 to 61" in html
    assert "tokens 1 to" not in render(make_trace(["word"] * 60), "attention")


def test_page_of_a_hundred_tokens_is_light(make_trace):
    trace = make_trace(["word"] * 100, units=128)
    for style in STYLES:
        assert len(render(trace, style)) < 1_000_000


def test_a_text_is_not_a_trace():
    with pytest.raises(LstmError, match=r"got a str, expected a Trace: .*spacy_lstm\.trace\(nlp"):
        render("Ann sat.", "gates")


def test_numbers_come_back_as_they_were_packed():
    values = np.array([[-1, -0.25], [0, 1]], dtype=np.float32)
    bytes_ = base64.b64decode(pack(values, -1, 1))
    levels = np.frombuffer(bytes_, "<u2")
    np.testing.assert_allclose(levels / 65535 * 2 - 1, values.ravel(), atol=2 / 65535)
    assert base64.b64decode(pack(np.array([np.nan, 7.0]), 0, 1)) == b"\0\0\xff\xff"


def test_colours_tell_the_sign_and_the_size():
    colours = paint(np.array([[-1.0, 0.5, np.nan]]))
    assert colours.tolist() == [[[213, 94, 0, 255], [0, 114, 178, 128], [0, 114, 178, 0]]]
    assert read_png(png_address(colours)).tolist() == colours.tolist()


def test_both_readings_of_the_worked_example():
    worked, as_published = trace_example(), trace_example(published=True)
    first, second = view_example(worked, as_published, PUBLISHED)
    states = {row["word"]: [cell["value"] for cell in row["cells"][4:]] for row in first["rows"]}
    assert states["happy"] == pytest.approx([0.0574, 0.0258], abs=1e-4)
    assert states["She"] == pytest.approx([0.389, 0.176], abs=1e-3)
    differing = {row["word"] for row in first["rows"] if any(c["differs"] for c in row["cells"])}
    assert differing == {"happy", "She"}
    assert not any(cell["differs"] for row in second["rows"] for cell in row["cells"])
    page = Page(render_example(worked, as_published, PUBLISHED))
    assert [row[0] for row in page.tables[0]] == ["Word", "Alice", "is", "happy", "She", "smiles"]
    assert page.tables[1][3][5:] == ["0.0120.012", "0.0050.005"]
    assert page.tables[0][3][5:] == ["0.0570.012", "0.0260.005"]


def test_jupyter_shows_the_picture():
    shown = trace_example()._repr_html_()
    assert shown == render(trace_example(), "gates", page=False, scripts=False)
    assert "<script" not in shown
    assert "<html" not in shown


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_scripts_follow_the_memory_as_python_does(make_trace, browse, cell):
    trace = make_trace(["a", "b", "c", "d", "e", "f"], cell=cell, windows=WINDOWS, units=6)
    click = "<script>document.querySelectorAll('.text .word')[4].click()</script></body>"
    page = Page(browse(render(trace, "memory").replace("</body>", click)))
    for table, direction in zip(page.tables, ["forward", "backward"], strict=True):
        gate = trace.find(direction=direction)
        left, shares = gate.survival(4).mean(axis=1), holds(gate, 4)
        rows = {row[0]: (row[2], row[4]) for row in table[1:]}
        expected = {
            name: (f"{100 * left[i]:.0f}%", f"{100 * shares[i]:.0f}%")
            for i, name in enumerate(trace.tokens)
            if left[i] > 0
        }
        assert rows == expected
    assert page.words[4]["aria-selected"] == "true"


def test_scripts_switch_channel_order_and_head(make_trace, browse):
    trace = make_trace(WORDS)
    script = """<script>
    const form = document.querySelector('.controls');
    form.querySelector('[value=cell_state]').click();
    form.querySelector('[value=backward]').click();
    form.order.value = 'held';
    form.dispatchEvent(new Event('change'));
    const canvas = document.querySelector('canvas');
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }));
    </script></body>"""
    html = browse(render(trace, "gates").replace("</body>", script))
    page = Page(html)
    gate = trace.find(direction="backward")
    means = [f"{mean:.2f}" for mean in np.abs(gate.cell_state).mean(axis=1)]
    assert [row[1] for row in page.tables[0][1:]] == means
    readout = re.search(r'class="readout"[^>]*>([^<]*)<', html)[1]
    unit = int(np.abs(gate.cell_state[3]).argmax())
    value = f"{gate.cell_state[2, unit]:.2f}".replace("-", "−")
    assert readout.startswith(f"that, unit {unit}: forget ")
    assert f"cell {value} " in readout
    second = "<script>document.querySelector('[name=head][value=\"1\"]').click()</script></body>"
    page = Page(browse(render(trace, "attention").replace("</body>", second)))
    weights = trace.attention[0].weights[1]
    best = np.argsort(-weights[0])[:3]
    shown = "".join(f"{WORDS[key]} {100 * weights[0, key]:.0f}%" for key in best)
    assert page.tables[0][1][1] == shown


@pytest.mark.parametrize("style", STYLES)
def test_on_paper_nothing_lies_on_what_follows(make_trace, browse, style):
    # The rules for paper, on the screen, where they can be measured.
    page = render(make_trace(["word", "she"] * 30), style).replace("@media print", "@media all")
    script = """<script>
    const box = (e) => e.getBoundingClientRect();
    const regions = [...document.querySelectorAll('.scroll, .text')];
    const spilt = regions.filter(
      (e) => [...e.querySelectorAll('*')].some((part) => box(part).bottom > box(e).bottom + 1));
    const row = document.querySelector('.map tbody tr');
    const cells = document.querySelector('.cells canvas');
    const beside = !row || Math.abs(box(row).top - box(cells).top) < 2;
    document.title = `${regions.length > 1} ${spilt.length} ${beside}`;
    </script></body>"""
    assert "<title>true 0 true</title>" in browse(page.replace("</body>", script))


def replace_gates(trace, gates):
    return Trace(
        trace.text, trace.lang, trace.tokens, trace.offsets, "x", trace.windows, tuple(gates)
    )


def read_png(address):
    """The pixels of a PNG with opacity and without filters, its check sums held against them."""
    content = base64.b64decode(address.partition(",")[2])
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        assert struct.unpack(">I", content[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind] = body
        at += 12 + size
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 6, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)
