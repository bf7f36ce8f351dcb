"""Records of a trace: what they tell, and that they survive the disk."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lstm.errors import LstmError
from spacy_lstm.traces import CHANNELS, AttentionTrace, GateTrace, Trace, Window

ONE = (Window(0, 4, 0, 4),)
# Six tokens in two windows of four, of which the third and fourth token are in both.
TWO = (Window(0, 4, 0, 3), Window(2, 6, 3, 6))


def make_gates(windows, *, cell="lstm", direction="forward", seed=0):
    rng = np.random.default_rng(seed)
    steps = sum(window.end - window.start for window in windows)
    channels = {name: rng.random((steps, 3), dtype=np.float32) for name in CHANNELS[cell]}
    return GateTrace(0, direction, cell, windows, channels)


def make_trace(windows=ONE, **changes):
    tokens = windows[-1].kept_to
    keys = np.full((tokens, 3), -1)
    keys[:, 0], keys[1:, 1] = np.arange(tokens), 0
    weights = np.zeros((2, tokens, 3), np.float32)
    weights[:, :, 0], weights[:, 1:, 1] = 0.75, 0.25
    fields = {
        "text": "a b é 猫 e f"[: 2 * tokens - 1],
        "lang": "xx",
        "tokens": tuple("abé猫ef"[:tokens]),
        "offsets": tuple(range(0, 2 * tokens, 2)),
        "component": "lstm_coref",
        "windows": windows,
        "gates": (make_gates(windows), make_gates(windows, direction="backward", seed=1)),
        "attention": (AttentionTrace("encoder", "multihead", keys, weights),),
    }
    return Trace(**{**fields, **changes})


def assert_equal(one, other):
    for name in ("text", "lang", "tokens", "offsets", "component", "windows"):
        assert getattr(one, name) == getattr(other, name)
    for a, b in zip(one.gates, other.gates, strict=True):
        assert (a.layer, a.direction, a.cell, a.windows) == (
            b.layer,
            b.direction,
            b.cell,
            b.windows,
        )
        assert a.steps.keys() == b.steps.keys()
        for channel, values in a.steps.items():
            assert b.steps[channel].dtype == np.float32
            np.testing.assert_array_equal(values, b.steps[channel])
    for a, b in zip(one.attention, other.attention, strict=True):
        assert (a.name, a.kind) == (b.name, b.kind)
        np.testing.assert_array_equal(a.keys, b.keys)
        np.testing.assert_array_equal(a.weights, b.weights)


@pytest.mark.parametrize("name", ["trace.npz", "trace.json"])
@pytest.mark.parametrize("windows", [ONE, TWO])
@pytest.mark.parametrize("cell", CHANNELS)
def test_saved_and_loaded_it_is_the_same(tmp_path, name, windows, cell):
    trace = make_trace(windows, gates=(make_gates(windows, cell=cell),))
    trace.save(tmp_path / "new" / name)
    assert_equal(Trace.load(tmp_path / "new" / name), trace)


@settings(deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=4, max_size=4))
def test_json_keeps_every_bit(values):
    column = np.array(values, dtype=np.float32)[:, None]
    gates = GateTrace(0, "forward", "rnn", ONE, {"hidden_state": column})
    loaded = Trace.from_json(make_trace(gates=(gates,)).to_json())
    np.testing.assert_array_equal(loaded.gates[0].hidden_state, column)


def test_tokens_come_from_the_windows_that_keep_them():
    gates = make_gates(TWO)
    steps = gates.steps["cell_state"]
    np.testing.assert_array_equal(gates.cell_state, steps[[0, 1, 2, 5, 6, 7]])
    np.testing.assert_array_equal(gates.read_window("cell_state", 1), steps[4:])
    assert gates.units == 3


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("cell", "gate"), [("lstm", "forget_gate"), ("gru", "update_gate")])
def test_survival_is_the_product_of_the_gates_between(direction, cell, gate):
    gates = make_gates(ONE, cell=cell, direction=direction)
    keep = gates[gate]
    for token in range(4):
        left = gates.survival(token)
        for other in range(4):
            between = range(other + 1, token + 1) if direction == "forward" else range(token, other)
            expected = np.prod(keep[list(between)], axis=0) if len(between) or other == token else 0
            np.testing.assert_allclose(left[other], expected * np.ones(3), rtol=1e-5)


def test_no_memory_comes_from_another_window():
    left = make_gates(TWO).survival(4)
    assert (left[[0, 1, 5]] == 0).all()
    assert (left[[2, 3, 4]] > 0).all()
    assert (make_gates(TWO, direction="backward").survival(2)[[4, 5]] == 0).all()


def test_dense_attention_adds_up_what_stands_twice():
    trace = make_trace()
    dense = trace.attention[0].dense(4)
    assert dense.shape == (2, 4, 4)
    np.testing.assert_allclose(
        dense[0], np.diag([0.75] * 4) + np.outer([0, 0.25, 0.25, 0.25], [1, 0, 0, 0])
    )
    twice = AttentionTrace(
        "heads", "biaffine", np.array([[1, 1]]), np.ones((1, 1, 2), np.float32) / 2
    )
    np.testing.assert_allclose(twice.dense(2), [[[0.0, 1.0]]])


def test_layers_are_found():
    trace = make_trace()
    assert trace.find(direction="backward") is trace.gates[1]
    assert trace.find(layer=-1) is trace.gates[0]
    with pytest.raises(LstmError, match=r"no layer 2 forward in the trace: it has 0 forward, 0 b"):
        trace.find(layer=2)
    with pytest.raises(LstmError, match="no reset_gate in a cell of the kind lstm: expected one"):
        trace.gates[0].reset_gate  # noqa: B018
    with pytest.raises(LstmError, match="a cell of the kind rnn has no gate that keeps"):
        make_gates(ONE, cell="rnn").survival(0)
    with pytest.raises(LstmError, match="no token 4 in a text of 4: expected 0 to 3"):
        trace.gates[0].survival(4)


def damage(head):
    """A trace whose JSON was changed by `head`."""
    content = json.loads(make_trace().to_json())
    head(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "Expecting property name"),
        ("[]", "list indices"),
        ("{}", "'arrays' is missing"),
        (damage(lambda c: c.update(format="other")), "the format is 'other', expected 'spacy_lstm"),
        (damage(lambda c: c["arrays"].pop("gates.0.cell_state")), "cell_state' is missing"),
        (damage(lambda c: c.update(windows=[[0, 3, 0, 2], [1, 4, 2, 4]])), r"the shape \(4, 3\)"),
        (damage(lambda c: c.update(windows=[[0, 5, 0, 5]])), "windows do not follow one another"),
        (damage(lambda c: c.update(windows=[[0, 4, 0, 3]])), "the windows hold 3 of 4 tokens"),
        (damage(lambda c: c.update(windows=[[-2, 2, 0, 4]])), "windows do not follow one another"),
        (damage(lambda c: c.update(windows=[[float("inf"), 4, 0, 4]])), "infinity"),
        (damage(lambda c: c["offsets"].pop()), "4 tokens have 3 offsets"),
        (damage(lambda c: c["gates"][0].update(direction="up")), "the direction is 'up', expected"),
        (
            damage(lambda c: c["arrays"]["attention.0.keys"][0].__setitem__(0, 4)),
            "keys has tokens that the text has not",
        ),
        ("[" * 100_000, "recursion"),
        (damage(lambda c: c["arrays"].update({"attention.0.keys": [[1]]})), "has the shape"),
        (damage(lambda c: c["gates"][0].update(cell="cnn")), "'cnn' is missing"),
        (
            damage(lambda c: c["arrays"].update({"gates.0.cell_state": [["x"]]})),
            "could not convert",
        ),
    ],
)
def test_what_is_no_trace_is_told_in_one_line(tmp_path, content, why):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(LstmError, match=rf"t\.json: no trace that could be read \(.*{why}") as info:
        Trace.load(tmp_path / "t.json")
    assert "\n" not in str(info.value)


def test_damaged_npz_and_other_names(tmp_path):
    whole = make_trace().to_npz()
    packed = whole.index(b"hidden_state.npy") + 60
    broken = whole[:packed] + bytes(20) + whole[packed + 20 :]
    # In the list of files at the end: how the first one is packed, and that it has a password.
    entry = whole.index(b"PK\x01\x02")
    method = whole[: entry + 10] + b"\x63" + whole[entry + 11 :]
    locked = whole[: entry + 8] + b"\x01" + whole[entry + 9 :]
    damaged = (whole[:100], whole[:-30], b"", b"PK", np.arange(3).tobytes(), broken, method, locked)
    for content in damaged:
        (tmp_path / "t.npz").write_bytes(content)
        with pytest.raises(LstmError, match=r"t\.npz: no trace that could be read"):
            Trace.load(tmp_path / "t.npz")
    with pytest.raises(LstmError, match=r"a trace in t\.txt: expected a name that ends in"):
        make_trace().save(tmp_path / "t.txt")
    with pytest.raises(LstmError, match=r"cannot read .*none\.npz: No such file"):
        Trace.load(tmp_path / "none.npz")
