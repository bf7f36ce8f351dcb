"""The features of a pair in words: what a reader can check against the text."""

from collections.abc import Callable, Sequence
from typing import Final

from ..errors import LstmError
from ..lexicons.gender import GENDERS
from .pair_features import COUNTED, PAIR_FEATURES
from .roles import DISTANCES, GROUPS, ROLE_FEATURES, STRUCTURES
from .words import FINE_TYPES, KINDS, Kind, Number

__all__ = ["describe_values"]

_KINDS: Final = {
    Kind.COMMON: "noun",
    Kind.PROPER: "name",
    Kind.HE: "he",
    Kind.SHE: "she",
    Kind.IT: "it",
    Kind.THEY: "they",
    Kind.NEO: "ze, xe",
    Kind.I: "I",
    Kind.WE: "we",
    Kind.YOU: "you",
    Kind.OTHER: "other pronoun",
}
_GENDERS: Final = {
    "unknown": "gender unknown",
    "masc": "masculine",
    "fem": "feminine",
    "epicene": "person",
    "neut": "neuter",
}
_NUMBERS: Final = {Number.UNKNOWN: "", Number.SINGULAR: "singular", Number.PLURAL: "plural"}
_MATCHES: Final = (
    "none",
    "same head word",
    "same words",
    "names with the same head word",
    "same name",
    "same pronoun",
    "forms of one pronoun",
    "same head word, one of two",
    "same head word, other number",
)
_NESTINGS: Final = ("apart", "within the candidate", "around the candidate", "overlapping")
_PLACES: Final = ("elsewhere", "opens its sentence", "after a preposition", "possessive")
_PERSONS: Final = ("", "first person", "second person")
_SIDES: Final = 6  # persons × within a speech or not


def describe_values(numbers: Sequence[int]) -> dict[str, str]:
    """What each feature of a pair says: of the anaphor, then of the candidate, where it is of both.

    numbers: the values of `PAIR_FEATURES`, then those of `ROLE_FEATURES` where there are any,
        each counted from 0.
    RETURNS: feature → its value in words.
    """
    names = [*PAIR_FEATURES, *ROLE_FEATURES]
    sizes = [*PAIR_FEATURES.values(), *ROLE_FEATURES.values()]
    if len(numbers) not in (len(PAIR_FEATURES), len(names)):
        raise LstmError(
            f"{len(numbers)} values of pair features: expected {len(PAIR_FEATURES)}, or "
            f"{len(names)} with those of roles"
        )
    found = {}
    for name, size, number in zip(names, sizes, numbers, strict=False):
        if not 0 <= number < size:
            raise LstmError(f"{name} = {number}: expected 0 to {size - 1}")
        found[name] = _WORDS[name](int(number))
    return found


def _range(feature: str, number: int) -> str:
    """The counts that fall together with others under a number."""
    starts = (0, *COUNTED[feature])
    first = starts[number]
    if number + 1 == len(starts):
        return f"{first} or more"
    last = starts[number + 1] - 1
    return f"{first}" if first == last else f"{first} to {last}"


def _counted(feature: str) -> Callable[[int], str]:
    return lambda number: _range(feature, number)


def _counted_by_kind(feature: str) -> Callable[[int], str]:
    # The anaphor's kind is told by "kinds" already.
    return lambda number: _range(feature, number // KINDS)


def _kinds(number: int) -> str:
    own, other = divmod(number, KINDS)
    return f"{_KINDS[Kind(own)]} – {_KINDS[Kind(other)]}"


def _agreement(number: int) -> str:
    return " – ".join(
        " ".join(filter(None, (_GENDERS[GENDERS[side // len(Number)]], _NUMBERS[Number(side % 3)])))
        for side in divmod(number, len(GENDERS) * len(Number))
    )


def _forward(number: int) -> str:
    return "no" if not number else f"{_range('forward', number - 1)} mentions later"


def _opening(number: int) -> str:
    parts = ["anaphor opens its sentence"] * bool(number & 2)
    parts += ["candidate opens its sentence"] * bool(number & 1)
    parts += ["one sentence apart"] * bool(number & 4)
    return ", ".join(parts) or "neither opens a sentence"


def _places(number: int) -> str:
    candidate, own = divmod(number, len(_PLACES))
    return f"{_PLACES[own]} – {_PLACES[candidate]}"


def _quotation(number: int) -> str:
    rest, other = divmod(number, _SIDES)
    between, own = divmod(rest, _SIDES)
    sides = [
        " ".join(filter(None, ("in speech" if side % 2 else "outside", _PERSONS[side // 2])))
        for side in (own, other)
    ]
    return f"{' – '.join(sides)}, {_range('quotation', between)} marks between"


def _structure(number: int) -> str:
    # The pronoun itself, the other part of it, stands in the text.
    return STRUCTURES[number // FINE_TYPES]


def _roles(number: int) -> str:
    groups, distance = divmod(number, DISTANCES)
    own, other = (_group(group) for group in divmod(groups, len(GROUPS) + 1))
    apart = ("same sentence", "next sentence", "further apart")[distance]
    return f"{own} – {other}, {apart}"


def _group(number: int) -> str:
    return GROUPS[number][0] if number < len(GROUPS) else "other"


_WORDS: Final[dict[str, Callable[[int], str]]] = {
    "mentions between": _counted("mentions between"),
    "words between": _counted("words between"),
    "sentences between": _counted("sentences between"),
    "string match": _MATCHES.__getitem__,
    "kinds": _kinds,
    "gender and number": _agreement,
    "nesting": _NESTINGS.__getitem__,
    "names between": _counted("names between"),
    "rivals between": _counted_by_kind("rivals between"),
    "opening": _opening,
    "places": _places,
    "forward": _forward,
    "occurrences": _counted_by_kind("occurrences"),
    "quotation": _quotation,
    "structure": _structure,
    "roles": _roles,
}
