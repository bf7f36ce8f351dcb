"""What a run leaves on disk: never half-written, and enough to go on from at any moment."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from ..errors import LstmError
from ..files import replacing

__all__ = ["load_checkpoint", "read_log", "save_checkpoint"]

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_checkpoint(
    path: Path, module: nn.Module, optimizer: Optimizer, header: Mapping[str, Any]
) -> None:
    """Write weights, the optimizer's moments (of Adam) and a header of plain values."""
    state = dict(module.state_dict())
    names = {id(p): name for name, p in module.named_parameters()}
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            state[f"optimizer.{key}.{names[id(parameter)]}"] = value
    content = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in state.items()},
        metadata={"pretraining": json.dumps(header, sort_keys=True)},
    )
    with replacing(path) as beside:
        beside.write_bytes(content)


def load_checkpoint(
    path: Path, module: nn.Module, optimizer: Optimizer, expected: Mapping[str, Any]
) -> dict[str, Any]:
    """Load what `save_checkpoint` wrote.

    expected: entries that the header has to have as they are.
    RETURNS: the header; empty where there is no checkpoint.
    """
    if not path.is_file():
        return {}
    header, state = _read(path)
    for name, value in expected.items():
        # Early checkpoints do not tell their text.
        if header.get(name, value) != value:
            raise LstmError(
                f"{path} was written with other {name} ({_difference(header[name], value)}): give "
                "the same, or another output folder"
            )
    moments = {key: state.pop(key) for key in list(state) if key.startswith("optimizer.")}
    parameters = dict(module.named_parameters())
    try:
        module.load_state_dict(state)
        loaded = {
            name: {key: moments.pop(f"optimizer.{key}.{name}") for key in _MOMENTS}
            for name in parameters
        }
    except (RuntimeError, KeyError) as error:
        raise LstmError(
            f"{path} belongs to another model: delete it, or give another output folder"
        ) from error
    for name, parameter in parameters.items():
        # The fused Adam counts its steps where the weights are.
        moments = {key: value.to(parameter.device) for key, value in loaded[name].items()}
        optimizer.state[parameter] = moments
    return header


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["pretraining"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return {**header, "step": int(header["step"]), "settings": header["settings"]}, state
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LstmError(
            f"{path} is no checkpoint of pretraining: delete it to start anew"
        ) from error


def _difference(got: Any, expected: Any) -> str:
    if not isinstance(got, dict):
        return f"{got}, now {expected}"
    return ", ".join(
        f"{name} = {got.get(name)}, now {expected.get(name)}"
        for name in {**got, **expected}
        if got.get(name) != expected.get(name)
    )


def read_log(path: Path, header: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of a log up to a checkpoint, whose own line a killed run may not have come to.

    header: of the checkpoint; empty for a new run, which has a new log. What is no line of a
        log is left out.
    """
    step = header.get("step", 0)
    lines = path.read_bytes().splitlines() if step and path.is_file() else []
    records: list[dict[str, Any]] = []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            if record["step"] <= step:
                records.append(record)
    if "record" in header and not (records and records[-1]["step"] == step):
        records.append(header["record"])
    return records
