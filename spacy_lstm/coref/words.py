"""What the scorers know of single words, as integer codes."""

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import Final

from ..lexicons.gender import GENDERS
from ..lexicons.hashing import hash_word
from .mentions import (
    NAME_SUFFIXES,
    OTHER_PRONOUNS,
    POSSESSIVE_MARKS,
    POST_MODIFIER_OPENERS,
    PRONOUNS,
    find_pronoun,
)

__all__ = [
    "CALENDAR_NAMES",
    "FINE_TYPES",
    "KINDS",
    "Flag",
    "Kind",
    "Number",
    "WordColumn",
    "describe_word",
]


class WordColumn(IntEnum):
    """Columns of a word's codes."""

    KEY = 0  # hash of the lower-case form
    FINE = 1  # each pronoun its own number; 0 common, 1 proper
    KIND = 2
    GENDER = 3
    NUMBER = 4
    FLAGS = 5


class Kind(IntEnum):
    """What can be said of a mention by its head."""

    COMMON = 0
    PROPER = 1
    HE = 2
    SHE = 3
    IT = 4
    THEY = 5
    NEO = 6
    I = 7  # noqa: E741  # the pronoun
    WE = 8
    YOU = 9
    OTHER = 10


class Number(IntEnum):
    UNKNOWN = 0
    SINGULAR = 1
    PLURAL = 2


class Flag(IntEnum):
    """Bits of the column FLAGS."""

    OPENER = 1  # opens what follows the head of a noun phrase
    POSSESSIVE_MARK = 2
    CONTENT = 4  # may be a head
    SENTENCE_END = 8
    QUOTE = 16
    COORDINATOR = 32
    POSSESSIVE = 64  # my, his, whose
    PREPOSITION = 128
    REFLEXIVE = 256
    SPACE = 512


KINDS: Final = len(Kind)
# Members of an enum are slow to look up and to store, and words are many.
_COMMON, _PROPER = int(Kind.COMMON), int(Kind.PROPER)
_SINGULAR, _PLURAL = int(Number.SINGULAR), int(Number.PLURAL)
_FINE: Final = {word: i for i, word in enumerate(sorted(PRONOUNS), start=2)}
_OTHER_FINE: Final = {
    word: i for i, word in enumerate(sorted(OTHER_PRONOUNS), start=2 + len(_FINE))
}
FINE_TYPES: Final = 2 + len(_FINE) + len(_OTHER_FINE)

_FAMILY_KIND: Final = {
    "he": Kind.HE,
    "she": Kind.SHE,
    "it": Kind.IT,
    "they": Kind.THEY,
    "neo": Kind.NEO,
    "i": Kind.I,
    "we": Kind.WE,
    "you": Kind.YOU,
    "other": Kind.OTHER,
}
_PRONOUN_GENDER: Final = {"masc": "masc", "fem": "fem", "neut": "neut", "epicene": "epicene"}
_PRONOUN_NUMBER: Final = {
    "sing": Number.SINGULAR,
    "plur": Number.PLURAL,
    "either": Number.UNKNOWN,
}
_SENTENCE_ENDS: Final = frozenset({".", "!", "?", "...", "…", "。", "！", "？", "?!", "!!", "!?"})
_QUOTES: Final = frozenset({'"', "“", "”", "``", "''", "「", "」", "『", "』", "«", "»"})
_COORDINATORS: Final = frozenset({"and", "&", "和", "与", "與", "跟"})
_PREPOSITION_ROW: Final = (
    "of in on at to from with for by about between among against behind into over under "
    "through within without during after before near like than upon toward towards"
)
_PREPOSITIONS: Final = frozenset(_PREPOSITION_ROW.split())
_CALENDAR_ROW: Final = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
    "June July August September October November December Christmas Easter"
)
CALENDAR_NAMES: Final = frozenset(_CALENDAR_ROW.split())
# Days begin with a capital, but are nobody. (Lexicons know that April may be somebody.)
_CALENDAR: Final = frozenset(
    name.lower() + ending for name in CALENDAR_NAMES for ending in ("", "s")
)
_PLURAL_ROW: Final = "people men women children police folks cattle clergy feet teeth mice"
_PLURAL_NOUNS: Final = frozenset(_PLURAL_ROW.split())


def describe_word(text: str, gender: int) -> tuple[int, ...]:
    """The codes of a word, in the order of `WordColumn`.

    gender: what a lexicon says of it, a number of `GENDERS`; a pronoun says it itself.
    """
    lower = text.lower()
    key = hash_word(lower) & 0x7FFFFFFF
    flags = _flags(text, lower)
    pronoun = find_pronoun(text)
    if pronoun is not None:
        named = _PRONOUN_GENDER.get(pronoun.gender, "unknown")
        if "possessive_determiner" in pronoun.form:
            flags |= Flag.POSSESSIVE
        if "reflexive" in pronoun.form:
            flags |= Flag.REFLEXIVE
        return (
            key,
            _FINE[lower],
            _FAMILY_KIND[pronoun.family],
            GENDERS.index(named),
            _PRONOUN_NUMBER[pronoun.number],
            flags,
        )
    if lower in OTHER_PRONOUNS:
        plural = lower in ("these", "those", "这些", "這些", "那些")
        number = Number.PLURAL if plural else Number.UNKNOWN
        return key, _OTHER_FINE[lower], Kind.OTHER, 0, number, flags
    proper = text[:1].isupper()
    if proper and not gender and lower in _CALENDAR:
        gender = GENDERS.index("neut")
    kind = _PROPER if proper else _COMMON
    return key, kind, kind, gender, _noun_number(lower, proper), flags


def _collect_flags(rows: Mapping[Flag, Collection[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for flag, words in rows.items():
        for word in words:
            found[word] = found.get(word, 0) | flag
    return found


_FLAGS_AS_WRITTEN: Final = _collect_flags(
    {
        Flag.POSSESSIVE_MARK: POSSESSIVE_MARKS,
        Flag.SENTENCE_END: _SENTENCE_ENDS,
        Flag.QUOTE: _QUOTES,
    }
)
_FLAGS_IN_SMALL_LETTERS: Final = _collect_flags(
    {
        Flag.OPENER: POST_MODIFIER_OPENERS,
        Flag.COORDINATOR: _COORDINATORS,
        Flag.POSSESSIVE: ("whose",),
        Flag.PREPOSITION: _PREPOSITIONS,
    }
)
_CONTENT, _SPACE, _SPACE_AND_END = (
    int(flag) for flag in (Flag.CONTENT, Flag.SPACE, Flag.SPACE | Flag.SENTENCE_END)
)


def _flags(text: str, lower: str) -> int:
    flags = _FLAGS_AS_WRITTEN.get(text, 0) | _FLAGS_IN_SMALL_LETTERS.get(lower, 0)
    if text.isspace():
        return flags | (_SPACE_AND_END if text.count("\n") > 1 else _SPACE)
    # Most words are letters and digits alone.
    is_word = text.isalnum() or any(map(str.isalnum, text))
    if is_word and lower not in NAME_SUFFIXES and text not in POSSESSIVE_MARKS:
        flags |= _CONTENT
    return flags


def _noun_number(lower: str, proper: bool) -> int:
    if lower in _PLURAL_NOUNS:
        return _PLURAL
    if proper:
        return _SINGULAR
    is_plural = len(lower) > 3 and lower.endswith("s") and not lower.endswith(("ss", "us", "is"))
    return _PLURAL if is_plural else _SINGULAR
