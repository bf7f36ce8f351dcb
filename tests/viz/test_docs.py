"""docs/inside.md and docs/explaining.md: pictures are there and light, and the code runs."""

import re
import runpy
from pathlib import Path

import pytest

from spacy_lstm.pretrained import bundle_names
from spacy_lstm.viz import STYLES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "inside.md").read_text(encoding="utf-8")
REASONS = (DOCS / "explaining.md").read_text(encoding="utf-8")
needs_bundle = pytest.mark.skipif(
    "en_lstm_sm" not in bundle_names(), reason="the English bundle is not built"
)


def test_pictures_are_there_and_light():
    named = re.findall(r"!\[[^\]]+\]\((images/\w+\.png)\)", TEXT + REASONS)
    made = runpy.run_path(str(DOCS / "images" / "make.py"))["PICTURES"]
    assert {f"images/{picture.name}.png" for picture in made} == set(named)
    for name in named:
        content = (DOCS / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 200_000, name


def test_every_style_is_explained():
    for style in STYLES:
        assert f"`{style}`" in TEXT


@needs_bundle
def test_code_runs(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(block, names)
    assert names["trace"].tokens[3] == "she"
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"alice.npz", "cell.svg", "memory.png", "head.pdf"}


@needs_bundle
def test_code_of_explanations_runs():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", REASONS, re.DOTALL):
        exec(block, names)
    first, *_ = names["found"].links
    assert (first.anaphor_text, first.antecedent_text) == ("She", "Alice")
    assert names["she"].features[0].value == "feminine singular – feminine singular"
    assert names["html"].startswith("<!DOCTYPE html>")
