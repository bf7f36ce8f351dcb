"""Which tokens of an annotated document are first names and surnames, and of which gender.

`PersonFinder` reads raw text and takes only what is sure. Here annotation helps: the pronouns of
a cluster tell the gender of the name in it, and where all mentions are annotated a name is in one.
"""

import re
from collections import Counter, defaultdict
from typing import Final, NamedTuple

from ..coref.gender_swap import Gender
from ..coref.mentions import NAME_SUFFIXES, Span, head_offset
from ..coref.phrases import word_set
from .coref_tokens import CorefTokens
from .persons import NameLists, Run, find_runs

__all__ = ["Name", "NameTokens", "find_name_tokens"]

# Before a single name, these titles stand with first names: Sir Walter, Aunt Jane.
_FIRST_NAME_TITLES: Final = word_set(
    "Sir Dame Lady Lord Aunt Auntie Uncle Sister Brother Miss Master Don Doña King Queen Prince "
    "Princess Pope Emperor Empress Tsar Tsarina"
)
# Names that are other words and places as often: without a surname or a pronoun they say nothing.
_DOUBTFUL: Final = word_set(
    "Will May Mark Hope Faith Joy Art Bill Grant Chase Dawn Don Rich Chance April June August "
    "Summer Autumn Melody Harmony Destiny Heaven Washington Liberty Maya Angel Major Justice "
    "Prince Princess King Duke Royal Baby Messiah Christian London Paris Asia India America "
    "Kenya Israel Ireland Vienna Geneva Brooklyn Virginia Georgia Carolina Florence Austin "
    "Houston Dallas Lincoln Jackson Jordan Chad Troy Milan Adelaide Victoria Alexandria Sydney "
    "Orlando Phoenix Denver Boston Memphis Savannah Cheyenne Dakota Montana Alabama Arizona "
    "Nevada Jersey Holland Persia Sicily Roma Sienna Verona Valencia Genesis Trinity Crystal "
    "Pearl Ruby Amber Ivy Ginger Jasmine Star Sky Ocean River Forest Stone Hunter Mason Carter "
    "Van Lane Guy Buddy Sonny Junior Ace Sterling Golden Legend Rain Stormy Precious Lord Lady "
    "Miss Earl Dean Bishop Pierce"
)
# Listed, too, but hardly ever a name where they have a capital.
_NO_NAMES: Final = word_set("Green Roman German General Isis")
# Of the titles, those that are first names as often: "Dean Martin".
_NAMES_TOO: Final = word_set("Dean Earl Duke")
_PLACE_BEFORE: Final = frozenset(["in", "at", "near", "In", "At", "Near"])
_SAINTS: Final = frozenset(["St.", "St", "Saint", "San", "Santa", "Fort", "Mount", "Lake"])
_ROMAN: Final = re.compile(r"[IVX]+\Z")
# As in silver data: a first name alone needs many bearers.
_LONE_BEARERS: Final = 3000


class Name(NamedTuple):
    """A name of a document: its tokens, and for a first name the gender of its bearer."""

    tokens: list[int]
    gender: Gender | None


class NameTokens(NamedTuple):
    """First names and surnames as written, without the capitals of "MARY"."""

    first: dict[str, Name]
    last: dict[str, list[int]]


class _Mention(NamedTuple):
    span: Span
    gender: Gender | None


def find_name_tokens(source: CorefTokens, lists: NameLists) -> NameTokens:
    """The names of a document."""
    finder = _NameFinder(source, lists)
    for run in find_runs(source.text):
        finder.add(run)
    return finder.names()


