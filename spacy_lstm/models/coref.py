"""spacy_lstm.Coref.v1: documents → mentions and scored antecedents."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc
from thinc.api import Model, get_current_ops
from thinc.types import Floats2d

from ..coref.batch import CorefInput
from ..coref.decode import CorefScores
from ..coref.words import WordColumn, describe_word
from ..errors import LstmError
from ..lexicons.gender import GENDERS
from ..nn.coref import CorefOutput, CorefRequest, CorefScorer
from ..nn.coref_loss import coref_loss
from .bilstm_tok2vec import gender_number, predict_tokens
from .lexemes import Lexicon, find_words
from .wrapper import TorchBridge, split_rows

__all__ = ["build_coref"]

_NAME: Final = "coref"


CorefModel = Model[CorefInput, Any]  # CorefScores; in training, CorefOutput


def build_coref(
    tok2vec: Model[list[Doc], list[Floats2d]],
    hidden_width: int = 64,
    mention_width: int = 96,
    max_width: int = 12,
    ratio: float = 0.35,
    floor: float = -2.0,
    backward: int = 40,
    forward: int = 12,
    same_head: int = 2,
    dropout: float = 0.3,
    pair_weight: float = 8.0,
    guidelines: Sequence[str] = (),
    syntax: bool = False,
    syntax_weight: float = 0.5,
    genders: Callable[[], dict[str, str]] | None = None,
) -> CorefModel:
    """Mention detection, antecedent ranking with a null antecedent, after Lee et al. (2017).

    tok2vec: gives the token vectors; a listener will do.
    hidden_width: of the scorers.
    mention_width: of the mention vectors.
    max_width: longest mention that is looked for, in words.
    ratio: most mentions considered, per word.
    floor: mention logit below which a span is not considered.
    backward: candidates before a mention.
    forward: nouns after a third-person pronoun that may be its antecedent (cataphora).
    same_head: further candidates before a noun that share its head word.
    dropout: as everywhere, the training config's takes its place in training.
    pair_weight: weight in training of a pronoun with given candidates (pair data), beside one
        of the many decisions in a document with all its clusters.
    guidelines: names of annotation guidelines that the training data follows (the sources of
        its documents). The model learns what differs between them and can follow one.
    syntax: learn tags, relations and heads as a second task, from documents that have them.
    syntax_weight: weight in training of a word's tag, relation and head.
    genders: gives the gender of words, such as `spacy_lstm.GenderLexicon.v1`.
    """
    if max_width < 1 or backward < 1:
        raise LstmError(
            f"max_width = {max_width} and backward = {backward} in spacy_lstm.Coref.v1: expected "
            "1 or more each."
        )
    settings = {
        "hidden_width": hidden_width,
        "mention_width": mention_width,
        "max_width": max_width,
        "ratio": ratio,
        "floor": floor,
        "backward": backward,
        "forward": forward,
        "same_head": same_head,
        "guidelines": len(guidelines),
        "dropout": dropout,
        "syntax": syntax,
    }
    bridge = TorchBridge(_NAME, CorefScorer, settings)
    return Model(
        _NAME,
        _forward,
        init=_init,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        attrs={
            "dropout_rate": dropout,
            "guidelines": list(guidelines),
            "genders": genders,
            "loss": partial(coref_loss, pair_weight=pair_weight, syntax_weight=syntax_weight),
        },
        shims=[bridge, Lexicon(_describe, len(WordColumn))],
    )


def _describe(
    lists: Mapping[str, Mapping[int, int]], texts: Sequence[str]
) -> npt.NDArray[np.int32]:
    genders = lists.get("gender", {})
    rows = [describe_word(text, gender_number(genders, text)) for text in texts]
    return np.array(rows, dtype=np.int32)


def _init(model: CorefModel, X: CorefInput | None = None, Y: Any = None) -> None:
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=None if X is None else X.docs)
    bridge, lexicon = model.shims
    assert isinstance(bridge, TorchBridge)
    assert isinstance(lexicon, Lexicon)
    genders = model.attrs["genders"]() if model.attrs["genders"] else {}
    lexicon.set_lists({"gender": {word: GENDERS.index(gender) for word, gender in genders.items()}})
    if tok2vec.has_dim("nO"):
        bridge.build(input_width=tok2vec.get_dim("nO"))


def _forward(
    model: CorefModel, X: CorefInput, is_train: bool
) -> tuple[CorefOutput | CorefScores, Callable[[Any], CorefInput]]:
    bridge, lexicon = model.shims
    assert isinstance(bridge, TorchBridge)
    assert isinstance(lexicon, Lexicon)
    tok2vec = model.get_ref("tok2vec")
    lengths = [len(doc) for doc in X.docs]
    known = model.attrs["guidelines"]
    names = X.guidelines or (None,) * len(lengths)
    numbers = [known.index(name) + 1 if name in known else 0 for name in names]
    words = find_words(X.docs)
    request = CorefRequest(
        codes=lexicon.rows(words)[words.which],
        lengths=lengths,
        spans=X.spans,
        detect=X.detect,
        guideline=np.array(numbers, dtype=np.int64),
        max_distance=X.max_distance,
    )
    if not is_train:
        output = bridge.predict(
            bridge.to_tensor(predict_tokens(tok2vec, X.docs, words=words)), request
        )
        return _to_numpy(output), lambda dY: X
    vectors, backward_tok2vec = tok2vec(X.docs, is_train)
    tensor = bridge.to_tensor(get_current_ops().xp.concatenate(vectors), requires_grad=True)
    output, backward = bridge.run_update(tensor, request, dropout=model.attrs["dropout_rate"])

    def backprop(dY: Any) -> CorefInput:
        # In the order of the output's fields: three are no tensors, the last is none in training.
        (dX,) = backward((*dY[:3], None, None, None, dY.syntax, None))
        backward_tok2vec(split_rows(dX, lengths))
        return X

    return output, backprop


def _to_numpy(output: CorefOutput) -> CorefScores:
    return CorefScores(
        pair_logits=output.pair_logits.cpu().numpy(),
        null_logits=output.null_logits.cpu().numpy(),
        mentions=output.mentions,
        pairs=output.pairs,
        trees=output.trees,
    )
