"""Figures show the trace's numbers; the extra that they need is named where it is missing."""

import sys

import numpy as np
import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.viz import FIGURES, draw

WORDS = ["Alice", "paid", "$5", "or", "$6", "she", "\x00\ud800"]


@pytest.fixture
def plots():
    return pytest.importorskip("matplotlib", reason="the extra plots is not installed")


@pytest.mark.parametrize("style", FIGURES)
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_every_style_can_be_written(plots, make_trace, make_explanation, tmp_path, style, suffix):
    path = tmp_path / f"figure.{suffix}"
    draw((make_explanation if style == "why" else make_trace)(WORDS), style).savefig(path)
    assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_gates_are_sorted_by_how_much_they_vary(plots, make_trace):
    trace = make_trace(WORDS, layers=2)
    axes = draw(trace, channel="candidate", direction="backward", layer=0).axes[0]
    values = trace.find(layer=0, direction="backward").candidate
    order = np.argsort(-values.var(axis=0))
    np.testing.assert_array_equal(axes.images[0].get_array(), values[:, order])
    assert axes.images[0].get_clim() == (-1, 1)
    assert axes.get_title(loc="left") == "candidate, layer 1, read from the end"
    assert [label.get_text() for label in axes.get_yticklabels()][2:4] == [r"\$5", "or"]


def test_cell_states_are_shown_as_the_output_gate_sees_them(plots, make_trace):
    trace = make_trace(WORDS)
    image = draw(trace, channel="cell_state").axes[0].images[0].get_array()
    np.testing.assert_allclose(
        np.sort(np.ravel(image)), np.sort(np.tanh(np.ravel(trace.find().cell_state)))
    )


def test_memory_at_the_pronoun_or_another_token(plots, make_trace):
    trace = make_trace(WORDS)
    bars, heat = draw(trace, "memory").axes
    left = trace.find().survival(5)
    widths = [patch.get_width() for patch in bars.patches[: len(WORDS)]]
    np.testing.assert_allclose(widths, left.mean(axis=1))
    assert heat.images[0].get_array().shape == left.shape
    assert bars.get_title(loc="left") == "Memory at “she”, read from the start"
    bars, _ = draw(trace, "memory", token=3).axes
    assert bars.get_title(loc="left") == "Memory at “or”, read from the start"


def test_attention_of_tokens_and_of_the_text(plots, make_trace):
    trace = make_trace(WORDS)
    axes = draw(trace, "attention").axes[0]
    encoder = trace.attention[0].weights
    np.testing.assert_allclose(axes.images[0].get_array(), encoder.mean(axis=0), atol=1e-6)
    assert axes.get_title(loc="left") == "encoder: multihead, mean of the heads"
    axes = draw(trace, "attention", head=1).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), encoder[1], atol=1e-6)
    axes = draw(trace, "attention", attention="pooling_max").axes[0]
    won = trace.attention[3].weights.mean(axis=0)[0]
    np.testing.assert_allclose([patch.get_width() for patch in axes.patches], won, atol=1e-6)
    assert axes.get_xlabel() == "features won"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "coref"}, "Unknown style 'coref': choose one of gates, memory, attention"),
        ({"style": "attention", "attention": "pool"}, "no attention pool in the trace: it has enc"),
        ({"style": "attention", "head": 2}, "no head 2 in 'encoder': expected 0 to 1"),
        ({"channel": "reset_gate"}, "no reset_gate in a cell of the kind lstm"),
        ({"layer": 3}, "no layer 3 forward"),
        ({"style": "why"}, "style 'why' takes an Explanation, as .* gives it: got Trace"),
    ],
)
def test_what_the_trace_does_not_have(plots, make_trace, options, message):
    with pytest.raises(LstmError, match=message):
        draw(make_trace(WORDS), **options)


def test_nothing_to_draw(make_trace):
    with pytest.raises(LstmError, match="the trace has no tokens"):
        draw(make_trace([]))


def test_without_matplotlib_the_extra_is_named(make_trace, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(LstmError, match=r"pip install 'spacy-lstm\[plots\]'"):
        draw(make_trace(WORDS))
