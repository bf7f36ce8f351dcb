"""What the memory holds: parts that sum to it, and shares that tell who wrote it."""

import json

import numpy as np
import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.explaining import memory_at
from spacy_lstm.tracing import trace, trace_example

TEXT = "Alice met Bob in the garden. She smiled."
# Longer than a window.
LONG = "Alice said that the film she saw was slow at first but wonderful in the end. " * 12
STATES = {"lstm": "cell_state", "gru": "hidden_state"}


@pytest.mark.parametrize("component", ["lstm_coref", "lstm_sentiment"])
@pytest.mark.parametrize("text", [TEXT, LONG])
def test_contributions_sum_to_the_cell_state(bundle, component, text):
    found = trace(bundle, text, component=component)
    tokens = len(found.tokens)
    assert len(found.windows) == (1 if text == TEXT else 2)
    for gates in found.gates:
        for token in (0, tokens // 2, tokens // 2 + 1, tokens - 1):
            parts = gates.written(token)
            assert parts.shape == (tokens, gates.units)
            np.testing.assert_allclose(
                parts.sum(axis=0), gates.cell_state[token], atol=1e-5, rtol=1e-4
            )


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_those_of_a_gru_sum_to_its_hidden_state(make_sentiment, direction):
    found = trace(make_sentiment(cell="gru"), TEXT)
    gates = found.find(direction=direction)
    for token in range(len(found.tokens)):
        parts = gates.written(token)
        np.testing.assert_allclose(parts.sum(axis=0), gates.hidden_state[token], atol=1e-6)
    assert memory_at(found, 3, direction=direction).shares[3] > 0


def test_of_the_example_by_hand():
    found = trace_example()
    gates = found.gates[0]
    parts = gates.written(1)[:, 0]
    f, i, g = (gates[name][:, 0] for name in ("forget_gate", "input_gate", "candidate"))
    np.testing.assert_allclose(parts, [f[1] * i[0] * g[0], i[1] * g[1], 0, 0, 0], atol=1e-7)
    memory = memory_at(found, 1)
    assert memory.survival == pytest.approx((f[1], 1.0, 0.0, 0.0, 0.0))
    assert memory.kept == pytest.approx(memory.survival)
    sizes = np.abs(parts)
    assert memory.shares == pytest.approx(tuple(sizes / sizes.sum()))


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_memory_of_a_pronoun(bundle, direction):
    found = trace(bundle, TEXT, component="lstm_coref")
    she = found.tokens.index("She")
    memory = memory_at(found, she, direction=direction)
    assert (memory.token, memory.layer, memory.direction) == (she, 0, direction)
    assert sum(memory.shares) == pytest.approx(1.0)
    assert memory.survival[she] == memory.kept[she] == pytest.approx(1.0)
    read = slice(0, she) if direction == "forward" else slice(she + 1, None)
    left = np.array(memory.survival)[read]
    # What is older is left to a smaller part, and nothing is there of what was not read yet.
    steps = np.diff(left if direction == "forward" else left[::-1])
    assert (steps > 0).all()
    unread = slice(she + 1, None) if direction == "forward" else slice(0, she)
    for values in (memory.survival, memory.kept, memory.shares):
        assert not any(values[unread])
        assert all(0 <= value <= 1 for value in values)
    assert json.loads(json.dumps(memory.to_dict()))["token"] == she


def test_mistakes(bundle, make_sentiment):
    found = trace(bundle, TEXT)
    with pytest.raises(LstmError, match="no token 99 in a text of 10: expected 0 to 9"):
        memory_at(found, 99)
    with pytest.raises(LstmError, match="no layer 5 forward in the trace"):
        memory_at(found, 0, layer=5)
    simple = trace(make_sentiment(cell="rnn"), TEXT)
    with pytest.raises(LstmError, match="a cell of the kind rnn has no gate that keeps its memory"):
        memory_at(simple, 0)
    with pytest.raises(LstmError, match="a cell of the kind rnn has no gate that keeps its memory"):
        simple.gates[0].written(0)
