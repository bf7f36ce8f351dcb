"""When training computes with half the bits."""

import pytest
import torch
from torch import nn

from spacy_lstm.nn.precision import mixed_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(("has", "enabled"), [(True, True), (True, False), (False, True)])
def test_on_a_cpu_it_takes_the_instructions_and_the_wish(
    monkeypatch: pytest.MonkeyPatch, has: bool, enabled: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    layer, X = nn.Linear(4, 2), torch.ones(3, 4)
    with mixed_precision(CPU, enabled=enabled):
        Y = layer(X)
    assert Y.dtype == (torch.bfloat16 if has and enabled else torch.float32)
    # Gradients come as the weights are, so that nothing has to be scaled.
    Y.float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("has", [True, False])
def test_on_a_gpu_emulated_instructions_do_not_count(
    monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    def is_supported(including_emulation: bool = True) -> bool:
        return has or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    # This machine may have no GPU: nothing is computed.
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    context = mixed_precision(torch.device("cuda"))
    assert (context._enabled, context.fast_dtype) == (has, torch.bfloat16)


def test_other_devices_compute_in_single() -> None:
    assert not mixed_precision(torch.device("mps"))._enabled
