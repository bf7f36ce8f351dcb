"""spacy_lstm.TextCat.v1: documents → probabilities of labels."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from spacy.tokens import Doc
from thinc.api import Model, get_current_ops, torch2xp
from thinc.types import Floats2d
from torch import Tensor

from ..errors import LstmError
from ..nn.classifier import POOLING, PooledClassifier
from ..nn.inference import FEWEST_ROWS
from .bilstm_tok2vec import check_width, predict_tokens
from .wrapper import TorchBridge, get_bridge, split_rows

__all__ = ["build_textcat"]

_NAME: Final = "textcat"
TextCat = Model[list[Doc], Floats2d]


def build_textcat(
    tok2vec: Model[list[Doc], list[Floats2d]],
    exclusive_classes: bool = True,
    hidden_width: int = 128,
    pooling: Sequence[str] = ("attention", "max"),
    dropout: float = 0.3,
    nO: int | None = None,
) -> TextCat:
    """Classify documents from their pooled token vectors. Serves `lstm_sentiment` and spaCy's
    `textcat` (exclusive classes) and `textcat_multilabel` (classes that may hold together).

    As with `spacy.TextCatReduce.v1`, whose output layer is thinc's `Softmax`, what comes back
    through `backprop` counts as the gradient of the logits: probabilities minus truth, which is
    what all three components send, then is the gradient of the cross-entropy.

    tok2vec: gives the token vectors; may be a listener.
    exclusive_classes: probabilities by softmax (they sum to 1) or by sigmoid (each for itself).
    hidden_width: width of the projected tokens.
    pooling: one or several of "attention", "max" and "mean".
    dropout: rate in this head; the training config's `dropout` takes its place in training.
    nO: number of labels; None to take it from the data.
    """
    pooling = list(pooling)
    if not pooling or len(set(pooling)) < len(pooling) or not set(pooling) <= set(POOLING):
        raise LstmError(
            f"pooling = {pooling} in spacy_lstm.TextCat.v1: expected one or several of "
            f"{', '.join(POOLING)}."
        )
    if hidden_width < 1:
        raise LstmError(
            f"hidden_width = {hidden_width} in spacy_lstm.TextCat.v1: expected 1 or more."
        )
    settings = {"hidden_width": hidden_width, "pooling": pooling, "dropout": dropout}
    return Model(
        _NAME,
        _forward,
        init=_init,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        attrs={
            "dropout_rate": dropout,
            "multi_label": not exclusive_classes,
            "token_shares": _token_shares,
        },
        dims={"nO": nO},
        shims=[TorchBridge(_NAME, PooledClassifier, settings)],
    )


def _init(model: TextCat, X: list[Doc] | None = None, Y: Floats2d | None = None) -> None:
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X)
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    if tok2vec.has_dim("nO") and model.has_dim("nO"):
        get_bridge(model).build(input_width=tok2vec.get_dim("nO"), labels=model.get_dim("nO"))


def _forward(
    model: TextCat, docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    bridge = get_bridge(model)
    vectors, backprop_vectors = model.get_ref("tok2vec")(docs, is_train)
    flat, lengths = _flatten(bridge, vectors)
    if not is_train:
        logits = bridge.predict(bridge.to_tensor(flat), lengths)
        return _probabilities(model, logits), lambda dY: []
    tensor = bridge.to_tensor(flat, requires_grad=True)
    logits, backward = bridge.run_update(tensor, lengths, dropout=model.attrs["dropout_rate"])

    def backprop(dY: Floats2d) -> list[Doc]:
        (dX,) = backward(dY)
        result: list[Doc] = backprop_vectors(split_rows(dX, lengths))
        return result

    probabilities: Floats2d = _probabilities(model, logits.detach())
    return probabilities, backprop


class TokenShares(NamedTuple):
    """What a model says of a batch."""

    logits: npt.NDArray[np.float32]
    """*Shape:* ``(docs, labels)``"""
    shares: list[npt.NDArray[np.float32]]
    """Per document each token's share of the logits, whose sum they are. *Shape:* ``(tokens,
    labels)``"""
    parts: npt.NDArray[np.float32]
    """Logits of each part. *Shape:* ``(parts, labels)``"""


def _token_shares(
    model: TextCat, docs: list[Doc], owners: Sequence[int] | npt.NDArray[np.int64] = ()
) -> TokenShares:
    """Logits, and each token's share of them, in one pass; and of parts of the documents the
    logits where their token vectors alone are pooled.

    owners: of each token of the batch the number of its part, -1 for none; all from 0 to the
        highest occur.
    """
    bridge = get_bridge(model)
    tok2vec = model.get_ref("tok2vec")
    # Of few tokens, what the head reads is worked out where it is read.
    lean = bridge.device.type == "cpu" and sum(map(len, docs)) >= FEWEST_ROWS
    if lean:
        head = cast(PooledClassifier, bridge.module)
        X = predict_tokens(tok2vec, docs, head.joined_layer())
    else:
        X = bridge.to_tensor(predict_tokens(tok2vec, docs))
        check_width(X.shape[1], bridge.settings["input_width"])
    lengths = [len(doc) for doc in docs]
    asked = None
    if len(owners):
        numbers = np.asarray(owners)
        # By part, and within it in order.
        order = np.argsort(numbers, kind="stable")[int((numbers < 0).sum()) :]
        asked = torch.from_numpy(order).to(X.device), np.bincount(numbers[order]).tolist()
    logits, shares, parts = bridge.predict(X, lengths, lean, with_shares=True, parts=asked)
    return TokenShares(
        logits.cpu().numpy(),
        split_rows(shares.cpu().numpy(), lengths),
        parts.cpu().numpy(),
    )


def _flatten(bridge: TorchBridge, vectors: list[Floats2d]) -> tuple[Any, list[int]]:
    ops = get_current_ops()
    expected: int = bridge.settings["input_width"]
    for part in vectors:
        check_width(part.shape[1], expected)
    flat = ops.xp.concatenate(vectors) if vectors else ops.alloc2f(0, expected)
    return flat, [len(part) for part in vectors]


def _probabilities(model: TextCat, logits: Tensor) -> Any:
    if model.attrs["multi_label"]:
        return torch2xp(torch.sigmoid(logits))
    return torch2xp(torch.softmax(logits, dim=1))
