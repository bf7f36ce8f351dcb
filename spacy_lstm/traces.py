"""What an encoder did with a text, as plain records that can be saved and loaded."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import LstmError
from .files import replacing

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CHANNELS", "AttentionTrace", "GateTrace", "Trace", "Window"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_FORMAT: Final = "spacy_lstm.trace.v1"

CHANNELS: Final[dict[str, tuple[str, ...]]] = {
    "lstm": (
        "forget_gate",
        "input_gate",
        "output_gate",
        "candidate",
        "cell_state",
        "hidden_state",
    ),
    "gru": ("reset_gate", "update_gate", "candidate", "hidden_state"),
    "rnn": ("hidden_state",),
}
"""What each kind of cell has, by the names that `BiLSTMEncoder` gives the kinds."""

# Whose product says how much of an earlier memory is left.
_KEEPERS: Final = {"lstm": "forget_gate", "gru": "update_gate"}


class Window(NamedTuple):
    """A part of a text that was read for itself: the memory starts empty at its first token (for
    the backward direction, at its last one). All four are numbers of tokens of the text."""

    start: int
    end: int
    kept_from: int
    """The results of the tokens from here on …"""
    kept_to: int
    """… to before here are taken from this window; around them it only gives context."""


@dataclass(frozen=True, eq=False)
class GateTrace:
    """Gates and states of one direction of one layer.

    `trace["forget_gate"]`, and the properties of these names, give a channel token by token,
    *shape* ``(tokens, units)``. `steps` has the channels of all windows, one window after the
    other; where a text has a single window, both are the same.
    """

    layer: int
    """From 0, the one that reads the embeddings."""
    direction: str
    """"forward" or "backward": the latter reads from the end."""
    cell: str
    """A key of `CHANNELS`."""
    windows: tuple[Window, ...]
    steps: Mapping[str, Floats]
    """Channel → *shape* ``(steps, units)``."""

    def __getitem__(self, channel: str) -> Floats:
        if channel not in self.steps:
            raise LstmError(
                f"no {channel} in a cell of the kind {self.cell}: expected one of "
                f"{', '.join(self.steps)}"
            )
        return self.steps[channel][self._kept]

    @property
    def forget_gate(self) -> Floats:
        """Of an LSTM: how much of the cell state stays, 0 to 1."""
        return self["forget_gate"]

    @property
    def input_gate(self) -> Floats:
        """Of an LSTM: how much of the candidate comes in, 0 to 1."""
        return self["input_gate"]

    @property
    def output_gate(self) -> Floats:
        """Of an LSTM: how much of the cell state shows, 0 to 1."""
        return self["output_gate"]

    @property
    def candidate(self) -> Floats:
        """Of an LSTM or a GRU (there also "new"): what may be written, -1 to 1."""
        return self["candidate"]

    @property
    def cell_state(self) -> Floats:
        """Of an LSTM: its memory."""
        return self["cell_state"]

    @property
    def hidden_state(self) -> Floats:
        """What the layer gives out, -1 to 1."""
        return self["hidden_state"]

    @property
    def reset_gate(self) -> Floats:
        """Of a GRU: how much of the last state the candidate sees, 0 to 1."""
        return self["reset_gate"]

    @property
    def update_gate(self) -> Floats:
        """Of a GRU: how much of the last state stays, 0 to 1."""
        return self["update_gate"]

    @property
    def units(self) -> int:
        """Width of this direction."""
        return int(self.steps["hidden_state"].shape[1])

    def read_window(self, channel: str, number: int) -> Floats:
        """A channel over all tokens of a window, also those whose results are not kept. *Shape:*
        ``(window's tokens, units)``"""
        start = sum(window.end - window.start for window in self.windows[:number])
        window = self.windows[number]
        return self.steps[channel][start : start + window.end - window.start]

    def survival(self, token: int) -> Floats:
        """How much of the memory as it stood after each token is left in the memory after this
        one: the product of the forget gates of the steps between (of a GRU, of its update gates),
        the far end included. 1 at the token itself; 0 at tokens that are read later or in another
        window.

        RETURNS: *shape* ``(tokens, units)``

        Raises LstmError for a cell without such a gate.
        """
        if self.cell not in _KEEPERS:
            raise LstmError(f"a cell of the kind {self.cell} has no gate that keeps its memory")
        tokens = self.windows[-1].kept_to if self.windows else 0
        if not 0 <= token < tokens:
            raise LstmError(f"no token {token} in a text of {tokens}: expected 0 to {tokens - 1}")
        number, window = self.window_of(token)
        keep = self.read_window(_KEEPERS[self.cell], number).astype(np.float64)
        here = token - window.start
        left = np.zeros((tokens, self.units))
        left[token] = 1.0
        if self.direction == "forward":
            left[window.start : token] = np.cumprod(keep[here:0:-1], axis=0)[::-1]
        else:
            left[token + 1 : window.end] = np.cumprod(keep[here:-1], axis=0)
        return left.astype(np.float32)

    def written(self, token: int) -> Floats:
        """What each token wrote into the memory, as far as it is left in the memory after this
        one: `survival` times what came in (of an LSTM input gate times candidate, of a GRU what
        its update gate let in). Over the tokens it sums to the memory itself.

        RETURNS: *shape* ``(tokens, units)``

        Raises LstmError for a cell without a gate that keeps its memory.
        """
        left = self.survival(token)
        number, window = self.window_of(token)
        candidate = self.read_window("candidate", number)
        if self.cell == "lstm":
            came = self.read_window("input_gate", number) * candidate
        else:
            came = (1 - self.read_window("update_gate", number)) * candidate
        left[window.start : window.end] *= came
        return left

    def window_of(self, token: int) -> tuple[int, Window]:
        """The window that gives a token's results, and its number."""
        return next(found for found in enumerate(self.windows) if token < found[1].kept_to)

    @cached_property
    def _kept(self) -> slice | Ints:
        return _kept_steps(self.windows)


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """One attention: what each query looked at, and how much."""

    name: str
    """Where: "encoder" (every token over the tokens of its window), "heads" (every token over the
    words around it, of which one governs it), "pooling" (the text over its tokens) or
    "pooling_max" (the same for each feature, which picks its own token)."""
    kind: str
    """Its form: "additive", "dot", "multihead", "biaffine", "max" or "mean"."""
    keys: Ints
    """Tokens that each query looked at; -1 for none. *Shape:* ``(queries, keys)``"""
    weights: Floats
    """They sum to 1 over the keys. *Shape:* ``(heads, queries, keys)``"""

    def dense(self, tokens: int) -> Floats:
        """The weights over all tokens of the text. *Shape:* ``(heads, queries, tokens)``"""
        query, column = np.nonzero(self.keys >= 0)
        # A token may be among a query's keys more than once.
        place = query * tokens + self.keys[query, column]
        size = len(self.keys) * tokens
        found = [np.bincount(place, head[query, column], size) for head in self.weights]
        return np.array(found, dtype=np.float32).reshape(-1, len(self.keys), tokens)


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
        content = self.to_npz() if _suffix(target) == ".npz" else self.to_json().encode()
        with replacing(target) as beside:
            beside.write_bytes(content)

    @classmethod
    def load(cls, path: str | Path) -> "Self":
        """Read what `save` wrote."""
        source = Path(path)
        read = cls.from_npz if _suffix(source) == ".npz" else cls.from_json
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
        stream = io.BytesIO()
        head = np.frombuffer(json.dumps(self._head()).encode(), dtype=np.uint8)
        arrays: Any = dict(self._arrays())
        np.savez_compressed(stream, head=head, **arrays)
        return stream.getvalue()

    @classmethod
    def from_npz(cls, content: bytes) -> "Self":
        """What `to_npz` gave."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                head = json.loads(arrays["head"].tobytes())
                return cls._build(head, {name: arrays[name] for name in arrays.files})
        except _MALFORMED as error:
            raise _no_trace(error) from error

    def to_json(self) -> str:
        """One JSON object; floats as short as they can be told from their neighbours."""
        arrays = {name: _to_lists(array) for name, array in self._arrays()}
        return json.dumps({**self._head(), "arrays": arrays}, ensure_ascii=False)

    @classmethod
    def from_json(cls, content: str | bytes) -> "Self":
        """What `to_json` gave."""
        try:
            head = json.loads(content)
            arrays: dict[str, npt.NDArray[Any]] = {
                name: np.array(lists, dtype=_dtype(name)) for name, lists in head["arrays"].items()
            }
            return cls._build(head, arrays)
        except _MALFORMED as error:
            raise _no_trace(error) from error

    def _head(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
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
    def _build(cls, head: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> "Self":
        if head["format"] != _FORMAT:
            raise ValueError(f"the format is {head['format']!r}, expected {_FORMAT!r}")
        windows = tuple(Window(*map(int, window)) for window in head["windows"])
        tokens, offsets = tuple(map(str, head["tokens"])), tuple(map(int, head["offsets"]))
        _check_windows(windows, tokens, offsets)
        steps = sum(window.end - window.start for window in windows)
        gates = []
        for number, gate in enumerate(head["gates"]):
            channels = {
                name: _read_array(arrays, f"gates.{number}.{name}", (steps, None))
                for name in CHANNELS[gate["cell"]]
            }
            place = int(gate["layer"]), str(gate["direction"]), str(gate["cell"])
            if place[1] not in ("forward", "backward"):
                raise ValueError(f"the direction is {place[1]!r}, expected forward or backward")
            gates.append(GateTrace(*place, windows, channels))
        attention = []
        for number, each in enumerate(head["attention"]):
            keys = _read_array(arrays, f"attention.{number}.keys", (None, None))
            weights = _read_array(arrays, f"attention.{number}.weights", (None, *keys.shape))
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


# A damaged archive may ask for a method that there is not (NotImplementedError) or for a password
# (RuntimeError), JSON may be nested too deep (RecursionError); both are RuntimeErrors, too.
_MALFORMED: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    OverflowError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def _no_trace(error: Exception) -> LstmError:
    what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return LstmError(f"no trace that could be read ({what}): save it again with Trace.save")


def _suffix(path: Path) -> str:
    if path.suffix not in (".npz", ".json"):
        raise LstmError(f"a trace in {path.name}: expected a name that ends in .npz or .json")
    return path.suffix


def _dtype(name: str) -> type:
    return np.int64 if name.endswith(".keys") else np.float32


def _check_windows(
    windows: Sequence[Window], tokens: Sequence[str], offsets: Sequence[int]
) -> None:
    """Each token has an offset, and its results from one window."""
    if len(offsets) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens have {len(offsets)} offsets")
    done = 0
    for start, end, kept_from, kept_to in windows:
        if not 0 <= start <= kept_from == done <= kept_to <= end <= len(tokens):
            raise ValueError(f"the windows do not follow one another over {len(tokens)} tokens")
        done = kept_to
    if done != len(tokens):
        raise ValueError(f"the windows hold {done} of {len(tokens)} tokens")


def _read_array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: Sequence[int | None]
) -> npt.NDArray[Any]:
    """An array of that shape, where None is any size."""
    array = arrays[name]
    # An empty list does not tell its further sizes.
    if array.size == 0 and array.ndim < len(shape):
        array = array.reshape([size or 0 for size in shape])
    fits = array.ndim == len(shape) and all(
        wanted in (None, got) for wanted, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != _dtype(name):
        raise ValueError(f"{name} has the shape {array.shape} of {array.dtype}")
    return array


def _to_lists(array: npt.NDArray[Any]) -> Any:
    if array.dtype != np.float32:
        return array.tolist()
    # The shortest text that a single is read back from, and not that of the double it fits in.
    return array.astype("U32").astype(np.float64).tolist()


def _kept_steps(windows: Sequence[Window]) -> slice | Ints:
    """The steps, of those of all windows, that give each token's results."""
    if len(windows) == 1:
        return slice(None)
    parts, first = [np.zeros(0, dtype=np.int64)], 0
    for window in windows:
        parts.append(np.arange(window.kept_from, window.kept_to) - window.start + first)
        first += window.end - window.start
    return np.concatenate(parts)
