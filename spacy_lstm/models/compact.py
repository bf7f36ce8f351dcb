"""Weights in fewer bytes: half precision, and the large tables in eight bits."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from ..lexicons.vectors import round_rows

__all__ = ["compress", "decompress"]

# Smaller tables take no room worth a rounding error.
_FEWEST_ROWS: Final = 1_000
_CODES, _SCALES = ".codes", ".scales"


def compress(module: nn.Module) -> dict[str, Tensor]:
    """The weights of a module, rounded.

    Large tables of embeddings are rounded as word vectors are, see `lexicons.vectors.round_rows`;
    other weights to half precision.

    RETURNS: by name; a rounded table has two entries, its `.codes` (int8, *shape* ``(rows,
        width)``) and its `.scales` (half, *shape* ``(rows, 1)``).
    """
    tables = {
        f"{name}.weight"
        for name, part in module.named_modules()
        if isinstance(part, nn.Embedding) and part.num_embeddings >= _FEWEST_ROWS
    }
    tensors: dict[str, Tensor] = {}
    for name, weights in module.state_dict().items():
        if name in tables:
            codes, scales = map(torch.from_numpy, round_rows(weights.cpu().numpy()))
            tensors |= {name + _CODES: codes, name + _SCALES: scales.half()}
        else:
            tensors[name] = weights.half() if weights.is_floating_point() else weights
    return tensors


def decompress(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they were before `compress`, but for the rounding; others stay as they are.

    Raises ValueError where codes and scales do not belong together.
    """
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        table = name.removesuffix(_CODES)
        scales = tensors.get(table + _SCALES)
        if name.endswith(_SCALES) and name.removesuffix(_SCALES) + _CODES in tensors:
            continue
        if table == name:
            weights[name] = tensor
        elif scales is None or tensor.ndim != 2 or scales.shape != (len(tensor), 1):
            raise ValueError(f"{name} has no scales that fit it")
        else:
            weights[table] = tensor.float() * scales.float()
    return weights
