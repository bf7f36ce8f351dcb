import math

import numpy as np
import pytest
import torch

from spacy_lstm.coref.mentions import PRONOUNS
from spacy_lstm.coref.targets import CorefTargets, PairTarget
from spacy_lstm.coref.words import describe_word
from spacy_lstm.nn.coref import CorefRequest, CorefScorer
from spacy_lstm.nn.coref_loss import coref_loss, pair_loss

TEXTS = ("Ann saw the dog . She fed it .", "Bob left . He waved")
LENGTHS = [len(text.split()) for text in TEXTS]
WIDTH = 6


SETTINGS = {
    "input_width": WIDTH,
    "hidden_width": 8,
    "mention_width": 8,
    "max_width": 3,
    "ratio": 0.5,
    "floor": -9.0,
    "backward": 5,
    "forward": 3,
    "same_head": 1,
    "guidelines": 1,
    "dropout": 0.0,
}


@pytest.fixture
def scorer():
    torch.manual_seed(0)
    return CorefScorer(**SETTINGS)


def request_of(texts=TEXTS, spans=(), **options):
    codes = [describe_word(word, 0) for text in texts for word in text.split()]
    defaults = {"detect": True, "max_distance": 0}
    return CorefRequest(
        codes=np.array(codes).reshape(-1, 6),
        lengths=[len(text.split()) for text in texts],
        spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
        guideline=np.zeros(len(texts), dtype=np.int64),
        **(defaults | options),
    )


TOKENS = sum(LENGTHS)


def vectors(n=TOKENS):
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(1))


def targets_of(spans=(), cluster=(), pairs=(), documents=2, **options):
    flags = {"annotated": True, "exhaustive": True, "unmarked": False} | options
    return CorefTargets(
        spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
        cluster=np.array(cluster, dtype=np.int64),
        pairs=list(pairs),
        **{name: np.full(documents, flag) for name, flag in flags.items()},
    )


def spans_of(output):
    return set(zip(output.mentions.start.tolist(), output.mentions.end.tolist(), strict=True))


def test_spans_stay_in_their_sentence(scorer):
    output = scorer(vectors(), request_of())
    finite = torch.isfinite(output.mention_logits)
    ends = [5, 9, 12, 14]  # the last one is also that of the batch
    for token in range(TOKENS):
        rest = next(end for end in ends if end > token) - token
        assert finite[token].tolist() == [width < rest for width in range(3)]


def test_no_span_begins_or_ends_with_white_space(scorer):
    words = ["\n", "Ann", "\n", "left"]
    request = request_of(["w"])._replace(
        codes=np.array([describe_word(word, 0) for word in words]), lengths=[4]
    )
    finite = torch.isfinite(scorer(vectors(4), request).mention_logits)
    assert finite.tolist() == [[False] * 3, [True, False, True], [False] * 3, [True, False, False]]


def test_what_a_coordinator_joins_is_considered_too(scorer):
    torch.nn.init.constant_(scorer.span_score.bias, -100.0)
    texts = ["Ann and the dog left and she sat"]
    request = request_of(texts, spans=[(0, 1), (2, 4)])
    # "left" was not asked for, so the second coordinator joins nothing.
    assert spans_of(scorer(vectors(8), request)) == {(0, 1), (2, 4), (6, 7)}
    wider = CorefScorer(**SETTINGS | {"max_width": 4})
    torch.nn.init.constant_(wider.span_score.bias, -100.0)
    assert (0, 4) in spans_of(wider(vectors(8), request))


def test_pronouns_and_forced_spans_are_always_considered(scorer):
    torch.nn.init.constant_(scorer.span_score.bias, -100.0)
    found = spans_of(scorer(vectors(), request_of(spans=[(0, 5), (2, 4)])))
    assert found == {(0, 5), (2, 4), (5, 6), (7, 8), (12, 13)}


def test_without_detection_only_pronouns_and_forced_spans(scorer):
    torch.nn.init.constant_(scorer.span_score.bias, 100.0)
    assert spans_of(scorer(vectors(), request_of(spans=[(0, 1)], detect=False))) == {
        (0, 1),
        (5, 6),
        (7, 8),
        (12, 13),
    }


