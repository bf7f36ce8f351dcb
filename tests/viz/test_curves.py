"""Memory curves as SVG and PNG."""

from typing import Any
from xml.etree import ElementTree

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.viz import curves
from spacy_lstm.viz.curves import can_draw, draw_probe

needs_matplotlib = pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")


def make(tasks: tuple[str, ...] = ("copy", "adding"), gradient: float = 1e-3) -> dict[str, Any]:
    results = [
        {
            "task": task,
            "cell": cell,
            "distance": distance,
            "accuracy": 1 / distance,
            "gradient_before": 0.0,
            "gradient": gradient,
            "seconds": 2.0,
            "recurrent_parameters": weights,
        }
        for task in tasks
        for cell, weights in (("rnn", 1152), ("gru", 3456), ("lstm", 4608))
        for distance in (10, 50)
    ]
    return {"tasks": {task: {"chance": 0.125} for task in tasks}, "results": results}


@needs_matplotlib
def test_an_svg_names_all_that_it_shows() -> None:
    drawn = draw_probe(make())
    root = ElementTree.fromstring(drawn)
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for name in ("copy", "adding", "RNN", "GRU", "LSTM", "guessing", "10", "50"):
        assert name in texts
    assert texts.count("LSTM: 4,608 weights") == 2
    assert texts.count("distance in steps") == 2
    assert draw_probe(make()) == drawn
    assert draw_probe(make(gradient=1e-9)) != drawn


@needs_matplotlib
@pytest.mark.parametrize("tasks", [("recall",), ("copy", "adding", "recall", "agreement")])
def test_a_png(tasks: tuple[str, ...]) -> None:
    assert draw_probe(make(tasks), "png").startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    assert not can_draw()
    with pytest.raises(LstmError, match=r"pip install 'spacy-lstm\[plots\]'"):
        draw_probe(make())
