"""Patterns of sentiment: sentences whose label follows from a frame and the words in it.

A frame is ``head | text``. The head is a label and, where the frame needs them, the domains it
may speak of (``@food,hotel``) and a manner of writing (``caps``, ``lower``). Each text draws a
side, good or bad; what the label is for that side stands first in the head:

- ``=`` the side itself; ``!`` the other side (*not {^A}*); ``+``, ``-``, ``0`` always the same.

In the text:

- ``{^list}`` is a word of the drawn side, ``{~list}`` one of the other, ``{list+}`` a good and
  ``{list-}`` a bad one always; ``{list}`` has no side, or any. A list may have a part of its own
  for a domain. A number (``{^A1}``) recalls a word, else each slot takes another one; ``:ed``,
  ``:ing``, ``:s`` are forms of a verb; ``:long``, ``:typo``, ``:caps`` change the spelling.
- ``{^%name}`` is a sentence of the macro *name*, with its own words.
- ``[a|b]`` is a choice, ``<a/b>`` one by the side. ``a/an`` agrees with what follows.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .markup import read_records
from .templates import Vocabulary

LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")
GOOD, BAD = "+", "-"

_OTHER = {GOOD: BAD, BAD: GOOD}
# What may be said of one domain ("tasty"), and the list of what may be said of all.
_GENERAL = {"A": "G"}
_FORMS = {"base": 0, "s": 1, "ed": 2, "ing": 3}
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_BY_SIDE = re.compile(r"<([^<>/]*)/([^<>/]*)>")
_SLOT = re.compile(r"\{([\^~]?)(%?)([A-Za-z_]+)([+-]?)(\d?)(?::([a-z]+))?\}")
_ARTICLE = re.compile(r"\b([Aa])/an (?=(\w+))")
# Written with a vowel, spoken with a consonant; and the reverse.
_CONSONANTS = re.compile(r"us|uni(?![mn])|one|eu", re.IGNORECASE)
_VOWELS = re.compile(r"[aeiou]|hour|hon(?:o|est)|heir", re.IGNORECASE)
_START = re.compile(r"(?:^|[.!?] )[\"']?[a-z]")
# Before a pronoun the short form stays: "isn't it" has no other order.
_INVERTED = r"\b(?! (?:it|he|she|they|you|we|I|that|this|the)\b)"
_NOT = re.compile(rf"n't{_INVERTED}")
_CANNOT = re.compile(rf"\b([Cc])an't{_INVERTED}")
_WILL_NOT = re.compile(rf"\b([Ww])on't{_INVERTED}")


@dataclass(frozen=True)
class Frame:
    """A text with slots, its label by side, and what it may speak of."""

    label: str
    domains: tuple[str, ...]
    manner: str
    text: str


@dataclass
class Patterns:
    """The frames and the rows wanted of each phenomenon, and the macros."""

    frames: dict[str, list[Frame]] = field(default_factory=dict)
    wanted: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    macros: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A text with its label and the phenomenon that it is an example of."""

    phenomenon: str
    label: str
    text: str


def read_patterns(lines: Iterable[str]) -> Patterns:
    """Read ``== phenomenon negative neutral positive`` and ``:: macro`` with their lines."""
    patterns = Patterns()
    frames: list[Frame] | None = None
    macro: list[str] = []
    for line in lines:
        if line.startswith("== "):
            name, *counts = line[3:].split()
            negative, neutral, positive = map(int, counts)
            patterns.wanted[name] = (negative, neutral, positive)
            frames = patterns.frames.setdefault(name, [])
        elif line.startswith(":: "):
            frames, macro = None, patterns.macros.setdefault(line[3:].strip(), [])
        elif frames is None:
            macro.extend(text for (text,) in read_records([line], 1))
        else:
            frames.extend(_frame(head, text) for head, text in read_records([line], 2))
    return patterns