class _NameFinder:
    def __init__(self, source: CorefTokens, lists: NameLists) -> None:
        self._source = source
        self._lists = lists
        # Of each token the smallest mention around it.
        self._inner: list[_Mention | None] = [None] * len(source.texts)
        genders = source.genders
        for span in sorted({*source.mentions, *genders}, key=lambda span: span[0] - span[1]):
            start, end = span
            self._inner[start:end] = [_Mention(span, genders.get(span))] * (end - start)
        # "others" follow from the rest, and say nothing themselves.
        self._tokens: dict[str, dict[str, list[int]]] = {
            role: defaultdict(list) for role in ("first", "middle", "last", "lone", "others")
        }
        self._votes: dict[str, Counter[Gender]] = defaultdict(Counter)
        self._places: set[str] = set()

    def add(self, run: Run) -> None:
        """Take one run of capitalized words apart."""
        tokens, words = self._known_tokens(run)
        if not words or any(word in self._lists.things for word in words):
            return
        titles, count = self._titles(words)
        gender = self._mention_gender(tokens)
        words, tokens = words[count:], tokens[count:]
        while words and (words[-1].lower() in NAME_SUFFIXES or _ROMAN.match(words[-1])):
            words, tokens = words[:-1], tokens[:-1]
        if not words or _NO_NAMES.intersection(words):
            return
        if self._source.exhaustive and self._inner[tokens[-1]] is None:
            if len(words) == 1:
                self._put("others", words[0], tokens[0], None)
            return
        before = self._source.texts[tokens[0] - 1] if tokens[0] else ""
        if before in _SAINTS or (before in {"the", "The"} and not titles and gender is None):
            return
        if len(words) > 1:
            self._add_full(words, tokens, bool(titles), gender)
        else:
            self._add_single(words[0], tokens[0], titles, gender, before)

    def _known_tokens(self, run: Run) -> tuple[list[int], list[str]]:
        """The tokens of a run, and their words; none where tokens and words differ."""
        tokens, words, position = [], [], run.start
        for word in run.words:
            token = self._source.token_at.get(position)
            if token is None or self._source.texts[token].rstrip(".") != word.rstrip("."):
                return [], []
            tokens.append(token)
            words.append(self._as_listed(word.rstrip(".")))
            position += len(word) + 1
        return tokens, words

    @staticmethod
    def _as_listed(word: str) -> str:
        return word.capitalize() if len(word) > 2 and word.isupper() else word

    def _titles(self, words: list[str]) -> tuple[list[str], int]:
        """The titles of a run, and how many words they and what is before them are."""
        count = 0
        for i, word in enumerate(words):
            is_title = word in self._lists.titles
            if is_title and not (i + 2 == len(words) and word in _NAMES_TOO):
                count = i + 1
            elif word in self._lists.genders:
                # Nat King Cole
                break
        return [word for word in words[:count] if word in self._lists.titles], count

    def _mention_gender(self, tokens: list[int]) -> Gender | None:
        """What the cluster's pronouns tell, if the run is the head of its mention."""
        inner = self._inner[tokens[-1]]
        if inner is None or inner.gender is None:
            return None
        start, end = inner.span
        head = start + head_offset(self._source.texts[start:end])
        return inner.gender if tokens[0] <= head <= tokens[-1] else None

    def _add_full(
        self, words: list[str], tokens: list[int], titled: bool, gender: Gender | None
    ) -> None:
        lists, last = self._lists, len(words) - 1
        known = words[0] in lists.bearers
        if not known and not titled and len(words[0]) > 1:
            # "Dear Mary"
            self._add_single(words[-1], tokens[-1], [], gender, words[-2])
            return
        if known:
            self._put("first", words[0], tokens[0], gender)
        given = lists.genders.get(words[0])
        for i in range(1, last):
            if lists.genders.get(words[i]) == given:
                self._put("middle", words[i], tokens[i], None)
        # "Mary Ann" has no surname, "Henry James" has one.
        is_given = known and given == lists.genders.get(words[last]) == "F"
        self._put("middle" if is_given else "last", words[last], tokens[last], None)

    def _add_single(
        self, word: str, token: int, titles: list[str], gender: Gender | None, before: str
    ) -> None:
        if not titles:
            # MARY in a heading, but not ISIS
            capitals = self._source.texts[token].isupper() and len(word) > 1
            self._put("others" if capitals else "lone", word, token, gender)
            if before in _PLACE_BEFORE:
                self._places.add(word)
            return
        of_title = self._lists.titles[titles[-1]]
        fits = of_title is not None and of_title == self._lists.genders.get(word)
        is_first = fits and titles[-1] in _FIRST_NAME_TITLES
        self._put("first" if is_first else "last", word, token, gender if is_first else None)

    def _put(self, role: str, word: str, token: int, gender: Gender | None) -> None:
        self._tokens[role][word].append(token)
        if gender:
            self._votes[word][gender] += 1

    def names(self) -> NameTokens:
        """What the names are, after all runs were seen."""
        by_role = self._tokens
        first: dict[str, Name] = {}
        last = {word: tokens.copy() for word, tokens in by_role["last"].items()}
        for word in {**by_role["first"], **by_role["middle"], **by_role["lone"]}:
            tokens = by_role["first"].get(word, [])
            lone = by_role["lone"].get(word, [])
            if len(last.get(word, [])) > len(tokens):
                last[word] = sorted([*last[word], *lone])
            elif tokens or self._is_lone_name(word):
                tokens = [*tokens, *lone]
            tokens = [*tokens, *by_role["middle"].get(word, [])]
            if tokens:
                tokens = sorted([*tokens, *by_role["others"].get(word, [])])
                first[word] = Name(tokens, self._gender(word))
        return NameTokens(first, last)

    def _is_lone_name(self, word: str) -> bool:
        if self._votes.get(word):
            return word in self._lists.bearers
        doubtful = word in _DOUBTFUL or word in self._places
        known = word in self._lists.genders and self._lists.bearers[word] >= _LONE_BEARERS
        return known and not doubtful

    def _gender(self, word: str) -> Gender | None:
        votes, listed = self._votes.get(word), self._lists.genders.get(word)
        if votes and votes["M"] != votes["F"]:
            return "M" if votes["M"] > votes["F"] else "F"
        return listed
