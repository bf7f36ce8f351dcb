import math

import pytest
import torch

from spacy_lstm.nn.encoder import CELLS, BiLSTMEncoder
from spacy_lstm.nn.language_model import BidirectionalLanguageModel

WIDTH = 3


def make_model(words=20, samples=5):
    torch.manual_seed(0)
    return BidirectionalLanguageModel(width=WIDTH, words=words, samples=samples)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    words = torch.tensor([[4, -1, 0, 7], [1, 19, 2, -1]])
    return torch.randn(2, 4, 2 * WIDTH), words


def log_probability(model, direction, state, word):
    logits = model.output.weight @ model.projections[direction](state) + model.bias.weight[:, 0]
    return torch.log_softmax(logits, 0)[word].item()


def test_forward_states_tell_the_next_word_and_backward_states_the_previous(batch, monkeypatch):
    H, words = batch
    model = make_model()
    means = []
    for direction, step in ((0, 1), (1, -1)):
        losses = []
        for row in range(2):
            for place in range(4):
                other = place + step
                if 0 <= other < 4 and words[row, other] >= 0:
                    half = H[row, place, direction * WIDTH :][:WIDTH]
                    losses.append(-log_probability(model, direction, half, words[row, other]))
        means.append(sum(losses) / len(losses))
    expected = sum(means) / 2
    assert model.log_perplexity(H, words).item() == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr("spacy_lstm.nn.language_model._BLOCK", 2)
    assert model.log_perplexity(H, words).item() == pytest.approx(expected, rel=1e-5)
    # With every word drawn, and none rarer than another, the sampled softmax is the whole one.
    monkeypatch.setattr(model, "draw", lambda: torch.arange(20))
    monkeypatch.setattr(model, "_log_expected", torch.zeros_like)
    assert model.loss(H, words).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("words", "samples"), [(20, 5), (3, 3), (1, 1), (400, 100)])
def test_words_are_drawn_as_often_as_expected(words, samples):
    model = make_model(words, samples)
    rounds = 4000
    counts = torch.zeros(words)
    for _ in range(rounds):
        drawn = model.draw()
        assert len(drawn) == samples
        known = drawn[drawn >= 0]
        assert len(known) == len(known.unique()) > 0
        counts[known] += 1
    expected = model._log_expected(torch.arange(words)).exp()
    assert (expected <= 1).all()
    # Five standard deviations of a share of so many rounds.
    torch.testing.assert_close(counts / rounds, expected, atol=5 * 0.5 / rounds**0.5, rtol=0)


def test_the_sampled_loss_learns_the_true_distribution():
    """What is drawn most must not come out the less probable for it."""
    model = make_model(words=12, samples=4)
    # Far from the log-uniform distribution that words are drawn from: rare words come often.
    shares = torch.linspace(1, 3, 12)
    shares /= shares.sum()
    optimizer = torch.optim.Adam([model.bias.weight], lr=0.02)
    H = torch.zeros(1, 600, 2 * WIDTH)
    for projection in model.projections:
        torch.nn.init.zeros_(projection.bias)
    for step in range(600):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 600)
        words = torch.multinomial(shares, 600, replacement=True).unsqueeze(0)
        optimizer.zero_grad()
        model.loss(H, words).backward()
        optimizer.step()
    learnt = torch.softmax(model.bias.weight.detach().squeeze(1), 0)
    torch.testing.assert_close(learnt, shares, rtol=0.15, atol=0)


@pytest.mark.parametrize("words", [1, 20])
def test_places_without_a_word_to_tell_are_harmless(words):
    model = make_model(words, samples=4)
    H = torch.randn(2, 3, 2 * WIDTH, requires_grad=True)
    known = torch.tensor([[-1, 0, -1], [-1, -1, -1]])
    for tokens in (known, torch.full_like(known, -1)):
        loss = model.loss(H, tokens)
        loss.backward()
        assert math.isfinite(loss.item())
        assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert loss.item() == 0 == model.log_perplexity(H, torch.full_like(known, -1)).item()


@pytest.mark.parametrize("cut", [1, 2])
def test_losses_and_gradients_of_shares_add_up_to_those_of_the_batch(cut):
    torch.manual_seed(2)
    H = torch.randn(3, 5, 2 * WIDTH)
    # The shares have unlike numbers of places, and one of them has none in a direction.
    words = torch.tensor([[4, -1, 0, 7, 2], [1, 19, 2, -1, 3], [5, -1, -1, -1, -1]])
    model = make_model()
    drawn = model.draw()
    places = model.count_places(words)
    assert places == (6, 7)

    def run(rows, **options):
        model.zero_grad()
        loss = model.loss(H[rows], words[rows], drawn, **options)
        loss.backward()
        return loss.item(), [p.grad.clone() for p in model.parameters()]

    whole, gradients = run(slice(None))
    one, two = (run(rows, places=places) for rows in (slice(cut), slice(cut, None)))
    assert one[0] + two[0] == pytest.approx(whole, rel=1e-6)
    for gradient, *parts in zip(gradients, one[1], two[1], strict=True):
        torch.testing.assert_close(sum(parts), gradient)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_no_state_knows_what_it_has_to_tell(cell):
    torch.manual_seed(0)
    encoder = BiLSTMEncoder(input_width=4, width=2 * WIDTH, cell=cell, attention="dot").train()
    X = torch.randn(2 * 7, 4, requires_grad=True)
    H = encoder.recur(X, [7, 7]).view(2, 7, 2 * WIDTH)
    for place in range(7):
        for half, seen in ((slice(WIDTH), range(place + 1)), (slice(WIDTH, None), range(place, 7))):
            (gradient,) = torch.autograd.grad(H[0, place, half].sum(), X, retain_graph=True)
            rows = gradient.view(2, 7, 4).abs().sum(2)
            assert (rows[0] > 0).nonzero().flatten().tolist() == list(seen)
            assert not rows[1].any()