def _frame(head: str, text: str) -> Frame:
    label, *rest = head.split()
    if label not in "=!+-0":
        raise ValueError(f"no label {label!r} in the head {head!r}; there are = ! + - 0")
    domains = [part[1:] for part in rest if part.startswith("@")]
    manners = [part for part in rest if not part.startswith("@")]
    named = tuple(domains[0].split(",")) if domains else ()
    return Frame(label, named, manners[0] if manners else "", text)


class Writer:
    """Fills frames with one random generator."""

    def __init__(self, patterns: Patterns, vocabulary: Vocabulary, rng: random.Random) -> None:
        self.patterns = patterns
        self.lists = vocabulary.words
        self.rng = rng

    def write(self, frame: Frame, side: str) -> str:
        """One text of the frame for a side."""
        domain = self.rng.choice(self._domains(frame))
        text = self._fill(frame.text, side, domain, {}, set())
        text = _tidy(_ARTICLE.sub(_article, text))
        if frame.manner == "caps":
            return text.upper()
        if frame.manner == "lower":
            return text.lower()
        return text

    def _domains(self, frame: Frame) -> Sequence[str]:
        """What the frame may speak of; by default that which is an *it*, and ``@any`` is all."""
        if frame.domains in ((), ("any",)):
            return self.lists["any" if frame.domains else "domains"]
        return frame.domains

    def _fill(
        self, text: str, side: str, domain: str, known: dict[str, str], used: set[str]
    ) -> str:
        while choice := _CHOICE.search(text):
            pick = self.rng.choice(choice[1].split("|"))
            text = text[: choice.start()] + pick + text[choice.end() :]
        text = _BY_SIDE.sub(lambda match: match[1 if side == GOOD else 2], text)

        def replace(match: re.Match[str]) -> str:
            mark, is_macro, name, sign, number, form = match.groups()
            mine = {"^": side, "~": _OTHER[side]}.get(mark, sign)
            if is_macro:
                chosen = self._fresh(self.patterns.macros[name], used)
                return self._fill(chosen, mine or side, domain, known, used)
            key = f"{mark}{name}{sign}{number}"
            if not number or key not in known:
                known[key] = self._word(name, mine, domain, used)
            return self._spell(known[key], form)

        return _SLOT.sub(replace, text)

    def _word(self, name: str, side: str, domain: str, used: set[str]) -> str:
        """A word that the text does not hold yet, as often of the domain as of all domains."""
        names = [f"{name}_{domain}", _GENERAL.get(name, name)]
        sides = [side] if side or any(key in self.lists for key in names) else [GOOD, BAD]
        end = self.rng.choice(sides)
        pools = [self.lists[key + end] for key in names if key + end in self.lists]
        if not pools:
            raise ValueError(f"no word list {name + side!r}")
        return self._fresh(self.rng.choice(pools), used)

    def _fresh(self, pool: Sequence[str], used: set[str]) -> str:
        """One that the text does not hold yet, if there is one."""
        chosen = self.rng.choice([entry for entry in pool if entry not in used] or pool)
        used.add(chosen)
        return chosen

    def _spell(self, word: str, form: str | None) -> str:
        if form in _FORMS:
            return word.split("/")[_FORMS[form]]
        word = word.split("/")[0]
        if form == "caps":
            return word.upper()
        if form == "long":
            return self._elongate(word)
        if form == "typo":
            return self._mistype(word)
        if form is not None:
            raise ValueError(f"no form {form!r} of a word")
        return word

    def _elongate(self, word: str) -> str:
        """The last vowel, or the last letter, three to six times."""
        vowels = [i for i, char in enumerate(word[:-1]) if char in "aiou"]
        place = vowels[-1] if vowels and self.rng.random() < 0.7 else len(word) - 1
        return word[:place] + word[place] * self.rng.randint(3, 6) + word[place + 1 :]

    def _mistype(self, word: str) -> str:
        """Two neighbours swapped, or one letter lost or doubled; never the first letter."""
        if len(word) < 4:
            return word
        i = self.rng.randrange(1, len(word) - 2)
        kind = self.rng.randrange(3)
        if kind == 0 and word[i] != word[i + 1]:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        return word[:i] + word[i] * 2 + word[i + 1 :] if kind == 1 else word[:i] + word[i + 1 :]

    def vary(self, text: str, label: str) -> str:
        """The same text as people write it: small letters, no apostrophes, no final point."""
        rng = self.rng
        if rng.random() < 0.2:
            text = _CANNOT.sub(r"\1annot", _WILL_NOT.sub(r"\1ill not", text))
            text = _NOT.sub(" not", text)
        if rng.random() < 0.07:
            text = text.replace("'", "")
        if rng.random() < 0.08 and " " in text:
            text = text.lower()
        if text.endswith("."):
            chance = rng.random()
            if chance < 0.07:
                return text[:-1]
            if chance < (0.11 if label == "NEUTRAL" else 0.17):
                return f"{text[:-1]}!"
        return text


