"""All that was recorded while an encoder read a text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ..errors import LstmError
from ..files import replacing
from .attention import AttentionTrace
from .gates import CHANNELS, GateTrace
from .storage import (
    FORMAT,
    Arrays,
    find_form,
    pack_json,
    pack_npz,
    read_array,
    refusing,
    unpack_json,
    unpack_npz,
)
from .windows import Window, check_windows

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """What the encoder of a component did with a text, and the attentions over it."""

    text: str
    lang: str
    tokens: tuple[str, ...]
    offsets: tuple[int, ...]
    """Of each token's first character in the text."""
    component: str
    """The pipe whose encoder it is."""
    windows: tuple[Window, ...]
    gates: tuple[GateTrace, ...]
    """By layer, forward before backward."""
    attention: tuple[AttentionTrace, ...] = ()

    def find(self, *, layer: int = 0, direction: str = "forward") -> GateTrace:
        """The gates of a layer and direction; a negative layer counts from the last one."""
        layers = 1 + max((gate.layer for gate in self.gates), default=-1)
        wanted = layer + layers if layer < 0 else layer
        for gate in self.gates:
            if (gate.layer, gate.direction) == (wanted, direction):
                return gate
        had = ", ".join(f"{gate.layer} {gate.direction}" for gate in self.gates)
        raise LstmError(f"no layer {layer} {direction} in the trace: it has {had or 'none'}")

    def save(self, path: str | Path) -> None:
        """Write it as .npz or .json, by the name's end; whole or not at all."""
        target = Path(path)
        content = self.to_npz() if find_form(target) == ".npz" else self.to_json().encode()
        with replacing(target) as beside:
            beside.write_bytes(content)

    @classmethod
    def load(cls, path: str | Path) -> "Self":
        """Read what `save` wrote."""
        source = Path(path)
        read = cls.from_npz if find_form(source) == ".npz" else cls.from_json
        try:
            content = source.read_bytes()
        except OSError as error:
            raise LstmError(f"cannot read {source}: {error.strerror}") from error
        try:
            return read(content)
        except LstmError as error:
            raise LstmError(f"{source}: {error}") from error

    def to_npz(self) -> bytes:
        """The content of a .npz file: arrays as they are, all else as JSON in one of them."""
        return pack_npz(self._head(), self._arrays())

    @classmethod
    def from_npz(cls, content: bytes) -> "Self":
        """What `to_npz` gave."""
        with refusing():
            return cls._build(*unpack_npz(content))

    def to_json(self) -> str:
        """One JSON object; floats as short as they can be told from their neighbours."""
        return pack_json(self._head(), self._arrays())

    @classmethod
    def from_json(cls, content: str | bytes) -> "Self":
        """What `to_json` gave."""
        with refusing():
            return cls._build(*unpack_json(content))

    def _head(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "text": self.text,
            "lang": self.lang,
            "tokens": list(self.tokens),
            "offsets": list(self.offsets),
            "component": self.component,
            "windows": [list(window) for window in self.windows],
            "gates": [
                {"layer": gate.layer, "direction": gate.direction, "cell": gate.cell}
                for gate in self.gates
            ],
            "attention": [{"name": each.name, "kind": each.kind} for each in self.attention],
        }

    def _arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for number, gate in enumerate(self.gates):
            for channel, values in gate.steps.items():
                yield f"gates.{number}.{channel}", values
        for number, each in enumerate(self.attention):
            yield f"attention.{number}.keys", each.keys
            yield f"attention.{number}.weights", each.weights

    @classmethod
    def _build(cls, head: Mapping[str, Any], arrays: Arrays) -> "Self":
        if head["format"] != FORMAT:
            raise ValueError(f"the format is {head['format']!r}, expected {FORMAT!r}")
        windows = tuple(Window(*map(int, window)) for window in head["windows"])
        tokens, offsets = tuple(map(str, head["tokens"])), tuple(map(int, head["offsets"]))
        check_windows(windows, tokens, offsets)
        steps = sum(window.end - window.start for window in windows)
        gates = []
        for number, gate in enumerate(head["gates"]):
            channels = {
                name: read_array(arrays, f"gates.{number}.{name}", (steps, None))
                for name in CHANNELS[gate["cell"]]
            }
            place = int(gate["layer"]), str(gate["direction"]), str(gate["cell"])
            if place[1] not in ("forward", "backward"):
                raise ValueError(f"the direction is {place[1]!r}, expected forward or backward")
            gates.append(GateTrace(*place, windows, channels))
        attention = []
        for number, each in enumerate(head["attention"]):
            keys = read_array(arrays, f"attention.{number}.keys", (None, None))
            weights = read_array(arrays, f"attention.{number}.weights", (None, *keys.shape))
            if keys.size and not -1 <= keys.min() <= keys.max() < len(tokens):
                raise ValueError(f"attention.{number}.keys has tokens that the text has not")
            attention.append(AttentionTrace(str(each["name"]), str(each["kind"]), keys, weights))
        return cls(
            text=str(head["text"]),
            lang=str(head["lang"]),
            tokens=tokens,
            offsets=offsets,
            component=str(head["component"]),
            windows=windows,
            gates=tuple(gates),
            attention=tuple(attention),
        )
