"""Training with half the bits where the processor multiplies faster with them."""

import torch

__all__ = ["mixed_precision"]


def mixed_precision(device: torch.device, *, enabled: bool = True) -> torch.autocast:
    """A context in which matrix products and recurrent layers compute in bfloat16, and all else in
    single precision (Micikevicius et al. 2018); one that changes nothing where it is not enabled
    or the processor has no such instructions, since emulating them is far slower.

    On a CPU with them an LSTM trains two to three times as fast.
    """
    available = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if device.type == "cuda"
        else device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    )
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled and available)