def _article(match: re.Match[str]) -> str:
    word = match[2]
    vowel = _VOWELS.match(word) and not _CONSONANTS.match(word)
    return f"{match[1]}{'n' if vowel else ''} "


def _tidy(text: str) -> str:
    """Single spaces, none before a point or comma, and a capital at each sentence's start."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" (?=[.,;!?](?:\s|$))", "", text)
    return _START.sub(lambda match: match[0].upper(), text)


def label_of(frame: Frame, side: str) -> str:
    """The label of a frame's text for a side."""
    sign = {"=": side, "!": _OTHER[side]}.get(frame.label, frame.label)
    return {BAD: "NEGATIVE", "0": "NEUTRAL", GOOD: "POSITIVE"}[sign]


def make_patterns(
    name: str,
    patterns: Patterns,
    vocabulary: Vocabulary,
    is_taken: Callable[[str], bool] = lambda text: False,
) -> list[Made]:
    """As many different texts of every phenomenon and label as are wanted, in a mixed order.

    Args:
        is_taken: tells texts that must not be made, as those of a test are.

    Raises ValueError where the frames cannot give that many.
    """
    writer = Writer(patterns, vocabulary, random.Random(name))
    made: dict[str, Made] = {}
    for phenomenon, frames in patterns.frames.items():
        for label, count in zip(LABELS, patterns.wanted[phenomenon], strict=True):
            able = [(f, s) for f in frames for s in (GOOD, BAD) if label_of(f, s) == label]
            found = 0
            for attempt in range(40 * count):
                if found == count or not able:
                    break
                frame, side = able[attempt % len(able)]
                text = writer.write(frame, side)
                text = text if frame.manner else writer.vary(text, label)
                if text.lower() not in made and not is_taken(text):
                    made[text.lower()] = Made(phenomenon, label, text)
                    found += 1
            if found < count:
                raise ValueError(f"only {found} of {count} {label} texts of {phenomenon}")
    rows = list(made.values())
    writer.rng.shuffle(rows)
    return rows


def patterns_table(rows: Iterable[Made]) -> str:
    """The counts by phenomenon and label, for the card."""
    counts = Counter((row.phenomenon, row.label) for row in rows)
    kinds: Mapping[str, None] = dict.fromkeys(sorted(kind for kind, _ in counts))
    lines = [f"| phenomenon | {' | '.join(LABELS)} | all |", "| --- | ---: | ---: | ---: | ---: |"]
    for kind in kinds:
        numbers = [counts[kind, label] for label in LABELS]
        lines.append(f"| {kind} | {' | '.join(map(str, [*numbers, sum(numbers)]))} |")
    totals = [sum(counts[kind, label] for kind in kinds) for label in LABELS]
    lines.append(f"| all | {' | '.join(map(str, [*totals, sum(totals)]))} |")
    return "\n".join(lines) + "\n"
