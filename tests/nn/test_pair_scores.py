"""What inference computes its own way against what training computes."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from thinc.api import Adam

from spacy_lstm.coref.words import describe_word
from spacy_lstm.models.wrapper import TorchBridge
from spacy_lstm.nn.coref import CorefRequest, CorefScorer
from spacy_lstm.nn.pair_scores import PairProducts

LOGITS = ("mention_logits", "pair_logits", "null_logits")
WORDS = "Ann Bob saw the dog dogs . She he it fed his of and they 's in “ ” Smith"
SETTINGS = {
    "input_width": 12,
    "hidden_width": 8,
    "mention_width": 10,
    "max_width": 3,
    "ratio": 0.9,
    "floor": -9.0,
    "backward": 20,
    "forward": 5,
    "same_head": 2,
    "guidelines": 1,
    "dropout": 0.0,
}


def make_scorer(*, syntax):
    torch.manual_seed(0)
    scorer = CorefScorer(**SETTINGS, syntax=syntax)
    for parameter in scorer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return scorer.eval()


def make_input(lengths, seed=0):
    rng = np.random.default_rng(seed)
    codes = [describe_word(word, 0) for word in rng.choice(WORDS.split(), sum(lengths))]
    request = CorefRequest(
        codes=np.array(codes).reshape(-1, 6),
        lengths=list(lengths),
        spans=np.zeros((0, 2), dtype=np.int64),
        detect=True,
        guideline=np.zeros(len(lengths), dtype=np.int64),
        max_distance=0,
    )
    return torch.from_numpy(rng.normal(size=(sum(lengths), 12)).astype("f")), request


def assert_ways_agree(scorer, lengths=(70, 3, 400)):
    X, request = make_input(lengths)
    plain = scorer(X, request)
    with torch.inference_mode():
        lean = scorer(X, request)
    assert plain.null_logits.requires_grad
    assert np.array_equal(plain.pairs.candidates, lean.pairs.candidates)
    for name in LOGITS:
        torch.testing.assert_close(
            getattr(lean, name), getattr(plain, name).detach(), rtol=1e-5, atol=1e-5
        )
    return lean


@pytest.mark.parametrize("syntax", [False, True])
@pytest.mark.parametrize("lengths", [(1,), (2, 0, 9), (70, 3, 400), (1500,)])
def test_inference_scores_as_training_does(syntax, lengths):
    assert_ways_agree(make_scorer(syntax=syntax), lengths)


@pytest.mark.parametrize("syntax", [False, True])
def test_changed_weights_count_at_once(syntax):
    scorer = make_scorer(syntax=syntax)
    before = assert_ways_agree(scorer)
    scorer.pair_features.weight.detach()[5] += 0.5
    changed = assert_ways_agree(scorer)
    found = torch.isfinite(before.pair_logits)
    assert (before.pair_logits - changed.pair_logits)[found].abs().max() > 1e-3
    scorer.load_state_dict(make_scorer(syntax=syntax).state_dict())
    again = assert_ways_agree(scorer)
    torch.testing.assert_close(again.pair_logits, before.pair_logits)


def test_through_the_bridge_in_training_averages_and_bytes():
    bridge = TorchBridge("coref", CorefScorer, SETTINGS)
    bridge.build(syntax=True)
    X, request = make_input((30, 8))
    optimizer = Adam(0.05, use_averages=True)
    seen = []
    for _ in range(3):
        seen.append(bridge.predict(X, request).null_logits)
        output, backprop = bridge.run_update(X, request, dropout=0.0)
        gradient = torch.where(torch.isfinite(output.pair_logits), 1.0, 0.0)
        backprop((None, gradient, torch.ones_like(output.null_logits), *[None] * 3, None, None))
        bridge.finish_update(optimizer)
        assert_ways_agree(bridge.module)
    assert not torch.equal(seen[0], seen[-1])
    with bridge.use_params(optimizer.averages):
        assert_ways_agree(bridge.module)
    assert_ways_agree(bridge.module)
    copy = TorchBridge("coref", CorefScorer, {}).from_bytes(bridge.to_bytes())
    assert_ways_agree(copy.module)
    assert_ways_agree(deepcopy(bridge.module))


def test_the_kept_table_is_no_weight():
    scorer = make_scorer(syntax=True)
    names = set(scorer.state_dict())
    assert_ways_agree(scorer)
    assert set(scorer.state_dict()) == names


def test_an_earlier_inference_leaves_gradients_as_they_are():
    gradients = []
    for warm in (False, True):
        scorer = make_scorer(syntax=True)
        X, request = make_input((40, 12))
        if warm:
            with torch.inference_mode():
                scorer(X, request)
        output = scorer(X, request)
        logits = output.pair_logits
        (logits[torch.isfinite(logits)].sum() + output.null_logits.sum()).backward()
        gradients.append({name: p.grad for name, p in scorer.named_parameters()})
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        assert (gradient is None) == (other is None), name
        # Threads may add up in any order.
        if gradient is not None:
            torch.testing.assert_close(gradient, other)
    assert gradients[0]["pair_features.weight"].abs().sum() > 0
    assert gradients[0]["mention_governor.weight"].abs().sum() > 0


@pytest.mark.parametrize("mentions", [1, 2, 48, 49, 400])
def test_products_of_near_and_far_pairs(mentions):
    rng = np.random.default_rng(0)
    i, j = np.sort(rng.integers(0, mentions, 500)), rng.integers(0, mentions, 500)
    Q, G, own = (torch.randn(mentions, width) for width in (6, 6, 2))
    expected = [Q[a] @ G[b] + own[a, 0] + own[b, 1] for a, b in zip(i, j, strict=True)]
    found = PairProducts(Q, G, own).of(i, j)
    torch.testing.assert_close(found, torch.stack(expected))
    if mentions == 400:
        assert {int(distance) for distance in np.abs(i - j)} > {48, 49}
