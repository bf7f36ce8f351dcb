"""Labelled texts as people type them: in capitals, stretched, with slips.

What a text feels does not change with its spelling. A model that reads words as wholes has to be
shown so (Belinkov and Bisk 2018, *Synthetic and Natural Noise Both Break Neural Machine
Translation*).

Every edit puts one token in the place of one.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final

from spacy.tokens import Doc

from .docs import labelled_doc
from .edit_kinds import EditKinds, check_share

__all__ = ["KINDS", "SpellingNoise", "create_spelling_noise"]

KINDS: Final = ("lower", "upper", "stretch", "slip")

_VOWELS: Final = frozenset("aeiouy")
# How many letters a stretched one becomes: "sooo" to "soooooo".
_STRETCHES: Final = (3, 6)
# The first letter is seldom mistyped, and short words would become others.
_SLIP_LENGTH: Final = 4


def create_spelling_noise(
    lower: float = 0.05,
    upper: float = 0.05,
    stretch: float = 0.1,
    slip: float = 0.1,
    words: float = 0.1,
) -> "SpellingNoise":
    """Registered as `spacy_lstm.SpellingNoise.v1`: an argument `swaps` of `MixedCorpus`.

    At most one kind of noise is drawn for a text with a label; documents without, and those with
    spans too, such as clusters, stay as they are.

    lower: probability that all letters of a text are small.
    upper: that all, or some words, are in capitals.
    stretch: that letters of some words are repeated: "sooo", "goood".
    slip: that some words are mistyped: two letters change places, one is left out or doubled.
    words: how many of a text's words are in capitals, stretched or mistyped, one at least.
    """
    return SpellingNoise(
        {"lower": lower, "upper": upper, "stretch": stretch, "slip": slip}, words=words
    )


class SpellingNoise:
    """Draws a kind of noise for each text and makes it; all depends on the text and the random
    numbers alone.

    Args:
        shares: probability of each of `KINDS`; 0 where it is missing.
        words: share of the words that an edit of some words changes.
    """

    def __init__(self, shares: Mapping[str, float], *, words: float = 0.1) -> None:
        self._kinds = EditKinds(KINDS, shares, what="spelling noise", number="share")
        check_share("share", "words", words)
        self._words = words

    def __call__(self, doc: Doc, rng: random.Random) -> Doc:
        """The document itself where nothing is drawn or nothing can change, else an edited copy."""
        if not doc.cats or doc.spans:
            return doc
        kind = self._kinds.draw(rng)
        return doc if kind is None else self.edit(doc, kind, rng)

    def edit(self, doc: Doc, kind: str, rng: random.Random) -> Doc:
        """Make one kind of noise, whatever its probability is."""
        words = [token.text for token in doc]
        if kind == "lower":
            edited = [word.lower() for word in words]
        elif kind == "upper" and rng.random() < 0.5:
            edited = [word.upper() for word in words]
        else:
            edited = self._edit_some(words, kind, rng)
        if edited == words:
            return doc
        return labelled_doc(doc.vocab, edited, [bool(token.whitespace_) for token in doc], doc.cats)

    def _edit_some(self, words: list[str], kind: str, rng: random.Random) -> list[str]:
        takes, change = _EDITS[kind]
        places = [place for place, word in enumerate(words) if word.isalpha() and takes(word)]
        count = min(len(places), max(1, round(self._words * len(words))))
        chosen = set(rng.sample(places, count))
        return [change(word, rng) if i in chosen else word for i, word in enumerate(words)]


def _find_vowels(word: str) -> list[int]:
    return [place for place, letter in enumerate(word) if letter.lower() in _VOWELS]


def _shout(word: str, _: random.Random) -> str:
    return word.upper()


def _stretch(word: str, rng: random.Random) -> str:
    place = rng.choice([*_find_vowels(word), len(word) - 1])
    return word[:place] + word[place] * rng.randint(*_STRETCHES) + word[place + 1 :]


def _slip(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = rng.randrange(3)
    if kind == 0:
        return before + after[0] + letter + after[1:]
    return before + after if kind == 1 else before + letter * 2 + after


# Which words take an edit, and the edit. What has no capitals or no vowels is written otherwise.
_EDITS: Final[Mapping[str, tuple[Callable[[str], object], Callable[[str, random.Random], str]]]] = {
    "upper": (lambda word: word != word.upper(), _shout),
    "stretch": (_find_vowels, _stretch),
    "slip": (lambda word: len(word) >= _SLIP_LENGTH and word.lower() != word.upper(), _slip),
}
