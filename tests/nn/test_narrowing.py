import pytest
import torch

from spacy_lstm.errors import LstmError
from spacy_lstm.nn.attention import MultiheadAttention
from spacy_lstm.nn.encoder import BiLSTMEncoder
from spacy_lstm.nn.narrowing import narrow_heads


def make_attention(width=32, heads=4) -> MultiheadAttention:
    attention = MultiheadAttention(width=width, heads=heads)
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return attention


@torch.no_grad()
def error(attention, narrow, H) -> float:
    wanted, found = attention(H, None)[0], narrow(H, None)[0]
    return float((wanted - found).pow(2).mean().sqrt())


def test_heads_of_the_same_width_say_the_same() -> None:
    torch.manual_seed(0)
    attention, H = make_attention(), torch.randn(3, 40, 32) + torch.randn(32)
    narrow = narrow_heads(attention, H.flatten(0, 1), 8)
    for wanted, found in zip(attention(H, None), narrow(H, None), strict=True):
        torch.testing.assert_close(wanted, found, atol=1e-4, rtol=1e-4)


def test_states_of_few_directions_need_no_more() -> None:
    torch.manual_seed(0)
    attention = make_attention()
    H = torch.randn(3, 60, 3) @ torch.randn(3, 32) + torch.randn(32)
    narrow = narrow_heads(attention, H.flatten(0, 1), 3)
    # Three directions and the bias of the queries.
    assert narrow.qkv.weight.shape == (3 * 4 * 3, 32)
    assert narrow.output.weight.shape == (32, 4 * 3)
    assert error(attention, narrow, H) < 1e-3


def test_less_is_lost_the_wider_they_are() -> None:
    torch.manual_seed(0)
    attention, H = make_attention(), torch.randn(4, 50, 32) * torch.linspace(0.05, 1.5, 32)
    lost = [error(attention, narrow_heads(attention, H.flatten(0, 1), n), H) for n in (1, 3, 6, 8)]
    assert lost[0] > lost[1] > lost[2] > lost[3]
    assert lost[-1] < 1e-4


def test_the_given_attention_stays_as_it_is() -> None:
    attention = make_attention()
    before = {name: weight.clone() for name, weight in attention.state_dict().items()}
    narrow_heads(attention, torch.randn(100, 32), 4)
    for name, weight in attention.state_dict().items():
        assert torch.equal(weight, before[name])


@pytest.mark.parametrize("head_width", [0, 9])
def test_heads_never_get_wider(head_width) -> None:
    with pytest.raises(LstmError, match=rf"head_width = {head_width}: expected 1 to 8"):
        narrow_heads(make_attention(), torch.randn(100, 32), head_width)


def test_an_encoder_is_built_with_narrow_heads() -> None:
    encoder = BiLSTMEncoder(input_width=5, width=16, attention="multihead", head_width=2)
    assert encoder.attention.qkv.weight.shape == (24, 16)
    assert encoder(torch.randn(9, 5), [4, 0, 5]).shape == (9, 16)


def test_narrow_heads_of_no_other_kind() -> None:
    with pytest.raises(LstmError, match="head_width = 2 with dot attention: expected multihead"):
        BiLSTMEncoder(input_width=5, width=16, attention="dot", head_width=2)


def test_states_that_do_not_vary() -> None:
    narrow = narrow_heads(make_attention(), torch.ones(50, 32), 4)
    assert all(weight.isfinite().all() for weight in narrow.state_dict().values())
