import pytest
import torch
from torch import nn

from spacy_lstm.models.compact import compress, decompress


class _Words(nn.Module):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, 48)
        self.output = nn.Linear(48, 3)
        self.register_buffer("counts", torch.arange(5))


@pytest.fixture
def words() -> _Words:
    torch.manual_seed(0)
    return _Words(1_000)


def test_large_tables_take_a_byte_a_number(words: _Words) -> None:
    tensors = compress(words)
    assert tensors["table.weight.codes"].dtype == torch.int8
    assert tensors["table.weight.scales"].shape == (1_000, 1)
    assert tensors["output.weight"].dtype == torch.half
    assert tensors["counts"].dtype == torch.long
    assert "table.weight" not in tensors


def test_rounding_stays_below_half_a_step(words: _Words) -> None:
    with torch.no_grad():
        words.table.weight[7] *= 100
        words.table.weight[8] = 0
    weights = decompress(compress(words))
    assert weights.keys() == words.state_dict().keys()
    error = (weights["table.weight"] - words.table.weight).abs()
    step = words.table.weight.abs().amax(dim=1, keepdim=True) / 127
    # The scales are rounded too, to half precision.
    assert (error <= 0.57 * step + 1e-7).all()
    assert not weights["table.weight"][8].any()


def test_what_was_rounded_once_is_not_changed_again(words: _Words) -> None:
    first = compress(words)
    words.load_state_dict({name: t.float() for name, t in decompress(first).items()})
    second = compress(words)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_small_tables_are_kept_in_half_precision() -> None:
    assert compress(_Words(999))["table.weight"].dtype == torch.half


def test_codes_without_their_scales_are_refused(words: _Words) -> None:
    tensors = compress(words)
    lost = {name: t for name, t in tensors.items() if name != "table.weight.scales"}
    with pytest.raises(ValueError, match=r"table\.weight\.codes has no scales that fit it"):
        decompress(lost)
    short = {**tensors, "table.weight.scales": tensors["table.weight.scales"][:-1]}
    with pytest.raises(ValueError, match=r"table\.weight\.codes has no scales that fit it"):
        decompress(short)
