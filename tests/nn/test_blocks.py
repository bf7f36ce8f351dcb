"""Long batches are encoded in blocks, which changes nothing but the memory that it takes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from spacy_lstm.nn import tok2vec
from spacy_lstm.nn.tok2vec import TokenEncoder, Windows, _split_windows, lay_windows

LENGTHS = [5, 0, 70, 12, 3, 0, 40, 0]


def build(**options: Any) -> TokenEncoder:
    torch.manual_seed(0)
    encoder = {"width": 8, "attention": "multihead", **options.pop("encoder", {})}
    sizes: dict[str, Any] = {"rows": [40, 9, 9, 5, 5], "vectors": 0, "vector_width": 0}
    sizes |= {"width_factor": 0.25, "window": 12, "margin": 3, "encoder": encoder, **options}
    return TokenEncoder(**sizes).eval()


def draw_features(rows: int) -> torch.Tensor:
    features = np.random.default_rng(0).integers(0, 5, (rows, 6))
    features[:, 5] = 0
    return torch.from_numpy(features)


@pytest.mark.parametrize("shortcut", [True, False])
@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("spare", [True, False])
@pytest.mark.parametrize("window", [12, 1000])
@pytest.mark.parametrize("limit", [1, 30, 100])
def test_blocks_give_what_one_piece_gives(
    monkeypatch: pytest.MonkeyPatch,
    shortcut: bool,
    distinct: bool,
    spare: bool,
    window: int,
    limit: int,
) -> None:
    module = build(shortcut=shortcut)
    module.window = window
    tokens = sum(LENGTHS)
    rows = np.random.default_rng(1).integers(0, 20, tokens) if distinct else None
    features = draw_features(20 if distinct else tokens)

    layer = torch.randn(3, module.width), torch.randn(3)
    with torch.inference_mode():
        whole = module(features, LENGTHS, rows, spare)
        read = module(features, LENGTHS, rows, spare, layer=layer)
        monkeypatch.setattr(tok2vec, "BLOCK_ROWS", limit)
        cut = module(features, LENGTHS, rows, spare)
        less = module(features, LENGTHS, rows, spare, layer=layer)
    assert cut.shape == whole.shape
    assert len(whole) >= tokens
    torch.testing.assert_close(cut[:tokens], whole[:tokens], atol=1e-6, rtol=0)
    torch.testing.assert_close(read[:tokens], linear(whole, *layer)[:tokens], atol=1e-5, rtol=0)
    torch.testing.assert_close(less[:tokens], linear(whole, *layer)[:tokens], atol=1e-5, rtol=0)


@pytest.mark.parametrize("shortcut", [True, False])
@pytest.mark.parametrize("vectors", [0, 6])
@pytest.mark.parametrize("length", [1, 9, 12, 13, 63, 64])
def test_a_short_text_by_itself(shortcut: bool, vectors: int, length: int) -> None:
    module = build(shortcut=shortcut, vectors=vectors, vector_width=4 if vectors else 0)
    if vectors:
        codes = torch.randint(-9, 9, (vectors, 4), dtype=torch.int8)
        module.embedding.set_vectors(codes, torch.rand(vectors, 1))
    features, rows = draw_features(20), np.random.default_rng(1).integers(0, 20, length + 5)
    features[:, 5] = torch.arange(20) % (vectors + 1)

    layer = torch.randn(3, module.width), torch.randn(3)
    with torch.inference_mode():
        expected = module(features, [length, 5], rows)[:length]
        for spare in (True, False):
            alone = module(features, [length], rows[:length], spare)
            torch.testing.assert_close(alone[:length], expected, atol=1e-6, rtol=0)
        each = module(features[rows[:length]], [length])
        torch.testing.assert_close(each, expected, atol=1e-6, rtol=0)
        less = module(features, [length], rows[:length], layer=layer)
        torch.testing.assert_close(less, linear(expected, *layer), atol=1e-5, rtol=0)
    with_gradients = module(features, [length], rows[:length])
    torch.testing.assert_close(with_gradients.detach(), expected, atol=1e-5, rtol=1e-4)


def test_training_takes_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tok2vec, "BLOCK_ROWS", 20)
    monkeypatch.setattr(tok2vec, "_split_windows", lambda *_: pytest.fail("cut in training"))
    H = build()(draw_features(sum(LENGTHS)), LENGTHS)
    H.sum().backward()
    assert H.requires_grad


def test_windows_are_split_between_each_other() -> None:
    windows = lay_windows(LENGTHS, window=12, margin=3)
    assert windows is not None
    parts = list(_split_windows(windows, 30))
    assert len(parts) > 3
    assert all(sum(part.lengths) <= 30 for part in parts)
    assert [size for part in parts for size in part.lengths] == windows.lengths
    before = np.cumsum([0, *(sum(part.lengths) for part in parts)])
    joined = Windows(
        np.concatenate([part.source for part in parts]),
        windows.lengths,
        np.concatenate([part.keep + low for part, low in zip(parts, before[:-1], strict=True)]),
    )
    np.testing.assert_array_equal(joined.source, windows.source)
    np.testing.assert_array_equal(joined.keep, windows.keep)


def test_a_window_longer_than_a_block_comes_alone() -> None:
    windows = Windows(np.arange(50), [40, 10], np.arange(50))
    assert [part.lengths for part in _split_windows(windows, 20)] == [[40], [10]]
