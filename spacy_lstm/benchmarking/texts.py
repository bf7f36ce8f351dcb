"""Texts to measure on: made ones that are never the same twice, or those of a file.

Made texts have the words of a small lexicon and others that are put together of syllables, new ones
without end, as real texts bring them: the share that is new falls with the square root of what was
read, roughly, so that tables of known words are not flattered. They are sentences with names,
pronouns, speech and numbers, and mean nothing.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import spacy

from ..errors import LstmError

__all__ = ["TextSource", "make_texts", "read_texts"]

_LEXICON: Final = Path(__file__).with_name("sentences.txt")
# How fast new words come (Pitman and Yor 1997): with these, 100,000 words have 9,000 different
# ones, as a novel has.
_STRENGTH: Final = 120.0
_DISCOUNT: Final = 0.72
_SENTENCES: Final = 6
_ONSETS: Final = ("b", "br", "c", "ch", "d", "f", "gl", "gr", "h", "l", "m", "n", "p", "r", "s")
_ONSETS_TOO: Final = ("st", "t", "tr", "v", "w", "cl", "dr", "fl", "k", "pl", "sh", "th")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ea", "ou", "ai", "oo")
_CODAS: Final = ("", "", "n", "r", "l", "s", "nd", "m", "t", "ck", "st")
_ENDINGS: Final = {
    "noun": ("", "er", "tion", "ment", "ness", "ing"),
    "plural": ("s", "ers", "tions", "ments"),
    "verb": ("ed",),
    "base": ("", "ate", "ish"),
    "adjective": ("", "ous", "al", "y", "less", "ful"),
    "adverb": ("ly",),
    "name": ("", "a", "o", "son", "ton", "ey"),
}


class TextSource:
    """Documents of any number of words, none of which comes twice.

    paragraphs: what they are cut from, in order.
    description: where they come from, for a report.
    """

    def __init__(self, paragraphs: Iterator[str], description: str) -> None:
        self.description = description
        self._paragraphs = paragraphs
        # Words are spaCy's tokens. Its own vocabulary: nobody measured knows the words.
        self._nlp = spacy.blank("en")
        self._nlp.max_length = 1 << 40
        self._rest = ""

    def take(self, words: int, count: int) -> list[str]:
        """The next documents; fewer where the texts end.

        words: tokens in each, give or take one.
        count: how many.
        """
        found = []
        for _ in range(count):
            text = self._next(words)
            if text is None:
                break
            found.append(text)
        return found

    def _next(self, words: int) -> str | None:
        parts: list[str] = []
        missing = words
        while missing:
            paragraph = self._rest or next(self._paragraphs, None)
            self._rest = ""
            if paragraph is None:
                return None
            doc = self._nlp.make_doc(paragraph)
            if len(doc) > missing:
                cut = doc[missing].idx
                paragraph, self._rest = paragraph[:cut], paragraph[cut:]
            missing -= min(missing, len(doc))
            parts.append(paragraph.strip())
        return " ".join(parts)


def make_texts(seed: int = 0) -> TextSource:
    """Texts without end; the same seed gives the same."""
    return TextSource(_make_paragraphs(Random(seed)), f"made by the package, seed {seed}")


def read_texts(path: str | Path) -> TextSource:
    """The texts of a file.

    path: a `.txt`, a paragraph a line, or a `.jsonl` with a column *text*; `.gz` after it is read
        too.
    """
    path = Path(path)
    kind = path.name.removesuffix(".gz").rsplit(".", 1)[-1]
    if kind not in ("txt", "jsonl"):
        raise LstmError(f"texts {path}: expected a .txt or a .jsonl file (or either with .gz).")
    if not path.is_file():
        raise LstmError(f"texts {path}: there is no such file.")
    return TextSource(_read_paragraphs(path, kind), str(path))


def _read_paragraphs(path: Path, kind: str) -> Iterator[str]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            text = line if kind == "txt" else _read_row(path, number, line)
            # Line breaks would be tokens of their own.
            yield " ".join(text.split())


def _read_row(path: Path, number: int, line: str) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise LstmError(f"texts {path}, line {number}: {error}; expected JSON.") from error
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise LstmError(f'texts {path}, line {number}: expected an object with a "text" in it.')
    return text


class _Words:
    """Words of one kind: old ones as often as they were used, and new ones."""

    def __init__(self, kind: str, listed: list[str], random: Random, made: set[str]) -> None:
        self._kind, self._random = kind, random
        self._used = list(listed)
        self._count = len(listed)
        self._made = made

    def draw(self) -> str:
        seen = len(self._used)
        if self._random.random() < (_STRENGTH + _DISCOUNT * self._count) / (_STRENGTH + seen):
            word = self._make()
            self._count += 1
        else:
            word = self._used[int(self._random.random() * seen)]
        self._used.append(word)
        return word

    def _make(self) -> str:
        choose = self._random.choice
        while True:
            syllables = [
                choose(_ONSETS + _ONSETS_TOO) + choose(_VOWELS) + choose(_CODAS)
                for _ in range(choose((1, 2, 2, 2, 3)))
            ]
            word = "".join(syllables) + choose(_ENDINGS[self._kind])
            word = word.title() if self._kind == "name" else word
            if word not in self._made:
                self._made.add(word)
                return word


class _Cast(NamedTuple):
    """Who a few paragraphs are about."""

    names: list[str]
    pronouns: list[tuple[str, str, str]]


_PRONOUNS: Final = (("he", "him", "his"), ("she", "her", "her"))


def _make_paragraphs(random: Random) -> Iterator[str]:
    blocks = _read_lexicon()
    made = {word for words in blocks.values() for word in words}
    words = {kind: _Words(kind, blocks[kind], random, made) for kind in _ENDINGS}
    while True:
        count = random.randint(2, 4)
        names = [words["name"].draw() for _ in range(count)]
        cast = _Cast(names, [random.choice(_PRONOUNS) for _ in names])
        for _ in range(random.randint(2, 6)):
            sentences = [
                _fill(random.choice(blocks["sentence"]), words, cast, random)
                for _ in range(random.randint(2, _SENTENCES))
            ]
            yield " ".join(sentences)


def _fill(pattern: str, words: dict[str, _Words], cast: _Cast, random: Random) -> str:
    which = random.randrange(len(cast.names))
    subject, object_, possessive = cast.pronouns[which]
    fixed = {
        "who": cast.names[which],
        "other": cast.names[which - 1],
        "he": subject,
        "him": object_,
        "his": possessive,
    }
    parts = []
    for piece in pattern.split("{"):
        slot, closed, after = piece.partition("}")
        if not closed:
            parts.append(slot)
            continue
        if slot == "number":
            parts.append(str(random.randint(2, 9_999)))
        else:
            parts.append(fixed[slot] if slot in fixed else words[slot].draw())
        parts.append(after)
    text = "".join(parts)
    # Also after the mark that opens a speech.
    first = next(i for i, character in enumerate(text) if character.isalpha())
    return text[:first] + text[first].upper() + text[first + 1 :]


def _read_lexicon() -> dict[str, list[str]]:
    """The blocks of the file: sentences a line each, words in rows."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in _LEXICON.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            blocks[name] = []
        elif line:
            blocks[name] += [line] if name == "sentence" else line.split()
    return blocks
