"""Named persons of raw text, found by lists of first names and titles, without any model.

Precision goes before yield: a run of capitalized words counts as a person only where its first
name, its title or its page tells the gender, as no person only where something says so, and as
unclear everywhere else.
"""

import random
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ..coref.gender_swap import Gender, gendered_nouns
from ..coref.words import CALENDAR_NAMES
from ..errors import LstmError
from ..lexicons.gender import read_gender_lexicon, read_name_counts

__all__ = [
    "NO_PERSON",
    "PERSON",
    "UNCLEAR",
    "NameLists",
    "Person",
    "PersonFinder",
    "Run",
    "WordCounts",
    "find_runs",
]

_UPPER: Final = "".join(chr(i) for i in range(0x41, 0x250) if chr(i).isupper())
_WORD: Final = rf"[{_UPPER}][^\W\d_]*(?:[-‐](?=[^\W\d_])[^\W\d_]+|['’](?!s\b)[^\W\d_]+)*"
_DOTTED: Final = r"(?:Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Lt|Col|Gen|Capt|Sgt|Fr|Mme|Mlle|Sen|Rep|Gov|Maj)\."
_INITIAL: Final = rf"(?:[{_UPPER}]\.)+"
_ITEM: Final = rf"(?:{_DOTTED}|{_INITIAL}|{_WORD})"
_PARTICLES: Final = r"(?:de|la|le|du|da|dos|di|del|van|von|der|den|ter|bin|ibn|al|el|y)"
_RUN: Final = re.compile(rf"\b{_ITEM}(?: (?:{_PARTICLES} )*{_ITEM})*")
_LOWER_WORD: Final = re.compile(r"\b[^\W\d_A-Z]\w*")
_NOUNS: Final[dict[str, Gender]] = {
    **dict.fromkeys(gendered_nouns("M"), "M"),
    **dict.fromkeys(gendered_nouns("F"), "F"),
}
_NOUN_BEFORE: Final = re.compile(r"\b([^\W\d_]+),? \Z")
# Greek-speaking
_COMPOUND: Final = re.compile(r"[-‐][^\W\d_A-Z]+\Z")
_BEFORE: Final = re.compile(r"([^\W\d_]+)[ ]\Z")
_ROMAN: Final = re.compile(r"[IVX]+\Z")

_FUNCTION_ROW: Final = (
    "he him his himself she her hers herself it its they their them we us our i you your my me "
    "the a an this that these those in on at of to from by with for as and but or nor so yet if "
    "when while after before during since until although though because where who whom whose "
    "which what how why there here then thus however both either neither all some many most "
    "several few other another each every no not also only even just once upon within without "
    "between among through throughout under over about against into onto despite following "
    "according along like unlike later soon now today meanwhile finally first second one two "
    "three four five is was were are be been has had have did do does at last such very well "
    "perhaps maybe never always often sometimes again instead indeed still back near up down out"
)
_FUNCTION: Final = frozenset(_FUNCTION_ROW.split())
_PLACE_WORDS: Final = frozenset(["in", "at", "near", "from", "to"])
_IN: Final = frozenset(["in", "at", "near"])
_ARTICLES: Final = frozenset(["the", "a", "an"])
_THING_ROW: Final = (
    "Street Road Avenue Park River County Award Awards Prize Bay Island Islands Lake Mount Hall "
    "Square Bridge Station Trophy Cup Memorial Show Festival Series Act Building Beach Tech City "
    "Town Village Valley Hills Springs Stadium Arena Airport Gallery Books Films Productions "
    "Project Quartet Trio Orchestra Movement Scholarship Medal Chair Lecture Fellowship Tour "
    "Championship Championships Open Games Olympics Ocean Sea Territory Region Province State "
    "States Republic Kingdom Empire War Revolution Castle Palace Abbey Chapel Cemetery Heights "
    "Point Field Fields Gardens House Center Centre Hotel Inn Line Review Report News Day Night"
)
_THINGS: Final = frozenset(_THING_ROW.split())
_DEMONYM: Final = re.compile(r".+(?:ish|ese|ian|ians|ans|ists|ist|ic|ism|can|lish|ench|utch)\Z")
_TITLES_OF_PLACES: Final = frozenset({"St", "Saint", "Saints"})
# Their bearers go by a first name and a number, which the other gender's would not.
_ROYAL_ROW: Final = "King Queen Emperor Empress Pope Prince Princess Tsar Sultan"
_ROYAL: Final = frozenset(_ROYAL_ROW.split())

