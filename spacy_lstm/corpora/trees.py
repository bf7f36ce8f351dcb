"""Treebanks in CoNLL-U → documents with tags, relations and heads."""

from collections.abc import Callable, Iterator
from pathlib import Path

from spacy.tokens import Doc
from spacy.training.converters.conllu_to_docs import conllu_to_docs

from ..errors import LstmError
from .files import read_text

__all__ = ["is_treebank", "read_trees"]

# Sentences joined to a document: a sentence alone says nothing of how they follow each other.
_SENTENCES = 5


def is_treebank(path: str | Path) -> bool:
    """Whether a file's name says that it is CoNLL-U, compressed or not."""
    return ".conllu" in Path(path).suffixes


def read_trees(path: Path) -> Iterator[Doc]:
    """Documents of a few sentences each, read by spaCy's own converter."""
    try:
        convert: Callable[..., Iterator[Doc]] = conllu_to_docs  # spaCy's, without types
        yield from convert(read_text(path), n_sents=_SENTENCES, no_print=True)
    except (ValueError, IndexError, KeyError) as error:
        if isinstance(error, LstmError):
            raise
        raise LstmError(f"{path} is not CoNLL-U: {error}") from error
