"""spacy_lstm.BiLSTMEncoder.v1: vectors → vectors in context."""

from collections.abc import Callable
from typing import Any

from thinc.api import Model, get_current_ops, torch2xp
from thinc.types import Floats2d

from ..errors import LstmError
from ..nn.attention import ATTENTION
from ..nn.encoder import CELLS, BiLSTMEncoder
from .wrapper import TorchBridge, get_bridge, split_rows

__all__ = ["build_bilstm_encoder", "check_encoder_options"]

_NAME = "bilstm_encoder"


def build_bilstm_encoder(
    width: int,
    depth: int = 1,
    dropout: float = 0.0,
    cell: str = "lstm",
    attention: str | None = None,
) -> Model[list[Floats2d], list[Floats2d]]:
    """A bidirectional LSTM that stands where `spacy.TorchBiLSTMEncoder.v1` stood, as `encode`
    of `spacy.Tok2Vec.v2`.

    width: width of the output, half of it for each direction; even, and divisible by 4 for
        multihead attention. The input's width is taken from the data.
    depth: number of layers.
    dropout: rate before each layer; the training config's `dropout` takes its place in
        training, as with all of spaCy's layers.
    cell: "lstm", "gru" or "rnn".
    attention: None, "additive", "dot" or "multihead".
    """
    check_encoder_options(
        "spacy_lstm.BiLSTMEncoder.v1", width=width, depth=depth, cell=cell, attention=attention
    )
    settings = {
        "width": width,
        "depth": depth,
        "dropout": dropout,
        "cell": cell,
        "attention": attention,
    }
    return Model(
        _NAME,
        _forward,
        init=_init,
        attrs={"dropout_rate": dropout},
        dims={"nI": None, "nO": width},
        shims=[TorchBridge(_NAME, BiLSTMEncoder, settings)],
    )


def check_encoder_options(
    where: str, *, width: int, depth: int, cell: str, attention: str | None
) -> None:
    """Raise LstmError for options that no encoder can be built with."""
    if cell not in CELLS:
        raise LstmError(f"cell = {cell!r} in {where}: expected one of {', '.join(CELLS)}.")
    if attention is not None and attention not in ATTENTION:
        raise LstmError(
            f"attention = {attention!r} in {where}: expected null or one of {', '.join(ATTENTION)}."
        )
    divisor = 4 if attention == "multihead" else 2
    if width < divisor or width % divisor:
        raise LstmError(f"width = {width} in {where}: expected a multiple of {divisor}.")
    if depth < 1:
        raise LstmError(f"depth = {depth} in {where}: expected 1 or more.")


def _init(
    model: Model[list[Floats2d], list[Floats2d]],
    X: list[Floats2d] | None = None,
    Y: list[Floats2d] | None = None,
) -> None:
    bridge = get_bridge(model)
    if X is not None and model.has_dim("nI") is None:
        model.set_dim("nI", X[0].shape[1])
    if model.has_dim("nI"):
        bridge.build(input_width=model.get_dim("nI"))


def _forward(
    model: Model[list[Floats2d], list[Floats2d]], X: list[Floats2d], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Floats2d]]]:
    bridge = get_bridge(model)
    ops = get_current_ops()
    lengths = [len(x) for x in X]
    flat: Any = ops.xp.concatenate(X) if X else ops.alloc2f(0, model.get_dim("nI"))
    if not is_train:
        H = bridge.predict(bridge.to_tensor(flat), lengths)
        return split_rows(torch2xp(H), lengths), lambda dY: []
    tensor = bridge.to_tensor(flat, requires_grad=True)
    H, backward = bridge.run_update(tensor, lengths, dropout=model.attrs["dropout_rate"])

    def backprop(dY: list[Floats2d]) -> list[Floats2d]:
        (dX,) = backward(ops.xp.concatenate(dY))
        return split_rows(dX, lengths)

    return split_rows(torch2xp(H), lengths), backprop
