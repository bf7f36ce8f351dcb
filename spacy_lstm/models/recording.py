"""Listening to a model at work: what its encoder read, and the attentions over what it gave."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
import torch
from thinc.api import Model
from torch import Tensor, nn

from ..nn.classifier import PooledClassifier
from ..nn.coref import CorefScorer
from ..nn.encoder import BiLSTMEncoder
from ..nn.gates import trace_layer
from ..nn.tok2vec import TokenEncoder, lay_windows
from ..traces import AttentionTrace, GateTrace, Window
from .wrapper import TorchBridge

__all__ = ["Call", "Recording", "has_encoder", "record"]

_KINDS = {"AdditiveAttention": "additive", "DotAttention": "dot", "MultiheadAttention": "multihead"}


class Call(NamedTuple):
    """A module, and the positional arguments that it was called with."""

    module: nn.Module
    args: tuple[Any, ...]


class Recording:
    """The calls of modules that matter, as they came."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def read_windows(self) -> tuple[Window, ...]:
        """How the text was cut for the encoder. Empty where no encoder has run."""
        whole = self.find(TokenEncoder)
        if whole is None:
            encoder = self.find(BiLSTMEncoder)
            length = 0 if encoder is None else sum(encoder.args[1])
            return (Window(0, length, 0, length),) if length else ()
        (length,) = whole.args[1]
        module = whole.module
        assert isinstance(module, TokenEncoder)
        windows = lay_windows([length], window=module.window, margin=module.margin)
        if windows is None:
            return (Window(0, length, 0, length),)
        found, first = [], 0
        for size in windows.lengths:
            start = int(windows.source[first])
            kept = np.flatnonzero((windows.keep >= first) & (windows.keep < first + size))
            found.append(Window(start, start + size, int(kept[0]), int(kept[-1]) + 1))
            first += size
        return tuple(found)

    @torch.no_grad()
    def read_gates(self, windows: tuple[Window, ...]) -> tuple[GateTrace, ...]:
        """Gates and states of every layer and direction of the encoder that ran first."""
        encoder, X, lengths = self._read_encoder()
        states = encoder.layer_states(X, lengths)
        gates = []
        for number, (layer, before, after) in enumerate(
            zip(encoder.layers, [X, *states], states, strict=False)
        ):
            assert isinstance(layer, nn.RNNBase)
            for direction, channels in trace_layer(layer, before, after, lengths).items():
                gates.append(GateTrace(number, direction, encoder.cell, windows, channels))
        return tuple(gates)

    @torch.no_grad()
    def read_attention(self, windows: tuple[Window, ...]) -> tuple[AttentionTrace, ...]:
        """Every attention over the tokens, in the order in which they work."""
        return (*self._self_attention(windows), *self._heads(), *self._pooling())

    def _self_attention(self, windows: Sequence[Window]) -> Iterator[AttentionTrace]:
        if self.find(BiLSTMEncoder) is None:
            return
        encoder, X, lengths = self._read_encoder()
        if encoder.attention is None:
            return
        _, blocks = encoder.attend(encoder.recur(X, lengths), lengths)
        tokens = windows[-1].kept_to
        widest = max(block.shape[-1] for block in blocks)
        keys = np.full((tokens, widest), -1, dtype=np.int64)
        weights = np.zeros((blocks[0].shape[0], tokens, widest), dtype=np.float32)
        rest = iter(blocks)
        for window in windows:
            first = window.start
            # A window that is no longer than a block is one; a text in one piece may have several.
            while first < window.end:
                block = next(rest).cpu().numpy()
                size = block.shape[-1]
                kept = np.arange(max(first, window.kept_from), min(first + size, window.kept_to))
                keys[kept, :size] = np.arange(first, first + size)
                weights[:, kept, :size] = block[:, kept - first]
                first += size
        yield AttentionTrace("encoder", _KINDS[type(encoder.attention).__name__], keys, weights)

    def _heads(self) -> Iterator[AttentionTrace]:
        call = self.find(CorefScorer)
        if call is None:
            return
        scorer, (X, request) = call
        assert isinstance(scorer, CorefScorer)
        if scorer.syntax is None:
            return
        document = torch.repeat_interleave(torch.as_tensor(request.lengths)).to(X.device)
        places, weights = scorer.syntax.weigh_heads(X[: len(document)], document)
        yield AttentionTrace("heads", "biaffine", places.cpu().numpy(), _to_array(weights)[None])

    def _pooling(self) -> Iterator[AttentionTrace]:
        call = self.find(PooledClassifier)
        if call is None:
            return
        classifier, (X, lengths, *projected) = call
        assert isinstance(classifier, PooledClassifier)
        keys = np.arange(sum(lengths))[None]
        found = classifier.weigh_tokens(X, lengths, *projected)
        for kind, weights in found.items():
            name = "pooling" if kind == "attention" else f"pooling_{kind}"
            kind = "additive" if kind == "attention" else kind
            yield AttentionTrace(name, kind, keys, _to_array(weights).T[:, None].copy())

    def _read_encoder(self) -> tuple[BiLSTMEncoder, Tensor, list[int]]:
        """The encoder that ran first, and what it read of each token: a long text in blocks."""
        first = self.find(BiLSTMEncoder)
        assert first is not None
        encoder = first.module
        assert isinstance(encoder, BiLSTMEncoder)
        parts, sizes = [], []
        for X, lengths, *rest in (call.args for call in self._calls if call.module is encoder):
            rows = rest[0] if rest else None
            parts.append(X if rows is None else X[torch.from_numpy(rows)])
            sizes += lengths
        return encoder, torch.cat(parts), sizes

    def find(self, kind: type[nn.Module]) -> Call | None:
        """The first call of a module of that kind; None where there was none."""
        return next((call for call in self._calls if isinstance(call.module, kind)), None)

    def _listener(self) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        thread = get_ident()

        def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            # Other threads may be at work with the same weights.
            if get_ident() == thread:
                self._calls.append(Call(module, args))

        return note


@contextmanager
def record(models: Sequence[Model[Any, Any]]) -> Iterator[Recording]:
    """Listen to what runs through some models in this thread, while the block lasts. One document
    at a time."""
    recording = Recording()
    with ExitStack() as stack:
        for module in _modules(models):
            if isinstance(module, TokenEncoder | BiLSTMEncoder | CorefScorer | PooledClassifier):
                stack.enter_context(module.register_forward_hook(recording._listener()))
        yield recording


def has_encoder(model: Model[Any, Any]) -> bool:
    """Whether our encoder is in a model."""
    return any(isinstance(module, BiLSTMEncoder) for module in _modules([model]))


def _modules(models: Sequence[Model[Any, Any]]) -> Iterator[nn.Module]:
    for model in models:
        for node in model.walk():
            for shim in node.shims:
                if isinstance(shim, TorchBridge) and shim.is_built:
                    yield from shim.module.modules()


def _to_array(weights: Tensor) -> Any:
    return weights.cpu().numpy()
