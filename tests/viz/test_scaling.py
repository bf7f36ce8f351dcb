"""Time and memory against size, as SVG and PNG."""

from typing import Any
from xml.etree import ElementTree

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.viz import curves
from spacy_lstm.viz.curves import can_draw
from spacy_lstm.viz.scaling import draw_scaling

needs_matplotlib = pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")


def make(stages: tuple[str, ...] = ("read", "pretrain")) -> list[dict[str, Any]]:
    return [
        {"stage": stage, "words": words, "microseconds": 3.0, "megabytes": words / 1e5}
        for stage in stages
        for words in (5_000_000, 500_000)
    ]


@needs_matplotlib
def test_an_svg_names_all_that_it_shows() -> None:
    drawn = draw_scaling(make())
    root = ElementTree.fromstring(drawn)
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for name in ("read", "pretrain", "microseconds a word", "megabytes"):
        assert texts.count(name) == 1
    assert texts.count("words") == 2
    assert draw_scaling(make()) == drawn
    # The order of the records is of no matter, what they hold is.
    assert draw_scaling([*reversed(make(("read",))), *make(("pretrain",))]) == drawn
    assert draw_scaling([{**record, "megabytes": 1.0} for record in make()]) != drawn


@needs_matplotlib
def test_a_png() -> None:
    assert draw_scaling(make(("a", "b", "c", "d", "e")), "png").startswith(b"\x89PNG")


def test_nothing_to_draw() -> None:
    with pytest.raises(LstmError, match="no measurements to draw: expected one or more"):
        draw_scaling([])


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    with pytest.raises(LstmError, match=r"pip install 'spacy-lstm\[plots\]'"):
        draw_scaling(make())
