"""Raw text as one long array of tokens, which is read from disk again and again."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH
from spacy.language import Language
from thinc.api import Model

from ..corpora.files import read_documents
from ..errors import LstmError
from ..models.lexemes import Lexicon

__all__ = ["TokenText", "chunk_starts", "read_text", "stored_text"]

Ints = npt.NDArray[np.int32]
# A document in this many is kept apart: it tells how well unseen text is predicted.
HELD_OUT_EVERY = 200


class TokenText(NamedTuple):
    """Tokenized documents, one after the other."""

    tokens: Ints
    """Number of each token's type. *Shape:* ``(tokens,)``"""
    starts: npt.NDArray[np.int64]
    """Where each document starts, and the end of the last. *Shape:* ``(documents + 1,)``"""
    features: Ints
    """What the encoder reads of each type. *Shape:* ``(types, columns)``"""
    words: Ints
    """The output word of each type, by falling frequency, or -1. *Shape:* ``(types,)``"""


def read_text(
    documents: Iterable[list[str]],
    nlp: Language,
    *,
    describe: Callable[[str], Sequence[int]],
    vocabulary: int,
) -> TokenText:
    """Tokenize documents and number their types.

    documents: paragraphs of each.
    nlp: gives the tokenizer.
    describe: gives the features of a spelling.
    vocabulary: how many of the most frequent lower-case forms are output words.
    """
    numbers: dict[int, int] = {}
    parts, lengths = [], []
    for paragraphs in documents:
        orths = np.concatenate([_orths(nlp, text) for text in paragraphs])
        unique, inverse = np.unique(orths, return_inverse=True)
        types = [numbers.setdefault(orth, len(numbers)) for orth in unique.tolist()]
        parts.append(np.array(types, dtype=np.int32)[inverse])
        lengths.append(len(orths))
    if not parts:
        raise LstmError("the text has no words: expected files with a paragraph a line")
    tokens = np.concatenate(parts)
    spellings = [nlp.vocab.strings[orth] for orth in numbers]
    counts = np.bincount(tokens, minlength=len(spellings)).tolist()
    forms: Counter[str] = Counter()
    for spelling, count in zip(spellings, counts, strict=True):
        forms[spelling.lower()] += count
    ranks = {form: rank for rank, (form, _) in enumerate(forms.most_common(vocabulary))}
    return TokenText(
        tokens,
        np.cumsum([0, *lengths]),
        np.array([describe(spelling) for spelling in spellings], dtype=np.int32),
        np.array([ranks.get(spelling.lower(), -1) for spelling in spellings], dtype=np.int32),
    )


def _orths(nlp: Language, text: str) -> npt.NDArray[np.uint64]:
    return np.asarray(nlp.make_doc(text).to_array(ORTH), dtype=np.uint64).reshape(-1)


def stored_text(
    files: Sequence[Path],
    folder: Path,
    nlp: Language,
    tok2vec: Model[Any, Any],
    *,
    vocabulary: int,
) -> TokenText:
    """The text of the files, from the folder where an earlier run has left it tokenized."""
    lexicon = next(shim for shim in tok2vec.shims if isinstance(shim, Lexicon))
    source = [
        [[file.name, file.stat().st_size] for file in files],
        vocabulary,
        nlp.lang,
        hashlib.sha256(lexicon.to_bytes()).hexdigest(),
    ]
    key = hashlib.sha256(json.dumps(source).encode()).hexdigest()[:16]
    stored = folder / f"text-{key}.npz"
    if stored.is_file():
        return _load(stored)
    documents = chain.from_iterable(read_documents(file) for file in files)
    text = read_text(documents, nlp, describe=lexicon.table.describe, vocabulary=vocabulary)
    _save(text, stored)
    return text


def _save(text: TokenText, path: Path) -> None:
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as stream:
        np.savez(stream, **text._asdict())
    beside.replace(path)


def _load(path: Path) -> TokenText:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return TokenText(**{name: arrays[name] for name in TokenText._fields})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise LstmError(f"{path} cannot be read ({error}): delete it to make it anew") from error


def chunk_starts(
    text: TokenText, length: int, *, held_out: bool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Where chunks of so many tokens start, in random order. None reaches over the end of its
    document; what does not fill a chunk is left out at a random side.

    held_out: of the documents that are kept apart, or of all others.
    """
    parts = list(_starts(text, length, held_out=held_out, rng=rng))
    if not parts:
        raise LstmError(
            f"no {'held-out ' if held_out else ''}document of the text has {length} tokens: "
            "expected longer ones, or more of them"
        )
    starts = np.concatenate(parts)
    rng.shuffle(starts)
    return starts


def _starts(
    text: TokenText, length: int, *, held_out: bool, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    for number, (first, last) in enumerate(zip(text.starts[:-1], text.starts[1:], strict=True)):
        count, rest = divmod(int(last - first), length)
        if count and held_out == (number % HELD_OUT_EVERY == 0):
            yield first + rng.integers(rest + 1) + length * np.arange(count)
