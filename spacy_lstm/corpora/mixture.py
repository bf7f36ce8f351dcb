"""Several prepared data sets mixed for training, with a share of each in every epoch."""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab

from ..errors import LstmError
from .docs import labelled_doc

__all__ = ["Swaps", "create_mixture_reader"]

Swaps = Callable[[Doc, random.Random], Doc]
"""A reference document → another one to train on, or itself; draws from the random numbers."""


def create_mixture_reader(
    path: str | list[str] | None,
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
    swaps: Swaps | None = None,
    max_length: int = 0,
) -> Callable[[Language], Iterator[Example]]:
    """Registered as `spacy_lstm.MixedCorpus.v1`: `.spacy` files, and all those of folders.

    A small set of strong examples is soon known by heart. With a share of 0.2, an epoch draws a
    fifth of it, each epoch the next fifth, so that all are seen once in five epochs. With a share
    of 2 it is there twice in every epoch, beside sets that would drown it. Documents come
    shuffled, in another order every epoch. spaCy asks for every epoch anew only where
    `training.max_epochs` is -1; otherwise it keeps the first one.

    path: a file or folder, or several.
    shares: file's name without `.spacy` → share of its documents that an epoch takes, over 0;
        1 for those not named.
    seed: of the order in which documents are drawn, and of the swaps.
    swaps: what is done to each document that is drawn, as `spacy_lstm.GenderSwaps.v1` and
        `spacy_lstm.SpellingNoise.v1` do. Its random numbers depend on the seed, the epoch and the
        document's place in it.
    max_length: tokens of a text with a label at most; of a longer one each epoch has another
        passage, its start and its end among them more often than any one between. 0 for whole
        texts. Documents with spans, such as clusters, stay whole: `spacy-lstm prepare
        --max-length` splits those of coreference.
    """
    paths = [path] if isinstance(path, str) else path
    if not paths or not all(paths):
        raise LstmError("the reader's path is null: give a .spacy file or a folder of them")
    shares = dict(shares or {})
    for name, share in shares.items():
        if not 0 < share < math.inf:
            raise LstmError(f"the share of {name} is {share}: expected over 0, such as 0.1 or 2")
    if max_length < 0:
        raise LstmError(f"max_length is {max_length}: expected 0 (whole texts) or more")
    return _Mixture([Path(path) for path in paths], shares, seed, swaps, max_length)


class _LabelledText(NamedTuple):
    """A document with a label and nothing else, which as a Doc would take twenty times the memory.

    words: the vocabulary's numbers. *Shape:* ``(tokens,)``
    spaces: whether white space follows. *Shape:* ``(tokens,)``
    """

    words: npt.NDArray[np.uint64]
    spaces: npt.NDArray[np.bool_]
    cats: dict[str, float]

    @classmethod
    def read(cls, doc: Doc) -> "_LabelledText":
        spaces = np.fromiter((bool(token.whitespace_) for token in doc), np.bool_, len(doc))
        words: npt.NDArray[Any] = doc.to_array(ORTH)
        return cls(words.astype(np.uint64), spaces, doc.cats)

    def make_doc(self, vocab: Vocab) -> Doc:
        # A Doc takes arrays too, as DocBin gives it, though its types do not say so.
        words: Any = self.words
        spaces: Any = self.spaces
        return labelled_doc(vocab, words, spaces, self.cats)


_Item = Example | _LabelledText
# What a document can be told beside its words, its labels and its spans.
_ANNOTATIONS: Final = ("LEMMA", "POS", "TAG", "MORPH", "DEP", "ENT_IOB", "SENT_START")


def _is_labelled_text(doc: Doc) -> bool:
    return bool(doc.cats) and not doc.spans and not any(map(doc.has_annotation, _ANNOTATIONS))


