"""spacy_lstm.BiLSTMTok2Vec.v1: documents → vectors in context."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import torch
from spacy.tokens import Doc
from thinc.api import Model, get_current_ops, torch2xp, xp2torch
from thinc.types import Floats2d
from torch import Tensor

from ..errors import LstmError
from ..lexicons.gender import GENDERS
from ..lexicons.hashing import LONGEST_WORD, hash_word
from ..lexicons.vectors import WordVectors
from ..nn.embed import FEATURES, TableRows
from ..nn.inference import multiply
from ..nn.tok2vec import Layer, TokenEncoder
from .bilstm_encoder import check_encoder_options
from .lexemes import Lexicon, Words, find_words
from .wrapper import TorchBridge, get_bridge, split_rows

__all__ = ["build_bilstm_tok2vec", "check_width", "gender_number", "predict_tokens", "to_features"]

_NAME: Final = "bilstm_tok2vec"
_HASH_MASK: Final = 0x7FFFFFFF
# The most frequent words ("The", "She") are no names, also where they open a sentence.
_COMMON_WORDS: Final = 500
# Frequent enough that a stretched word is one of them, by the order of the vectors.
_KNOWN_WORDS: Final = 10_000
# A letter three times or more. No English word has one.
_STRETCH: Final = re.compile(r"([^\W\d_])\1{2,}")
Tok2Vec = Model[list[Doc], list[Floats2d]]


def build_bilstm_tok2vec(
    width: int = 128,
    depth: int = 1,
    dropout: float = 0.3,
    cell: str = "lstm",
    attention: str | None = None,
    width_factor: float = 1.0,
    rows: int = 20_000,
    window: int = 128,
    margin: int = 16,
    name_dropout: float = 0.0,
    shortcut: bool = True,
    mixed_precision: bool = False,
    vectors: Callable[[], WordVectors] | None = None,
    genders: Callable[[], dict[str, str]] | None = None,
) -> Tok2Vec:
    """Token features (form, affixes, shape, gender of names, pretrained vector) through a
    bidirectional LSTM. With the shortcut, the output joins the LSTM's states and its input, and
    is wider than `width`: `nO` is known once it is initialized or loaded. To share it through
    `spacy.Tok2VecListener.v1`, whose width has to be given, leave the shortcut out.

    width, depth, dropout, cell, attention: as in `spacy_lstm.BiLSTMEncoder.v1`.
    width_factor: scales the widths of the learned tables (1.0: 120 together).
    rows: rows of the table of word forms; those of the affixes have a fifth.
    window: documents longer than this many tokens are encoded in windows of this size.
    margin: tokens of context that a window has on either side of what it is asked for.
    name_dropout: in training, the share of capitalized words that lose all but their shape and
        gender, every occurrence in a text together: names then count for what is said of them.
    shortcut: join the LSTM's input to its output; without, `nO` is `width`.
    mixed_precision: train in bfloat16 where the processor computes faster in it; the precision of
        what is predicted is a setting of the component.
    vectors: gives pretrained word vectors, such as `spacy_lstm.WordVectors.v1`.
    genders: gives the gender of words, such as `spacy_lstm.GenderLexicon.v1`.
    """
    check_encoder_options(
        "spacy_lstm.BiLSTMTok2Vec.v1", width=width, depth=depth, cell=cell, attention=attention
    )
    if window <= 2 * margin or margin < 0:
        raise LstmError(
            f"window = {window} and margin = {margin} in spacy_lstm.BiLSTMTok2Vec.v1: expected a "
            "window of more than two margins."
        )
    sizes = TableRows(form=rows, prefix=max(2, rows // 5), suffix=max(2, rows // 5))
    encoder = {
        "width": width,
        "depth": depth,
        "dropout": dropout,
        "cell": cell,
        "attention": attention,
    }
    settings: dict[str, Any] = {
        "rows": list(sizes),
        "vectors": 0,
        "vector_width": 0,
        "width_factor": width_factor,
        "window": window,
        "margin": margin,
        "shortcut": shortcut,
        "encoder": encoder,
    }
    bridge = TorchBridge(_NAME, TokenEncoder, settings)
    bridge.mixed_precision = mixed_precision
    lexicon = Lexicon(_describe, len(FEATURES) + 1)
    return Model(
        _NAME,
        _forward,
        init=_init,
        attrs={
            "dropout_rate": dropout,
            "name_dropout": name_dropout,
            # Set by the component that asks.
            "precision": "single",
            "vectors": vectors,
            "genders": genders,
        },
        dims={"nO": None if shortcut else width},
        shims=[bridge, lexicon],
    )


def gender_number(genders: Mapping[int, int], text: str) -> int:
    """The number in `GENDERS` of a word: as written, as a name, as a common word."""
    if not genders:
        return 0
    if text.isascii() and text.islower() and "a" <= text[0] <= "z" and text[-1] != ".":
        # Most words: small letters, which name nobody, and nothing to take off.
        return genders.get(hash_word(text), 0)
    bare = text.rstrip(".") or text  # "Mrs." is listed as "Mrs"
    is_lower = text[:1].islower()
    for form in dict.fromkeys((text, bare, bare.title(), bare.lower())):
        # "will" is no name; "MARY" and "Mother" are what "Mary" and "mother" are.
        if is_lower and form[:1].isupper():
            continue
        number = genders.get(hash_word(form), 0)
        if number:
            return number
    return 0


def _describe(
    lists: Mapping[str, Mapping[int, int]], texts: Sequence[str]
) -> npt.NDArray[np.int32]:
    """Features of spellings; the hashed ones before they are cut to the tables' sizes. The
    last column tells whether name dropout may take it."""
    vectors, genders = lists.get("vector", {}), lists.get("gender", {})
    rows: list[int] = []
    for text in texts:
        key, *hashed = _hash_parts(text, text)
        vector = vectors.get(key, 0)
        if vectors and not vector and _STRETCH.search(text.lower()):
            key, *hashed = _hash_parts(_without_stretch(text.lower(), vectors), text)
            vector = vectors.get(key, 0)
        rows += (
            *hashed,
            gender_number(genders, text),
            vector,
            text[:1].isupper() and len(text) > 1 and not 0 < vector <= _COMMON_WORDS,
        )
    return np.array(rows, dtype=np.int32).reshape(len(texts), -1)


def _hash_parts(word: str, text: str) -> tuple[int, ...]:
    # The encoders of two components ask for the same words, a batch apart.
    return (_hash_short_parts if len(text) <= LONGEST_WORD else _hash_all_parts)(word, text)


def _hash_all_parts(word: str, text: str) -> tuple[int, ...]:
    """The hash of a word in small letters, in full and as a feature, and those of its affixes and
    of the shape of what was written.

    word: the text, or what it stretches.
    """
    lower = word.lower()
    key = hash_word(lower)
    return (
        key,
        key & _HASH_MASK,
        hash_word(lower[:3]) & _HASH_MASK,
        hash_word(lower[-3:]) & _HASH_MASK,
        _hash_shape(text) & _HASH_MASK,
    )


_hash_short_parts: Final = lru_cache(maxsize=1 << 14)(_hash_all_parts)


def _without_stretch(word: str, vectors: Mapping[int, int]) -> str:
    """The word that is stretched: "love" for "loooove", "good" for "goooood". How many letters
    are too many, the words that have vectors tell.

    word: has a letter three times or more in a row, and no vector of its own.
    """
    twice, once = (_STRETCH.sub(letters, word) for letters in (r"\1\1", r"\1"))
    # Rare words with a doubled letter are mostly names and slips: "soooo" is "so" and not "Soo".
    if 0 < vectors.get(hash_word(twice), 0) <= _KNOWN_WORDS:
        return twice
    return next((form for form in (once, twice) if hash_word(form) in vectors), once)


class _Kinds(dict[int, str]):
    """Of each character, by its number, what stands for it in a shape; found when asked for."""

    def __missing__(self, code: int) -> str:
        c = chr(code)
        kind = "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c
        self[code] = kind
        return kind


_KINDS: Final = _Kinds()
_RUN: Final = re.compile(r"(.)\1{3,}", re.DOTALL)


def _hash_shape(text: str) -> int:
    return _hash_kinds(text[:20].translate(_KINDS))


@lru_cache(maxsize=4096)
def _hash_kinds(kinds: str) -> int:
    # "Xxxxx" and "Xxx" are one shape: only the first three of a run are kept.
    return hash_word(_RUN.sub(r"\1\1\1", kinds))


def _init(model: Tok2Vec, X: list[Doc] | None = None, Y: Any = None) -> None:
    bridge, lexicon = model.shims
    assert isinstance(bridge, TorchBridge)
    assert isinstance(lexicon, Lexicon)
    vectors = model.attrs["vectors"]() if model.attrs["vectors"] else None
    genders = model.attrs["genders"]() if model.attrs["genders"] else {}
    lists = {"gender": {word: GENDERS.index(gender) for word, gender in genders.items()}}
    sizes = {}
    if vectors is not None:
        lists["vector"] = {word: row for row, word in enumerate(vectors.words, start=1)}
        sizes = {"vectors": len(vectors.words), "vector_width": vectors.codes.shape[1]}
    lexicon.set_lists(lists)
    # New weights need no heads that were narrowed for other ones.
    encoder = {key: v for key, v in bridge.settings["encoder"].items() if key != "head_width"}
    module = bridge.build(**sizes, encoder=encoder)
    assert isinstance(module, TokenEncoder)
    if vectors is not None:
        module.embedding.set_vectors(
            bridge.to_tensor(vectors.codes), bridge.to_tensor(vectors.scales)
        )
    model.set_dim("nO", module.width)


def _forward(
    model: Tok2Vec, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    bridge, lexicon = model.shims
    assert isinstance(bridge, TorchBridge)
    assert isinstance(lexicon, Lexicon)
    lengths = [len(doc) for doc in docs]
    if not is_train:
        return split_rows(torch2xp(_predict(model, docs)), lengths), lambda dY: docs
    rows = lexicon.token_rows(docs)
    rate = model.attrs["name_dropout"]
    features = bridge.to_tensor(to_features(model, rows, lengths, name_dropout=rate))
    H, backward = bridge.run_update(features, lengths, dropout=model.attrs["dropout_rate"])

    def backprop(dY: list[Floats2d]) -> list[Doc]:
        backward(get_current_ops().xp.concatenate(dY))
        return docs

    return split_rows(torch2xp(H), lengths), backprop


def predict_tokens(
    tok2vec: Tok2Vec,
    docs: list[Doc],
    layer: Layer | None = None,
    words: Words | None = None,
) -> Tensor:
    """The vectors of all documents' tokens, one after the other, and rows after them that are to
    be passed over, so that few different numbers of rows come.

    tok2vec: of any kind. Where it is a `BiLSTMTok2Vec.v1`, nothing is taken apart and joined again.
    layer: what reads the vectors, where they themselves are not wanted, as in
        `TokenEncoder.forward`.
    words: from `lexemes.find_words`, where the caller has it.
    """
    if tok2vec.name == _NAME:
        return _predict(tok2vec, docs, spare=True, layer=layer, words=words)
    vectors = tok2vec.predict(docs)
    if vectors:
        X = xp2torch(get_current_ops().xp.concatenate(vectors))
    else:
        X = torch.zeros(0, tok2vec.get_dim("nO"))
    if layer is None:
        return X
    check_width(X.shape[1], layer[0].shape[1])
    with torch.inference_mode():
        return multiply(X.to(layer[0].device), *layer)


def check_width(width: int, expected: int) -> None:
    """Refuse token vectors that a head was not made for."""
    if width != expected:
        raise LstmError(
            f"The token vectors have the width {width}, expected {expected}: give a listener the "
            "nO of the tok2vec component's model as its width."
        )


def _predict(
    model: Tok2Vec,
    docs: list[Doc],
    *,
    spare: bool = False,
    layer: Layer | None = None,
    words: Words | None = None,
) -> Tensor:
    bridge, lexicon = model.shims
    assert isinstance(bridge, TorchBridge)
    assert isinstance(lexicon, Lexicon)
    if layer is not None:
        check_width(cast(TokenEncoder, bridge.module).width, layer[0].shape[1])
    words = find_words(docs) if words is None else words
    rows = to_features(model, lexicon.rows(words), [], name_dropout=0.0)
    reduced = model.attrs["precision"] == "bfloat16"
    found: Tensor = bridge.predict(
        bridge.to_tensor(rows), [len(doc) for doc in docs], words.which, spare, reduced, layer
    )
    return found


def to_features(
    model: Tok2Vec, rows: npt.NDArray[np.int32], lengths: list[int], *, name_dropout: float
) -> npt.NDArray[np.int32]:
    """Rows of the lexicon, cut to the sizes of this model's tables.

    rows: *Shape:* ``(tokens, 7)``; changed in place by name dropout.
    lengths: tokens per document.
    RETURNS: rows of the tables, in the order of `FEATURES`. *Shape:* ``(tokens, 6)``
    """
    if name_dropout:
        _drop_names(rows, lengths, name_dropout)
    hashed = np.array(get_bridge(model).settings["rows"][:4]) - 1
    # Row 0 of a hashed table is nobody's, but for name dropout.
    known = rows[:, :4] % hashed + (rows[:, :4] > 0)
    return np.concatenate([known, rows[:, 4:6]], axis=1)


def _drop_names(rows: npt.NDArray[np.int32], lengths: list[int], rate: float) -> None:
    """Empty form, affixes and vector of some capitalized words, in place."""
    start = 0
    for length in lengths:
        part = rows[start : start + length]
        words, which = np.unique(part[:, 0], return_inverse=True)
        dropped = (np.random.random(len(words)) < rate)[which] & (part[:, -1] == 1)
        part[np.ix_(dropped, [0, 1, 2, 5])] = 0
        start += length
