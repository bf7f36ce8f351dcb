"""The types of a text's tokens: each spelling that comes, numbered and counted."""

from array import array
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from spacy.strings import StringStore

__all__ = ["TypeTable"]


class TypeTable:
    """Numbers spellings as they come, and keeps what the encoder reads of each; not the spelling.

    describe: gives the features of spellings, a row each.
    """

    def __init__(self, describe: Callable[[Sequence[str]], npt.NDArray[np.int32]]) -> None:
        self._describe = describe
        self._numbers: dict[int, int] = {}
        self._features = array("i")
        self._forms: dict[str, int] = {}
        # Of each type its lower-case form, and how often it came.
        self._form_of = array("q")
        self._counts = np.zeros(1024, dtype=np.int64)

    def number(self, orths: npt.NDArray[np.uint64], strings: StringStore) -> npt.NDArray[np.int64]:
        """The number of each token's type.

        orths: hashes of the spellings. *Shape:* ``(tokens,)``
        strings: knows the spelling of each.
        """
        unique, inverse, found = np.unique(orths, return_inverse=True, return_counts=True)
        known = unique.tolist()
        new = [orth for orth in known if orth not in self._numbers]
        if new:
            self._learn(new, [strings[orth] for orth in new])
        types = np.array([self._numbers[orth] for orth in known], dtype=np.int64)
        self._counts[types] += found
        return types[inverse]

    def _learn(self, orths: list[int], spellings: list[str]) -> None:
        first, last = len(self._numbers), len(self._numbers) + len(orths)
        self._numbers.update(zip(orths, range(first, last), strict=True))
        self._features.extend(self._describe(spellings).reshape(-1).tolist())
        for spelling in spellings:
            self._form_of.append(self._forms.setdefault(spelling.lower(), len(self._forms)))
        while last > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])

    def finish(self, vocabulary: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Features and output word of each type, as in `TokenText`.

        vocabulary: how many of the most frequent forms are output words.
        """
        form_of = np.frombuffer(self._form_of, dtype=np.int64)
        totals = np.zeros(len(self._forms), dtype=np.int64)
        np.add.at(totals, form_of, self._counts[: len(form_of)])
        ranks = np.full(len(totals), -1, dtype=np.int32)
        frequent = np.argsort(-totals, kind="stable")[:vocabulary]
        ranks[frequent] = np.arange(len(frequent))
        features = np.frombuffer(self._features, dtype=np.int32)
        return features.reshape(len(form_of), -1), ranks[form_of]
