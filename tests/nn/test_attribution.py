"""Attributions of functions whose answers are known, and what holds for any network."""

import pytest
import torch

from spacy_lstm.nn.attribution import (
    gradient_times_input,
    integrated_gradients,
    leave_one_out,
    log_odds,
    with_gradients,
)
from spacy_lstm.nn.classifier import PooledClassifier
from spacy_lstm.nn.tok2vec import TokenEncoder

METHODS = [gradient_times_input, integrated_gradients, leave_one_out]
E = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])


def linear(X):
    """Two targets that weigh the tokens by 1, 2, 3 and by 0, 0, 1."""
    weights = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
    return X.sum(-1) @ weights.T + 7


@pytest.mark.parametrize("method", METHODS)
def test_of_a_sum_each_token_gets_its_part(method):
    sums = E.sum(-1)
    expected = torch.stack([sums * torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0, 0, sums[2]])])
    torch.testing.assert_close(method(linear, E), expected)


def test_of_a_square_they_differ_as_they_should():
    def square(X):
        return (X.sum(-1) ** 2).sum(-1, keepdim=True)

    sums = E.sum(-1) ** 2
    torch.testing.assert_close(gradient_times_input(square, E)[0], 2 * sums)
    torch.testing.assert_close(integrated_gradients(square, E)[0], sums)
    torch.testing.assert_close(leave_one_out(square, E)[0], sums)


@pytest.fixture(scope="module")
def network():
    """Random weights, and the embeddings of a text that is cut into windows."""
    torch.manual_seed(0)
    encoder = TokenEncoder(
        rows=(50, 9, 9, 9, 5),
        vectors=0,
        vector_width=0,
        width_factor=0.2,
        window=12,
        margin=2,
        encoder={"width": 8, "depth": 2, "attention": "multihead"},
    ).eval()
    head = PooledClassifier(input_width=encoder.width, hidden_width=6, labels=3).eval()
    features = torch.randint(0, 5, (20, 6))

    def score(X):
        return head(encoder.encode(X.flatten(0, 1), [X.shape[1]] * len(X)), [X.shape[1]] * len(X))

    return score, encoder.embedding(features).detach() * 8


def test_integrated_gradients_are_complete(network):
    score, X = network
    with torch.no_grad():
        difference = score(X[None]) - score(torch.zeros_like(X)[None])
    found = integrated_gradients(score, X, steps=128)
    assert found.shape == (3, 20)
    assert difference.abs().max() > 0.1
    torch.testing.assert_close(found.sum(dim=1), difference[0], atol=5e-3, rtol=5e-3)


def test_leave_one_out_is_what_is_said_without_it(network):
    score, X = network
    found = leave_one_out(score, X)
    for token in (0, 7, 19):
        other = X.clone()
        other[token] = 0
        with torch.no_grad():
            fall = score(X[None])[0] - score(other[None])[0]
        torch.testing.assert_close(found[:, token], fall, atol=1e-5, rtol=1e-4)


def test_gradients_flow_whatever_is_around(network):
    score, X = network
    expected = gradient_times_input(score, X)
    with torch.inference_mode(), torch.no_grad():
        torch.testing.assert_close(gradient_times_input(score, X), expected)
    with with_gradients():
        assert torch.is_grad_enabled()
        assert not torch.backends.cudnn.enabled


def test_long_texts_are_cut_into_batches():
    seen = []

    def score(X):
        seen.append(X.shape[0] * X.shape[1])
        return X.sum(-1)

    X = torch.ones(150, 1)
    # Of token t alone target t is made.
    torch.testing.assert_close(leave_one_out(score, X), torch.eye(150))
    assert max(seen) <= 4000


def test_log_odds_of_several_together():
    p = torch.tensor([0.1, 0.2, 0.3, 0.4])
    chosen = torch.tensor([False, True, True, False])
    assert log_odds(p.log() + 5, chosen).item() == pytest.approx(0.0, abs=1e-5)
    assert log_odds(p.log(), ~chosen & (p < 0.2)).exp().item() == pytest.approx(1 / 9)