Verdict = Literal["person", "no person", "unclear"]
PERSON: Final = "person"
NO_PERSON: Final = "no person"
UNCLEAR: Final = "unclear"
# A word that follows one of "in, at, near" this often is a place.
_PLACE_SHARE: Final = 0.08
_THING_SHARE: Final = 0.3
_SURNAME_COUNT: Final = 2
# A name alone, without a surname anywhere in the document, needs many bearers.
_LONE_BEARERS: Final = 3000


@dataclass(frozen=True)
class Person:
    """A named person of one document; `number` counts those of the document."""

    number: int
    gender: Gender
    first: str | None
    last: str | None


class Run(NamedTuple):
    """Consecutive capitalized words, with what they were found to be."""

    start: int
    end: int
    words: tuple[str, ...]
    verdict: Verdict = UNCLEAR
    person: Person | None = None


class Parts(NamedTuple):
    """A run taken apart. `gender` is that of its titles."""

    titled: bool
    gender: Gender | None
    names: tuple[str, ...]


class NameLists:
    """First names with their gender, titles, and words that make a name no person's.

    Args:
        names: a table of first names with counts, see `read_name_counts`.
        words: lists of titles and of words of organizations, see `read_gender_lexicon`.
        clear_share: share of a first name's bearers from which on it has their gender.
        min_bearers: how many bearers it needs for that.
    """

    def __init__(
        self, names: Path, words: Sequence[Path], *, clear_share: float, min_bearers: int
    ) -> None:
        if not 0.5 < clear_share <= 1:
            raise LstmError(f"clear share is {clear_share}: expected over 0.5 and at most 1")
        self.genders: dict[str, Gender] = {}
        self.bearers: dict[str, int] = {}
        for name, p_female, bearers in read_name_counts(names):
            if name.lower() in _FUNCTION:
                continue
            self.bearers[name] = bearers
            if bearers >= min_bearers and max(p_female, 1 - p_female) >= clear_share:
                self.genders[name] = "F" if p_female > 0.5 else "M"
        self.titles: dict[str, Gender | None] = {}
        self.things = set(_THINGS)
        of_gender: dict[str, Gender | None] = {"masc": "M", "fem": "F", "epicene": None}
        for path in words:
            for word, gender in read_gender_lexicon(path):
                if gender == "neut":
                    self.things.add(word)
                elif word[:1].isupper() and word not in _TITLES_OF_PLACES:
                    self.titles.setdefault(word, of_gender.get(gender))
        self._drawn = {gender: self._drawing_table(gender) for gender in ("M", "F")}

    def _drawing_table(self, gender: str) -> tuple[list[str], list[float]]:
        names = sorted(name for name, known in self.genders.items() if known == gender)
        if not names:
            raise LstmError(f"the list of first names has none of gender {gender}: give another")
        # Damped, for the few commonest names would fill every other passage.
        return names, list(accumulate(self.bearers[name] ** 0.75 for name in names))

    def draw(self, gender: Gender, rng: random.Random) -> str:
        """A first name, the commoner the likelier."""
        names, weights = self._drawn[gender]
        return names[bisect(weights, rng.random() * weights[-1])]


@dataclass
class WordCounts:
    """How the words of a corpus are used, which tells names from other words with capitals."""

    lower: Counter[str] = field(default_factory=Counter)
    capital: Counter[str] = field(default_factory=Counter)
    after_place: Counter[str] = field(default_factory=Counter)
    after_article: Counter[str] = field(default_factory=Counter)
    surnames: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, lists: NameLists) -> None:
        """Count one paragraph."""
        self.lower.update(_LOWER_WORD.findall(text))
        for match in _RUN.finditer(text):
            words = match.group().split()
            before = _word_before(text, match.start())
            if before.islower():
                self.capital.update(words)
                if before in _IN:
                    self.after_place[words[0]] += 1
                elif before in _ARTICLES:
                    self.after_article[words[-1]] += 1
            if 2 <= len(words) <= 3 and words[0] in lists.genders:
                self.surnames[words[-1]] += 1

    def is_common(self, word: str) -> bool:
        """Whether a word that is written with a capital mostly has none."""
        used = self.lower[word.lower()]
        return used >= 3 and used > self.capital[word]

    def is_place(self, word: str) -> bool:
        """Whether a word is mostly a place."""
        return self.after_place[word] > _PLACE_SHARE * max(self.capital[word], 10)

    def is_thing(self, word: str) -> bool:
        """Whether a word with a capital stands where persons' names do not."""
        shown = self.after_place[word] + self.after_article[word]
        return shown > _THING_SHARE * max(self.capital[word], 3)


