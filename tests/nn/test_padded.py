"""The way of inference equals the plain one."""

import copy
import pickle

import numpy as np
import pytest
import torch

from spacy_lstm.nn import padded
from spacy_lstm.nn.encoder import BiLSTMEncoder
from spacy_lstm.nn.inference import Derived, multiply, note_change, pad_rows
from spacy_lstm.nn.padded import lay_buckets

LENGTHS = [
    [1],
    [22],
    [63],
    [64],
    [7, 7, 7],
    [0, 3, 0, 90, 1, 17],
    [100, 99, 101, *range(1, 40)],
    [256, 2, *[30] * 70],
    [257, 600, 5],
]


def make_encoder(**settings):
    torch.manual_seed(0)
    return BiLSTMEncoder(input_width=10, width=16, **settings).eval()


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("attention", [None, "additive", "dot", "multihead"])
def test_inference_equals_training(lengths, depth, attention):
    encoder = make_encoder(depth=depth, attention=attention)
    X = torch.randn(sum(lengths), 10)
    expected = encoder(X, lengths).detach()
    with torch.inference_mode():
        found = encoder(X, lengths)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("with_grad", [True, False])
def test_rows_that_many_tokens_share_and_tokens_that_are_wanted(with_grad):
    encoder = make_encoder(attention="dot")
    words, lengths = torch.randn(5, 10), [9, 4]
    rows, keep = np.random.default_rng(0).integers(0, 5, 13), np.array([12, 0, 3, 3])
    expected = encoder(words[rows], lengths)[keep].detach()
    with torch.set_grad_enabled(with_grad):
        found = encoder(words, lengths, rows, keep)
    torch.testing.assert_close(found.detach(), expected, atol=1e-5, rtol=1e-4)


def test_a_text_is_encoded_alike_in_any_company():
    encoder = make_encoder()
    X = torch.randn(60, 10)
    with torch.inference_mode():
        alone = encoder(X[:20], [20])
        among = encoder(X, [20, 33, 7])[:20]
    torch.testing.assert_close(alone, among, atol=1e-6, rtol=0)


@pytest.mark.parametrize("attention", [None, "additive", "dot", "multihead"])
@pytest.mark.parametrize("reduced", [True, False])
def test_what_attends_in_blocks_changes_nothing_for_its_company(attention, reduced):
    encoder = make_encoder(attention=attention)
    X = torch.randn(340, 10)
    with torch.inference_mode():
        alone = encoder(X[:40], [40], reduced=reduced)
        among = encoder(X, [40, 300], reduced=reduced)[:40]
    torch.testing.assert_close(alone, among, atol=1e-6, rtol=0)


@pytest.mark.parametrize("length", [1, 22, 63, 64])
@pytest.mark.parametrize("attention", [None, "multihead"])
@pytest.mark.parametrize("reduced", [True, False])
def test_a_single_text_gets_what_it_gets_in_company(length, attention, reduced):
    encoder = make_encoder(depth=2, attention=attention)
    words, rows = torch.randn(9, 10), np.random.default_rng(0).integers(0, 9, length + 30)
    with torch.inference_mode():
        alone = encoder(words, [length], rows[:length], reduced=reduced)
        among = encoder(words, [length, 30], rows, reduced=reduced)[:length]
    torch.testing.assert_close(alone, among, atol=1e-6, rtol=0)


@pytest.mark.parametrize("reduced", [True, False])
def test_layers_with_packed_weights_are_those_of_torch(monkeypatch, reduced):
    encoder, plain = make_encoder(), make_encoder()
    X = torch.randn(40, 10)
    with torch.inference_mode():
        packed = encoder(X, [30, 10], reduced=reduced)
        monkeypatch.setattr(padded, "_HAS_LAYERS", False)
        assert torch.equal(plain(X, [30, 10], reduced=reduced), packed)


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_an_encoder_travels_without_what_was_packed(travel):
    encoder, X = make_encoder(), torch.randn(9, 10)
    with torch.inference_mode():
        expected = encoder(X, [9])
    other = travel(encoder)
    with torch.inference_mode():
        assert torch.equal(other(X, [9]), expected)


def test_weights_that_change_are_read_anew():
    encoder, other = make_encoder(), make_encoder()
    X = torch.randn(9, 10)
    with torch.inference_mode():
        encoder(X, [5, 4])
    for mine, theirs in zip(encoder.parameters(), other.parameters(), strict=True):
        theirs.data += 0.1
        mine.data = theirs.detach().clone()
    with torch.inference_mode():
        torch.testing.assert_close(encoder(X, [5, 4]), other(X, [5, 4]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("lengths", [*LENGTHS, [], [0, 0]], ids=str)
def test_every_token_has_its_place(lengths):
    buckets, places = lay_buckets(lengths)
    rows = np.concatenate([[], *(bucket.rows.ravel() for bucket in buckets)]).astype(np.int64)
    assert rows[places].tolist() == list(range(sum(lengths)))
    assert (rows >= 0).sum() == sum(lengths)
    for bucket in buckets:
        held = bucket.rows.T >= 0
        assert held.all() if bucket.mask is None else (held == bucket.mask).all()


def test_shapes_are_few():
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(300):
        buckets, _ = lay_buckets(rng.integers(1, 129, int(rng.integers(1, 60))))
        shapes |= {bucket.rows.shape for bucket in buckets}
    assert all(longest % 8 == 0 for longest, _ in shapes)
    assert len({members for _, members in shapes}) < 30


@pytest.mark.parametrize("count", [0, 1, 63, 64, 100, 255, 256, 257, 5000])
def test_padded_rows(count):
    places = np.arange(count) + 3
    found = pad_rows(places)
    assert found[:count].tolist() == places.tolist()
    assert not found[count:].any()
    assert count < 64 or len(found) % 32 == 0
    assert count < 256 or len(found) % 256 == 0


@pytest.mark.parametrize("rows", [0, 3, 64, 300])
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_torch(rows, bias):
    layer = torch.nn.Linear(12, 5, bias=bias)
    X = torch.randn(2, rows, 12)
    with torch.inference_mode():
        torch.testing.assert_close(multiply(X, layer.weight, layer.bias), layer(X))


def test_what_is_derived_is_kept_while_weights_stay():
    made = []
    derived = Derived(lambda *weights: made.append(weights) or sum(weights))
    first, second = torch.ones(3), torch.ones(3)
    assert derived.of(first, second) is derived.of(first, second)
    second[0] = 5
    assert derived.of(first, second).tolist() == [6, 2, 2]
    second.numpy()[0] = 6
    note_change()
    assert derived.of(first, second).tolist() == [7, 2, 2]
    assert len(made) == 3
