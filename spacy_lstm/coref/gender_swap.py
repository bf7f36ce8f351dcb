"""A text with the words of one gender turned into those of the other.

Only words are known here: pronouns, person nouns and titles. Names are the caller's, who passes
their replacements in as edits of their own.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple

from .english import her_is_object
from .mentions import Span
from .phrases import Word

__all__ = [
    "Edit",
    "Gender",
    "apply_edits",
    "cased_like",
    "gendered_nouns",
    "his_stands_alone",
    "swap_word",
    "swap_words",
]

Gender = Literal["M", "F"]


class Edit(NamedTuple):
    """Characters of a text and what comes in their place."""

    start: int
    end: int
    text: str


# feminine/masculine; both ways.
_BOTH_ROW: Final = (
    "woman/man women/men girl/boy girls/boys gentlewoman/gentleman lady/gentleman "
    "ladies/gentlemen lass/lad lasses/lads wife/husband wives/husbands mother/father "
    "mothers/fathers mom/dad mum/dad mommy/daddy mummy/daddy mama/papa mamma/papa "
    "daughter/son daughters/sons sister/brother sisters/brothers aunt/uncle aunts/uncles "
    "auntie/uncle niece/nephew nieces/nephews grandmother/grandfather grandma/grandpa "
    "grandmothers/grandfathers granddaughter/grandson granddaughters/grandsons "
    "stepmother/stepfather stepdaughter/stepson stepsister/stepbrother godmother/godfather "
    "goddaughter/godson widow/widower widows/widowers bride/bridegroom bride/groom "
    "girlfriend/boyfriend girlfriends/boyfriends fiancée/fiancé fiancee/fiance "
    "actress/actor actresses/actors waitress/waiter policewoman/policeman "
    "businesswoman/businessman businesswomen/businessmen sportswoman/sportsman "
    "spokeswoman/spokesman chairwoman/chairman congresswoman/congressman "
    "councilwoman/councilman assemblywoman/assemblyman saleswoman/salesman "
    "noblewoman/nobleman horsewoman/horseman craftswoman/craftsman servicewoman/serviceman "
    "schoolgirl/schoolboy schoolgirls/schoolboys cowgirl/cowboy housewife/househusband "
    "landlady/landlord queen/king queens/kings princess/prince princesses/princes "
    "duchess/duke baroness/baron empress/emperor countess/earl viscountess/viscount "
    "marchioness/marquess tsarina/tsar nun/monk nuns/monks witch/wizard goddess/god "
    "heiress/heir heroine/hero priestess/priest abbess/abbot female/male females/males "
    "feminine/masculine maternal/paternal motherhood/fatherhood sisterhood/brotherhood "
    "alumna/alumnus née/né madam/sir madame/monsieur señora/señor signora/signor frau/herr "
    "she/he herself/himself"
)
# Masculine words that are used of women too, or mean something else as well: one way only.
_TO_MASCULINE_ROW: Final = (
    "hostess/host stewardess/steward poetess/poet authoress/author sculptress/sculptor "
    "songstress/singer seamstress/tailor ballerina/dancer comedienne/comedian maid/servant "
    "mistress/lover mademoiselle/monsieur hers/his heroines/heroes goddesses/gods "
    "midwife/doctor spinster/bachelor songstresses/singers"
)
_TO_FEMININE_ROW: Final = "him/her steward/stewardess spokesmen/spokeswomen lads/girls guy/girl"
# Only with a capital: before a name.
_TITLES_ROW: Final = (
    "Mrs/Mr Miss/Mr. Ms/Mr Lady/Lord Dame/Sir Countess/Count Mme/M Mlle/M Sister/Brother "
    "Mother/Father Aunt/Uncle"
)


def _pairs(row: str) -> list[tuple[str, str]]:
    return [(one, other) for one, _, other in (item.partition("/") for item in row.split())]


def _table(*rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for row in rows:
        for word, other in row:
            table.setdefault(word, other)
    return table


def _turned(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(other, one) for one, other in pairs]


_SWAPS: Final[dict[Gender, dict[str, str]]] = {
    # From the gender that is replaced.
    "F": _table(_pairs(_BOTH_ROW), _pairs(_TO_MASCULINE_ROW)),
    "M": _table(_turned(_pairs(_BOTH_ROW)), _pairs(_TO_FEMININE_ROW)),
}
_TITLES: Final[dict[Gender, dict[str, str]]] = {
    "F": _table(_pairs(_TITLES_ROW)),
    "M": _table(_turned(_pairs(_TITLES_ROW))),
}
# These are surnames, brands and the like as often as persons: left alone in capitals.
_NAMELIKE: Final = frozenset(
    ["king", "queen", "prince", "duke", "baron", "earl", "lord", "lady", "sir", "abbot", "monk"]
)
_NOT_NOUNS: Final = frozenset(
    [
        "she",
        "he",
        "her",
        "him",
        "his",
        "hers",
        "herself",
        "himself",
        "female",
        "male",
        "females",
        "males",
        "feminine",
        "masculine",
        "maternal",
        "paternal",
        "née",
        "né",
        "motherhood",
        "fatherhood",
        "sisterhood",
        "brotherhood",
    ]
)
_AFTER_LONE_HIS: Final = frozenset(
    [
        "and",
        "or",
        "but",
        "was",
        "is",
        "were",
        "are",
        "in",
        "to",
        "at",
        "on",
        "as",
        "from",
        "with",
        "when",
        "who",
        "that",
        "by",
        "for",
    ]
)
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]")


def gendered_nouns(gender: Gender) -> frozenset[str]:
    """The person nouns of a gender that `swap_words` knows, in lower case."""
    return frozenset(_SWAPS[gender]) - _NOT_NOUNS


def swap_words(text: str, gender: Gender, kept: Sequence[Span] = ()) -> Iterator[Edit]:
    """The edits that turn all words of a gender into those of the other, in text order.

    "her" becomes "his" before the rest of a noun phrase and "him" elsewhere, "his" becomes
    "hers" where no noun follows it ("a friend of his.").

    gender: the one that is replaced.
    kept: characters that stay as they are, in text order.
    """
    kept_at = iter(kept)
    skip = next(kept_at, None)
    for match in _WORD.finditer(text):
        while skip and skip[1] <= match.start():
            skip = next(kept_at, None)
        if skip and skip[0] < match.end():
            continue
        new = _swapped(match.group(), gender, partial(_context, text, match))
        if new is not None:
            yield Edit(match.start(), match.end(), new)


def swap_word(words: Sequence[Word], i: int, gender: Gender) -> str | None:
    """Word `i` of a text in tokens as `swap_words` has it, None where it stays as it is."""
    text = words[i].text
    word = text.rstrip(".")
    new = _swapped(word, gender, lambda: (words, i)) if word else None
    if new is None:
        return None
    return new + text[len(word) :] if not new.endswith(".") else new


def _swapped(
    word: str, gender: Gender, context: Callable[[], tuple[Sequence[Word], int]]
) -> str | None:
    lower = word.lower()
    if word in _TITLES[gender]:
        return _TITLES[gender][word]
    if lower in _NAMELIKE and word != lower:
        return None
    if lower == "her" and gender == "F":
        new = "him" if her_is_object(*context()) else "his"
    elif lower == "his" and gender == "M":
        new = "hers" if his_stands_alone(*context()) else "her"
    else:
        found = _SWAPS[gender].get(lower)
        if found is None:
            return None
        new = found
    return cased_like(word, new)


def cased_like(model: str, word: str) -> str:
    """A word in small letters with the capitals of another: all, the first one, or none."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if model[0].isupper() else word


