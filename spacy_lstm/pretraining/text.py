"""Raw text as one long array of tokens, which is read from disk again and again."""

import hashlib
import json
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from thinc.api import Model
from tqdm import tqdm

from ..corpora.files import read_documents
from ..errors import LstmError
from ..files import replacing
from ..models.lexemes import Lexicon
from .ranks import ALONE, Ranks
from .types import TypeTable

__all__ = ["Ints", "TokenText", "chunk_starts", "read_text", "stored_text"]

Ints = npt.NDArray[np.int32]
_STORED: Final = np.dtype("<i4")
# Words that spaCy remembers, at about a kilobyte each.
_REMEMBERED: Final = 100_000
# Characters that are read before it forgets further ones.
_ZONE: Final = 2_000_000
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
        for part in self:
            digest.update(repr((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:16]


def read_text(
    documents: Iterable[list[str]],
    nlp: Language,
    *,
    describe: Callable[[Sequence[str]], npt.NDArray[np.int32]],
    vocabulary: int,
    stream: IO[bytes],
) -> TokenText:
    """Tokenize documents and number their types. What memory it takes grows with the types alone.

    documents: paragraphs of each.
    nlp: gives the tokenizer.
    describe: gives the features of spellings, a row each.
    vocabulary: how many of the most frequent lower-case forms are output words.
    stream: an empty file; the tokens are written to it.
    RETURNS: the text but for its tokens, of which it has none.
    """
    types = TypeTable(describe)
    lengths = array("q", [0])
    rest = iter(documents)
    for first in rest:
        # spaCy forgets no word but those that it meets first in a zone, which it splits anew
        # wherever they come. Frequent words have come by the time that zones begin.
        forgets = len(nlp.vocab) > _REMEMBERED
        with nlp.memory_zone() if forgets else nullcontext():
            for paragraphs in _take(chain([first], rest), _ZONE):
                orths = np.concatenate([_orths(nlp, text) for text in paragraphs])
                stream.write(types.number(orths, nlp.vocab.strings).astype(_STORED).tobytes())
                lengths.append(len(orths))
    if len(lengths) == 1:
        raise LstmError("the text has no words: expected files with a paragraph a line")
    starts = np.cumsum(np.frombuffer(lengths, dtype=np.int64))
    return TokenText(np.zeros(0, np.int32), starts, *types.finish(vocabulary))


def _take(documents: Iterator[list[str]], characters: int) -> Iterator[list[str]]:
    """Documents of so many characters together."""
    for paragraphs in documents:
        yield paragraphs
        characters -= sum(map(len, paragraphs))
        if characters <= 0:
            return


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
    ranks: Ranks = ALONE,
) -> TokenText:
    """The text of the files, from the folder where an earlier run has left it tokenized. Its tokens
    stay on the disk: what is read of them, the system keeps in memory as long as there is room.

    A file that keeps its name and its size counts as the one that was read.

    ranks: the processes that read it together, the first of which tokenizes it.
    """
    lexicon = next(shim for shim in tok2vec.shims if isinstance(shim, Lexicon))
    source = [
        [[file.name, file.stat().st_size] for file in files],
        vocabulary,
        nlp.lang,
        hashlib.sha256(lexicon.to_bytes()).hexdigest(),
    ]
    key = hashlib.sha256(json.dumps(source).encode()).hexdigest()[:16]
    tokens, tables = folder / f"text-{key}.bin", folder / f"text-{key}.npz"
    if ranks.is_first and not (tokens.is_file() and tables.is_file()):
        documents = tqdm(
            chain.from_iterable(_documents(file) for file in files),
            desc="reading",
            unit=" documents",
            disable=not show_progress,
        )
        describe = lexicon.table.describe
        with replacing(tokens) as beside, beside.open("wb") as stream:
            text = read_text(
                documents, nlp, describe=describe, vocabulary=vocabulary, stream=stream
            )
        arrays = text._asdict()
        del arrays["tokens"]
        # It comes last, and tells that the tokens are whole.
        with replacing(tables) as beside, beside.open("wb") as stream:
            np.savez(stream, **arrays)
    ranks.wait()
    if not tables.is_file():
        raise LstmError(
            f"process {ranks.rank} finds no {tables}, which process 0 has written: give an output "
            "folder that all of them share"
        )
    return _load(tokens, tables)


def _documents(file: Path) -> Iterator[list[str]]:
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
    # A vocabulary of their own, which is forgotten with them.
    for doc in binary.get_docs(Vocab()):
        paragraphs = [line.strip() for line in doc.text.splitlines() if line.strip()]
        if paragraphs:
            yield paragraphs


def _load(tokens: Path, tables: Path) -> TokenText:
    try:
        # numpy leaves a file that it opened itself open where it is damaged.
        with tables.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            rest = {name: arrays[name] for name in TokenText._fields[1:]}
        mapped = np.memmap(tokens, dtype=_STORED, mode="r", shape=(int(rest["starts"][-1]),))
        size = tokens.stat().st_size
        if size != mapped.nbytes:
            raise ValueError(f"{tokens.name} has {size} bytes, expected {mapped.nbytes}")
        return TokenText(np.asarray(mapped), **rest)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise LstmError(f"{tables} cannot be read ({error}): delete it to make it anew") from error


def chunk_starts(
    text: TokenText, length: int, *, held_out: bool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Where chunks of so many tokens start, in random order. None reaches over the end of its
    document; what does not fill a chunk is left out at a random side.

    held_out: of the documents that are kept apart, or of all others.
    """
    counts, rests = np.divmod(np.diff(text.starts), length)
    chosen = (np.arange(len(counts)) % HELD_OUT_EVERY == 0) == held_out
    chosen &= counts > 0
    if not chosen.any():
        documents, kept = len(counts), -(-len(counts) // HELD_OUT_EVERY)
        raise LstmError(
            f"none of the {kept if held_out else documents - kept} documents "
            f"{'kept apart to measure by' if held_out else 'to learn from'} has {length} tokens: "
            f"expected more or longer ones (the text has {documents}, a blank line between two)"
        )
    counts = counts[chosen]
    firsts = text.starts[:-1][chosen] + rng.integers(rests[chosen] + 1)
    numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts: npt.NDArray[np.int64] = np.repeat(firsts, counts) + length * numbers
    rng.shuffle(starts)
    return starts