class _Mixture:
    def __init__(
        self,
        paths: Sequence[Path],
        shares: Mapping[str, float],
        seed: int,
        swaps: Swaps | None,
        max_length: int,
    ) -> None:
        self._paths = paths
        self._shares = shares
        self._seed = seed
        self._swaps = swaps
        self._max_length = max_length
        self._epoch = 0
        self._vocab: Vocab | None = None
        self._items: dict[Path, list[_Item]] = {}

    def __call__(self, nlp: Language) -> Iterator[Example]:
        files = self._find_files()
        epoch, self._epoch = self._epoch, self._epoch + 1
        drawn: list[_Item] = []
        for file in files:
            share = self._shares.get(file.stem, 1.0)
            drawn.extend(self._draw(self._read(file, nlp), share, epoch))
        if not drawn:
            # spaCy asks for another epoch until it has had its steps: for ever.
            raise LstmError(f"no documents in {', '.join(map(str, files))}: give files with some")
        random.Random(f"{self._seed}/{epoch}").shuffle(drawn)
        for position, item in enumerate(drawn):
            yield self._changed(item, nlp, f"{self._seed}/{epoch}/{position}")

    def _find_files(self) -> list[Path]:
        files: dict[str, Path] = {}
        for path in self._paths:
            found = [path] if path.is_file() else sorted(path.glob("*.spacy"))
            if not found:
                raise LstmError(f"no .spacy files in {path}: write some with `spacy-lstm prepare`")
            for file in found:
                # A share is by name.
                other = files.setdefault(file.stem, file)
                if other is not file:
                    raise LstmError(f"{other} and {file} have one name: give one another")
        unknown = self._shares.keys() - files.keys()
        if unknown:
            raise LstmError(
                f"a share is given for {', '.join(sorted(unknown))}: expected the files of "
                f"{', '.join(map(str, self._paths))}: {', '.join(files)}"
            )
        return list(files.values())

    def _changed(self, item: _Item, nlp: Language, seed: str) -> Example:
        original = doc = item.reference if isinstance(item, Example) else item.make_doc(nlp.vocab)
        # One stream for both: from the same start, what is swapped would go with where it stands.
        rng = random.Random(seed)
        if self._swaps is not None:
            doc = self._swaps(doc, rng)
        if 0 < self._max_length < len(doc) and doc.cats and not doc.spans:
            doc = _passage(doc, self._max_length, rng)
        if isinstance(item, Example) and doc is original:
            return item
        return Example(nlp.make_doc(doc.text), doc)

    def _read(self, file: Path, nlp: Language) -> list[_Item]:
        # Kept from epoch to epoch, as spaCy's loop keeps its examples where max_epochs is given:
        # to unpack span groups takes as long as a quarter of the training on them.
        if self._vocab is not nlp.vocab:
            self._vocab = nlp.vocab
            self._items.clear()
        if file not in self._items:
            binary = DocBin().from_disk(file)
            # The id of a labelled text's row teaches nothing, and takes six times as long to
            # unpack as all the rest of a short text.
            rows = zip(binary.user_data, binary.cats, strict=True)
            binary.user_data = [None if cats else data for data, cats in rows]
            self._items[file] = [
                _LabelledText.read(doc)
                if _is_labelled_text(doc)
                else Example(nlp.make_doc(doc.text), doc)
                for doc in binary.get_docs(nlp.vocab)
            ]
        return self._items[file]

    def _draw(self, items: list[_Item], share: float, epoch: int) -> list[_Item]:
        if share == 1 or not items:
            return items
        # One order for all epochs; each takes up where the one before it stopped.
        order = items.copy()
        random.Random(self._seed).shuffle(order)
        count = max(1, round(share * len(order)))
        first = epoch * count
        return [order[(first + i) % len(order)] for i in range(count)]


def _passage(doc: Doc, length: int, rng: random.Random) -> Doc:
    """So many neighbouring tokens of a longer text, with what the whole is labelled."""
    last = len(doc) - length
    # A passage that would reach over an end stops there.
    start = min(max(rng.randint(-(length // 2), last + length // 2), 0), last)
    tokens = doc[start : start + length]
    words = [token.text for token in tokens]
    return labelled_doc(doc.vocab, words, [bool(token.whitespace_) for token in tokens], doc.cats)
