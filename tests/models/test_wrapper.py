import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from thinc.api import Adam, Model, set_dropout_rate
from torch import nn

from spacy_lstm.errors import LstmError
from spacy_lstm.models.bilstm_encoder import build_bilstm_encoder
from spacy_lstm.models.wrapper import TorchBridge, get_bridge, split_rows

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(n, 4)).astype("f") for n in (5, 2, 7)]


class TwoHeads(nn.Module):
    """Two outputs, the second of which carries no gradient in these tests."""

    def __init__(self, *, width, labels=2):
        super().__init__()
        self.first = nn.Linear(width, labels)
        self.second = nn.Linear(width, labels)

    def forward(self, X, Z):
        return self.first(X) + Z, self.second(X)


def make_encoder(width=6):
    torch.manual_seed(0)
    model = build_bilstm_encoder(width)
    model.initialize(X=X)
    return model


def weights_of(model):
    return {name: p.detach().clone() for name, p in get_bridge(model).module.named_parameters()}


def train(model, steps=3):
    optimizer = Adam(0.05, use_averages=True)
    for _ in range(steps):
        Y, backprop = model.begin_update(X)
        backprop([y - 1.0 for y in Y])
        model.finish_update(optimizer)
        optimizer.step_schedules()
    return optimizer


def flat(model):
    return np.concatenate(model.predict(X))


def test_training_moves_every_weight():
    model = make_encoder()
    before = weights_of(model)
    train(model)
    for name, weight in weights_of(model).items():
        assert not torch.equal(weight, before[name]), name
        assert get_bridge(model).module.get_parameter(name).grad is None


def test_averages_reach_torch_and_are_undone():
    model = make_encoder()
    optimizer = train(model)
    trained, weights = flat(model), weights_of(model)
    with model.use_params(optimizer.averages):
        averaged = flat(model)
        shown = weights_of(model)
    assert np.abs(averaged - trained).max() > 1e-4
    np.testing.assert_array_equal(flat(model), trained)
    for name, weight in weights_of(model).items():
        assert torch.equal(weight, weights[name])
        assert not torch.equal(weight, shown[name])
        np.testing.assert_array_equal(
            shown[name].numpy(), optimizer.averages[(get_bridge(model).id, name)]
        )


def test_averages_are_undone_after_an_error():
    model = make_encoder()
    optimizer = train(model)
    trained = flat(model)
    with pytest.raises(KeyError), model.use_params(optimizer.averages):
        raise KeyError
    np.testing.assert_array_equal(flat(model), trained)


def test_dropout_rate_reaches_torch():
    model = make_encoder()

    def two_passes(rate):
        set_dropout_rate(model, rate)
        return [np.concatenate(model.begin_update(X)[0]) for _ in range(2)]

    first, second = two_passes(0.9)
    assert not np.allclose(first, second)
    first, second = two_passes(0.0)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, flat(model), atol=1e-6)


def test_round_trip_takes_weights_and_sizes_along():
    model = make_encoder(width=6)
    other = build_bilstm_encoder(6)
    torch.manual_seed(1)
    other.initialize(X=X)
    assert not np.allclose(flat(model), flat(other))
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(flat(model), flat(other))
    for name, weight in weights_of(model).items():
        assert torch.equal(weight, weights_of(other)[name])
    empty = build_bilstm_encoder(6).from_bytes(model.to_bytes())
    np.testing.assert_array_equal(flat(model), flat(empty))


def test_models_without_weights():
    model = build_bilstm_encoder(6)
    with pytest.raises(LstmError, match="bilstm_encoder model has no weights yet"):
        model.predict(X)
    trained = make_encoder()
    trained.from_bytes(model.to_bytes())
    with pytest.raises(LstmError, match="no weights yet"):
        get_bridge(trained).module  # noqa: B018


def test_half_precision_weights_are_widened():
    bridge = get_bridge(make_encoder())
    data = bridge.to_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])["__metadata__"]
    halved = {name: t.half() for name, t in safetensors.torch.load(data).items()}
    bridge.from_bytes(safetensors.torch.save(halved, metadata=header))
    assert {p.dtype for p in bridge.module.parameters()} == {torch.float32}


def damaged(kind):
    data = get_bridge(make_encoder()).to_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])["__metadata__"]
    tensors = safetensors.torch.load(data)
    first = next(iter(tensors))
    if kind == "header":
        return b"\x10\0\0\0\0\0\0\0not json at all!!"
    if kind == "cut":
        return data[:-10]
    if kind == "name":
        others = {key: text.replace("bilstm_encoder", "coref") for key, text in header.items()}
        return safetensors.torch.save(tensors, metadata=others)
    if kind == "shape":
        tensors[first] = tensors[first][:1].clone()
    if kind == "missing":
        del tensors[first]
    return safetensors.torch.save(tensors, metadata=header)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("header", "the header cannot be read"),
        ("cut", "no weights of a bilstm_encoder model"),
        ("name", "they are those of a coref model"),
        ("shape", "has the shape .* expected"),
        ("missing", "has the shape None, expected"),
    ],
)
def test_damaged_weights(kind, message):
    model = make_encoder()
    before = flat(model)
    with pytest.raises(LstmError, match=message):
        get_bridge(model).from_bytes(damaged(kind))
    np.testing.assert_array_equal(flat(model), before)


def test_outputs_without_gradient_and_arguments_with():
    bridge = TorchBridge("two_heads", TwoHeads, {"width": 3})
    bridge.build(labels=2)
    assert bridge.settings == {"width": 3, "labels": 2}
    features = bridge.to_tensor(np.ones((4, 3), dtype="f"), requires_grad=True)
    shift = bridge.to_tensor(np.zeros((4, 2), dtype="f"), requires_grad=True)
    outputs, backprop = bridge.run_update(features, shift, dropout=0.0)
    assert len(outputs) == 2
    dY = np.ones((4, 2), dtype="f")
    d_features, d_shift = backprop([dY, None])
    np.testing.assert_allclose(d_shift, dY)
    np.testing.assert_allclose(
        d_features, dY @ bridge.module.first.weight.detach().numpy(), rtol=1e-6
    )
    assert bridge.module.second.weight.grad is None
    unused = bridge.to_tensor(np.ones((4, 2), dtype="f"), requires_grad=True)
    _, backprop = bridge.run_update(features.detach(), unused, dropout=0.0)
    (nothing,) = backprop([None, dY])
    np.testing.assert_array_equal(nothing, np.zeros((4, 2)))


def test_model_copy_is_independent():
    model = make_encoder()
    copied: Model = model.copy()
    train(copied)
    assert not np.allclose(flat(model), flat(copied))


def test_to_device_without_weights_and_with():
    model = build_bilstm_encoder(6)
    get_bridge(model).to_device("cpu", -1)
    assert not get_bridge(model).is_built
    model = make_encoder()
    get_bridge(model).to_device("cpu", -1)
    assert get_bridge(model).device == torch.device("cpu")


def test_split_rows():
    parts = split_rows(np.arange(6), [2, 0, 4])
    assert [part.tolist() for part in parts] == [[0, 1], [], [2, 3, 4, 5]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_forked_process_does_not_wait_for_threads_it_has_not() -> None:
    script = """
import os, signal, sys, torch
import spacy_lstm.models.wrapper
torch.set_num_threads(2)
work = torch.ones(2_000_000)
work.exp()
child = os.fork()
if not child:
    signal.alarm(60)
    work.exp()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=120)