def test_keeps_the_best_spans_up_to_the_ratio(scorer):
    output = scorer(vectors(), request_of())
    kept = spans_of(output)
    for first, length in ((0, LENGTHS[0]), (LENGTHS[0], LENGTHS[1])):
        logits = output.mention_logits[first : first + length]
        best = torch.topk(logits.flatten(), math.ceil(0.5 * length)).indices
        assert {(first + int(k) // 3, first + int(k) // 3 + int(k) % 3 + 1) for k in best} <= kept


def test_batched_equals_one_by_one(scorer):
    both = scorer(vectors(), request_of())
    first = scorer(vectors()[: LENGTHS[0]], request_of(TEXTS[:1]))
    second = scorer(vectors()[LENGTHS[0] :], request_of(TEXTS[1:]))
    torch.testing.assert_close(both.null_logits, torch.cat([first.null_logits, second.null_logits]))
    pairs = torch.cat([first.pair_logits, second.pair_logits])
    torch.testing.assert_close(both.pair_logits, pairs)


@pytest.mark.parametrize("syntax", [False, True])
@pytest.mark.parametrize("learns", [False, True])
def test_nothing_to_score(syntax, learns):
    scorer = CorefScorer(**SETTINGS, syntax=syntax)
    with torch.set_grad_enabled(learns):
        _score_nothing(scorer)


def _score_nothing(scorer):
    output = scorer(vectors(0), request_of(texts=()))
    assert output.pair_logits.shape[0] == 0
    scorer.floor = math.inf
    output = scorer(vectors(2), request_of(texts=("the dog",)))
    assert output.pair_logits.shape[0] == 0


def test_every_parameter_gets_a_gradient(scorer):
    gold = [(0, 1), (2, 4), (5, 6), (7, 8)]
    targets = targets_of(gold, [0, 1, 0, 1], [PairTarget((12, 13), [(9, 10)], [True])])
    output = scorer(vectors(), request_of(spans=targets.all_spans))
    _, gradients = coref_loss(output, targets)
    torch.autograd.backward(list(output[:3]), list(gradients))
    for name, parameter in scorer.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_gradients_are_those_of_the_loss(scorer):
    """Against differences of the loss, the definition of a gradient."""
    targets = targets_of(
        [(0, 1), (5, 6)], [0, 0], [PairTarget((12, 13), [(9, 10), (10, 11)], [True, False])]
    )
    output = scorer(vectors(), request_of(spans=targets.all_spans))
    output = output._replace(
        mention_logits=output.mention_logits.detach().double(),
        pair_logits=output.pair_logits.detach().double(),
        null_logits=output.null_logits.detach().double(),
    )
    _, gradients = coref_loss(output, targets)
    step = 1e-4
    for name in ("pair_logits", "null_logits"):
        tensor = getattr(output, name)
        for place in torch.isfinite(tensor).nonzero()[::3]:
            values = []
            for sign in (1, -1):
                moved = tensor.clone()
                moved[tuple(place)] += sign * step
                values.append(coref_loss(output._replace(**{name: moved}), targets)[0])
            expected = (values[0] - values[1]) / (2 * step)
            got = getattr(gradients, name)[tuple(place)].item()
            assert got == pytest.approx(expected, abs=1e-6)


def test_pair_loss_by_hand(scorer):
    """A pronoun with one name before it: −log softmax of the name, twice by half."""
    output = scorer(vectors(4), request_of(texts=("Bob left . He",), spans=[(0, 1)], detect=False))
    pair = PairTarget((3, 4), [(0, 1)], [True])
    output = output._replace(
        null_logits=torch.zeros(2),
        pair_logits=torch.where(torch.isfinite(output.pair_logits), 1.0, -math.inf),
    )
    joined = torch.cat([output.null_logits.unsqueeze(1), output.pair_logits], dim=1)
    p = math.e / (1 + math.e)
    got = pair_loss(output, torch.log_softmax(joined, 1), pair)
    assert got.item() == pytest.approx(-1.5 * math.log(p))
    neither = pair_loss(output, torch.log_softmax(joined, 1), pair._replace(labels=[False]))
    assert neither.item() == pytest.approx(-1.5 * math.log(1 - p))


def test_unmarked_pronouns_say_nothing_where_the_guideline_is_partial(scorer):
    output = scorer(vectors(), request_of(spans=[(0, 1), (9, 10)], detect=False))
    _, partial = coref_loss(output, targets_of([(0, 1)], [0], unmarked=True))
    _, whole = coref_loss(output, targets_of([(0, 1)], [0]))
    pronouns = torch.tensor([m in {(5, 6), (7, 8), (12, 13)} for m in sorted(spans_of(output))])
    assert not partial.null_logits[pronouns].any()
    assert whole.null_logits[pronouns].all()


def test_documents_without_annotation_do_not_count(scorer):
    output = scorer(vectors(), request_of())
    loss, gradients = coref_loss(output, targets_of(annotated=False))
    assert loss == 0
    assert not any(gradient.any() for gradient in gradients[:3])


def test_third_person_pronouns_of_the_table_are_found(scorer):
    third = sorted(word for word, p in PRONOUNS.items() if p.person == 3 and p.family != "other")
    torch.nn.init.constant_(scorer.span_score.bias, -100.0)
    output = scorer(vectors(len(third)), request_of(texts=(" ".join(third),)))
    assert spans_of(output) == {(i, i + 1) for i in range(len(third))}
