"""What a CPU computes faster when no gradient is wanted.

oneDNN multiplies single precision two to three times as fast as the library that torch asks by
default, on the processors whose makers did not write that library. It compiles its code for every
shape it meets, which takes as long as a thousand rows, and keeps a thousand of them: so shapes are
rounded up to few different ones.
"""

import platform
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

__all__ = [
    "FEWEST_ROWS",
    "HAS_ONEDNN",
    "Derived",
    "is_lean",
    "multiply",
    "note_change",
    "pad_rows",
    "padded_rows",
    "parameters_of",
    "round_up",
]

Ints = npt.NDArray[np.int64]
Made = TypeVar("Made")

_ROW_STEP: Final = 256
_SMALL_STEP: Final = 32
FEWEST_ROWS: Final = 64
"""Fewer rows are multiplied as fast by what torch asks by default, which knows no shapes."""

HAS_ONEDNN: Final = (
    torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    and platform.machine().lower() in ("x86_64", "amd64")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)
"""Whether oneDNN's products can be had, and are the faster ones."""

# How often `note_change` was called.
_changes = 0


def is_lean(X: Tensor) -> bool:
    """Whether what is computed from `X` may go a way that keeps nothing for a gradient."""
    return X.device.type == "cpu" and not torch.is_grad_enabled()


def round_up(count: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-count // step) * step


def pad_rows(places: Ints) -> Ints:
    """Rows to look up, and after them row 0 so many times that few different numbers of rows
    come of it.

    places: *Shape:* ``(n, …)``
    """
    count = len(places)
    spare = padded_rows(count) - count
    if not spare:
        return places
    return np.concatenate([places, np.zeros((spare, *places.shape[1:]), dtype=np.int64)])


def padded_rows(count: int) -> int:
    """How many rows to multiply in the place of so many, that few different numbers come of it."""
    if count < FEWEST_ROWS:
        return count
    return round_up(count, _SMALL_STEP if count < _ROW_STEP else _ROW_STEP)


def multiply(X: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X · weightᵀ + bias, by oneDNN where that is the faster way; the same to rounding. For inputs
    of few different shapes.

    X: *Shape:* ``(rows, input)``, or with more axes before the last.
    weight: *Shape:* ``(output, input)``
    """
    if (
        HAS_ONEDNN
        and X.numel() >= FEWEST_ROWS * X.shape[-1]
        and X.dtype == weight.dtype == torch.float32
        and is_lean(X)
    ):
        found: Tensor = torch.ops.mkldnn._linear_pointwise(X, weight, bias, "none", [], "")
        return found
    return linear(X, weight, bias)


def parameters_of(layers: Iterable[nn.Linear]) -> list[Tensor]:
    """Weight and bias of each layer, without a bias the weight alone. (`Module.parameters` takes
    ten times as long, as long as a step of the shortest text.)"""
    found: list[Tensor] = []
    for layer in layers:
        found.append(layer.weight)
        if layer.bias is not None:
            found.append(layer.bias)
    return found


class Derived(Generic[Made]):
    """Something worked out from weights, kept as long as they stay: as long as they lie where they
    did and torch counts no change. Who writes past its count, as thinc's optimizer does and as
    `weight.data` lets one, has to tell with `note_change`; `models.wrapper.TorchBridge` does.

    make: gives it, from the weights.
    """

    def __init__(self, make: Callable[..., Made]) -> None:
        self._make = make
        self._kept: tuple[list[int], Made] | None = None

    def of(self, *weights: Tensor) -> Made:
        """What belongs to these weights."""
        state = [_changes]
        for weight in weights:
            state += weight.data_ptr(), weight._version
        kept = self._kept
        if kept is None or kept[0] != state:
            kept = state, self._make(*(weight.detach() for weight in weights))
            self._kept = kept
        return kept[1]

    def __getstate__(self) -> dict[str, Any]:
        # Worked out again where it is copied to; what oneDNN has packed could not travel.
        return {"_make": self._make, "_kept": None}


def note_change() -> None:
    """Tell that weights were written past torch's count of changes. (To have torch count it would
    forbid gradients of what was computed before, which encoders that are shared need.)"""
    global _changes
    _changes += 1
