import itertools

import pytest
import torch

from spacy_lstm.nn.classifier import POOLING, PooledClassifier

LENGTHS = [4, 0, 1, 9, 0, 2]
MIXES = [list(mix) for size in (1, 2, 3) for mix in itertools.combinations(POOLING, size)]


def make_head(pooling, dropout=0.0):
    torch.manual_seed(0)
    head = PooledClassifier(
        input_width=6, hidden_width=5, labels=3, pooling=pooling, dropout=dropout
    )
    return head.eval()


def oracle(head, X):
    """The logits of one sequence, in the plainest words."""
    tokens = torch.relu(head.project(X))
    pooled = {
        "max": lambda: tokens.max(dim=0).values,
        "mean": lambda: tokens.mean(dim=0),
        "attention": lambda: (torch.softmax(head.score(X), dim=0) * tokens).sum(dim=0),
    }
    return head.output(torch.cat([pooled[name]() for name in head.pooling]))


@pytest.mark.parametrize("pooling", MIXES, ids="+".join)
def test_equals_the_plain_computation_with_gradients(pooling):
    head = make_head(pooling)
    X = torch.randn(sum(LENGTHS), 6, requires_grad=True)
    weight = torch.randn(len(LENGTHS), 3)
    logits = head(X, LENGTHS)
    (logits * weight).sum().backward()
    ours = [X.grad.clone(), *(p.grad.clone() for p in head.parameters())]
    X.grad = None
    head.zero_grad()
    parts = torch.split(X, LENGTHS)
    expected = torch.stack([oracle(head, p) if len(p) else head.output.bias for p in parts])
    torch.testing.assert_close(logits, expected)
    (expected * weight).sum().backward()
    theirs = [X.grad, *(p.grad for p in head.parameters())]
    for got, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pooling", MIXES, ids="+".join)
def test_shares_sum_to_the_logits(pooling):
    head = make_head(pooling)
    # In eighths sums are exact in any order; else equal rows may differ in their last bit, since
    # a processor may take the rows of a product in blocks that it adds up differently.
    for parameter in head.project.parameters():
        parameter.data = (8 * parameter.data).round() / 8
    X = (8 * torch.randn(sum(LENGTHS), 6)).round() / 8
    X[1] = X[0]  # two tokens that tie for every maximum share it
    logits, shares, _ = head(X, LENGTHS, with_shares=True)
    assert shares.shape == (sum(LENGTHS), 3)
    for row, part in zip(logits, torch.split(shares, LENGTHS), strict=True):
        if len(part):
            torch.testing.assert_close(part.sum(0), row)
    if pooling == ["max"]:
        torch.testing.assert_close(shares[0], shares[1])


@pytest.mark.parametrize("pooling", MIXES, ids="+".join)
def test_parts_are_classified_as_sequences_are(pooling):
    head = make_head(pooling)
    X = torch.randn(sum(LENGTHS), 6)
    places = torch.randperm(len(X))[:5]
    logits, shares, parts = head(X, LENGTHS, with_shares=True, parts=(places, [2, 3]))
    torch.testing.assert_close(parts, head(X[places], [2, 3]))
    plain_logits, plain_shares, none = head(X, LENGTHS, with_shares=True)
    torch.testing.assert_close((logits, shares), (plain_logits, plain_shares))
    assert none.shape == (0, 3)


@pytest.mark.parametrize("pooling", MIXES, ids="+".join)
@pytest.mark.parametrize("lengths", [LENGTHS, [0, 0], [], [90, 0, 1, 300]], ids=str)
def test_inference_says_the_same(pooling, lengths):
    head = make_head(pooling)
    X = torch.randn(sum(lengths), 6)
    wanted = torch.randperm(len(X))[:5]
    parts = (wanted, [2, 3] if len(wanted) else [])
    expected = [found.detach() for found in head(X, lengths, with_shares=True, parts=parts)]
    with torch.inference_mode():
        # Rows after the tokens' are passed over.
        spare = torch.cat([X, torch.randn(3, 6)])
        found = head(spare, lengths, with_shares=True, parts=parts)
        assert head(spare, lengths, with_shares=True)[2].shape == (0, 3)
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_a_share_is_what_the_token_brings():
    head = make_head(["mean"])
    X = torch.randn(3, 6)
    _, shares, _ = head(X, [3], with_shares=True)
    alone = (oracle(head, X[1:2]) - head.output.bias) / 3 + head.output.bias / 3
    torch.testing.assert_close(shares[1], alone)


def test_sequences_without_tokens_get_the_bias():
    head = make_head(POOLING)
    logits, shares, _ = head(torch.zeros(0, 6), [0, 0], with_shares=True)
    torch.testing.assert_close(logits, head.output.bias.expand(2, 3))
    assert shares.shape == (0, 3)
    assert head(torch.zeros(0, 6), []).shape == (0, 3)


def test_dropout_only_in_training():
    head = make_head(["max"], dropout=0.5)
    X = torch.randn(sum(LENGTHS), 6)
    torch.testing.assert_close(head(X, LENGTHS), head(X, LENGTHS))
    head.train()
    assert not torch.equal(head(X, LENGTHS), head(X, LENGTHS))
