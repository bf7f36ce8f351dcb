"""The one bridge between thinc and torch.

thinc's own `PyTorchShim` leaves three things behind, so this shim does not build on it: averaged
weights reach torch at evaluation, `set_dropout_rate` reaches every `nn.Dropout`, and weights are
stored as safetensors together with the sizes that the module was built with.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from thinc.api import Model, Optimizer, get_torch_default_device, torch2xp, xp2torch
from thinc.shims.shim import Shim
from torch import Tensor, nn

from ..errors import LstmError
from ..nn.inference import note_change
from ..nn.precision import mixed_precision
from .compact import compress, decompress

__all__ = ["TorchBridge", "get_bridge", "split_rows"]

_FORMAT: Final = "spacy_lstm.v1"

# A fork inherits the pool of OpenMP without its threads, and would wait for them for ever. One
# thread needs no pool. (`nlp.pipe(n_process=2)` forks, and so do servers.)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

Settings = dict[str, Any]


class TorchBridge(Shim):
    """Holds a torch module for a thinc model.

    The module is built when its sizes are known: by `build` on `initialize`, or from stored
    weights, whose sizes win over those of the config.

    name: of the architecture; stored with the weights, so that others' weights are refused.
    factory: builds the module from `settings`.
    settings: keyword arguments of the factory, plain JSON values; those not known yet are left
        out and given to `build`.
    """

    def __init__(
        self, name: str, factory: Callable[..., nn.Module], settings: Mapping[str, Any]
    ) -> None:
        super().__init__(None)
        self.name = name
        self.factory = factory
        self.settings: Settings = dict(settings)
        # Bundles are stored with less precision; what is computed stays in single.
        self.stores_compact = False
        self._first: tuple[nn.Module, nn.Parameter] | None = None
        self.mixed_precision = False

    @property
    def module(self) -> nn.Module:
        if self._model is None:
            raise LstmError(
                f"The {self.name} model has no weights yet: call nlp.initialize(), train it, or "
                "load a pipeline or bundle that holds them."
            )
        return cast(nn.Module, self._model)

    @property
    def is_built(self) -> bool:
        return self._model is not None

    def build(self, **settings: Any) -> nn.Module:
        """Make the module with fresh weights from the settings and the ones given here."""
        self.settings.update(settings)
        # Weights that are made in inference mode know no gradients and count no changes.
        with torch.inference_mode(False):
            self._model = self.factory(**self.settings).to(get_torch_default_device())
        self._model.eval()
        return self.module

    @property
    def device(self) -> torch.device:
        module = self.module
        # To look for the first one takes as long as several layers of a short text.
        if self._first is None or self._first[0] is not module:
            self._first = module, next(module.parameters())
        return self._first[1].device

    def to_tensor(self, array: Any, *, requires_grad: bool = False) -> Tensor:
        """A numpy or cupy array as a tensor on this module's device, without a copy if it can; a
        tensor may be given, too."""
        if isinstance(array, np.ndarray):
            array = torch.from_numpy(array)
        # thinc's own way takes as long as several layers of a short text.
        known = isinstance(array, Tensor)
        tensor: Tensor = array.to(self.device) if known else xp2torch(array, device=self.device)
        return tensor.detach().requires_grad_() if requires_grad else tensor

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Run the module for its answer alone: no dropout, no gradients kept."""
        module = self.module
        # Only switched when it must be: many threads may predict with one model.
        if module.training:
            module.eval()
        with torch.inference_mode():
            return module(*args, **kwargs)

    def run_update(
        self, *args: Any, dropout: float, **kwargs: Any
    ) -> tuple[Any, Callable[[Any], list[Any]]]:
        """Run the module for training, in mixed precision if that is set and the processor has it.

        dropout: the rate for every `nn.Dropout` in it, from the thinc model's attributes.
        RETURNS: the output, and a callback that takes the gradients of the output's tensors
            (None for those without) and gives the gradients of those positional arguments
            that require one, as arrays.
        """
        module = self.module
        module.train()
        for layer in module.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = dropout
        with mixed_precision(self.device, enabled=self.mixed_precision):
            outputs = module(*args, **kwargs)
        module.eval()
        if isinstance(outputs, Tensor):
            # Arrays know no bfloat16, which mixed precision may leave; others are single already.
            outputs = outputs.float()

        def backprop(gradients: Any) -> list[Any]:
            tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
            given = [gradients] if isinstance(outputs, Tensor) else list(gradients)
            # A field of the output may be a tuple of tensors itself, and then its gradient is.
            known = [
                pair
                for t, g in zip(tensors, given, strict=True)
                for pair in (zip(t, g, strict=True) if isinstance(g, tuple) else [(t, g)])
            ]
            # A tensor may hang on no weights: the scores of no pairs are but empty.
            pairs = [(t, g) for t, g in known if g is not None and t.requires_grad]
            torch.autograd.backward(
                [tensor for tensor, _ in pairs],
                [g if isinstance(g, Tensor) else self.to_tensor(g) for _, g in pairs],
            )
            wanted = [arg for arg in args if isinstance(arg, Tensor) and arg.requires_grad]
            return [
                torch2xp(arg.grad if arg.grad is not None else torch.zeros_like(arg))
                for arg in wanted
            ]

        return outputs, backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """Hand every parameter that has a gradient to thinc's optimizer."""
        for name, parameter in self.module.named_parameters():
            if parameter.grad is None:
                continue
            gradient = parameter.grad.contiguous()
            weights: Any = torch2xp(parameter.data)
            updated, _ = optimizer((self.id, name), weights, cast(Any, torch2xp(gradient)))
            tensor = xp2torch(updated, device=parameter.device)
            if tensor.data_ptr() != parameter.data_ptr():
                parameter.data.copy_(tensor)
            parameter.grad = None
        note_change()

    @contextmanager
    def use_params(self, params: Mapping[Any, Any]) -> Iterator[None]:
        """Swap in other weights, such as the optimizer's averages, for the time of a block."""
        backup: dict[str, Tensor] = {}
        parameters = dict(self._model.named_parameters()) if self.is_built else {}
        for name, parameter in parameters.items():
            if (self.id, name) in params:
                backup[name] = parameter.data
                parameter.data = self.to_tensor(params[(self.id, name)]).clone()
        note_change()
        try:
            yield
        finally:
            for name, data in backup.items():
                parameters[name].data = data
            note_change()

    def to_device(self, device_type: str, device_id: int) -> None:
        """Called by thinc to move the weights: "cpu", or "gpu" with its number."""
        if self.is_built:
            self._model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        """The weights as safetensors, with the name and the settings in its header. Empty for a
        model without weights."""
        if not self.is_built:
            return b""
        weights = compress(self._model) if self.stores_compact else self._model.state_dict()
        tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
        # One entry: safetensors writes several in no fixed order, and equal weights should be
        # equal bytes.
        header = {"name": self.name, "settings": self.settings}
        return safetensors.torch.save(
            tensors, metadata={_FORMAT: json.dumps(header, sort_keys=True)}
        )

    def from_bytes(self, bytes_data: bytes) -> "TorchBridge":
        """Rebuild the module with the stored settings and weights."""
        if not bytes_data:
            self._model = None
            return self
        header = _read_header(bytes_data, self.name)
        try:
            tensors = decompress(safetensors.torch.load(bytes_data))
        except (SafetensorError, ValueError) as error:
            raise LstmError(_damaged(self.name, str(error))) from error
        self.settings = header
        with torch.inference_mode(False):
            module = self.factory(**header).to(get_torch_default_device())
        wanted = module.state_dict()
        for name in wanted.keys() | tensors.keys():
            got = tuple(tensors[name].shape) if name in tensors else None
            expected = tuple(wanted[name].shape) if name in wanted else None
            if got != expected:
                raise LstmError(
                    _damaged(self.name, f"{name} has the shape {got}, expected {expected}")
                )
        # Weights may be stored with less precision; the module decides what it computes with.
        module.load_state_dict({n: t.to(wanted[n].dtype) for n, t in tensors.items()})
        self._model = module.eval()
        return self


def get_bridge(model: Model[Any, Any]) -> TorchBridge:
    """The bridge of a thinc model that has one."""
    return cast(TorchBridge, model.shims[0])


def _read_header(data: bytes, name: str) -> Settings:
    size = int.from_bytes(data[:8], "little")
    try:
        metadata = json.loads(data[8 : 8 + size])["__metadata__"]
        header = json.loads(metadata[_FORMAT])
        found, settings = header["name"], header["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise LstmError(_damaged(name, "the header cannot be read")) from error
    if found != name or not isinstance(settings, dict):
        raise LstmError(_damaged(name, f"they are those of a {found} model"))
    return cast(Settings, settings)


def _damaged(name: str, what: str) -> str:
    return (
        f"These are no weights of a {name} model: {what}. The file is damaged or belongs to "
        "another architecture or version; save or download it again."
    )


def split_rows(array: Any, lengths: Sequence[int]) -> list[Any]:
    """The rows of a ragged array, one part a sequence."""
    parts = []
    start = 0
    for length in lengths:
        parts.append(array[start : start + length])
        start += length
    return parts
