"""Traces by hand, and a browser where there is one."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spacy_lstm.traces import CHANNELS, AttentionTrace, GateTrace, Trace, Window

_SIGNED = {"candidate", "cell_state", "hidden_state"}


def _gate(layer, direction, cell, windows, units, random):
    steps = sum(window.end - window.start for window in windows)
    channels = {}
    for name in CHANNELS[cell]:
        low = -1 if name in _SIGNED else 0
        channels[name] = random.uniform(low, 1, (steps, units)).astype(np.float32)
    return GateTrace(layer, direction, cell, windows, channels)


def _attention(name, kind, tokens, heads, random, *, queries=None):
    keys = np.tile(np.arange(tokens), (tokens if queries is None else queries, 1))
    weights = random.dirichlet(np.ones(tokens), (heads, len(keys))).astype(np.float32)
    return AttentionTrace(name, kind, keys, weights)


@pytest.fixture(scope="session")
def make_trace() -> Callable[..., Trace]:
    """Random gates and attentions over these words; spaces stand between them."""

    def make(words, *, cell="lstm", layers=1, units=4, windows=None, seed=0, **names):
        random = np.random.default_rng(seed)
        starts = np.cumsum([0, *(len(word) + 1 for word in words)])
        offsets = tuple(starts[:-1].tolist())
        windows = windows or (Window(0, len(words), 0, len(words)),)
        attention = ()
        if words:
            attention = (
                _attention("encoder", "multihead", len(words), 2, random),
                _attention("heads", names.get("kind", "biaffine"), len(words), 1, random),
                _attention(
                    names.get("name", "pooling"), "additive", len(words), 1, random, queries=1
                ),
                _attention("pooling_max", "max", len(words), 8, random, queries=1),
            )
        return Trace(
            text="".join(f"{word} " for word in words),
            lang=names.get("lang", "en"),
            tokens=tuple(words),
            offsets=offsets,
            component=names.get("component", "lstm_coref"),
            windows=windows,
            gates=tuple(
                _gate(layer, direction, cell, windows, units, random)
                for layer in range(layers)
                for direction in ("forward", "backward")
            ),
            attention=attention,
        )

    return make


@pytest.fixture(scope="session")
def browse(tmp_path_factory) -> Callable[[str], str]:
    """What a page is after its scripts ran, in a real browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium to run scripts in")
    folder = tmp_path_factory.mktemp("browser")

    def run(page: str) -> str:
        path = folder / "page.html"
        path.write_text(page, encoding="utf-8")
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        profile = f"--user-data-dir={folder / 'profile'}"
        done = subprocess.run(
            [*command, profile, path.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    assert Path(chromium).exists()
    return run
