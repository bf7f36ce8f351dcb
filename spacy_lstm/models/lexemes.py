"""What is known of a word by its spelling, worked out once and looked up after that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError
from spacy.attrs import ORTH
from spacy.tokens import Doc
from thinc.api import Optimizer
from thinc.shims.shim import Shim

from ..errors import LstmError
from ..lexicons.hashing import hash_word

__all__ = ["LexemeTable", "Lexicon", "Words", "find_words"]

# Words kept in the table. A stream of a hundred million documents never stops bringing new
# ones; at the limit the table starts afresh.
MAX_LEXEMES: Final = 300_000


class Words(NamedTuple):
    """The distinct spellings of some documents."""

    orths: list[int]
    """Their hashes, as spaCy has them."""
    which: npt.NDArray[np.int64]
    """Of each token the place of its own. *Shape:* ``(tokens,)``"""
    stores: list[Any]
    """Where the spellings are found."""

    def spell(self, orths: Sequence[int]) -> list[str]:
        """The spellings of some of the hashes."""
        if len(self.stores) == 1:
            return list(map(self.stores[0].__getitem__, orths))
        return [next(store[orth] for store in self.stores if orth in store) for orth in orths]


def find_words(docs: Sequence[Doc]) -> Words:
    """The distinct spellings of some documents: there are far fewer of them than tokens."""
    parts = [doc.to_array(ORTH).reshape(-1) for doc in docs]
    tokens = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
    orths, which = np.unique(tokens, return_inverse=True)
    stores = {id(doc.vocab): doc.vocab.strings for doc in docs}
    return Words(orths.tolist(), which.astype(np.int64, copy=False), list(stores.values()))


class _Rows:
    """Features by place, and the place of each spelling's hash."""

    def __init__(self, columns: int) -> None:
        self.index: dict[int, int] = {}
        self.table = np.zeros((1024, columns), dtype=np.int32)


class LexemeTable:
    """Integer features of words by their spelling.

    describe: gives the features of spellings, a row each.
    columns: how many there are.
    """

    def __init__(
        self, describe: Callable[[Sequence[str]], npt.NDArray[np.int32]], columns: int
    ) -> None:
        self.describe = describe
        self.columns = columns
        self._lock = Lock()
        # Replaced as a whole when it is full: a thread that reads goes on with its own.
        self._rows = _Rows(columns)

    def rows(self, words: Words) -> npt.NDArray[np.int32]:
        """The features of each word. *Shape:* ``(words, columns)``"""
        while True:
            known = self._rows
            try:
                places = list(map(known.index.__getitem__, words.orths))
            except KeyError:
                self._learn(words)
                continue
            # The table is read after the places: another thread may have had it grow in between.
            found: npt.NDArray[np.int32] = known.table[np.array(places, dtype=np.int64)]
            return found

    def _learn(self, words: Words) -> None:
        with self._lock:
            if len(self._rows.index) > MAX_LEXEMES:
                self._rows = _Rows(self.columns)
            known = self._rows
            orths = [orth for orth in words.orths if orth not in known.index]
            if not orths:
                return
            first, last = len(known.index), len(known.index) + len(orths)
            while last > len(known.table):
                known.table = np.concatenate([known.table, np.zeros_like(known.table)])
            known.table[first:last] = self.describe(words.spell(orths))
            # The places are told last, when there is something to read.
            known.index.update(zip(orths, range(first, last), strict=True))


class Lexicon(Shim):
    """Word lists that belong to a model's weights, and the features looked up by them.

    A thinc shim, so that it is stored, copied and loaded with the model. Words are kept as
    hashes: the number that belongs to a word is found, the words cannot be listed.

    describe: gives the features of spellings, a row each; called with the lists and the spellings.
    columns: how many features there are.
    """

    def __init__(
        self,
        describe: Callable[[Mapping[str, Mapping[int, int]], Sequence[str]], npt.NDArray[np.int32]],
        columns: int,
    ) -> None:
        super().__init__(None)
        self._describe = describe
        self._columns = columns
        self.set_lists({})

    def set_lists(self, lists: Mapping[str, Mapping[str, int]]) -> None:
        """Replace the word lists: each gives a number to every word in it."""
        self._set_hashed(
            {
                name: {hash_word(word): number for word, number in words.items()}
                for name, words in lists.items()
            }
        )

    def _set_hashed(self, lists: dict[str, dict[int, int]]) -> None:
        self.lists = lists
        self.table = LexemeTable(lambda texts: self._describe(self.lists, texts), self._columns)

    def rows(self, words: Words) -> npt.NDArray[np.int32]:
        """As `LexemeTable.rows`."""
        return self.table.rows(words)

    def token_rows(self, docs: Sequence[Doc]) -> npt.NDArray[np.int32]:
        """Features of the tokens of all documents. *Shape:* ``(tokens, columns)``"""
        words = find_words(docs)
        found: npt.NDArray[np.int32] = self.table.rows(words)[words.which]
        return found

    def __getstate__(self) -> dict[str, Any]:
        # The table is worked out again; its lock could not travel.
        return {key: value for key, value in self.__dict__.items() if key != "table"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_hashed(self.lists)

    def to_bytes(self) -> bytes:
        """The lists as safetensors: per list the sorted hashes and their numbers."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, words in self.lists.items():
            keys = np.array(sorted(words), dtype=np.uint64)
            numbers = np.array([words[int(key)] for key in keys], dtype=np.int32)
            small = numbers.size == 0 or numbers.max() < 256
            arrays[f"{name}.keys"] = keys
            arrays[f"{name}.numbers"] = numbers.astype(np.uint8) if small else numbers
        return safetensors.numpy.save(arrays)

    def from_bytes(self, bytes_data: bytes) -> "Lexicon":
        """Load what `to_bytes` gave."""
        try:
            arrays = safetensors.numpy.load(bytes_data)
            names = {key.rsplit(".", 1)[0] for key in arrays}
            lists = {
                name: dict(
                    zip(
                        arrays[f"{name}.keys"].tolist(),
                        arrays[f"{name}.numbers"].tolist(),
                        strict=True,
                    )
                )
                for name in names
            }
        except (SafetensorError, KeyError, ValueError) as error:
            raise LstmError(
                f"The word lists of this model cannot be read ({error}): the file is damaged; "
                "save or download it again."
            ) from error
        self._set_hashed(lists)
        return self

    def finish_update(self, optimizer: Optimizer) -> None:
        """Nothing is learned here."""

    @contextmanager
    def use_params(self, params: Any) -> Iterator[None]:
        """Nothing is learned here."""
        yield

    def to_device(self, device_type: str, device_id: int) -> None:
        """Lookups stay on the CPU."""
