"""Raw text as one long array of tokens, which is read from disk again and again."""

import hashlib
import json
import zlib
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
from spacy.tokens import DocBin
from thinc.api import Model
from tqdm import tqdm

from ..corpora.files import read_documents
from ..errors import LstmError
from ..files import replacing
from ..models.lexemes import Lexicon

__all__ = ["TokenText", "chunk_starts", "read_text", "stored_text"]

Ints = npt.NDArray[np.int32]
# A document in this many is kept apart: it tells how well unseen text is predicted.
HELD_OUT_EVERY = 200


class TokenText(NamedTuple):
    """Tokenized documents, one after the other. A token takes four bytes, whatever it is."""

    tokens: Ints
    """Number of each token's type. *Shape:* ``(tokens,)``"""
    starts: npt.NDArray[np.int64]
    """Where each document starts, and the end of the last. *Shape:* ``(documents + 1,)``"""
    features: Ints
    """What the encoder reads of each type. *Shape:* ``(types, columns)``"""
    words: Ints
    """The output word of each type, by falling frequency, or -1. *Shape:* ``(types,)``"""

    def fingerprint(self) -> str:
        """The same for the same text, read for the same encoder and vocabulary."""
        digest = hashlib.sha256()
        for array in self:
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


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
    counts: Counter[int] = Counter()
    parts, lengths = [], []
    for paragraphs in documents:
        orths = np.concatenate([_orths(nlp, text) for text in paragraphs])
        unique, inverse, found = np.unique(orths, return_inverse=True, return_counts=True)
        types = [numbers.setdefault(orth, len(numbers)) for orth in unique.tolist()]
        parts.append(np.array(types, dtype=np.int32)[inverse])
        lengths.append(len(orths))
        # Counted here: over all tokens at once, numpy would want eight bytes more for each.
        counts.update(dict(zip(types, found.tolist(), strict=True)))
    if not parts:
        raise LstmError("the text has no words: expected files with a paragraph a line")
    tokens = np.concatenate(parts)
    spellings = [nlp.vocab.strings[orth] for orth in numbers]
    forms: Counter[str] = Counter()
    for number, spelling in enumerate(spellings):
        forms[spelling.lower()] += counts[number]
    ranks = {form: rank for rank, (form, _) in enumerate(forms.most_common(vocabulary))}
    return TokenText(
        tokens,
        np.cumsum([0, *lengths]),
        np.array([describe(spelling) for spelling in spellings], dtype=np.int32),
        np.array([ranks.get(spelling.lower(), -1) for spelling in spellings], dtype=np.int32),
    )


def _orths(nlp: Language, text: str) -> npt.NDArray[np.uint64]:
    # Not by make_doc, which refuses a line of more than a million characters: a text whose lines
    # are whole books is long to a parser, not to a tokenizer.
    return np.asarray(nlp.tokenizer(text).to_array(ORTH), dtype=np.uint64).reshape(-1)


def stored_text(
    files: Sequence[Path],
    folder: Path,
    nlp: Language,
    tok2vec: Model[Any, Any],
    *,
    vocabulary: int,
    show_progress: bool = False,
) -> TokenText:
    """The text of the files, from the folder where an earlier run has left it tokenized.

    A file that keeps its name and its size counts as the one that was read.
    """
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
    documents = tqdm(
        chain.from_iterable(_documents(file, nlp) for file in files),
        desc="reading",
        unit=" documents",
        disable=not show_progress,
    )
    text = read_text(documents, nlp, describe=lexicon.table.describe, vocabulary=vocabulary)
    with replacing(stored) as beside, beside.open("wb") as stream:
        np.savez(stream, **text._asdict())
    return text


def _documents(file: Path, nlp: Language) -> Iterator[list[str]]:
    """The paragraphs of each document of a text file or of a `.spacy` file."""
    if file.suffix != ".spacy":
        yield from read_documents(file)
        return
    try:
        binary = DocBin().from_disk(file)
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise LstmError(
            f"{file} cannot be read as documents of spaCy: make it again with spacy-lstm prepare"
        ) from error
    for doc in binary.get_docs(nlp.vocab):
        paragraphs = [line.strip() for line in doc.text.splitlines() if line.strip()]
        if paragraphs:
            yield paragraphs


def _load(path: Path) -> TokenText:
    try:
        # numpy leaves a file that it opened itself open where it is damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
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
        documents, kept = len(text.starts) - 1, -(-(len(text.starts) - 1) // HELD_OUT_EVERY)
        raise LstmError(
            f"none of the {kept if held_out else documents - kept} documents "
            f"{'kept apart to measure by' if held_out else 'to learn from'} has {length} tokens: "
            f"expected more or longer ones (the text has {documents}, a blank line between two)"
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
