"""The gates, against the equations taken step by step, and against what torch gives."""

import numpy as np
import pytest
import torch
from torch import nn

from spacy_lstm.nn.encoder import CELLS, BiLSTMEncoder
from spacy_lstm.nn.gates import LSTMWeights, gru_step, lstm_step, rnn_step, trace_layer
from spacy_lstm.nn.worked_example import PUBLISHED, PUBLISHED_STATE, WORDS, follow_cell
from spacy_lstm.traces import CHANNELS

LENGTHS = [5, 1, 0, 9, 5]


def step_by_step(layer, kind, X, suffix):
    """Every channel of one sequence, from the equations alone."""
    h = c = torch.zeros(layer.hidden_size)
    weights = LSTMWeights.of_layer(layer, suffix=suffix) if kind == "lstm" else None
    rows = []
    for x in X.flip(0) if suffix else X:
        if kind == "lstm":
            state = lstm_step(x, h, c, weights)
            c = state.cell_state
        else:
            state = (gru_step if kind == "gru" else rnn_step)(x, h, layer, suffix=suffix)
        h = state[-1]
        rows.append(state)
    channels = [torch.stack(values) for values in zip(*rows, strict=True)]
    return [values.flip(0) if suffix else values for values in channels]


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_gates_are_those_of_the_layers(kind, depth):
    torch.manual_seed(depth)
    encoder = BiLSTMEncoder(input_width=7, width=12, depth=depth, cell=kind).eval()
    for parameter in encoder.parameters():
        # Gates near their ends, too.
        nn.init.normal_(parameter, std=0.8)
    X = torch.randn(sum(LENGTHS), 7)
    with torch.no_grad():
        states = encoder.layer_states(X, LENGTHS)
        for layer, before, after in zip(encoder.layers, [X, *states], states, strict=False):
            found = trace_layer(layer, before, after, LENGTHS)
            packed = np.concatenate([found[d]["hidden_state"] for d in ("forward", "backward")], 1)
            np.testing.assert_allclose(packed, after, atol=1e-5)
            for direction, suffix in (("forward", ""), ("backward", "_reverse")):
                channels = found[direction]
                assert tuple(channels) == CHANNELS[kind]
                first = 0
                for length in LENGTHS:
                    if not length:
                        continue
                    part = slice(first, first + length)
                    oracle = step_by_step(layer, kind, before[part], suffix)
                    for name, values in zip(CHANNELS[kind], oracle, strict=True):
                        np.testing.assert_allclose(channels[name][part], values, atol=1e-5)
                    first += length


@pytest.mark.parametrize("kind", CELLS)
def test_equal_to_torch_over_a_padded_batch(kind):
    """torch's own layer, with nothing of ours between."""
    torch.manual_seed(0)
    layer = CELLS[kind](4, 6, bidirectional=True, batch_first=True).eval()
    X = torch.randn(3, 8, 4)
    lengths = [8, 3, 6]
    packed = nn.utils.rnn.pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        output, _ = nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True)
        ragged = torch.cat([x[:size] for x, size in zip(X, lengths, strict=True)])
        H = torch.cat([h[:size] for h, size in zip(output, lengths, strict=True)])
        found = trace_layer(layer, ragged, H, lengths)
    both = np.concatenate([found[d]["hidden_state"] for d in ("forward", "backward")], axis=1)
    assert np.abs(both - H.numpy()).max() <= 1e-5


@pytest.mark.parametrize("kind", CELLS)
def test_nothing_has_no_steps(kind):
    encoder = BiLSTMEncoder(input_width=3, width=4, cell=kind)
    found = trace_layer(encoder.layers[0], torch.zeros(0, 3), torch.zeros(0, 4), [0])
    assert {values.shape for part in found.values() for values in part.values()} == {(0, 2)}


def test_the_worked_example_is_what_was_published():
    """Rounded as the text rounds, cut or to the nearest; "happy" and what follows from it apart."""
    as_published = follow_cell(published=True)
    for (word, channel), value in PUBLISHED.items():
        found = as_published[channel][list(WORDS).index(word), 0]
        assert found == pytest.approx(value, abs=2e-3), (word, channel)


def test_what_the_weights_of_the_worked_example_lead_to():
    gates = follow_cell()
    cells, hidden = gates.cell_state[:, 0], gates.hidden_state[:, 0]
    assert cells == pytest.approx([0.1229, 0.0002, 0.0574, 0.3890, 0.1472], abs=5e-5)
    assert hidden == pytest.approx([0.0491, 0.0001, 0.0258, 0.1762, 0.0810], abs=5e-5)
    # Nothing near what the text gives for "happy".
    assert cells[2] - PUBLISHED_STATE[0] > 0.04
    assert gates.forget_gate[3, 0] == pytest.approx(0.6468, abs=5e-5)