def _context(text: str, match: re.Match[str]) -> tuple[list[Word], int]:
    """The words around a match, and its own place among them."""
    before = [*_TOKEN.finditer(text, max(0, match.start() - 30), match.start())][-2:]
    # The window may begin within a word, which then is not the one before the match.
    after = [*_TOKEN.finditer(text, match.end(), min(len(text), match.end() + 60))][:4]
    found = [*before, match, *after]
    words = [
        Word(item.group(), " " if text[item.end() : item.end() + 1].isspace() else "", False)
        for item in found
    ]
    return words, len(before)


def his_stands_alone(words: Sequence[Word], i: int) -> bool:
    """Whether *his* at `i` has no noun after it: "a friend of his."."""
    if i + 1 == len(words):
        return True
    after = words[i + 1].text
    if after[0].isalnum():
        return after in _AFTER_LONE_HIS and i > 0 and words[i - 1].text == "of"
    return after not in {'"', "“", "‘", "'", "(", "*"}


def apply_edits(text: str, edits: Sequence[Edit], spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """The edited text, and where spans of the old one are in it.

    edits: in text order, without overlap.
    spans: their edges lie on no inside of an edit.
    """
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    new = "".join([*parts, text[at:]])
    return new, [(_moved(start, edits), _moved(end, edits)) for start, end in spans]


def _moved(position: int, edits: Sequence[Edit]) -> int:
    shift = sum(len(edit.text) - (edit.end - edit.start) for edit in edits if edit.end <= position)
    return position + shift
