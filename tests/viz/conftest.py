"""Traces and explanations by hand, and a browser where there is one."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spacy_lstm.explanations import (
    Candidate,
    Explanation,
    FeatureShare,
    LinkExplanation,
    RunningScore,
    SentimentExplanation,
)
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


def _link(words, offsets, random):
    """The last word is the pronoun; each of some earlier ones a candidate."""
    last = len(words) - 1
    places = random.permutation(last)[: random.integers(1, 5)].tolist()
    shares = random.dirichlet(np.ones(len(places) + 2))
    chosen = [i == 0 or random.random() < 0.3 for i in range(len(places))]
    candidates = tuple(
        Candidate((place, place + 1), words[place], float(share), each)
        for place, share, each in sorted(
            zip(places, shares, chosen, strict=False), key=lambda found: -found[1]
        )
    )
    antecedent = next(each.span for each in candidates if each.chosen)
    anaphor = (last, last + 1)
    features = [
        FeatureShare(f"feature {i}", random.choice(["", "same name"]), float(share))
        for i, share in enumerate(random.normal(size=random.integers(1, 16)))
    ]
    features.sort(key=lambda each: -abs(each.share))
    return LinkExplanation(
        tokens=words,
        offsets=offsets,
        anaphor=anaphor,
        anaphor_text=words[last],
        antecedent=antecedent,
        antecedent_text=words[antecedent[0]],
        probability=float(random.random()),
        decided_by=anaphor if random.random() < 0.7 else antecedent,
        candidates=candidates,
        none=float(shares[-1]),
        log_odds=float(random.normal()),
        features=tuple(features),
        without_features=float(random.normal()),
        words=tuple(random.normal(size=len(words)).tolist()),
        method=str(random.choice(["leave_one_out", "gradient_x_input"])),
    )


@pytest.fixture(scope="session")
def make_explanation() -> Callable[..., Explanation]:
    """Random shares over these words; spaces stand between them."""

    def make(words, *, labels=("NEGATIVE", "NEUTRAL", "POSITIVE"), lang="en", links=None, seed=0):
        random = np.random.default_rng(seed)
        words = tuple(words)
        offsets = tuple(np.cumsum([0, *(len(word) + 1 for word in words)])[:-1].tolist())
        count = int(random.integers(0, 4)) if links is None else links
        shares = random.dirichlet(np.ones(len(labels)))
        scores = random.uniform(-1, 1, len(words)).tolist()
        sentiment = SentimentExplanation(
            tokens=words,
            offsets=offsets,
            label=labels[int(shares.argmax())],
            probability=float(shares.max()),
            probabilities=dict(zip(labels, shares.tolist(), strict=True)),
            log_odds=float(random.normal()),
            words=tuple(random.normal(size=len(words)).tolist()),
            method="integrated_gradients",
        )
        return Explanation(
            text="".join(f"{word} " for word in words),
            lang=lang,
            links=tuple(_link(words, offsets, random) for _ in range(count)),
            sentiment=sentiment,
            running=tuple(map(RunningScore, words, offsets, scores)),
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
