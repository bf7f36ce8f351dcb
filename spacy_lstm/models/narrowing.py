"""Narrower attention in a trained layer of token vectors."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from spacy.tokens import Doc
from thinc.api import Model

from ..errors import LstmError
from ..nn.attention import MultiheadAttention
from ..nn.narrowing import narrow_heads
from ..nn.tok2vec import TokenEncoder
from .bilstm_tok2vec import to_features
from .lexemes import Lexicon
from .wrapper import get_bridge

__all__ = ["narrow_attention"]

# Fewer do not tell how states vary.
_WORDS_A_UNIT: Final = 10


def narrow_attention(tok2vec: Model[Any, Any], docs: Sequence[Doc], head_width: int) -> None:
    """Put narrower heads in the place of those of a `spacy_lstm.BiLSTMTok2Vec.v1` with multihead
    attention: less to compute, for nearly the same vectors. See `nn.narrowing`.

    docs: what the new heads are fitted to: at least ten times as many words as the states are
        wide, better a few ten thousand.
    head_width: of the new heads.
    """
    bridge = get_bridge(tok2vec) if tok2vec.shims else None
    module = bridge.module if bridge else None
    if (
        bridge is None
        or not isinstance(module, TokenEncoder)
        or not isinstance(module.encoder.attention, MultiheadAttention)
    ):
        raise LstmError(
            "This encoder has no heads to be narrowed: expected a spacy_lstm.BiLSTMTok2Vec.v1 with "
            'attention = "multihead", no listener to one (call nlp.replace_listeners before).'
        )
    lexicon = tok2vec.shims[1]
    assert isinstance(lexicon, Lexicon)
    states = []
    for doc in docs:
        features = to_features(tok2vec, lexicon.token_rows([doc]), [len(doc)], name_dropout=0.0)
        with torch.inference_mode():
            X = module.embedding(bridge.to_tensor(features))
            states.append(module.encoder.recur(X, [len(doc)]))
    settings = bridge.settings["encoder"]
    words, fewest = sum(map(len, states)), _WORDS_A_UNIT * settings["width"]
    if words < fewest:
        raise LstmError(
            f"{words} words to fit narrower heads to: expected {fewest} or more; give more texts."
        )
    module.encoder.attention = narrow_heads(module.encoder.attention, torch.cat(states), head_width)
    bridge.settings["encoder"] = {**settings, "head_width": head_width}
