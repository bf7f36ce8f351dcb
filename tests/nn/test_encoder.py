import pytest
import torch
from torch import nn

from spacy_lstm.nn.attention import ATTENTION
from spacy_lstm.nn.encoder import ATTENTION_BLOCK, CELLS, BiLSTMEncoder

LENGTHS = [5, 1, 0, 12, 3, 12, 30]


def make_encoder(**options):
    torch.manual_seed(0)
    encoder = BiLSTMEncoder(input_width=6, width=8, **options)
    return encoder.eval()


def packed_oracle(encoder, X, lengths):
    """What nn.LSTM itself gives over packed sequences, layer by layer."""
    sequences = [part for part in torch.split(X, lengths) if len(part)]
    for layer in encoder.layers:
        packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
        padded, sizes = nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True)
        sequences = [row[:size] for row, size in zip(padded, sizes, strict=True)]
    return torch.cat(sequences)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_equals_torch_over_packed_sequences(cell, depth):
    encoder = make_encoder(cell=cell, depth=depth)
    X = torch.randn(sum(LENGTHS), 6)
    expected = packed_oracle(encoder, X, LENGTHS)
    torch.testing.assert_close(encoder(X, LENGTHS), expected, atol=1e-6, rtol=1e-5)
    lengths = torch.tensor([n for n in LENGTHS if n])
    H = X
    for layer in encoder.layers:
        H = encoder._run_packed(layer, H, lengths)
    torch.testing.assert_close(H, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_gradients_equal_torch_over_packed_sequences(cell):
    encoder = make_encoder(cell=cell, depth=2).train()
    X = torch.randn(sum(LENGTHS), 6, requires_grad=True)
    weight = torch.randn(sum(LENGTHS), 8)
    (encoder(X, LENGTHS) * weight).sum().backward()
    ours = [X.grad.clone(), *(p.grad.clone() for p in encoder.parameters())]
    X.grad = None
    encoder.zero_grad()
    (packed_oracle(encoder, X, LENGTHS) * weight).sum().backward()
    theirs = [X.grad, *(p.grad for p in encoder.parameters())]
    for got, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", [None, *ATTENTION])
def test_batched_equals_one_by_one(attention):
    encoder = make_encoder(attention=attention)
    X = torch.randn(sum(LENGTHS), 6)
    alone = torch.cat([encoder(part, [len(part)]) for part in torch.split(X, LENGTHS)])
    torch.testing.assert_close(encoder(X, LENGTHS), alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("attention", list(ATTENTION))
def test_attention_weights_are_distributions_within_blocks(attention):
    encoder = make_encoder(attention=attention)
    lengths = [3, 0, ATTENTION_BLOCK + 7]
    H = torch.randn(sum(lengths), 8)
    context, weights = encoder.attend(H, lengths)
    assert context.shape == H.shape
    assert [w.shape[-1] for w in weights] == [3, ATTENTION_BLOCK, 7]
    for block in weights:
        torch.testing.assert_close(block.sum(-1), torch.ones(block.shape[:-1]))


@pytest.mark.parametrize("attention", list(ATTENTION))
def test_context_without_weights_is_the_same(attention):
    encoder = make_encoder(attention=attention)
    lengths = [*LENGTHS, ATTENTION_BLOCK, 180, 170]
    X = torch.randn(sum(lengths), 6)
    expected = encoder.attend(encoder.recur(X, lengths), lengths)[0]
    torch.testing.assert_close(encoder(X, lengths), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("attention", [None, *ATTENTION])
def test_every_parameter_gets_a_gradient(attention):
    encoder = make_encoder(attention=attention, depth=2).train()
    X = torch.randn(sum(LENGTHS), 6)
    (encoder(X, LENGTHS) * torch.randn(sum(LENGTHS), 8)).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        if not (attention == "dot" and name.startswith("layers")):
            assert parameter.grad.abs().sum() > 0, name


def test_empty_batch():
    encoder = make_encoder(attention="dot")
    assert encoder(torch.zeros(0, 6), []).shape == (0, 8)
    assert encoder(torch.zeros(0, 6), [0, 0]).shape == (0, 8)