def find_runs(text: str) -> Iterator[Run]:
    """The runs of capitalized words of a text, pronouns and the like left out."""
    for match in _RUN.finditer(text):
        start, words = match.start(), match.group().split(" ")
        while words and words[0].lower() in _FUNCTION:
            start += len(words.pop(0)) + 1
        if words:
            yield Run(start, match.end(), tuple(words))


class PersonFinder:
    """Tells the persons among the runs of one document.

    Args:
        lists: the names.
        counts: of the corpus.
        subject_gender: of the person that the document is about, if there is one: the person
            that is named first.
    """

    def __init__(
        self, lists: NameLists, counts: WordCounts, subject_gender: Gender | None = None
    ) -> None:
        self._lists = lists
        self._counts = counts
        self._subject_gender = subject_gender
        self._people: dict[tuple[str | None, str | None, Gender], Person] = {}
        self._by_last: dict[str, list[Person]] = {}
        self._by_first: dict[str, list[Person]] = {}
        self._unclear: set[str] = set()
        self.subject: Person | None = None

    def find(self, paragraphs: Sequence[str]) -> list[list[Run]]:
        """The runs of each paragraph, judged."""
        texts = [(text, self._trimmed(text)) for text in paragraphs]
        for text, runs in texts:
            for run in runs:
                self._learn(text, run)
        return [[self._judge(text, run) for run in runs] for text, runs in texts]

    def _trimmed(self, text: str) -> list[Run]:
        """Runs without the word that owes its capital to the sentence's start."""
        runs = []
        for run in find_runs(text):
            words, start = run.words, run.start
            at_start = start == 0 or text[:start].rstrip()[-1:] in '.!?"“:'
            known = words[0] in self._lists.genders and len(words) > 1
            if at_start and not known and self._counts.is_common(words[0]):
                if words[0] in self._lists.titles:
                    pass
                elif len(words) == 1:
                    continue
                else:
                    start += len(words[0]) + 1
                    words = words[1:]
            runs.append(Run(start, run.end, words))
        return runs

    def _parts(self, words: tuple[str, ...]) -> Parts:
        gender: Gender | None = None
        at = 0
        while at < len(words) and words[at].rstrip(".") in self._lists.titles:
            # "Dean Martin", "Duke Ellington": a first name, unless a title stands before it.
            name = words[at] in self._lists.genders and at + 2 == len(words) and at == 0
            if name and words[at + 1] not in self._lists.genders:
                break
            gender = self._lists.titles[words[at].rstrip(".")] or gender
            at += 1
        names = tuple(word for word in words[at:] if word.rstrip(".") not in ("Jr", "Sr"))
        return Parts(at > 0, gender, names)

    def _is_thing(self, text: str, run: Run, parts: Parts) -> bool:
        names = parts.names
        if any(word in self._lists.things for word in names) or _COMPOUND.search(run.words[-1]):
            return True
        if _word_before(text, run.start).lower() == "the" and not parts.titled:
            return True
        return text[run.end : run.end + 1] in {"-", "/", "&"} or text[
            run.start - 1 : run.start
        ] in ({"-", "/", "&", "#", "@"} if run.start else ())

    def _full_gender(self, parts: Parts) -> Gender | None:
        """Of a name of two words or more, or with a title."""
        first = self._lists.genders.get(parts.names[0])
        if parts.gender and first and parts.gender != first and len(parts.names) > 1:
            return None
        return parts.gender or first

    def _learn(self, text: str, run: Run) -> None:
        """Remember the persons that full names and titles tell."""
        parts = self._parts(run.words)
        names = parts.names
        if not names or self._is_thing(text, run, parts) or _is_royal(run):
            return
        if self._subject_gender and self.subject is None and run.start == 0:
            last = None if len(names) == 1 and names[0] in self._lists.genders else names[-1]
            first = names[0] if last is None or len(names) > 1 else None
            self.subject = self._add(first, last, self._subject_gender)
            for word in names[1:-1]:
                self._by_first.setdefault(word, []).append(self.subject)
            return
        gender = self._full_gender(parts) or _noun_gender(text, run.start)
        if len(names) == 1:
            if gender and (parts.gender or names[0] not in self._lists.genders):
                self._add_titled(names[0], gender)
        elif gender and self._is_name(names, parts):
            self._add(names[0], names[-1], gender)
        elif not self._is_known_place(text, run, names):
            self._unclear.update(names[-1:])

    def _is_name(self, names: tuple[str, ...], parts: Parts) -> bool:
        if len(names) == 1:
            return True
        last = names[-1]
        if last.endswith(".") or last.isupper():
            return False
        if not parts.titled and (names[0] in CALENDAR_NAMES or self._counts.is_place(names[0])):
            return False
        return not self._counts.is_common(last) or self._counts.surnames[last] >= _SURNAME_COUNT

    def _add(self, first: str | None, last: str | None, gender: Gender) -> Person:
        key = (first, last, gender)
        if key not in self._people:
            person = Person(len(self._people), gender, first, last)
            self._people[key] = person
            if last:
                self._by_last.setdefault(last, []).append(person)
            if first:
                self._by_first.setdefault(first, []).append(person)
        return self._people[key]

    def _add_titled(self, name: str, gender: Gender) -> Person:
        """The known Jones of her gender for "Mrs. Jones", a new one if there is none."""
        known: list[Person] = [*self._by_last.get(name, ()), *self._by_first.get(name, ())]
        for person in known:
            if person.gender == gender:
                return person
        is_first = self._lists.genders.get(name) == gender
        return self._add(name, None, gender) if is_first else self._add(None, name, gender)

    def _judge(self, text: str, run: Run) -> Run:
        parts = self._parts(run.words)
        names = parts.names
        if not names and parts.titled and parts.gender is None:
            return run._replace(verdict=NO_PERSON)
        if not names:
            return run
        if self._is_thing(text, run, parts):
            return run._replace(verdict=NO_PERSON)
        if _is_royal(run):
            return run
        if len(names) == 1:
            return self._judge_single(text, run, parts)
        gender = self._full_gender(parts) or _noun_gender(text, run.start)
        for known in (gender, "M", "F"):
            person = self._people.get((names[0], names[-1], known)) if known else None
            if person:
                return run._replace(verdict=PERSON, person=person)
        if names[0].endswith("."):
            same = self._by_last.get(names[-1], [])
            if len(same) == 1 and (same[0].first or names[0]).startswith(names[0][0]):
                return run._replace(verdict=PERSON, person=same[0])
            return run
        no_name = names[0] not in self._lists.bearers and names[-1] not in self._by_last
        if no_name and self._is_known_place(text, run, names):
            return run._replace(verdict=NO_PERSON)
        return run

    def _is_known_place(self, text: str, run: Run, names: tuple[str, ...]) -> bool:
        """Whether several words that begin with no first name look like no person."""
        counts = self._counts
        if any(counts.is_common(word) or _DEMONYM.match(word) for word in names):
            return True
        if counts.is_place(names[0]) or all(word.isupper() for word in names):
            return True
        return _word_before(text, run.start) in _IN

    def _judge_single(self, text: str, run: Run, parts: Parts) -> Run:
        name = parts.names[0]
        people = [*self._by_last.get(name, ()), *self._by_first.get(name, ())]
        if parts.gender:
            people = [person for person in people if person.gender == parts.gender]
        if self.subject in people and not parts.gender:
            return run._replace(verdict=PERSON, person=self.subject)
        before = _word_before(text, run.start)
        if people and before in _IN and not parts.titled:
            return run
        if len(set(people)) == 1:
            return run._replace(verdict=PERSON, person=people[0])
        if people or parts.titled or name in self._unclear:
            return run
        if self._is_no_name(name, before):
            return run._replace(verdict=NO_PERSON)
        gender = self._lists.genders.get(name)
        known = gender and self._lists.bearers[name] >= _LONE_BEARERS
        if gender is None or not known or self._counts.is_common(name) or before in _IN:
            return run
        return run._replace(verdict=PERSON, person=self._add(name, None, gender))

    def _is_no_name(self, name: str, before: str) -> bool:
        """Whether a word that no full name of the document explains is no person's name."""
        counts = self._counts
        if name in CALENDAR_NAMES or (name.isupper() and len(name) > 1) or _DEMONYM.match(name):
            return True
        if counts.is_place(name):
            return True
        if name in self._lists.bearers or counts.surnames[name] >= _SURNAME_COUNT:
            return False
        return counts.is_common(name) or counts.is_thing(name) or before in _IN | _ARTICLES


def _word_before(text: str, start: int) -> str:
    """The word before a position, "" where something else stands between."""
    before = _BEFORE.search(text, max(0, start - 12), start)
    return before.group(1) if before else ""


def _noun_gender(text: str, start: int) -> Gender | None:
    """The gender that the noun before a name tells: "his wife Ute"."""
    before = _NOUN_BEFORE.search(text, max(0, start - 20), start)
    return _NOUNS.get(before.group(1)) if before else None


def _is_royal(run: Run) -> bool:
    return run.words[0] in _ROYAL or any(_ROMAN.match(word) for word in run.words)
