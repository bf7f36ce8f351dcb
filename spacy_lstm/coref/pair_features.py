"""What is told of a mention and a candidate of it, as numbers.

Features come in groups, of which a single number tells all: a table with a row for every
combination of a group's values stays small enough, and few rows are then left to add up for a
pair. What hangs on either mention alone is added up from a number of each; what hangs on how far
the two are apart is read from the difference of a number of each. So a pair takes few steps.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..lexicons.gender import GENDERS
from .candidates import Bools, Ints, Mentions, Words
from .words import KINDS, Kind, Number

__all__ = [
    "COUNTED",
    "JOINT_FEATURES",
    "PAIR_FEATURES",
    "PairFeatures",
    "number_features",
]

Numbers = npt.NDArray[np.int32]

_PROPER, _HE, _SHE, _IT, _THEY, _I, _WE, _YOU = map(
    int,
    (
        Kind.PROPER,
        *(Kind.HE, Kind.SHE, Kind.IT, Kind.THEY),
        *(Kind.I, Kind.WE, Kind.YOU),
    ),
)
_PLURAL: Final = int(Number.PLURAL)
_MASC, _FEM = GENDERS.index("masc"), GENDERS.index("fem")
_IS_PERSON: Final = np.array([name in ("masc", "fem", "epicene") for name in GENDERS])

_MENTION_EDGES: Final = (1, 2, 3, 4, 6, 9, 13, 20, 30, 41)
_WORD_EDGES: Final = (1, 3, 6, 10, 16, 24, 40, 64, 120, 300)
_SENTENCE_EDGES: Final = (1, 2, 3, 4, 6, 10, 20)
_COUNT_EDGES: Final = (1, 2, 3, 5, 9)
_QUOTE_EDGES: Final = (1, 2, 3, 4, 6)
_AGREEMENTS: Final = len(GENDERS) * len(Number)

PAIR_FEATURES: Final = {
    "mentions between": len(_MENTION_EDGES) + 1,
    "words between": len(_WORD_EDGES) + 1,
    "sentences between": len(_SENTENCE_EDGES) + 1,
    "string match": 9,
    "kinds": KINDS * KINDS,
    "gender and number": _AGREEMENTS * _AGREEMENTS,
    "nesting": 4,
    "names between": len(_COUNT_EDGES) + 1,
    "rivals between": (len(_COUNT_EDGES) + 1) * KINDS,
    "opening": 8,
    "places": 16,
    "forward": (len(_MENTION_EDGES) + 2),
    "occurrences": (len(_COUNT_EDGES) + 1) * KINDS,
    "quotation": (len(_QUOTE_EDGES) + 1) * 4 * 9,
}
"""The features of a pair, with the number of values of each."""

COUNTED: Final = {
    "mentions between": _MENTION_EDGES,
    "words between": _WORD_EDGES,
    "sentences between": _SENTENCE_EDGES,
    "names between": _COUNT_EDGES,
    "rivals between": _COUNT_EDGES,
    "forward": _MENTION_EDGES,
    "occurrences": _COUNT_EDGES,
    "quotation": _QUOTE_EDGES,
}
"""Of each feature with a count in it, from where on the count is told apart from a lower one."""

JOINT_FEATURES: Final = (
    ("mentions between", "forward", "words between", "names between"),
    ("quotation", "sentences between", "opening"),
    ("kinds", "nesting", "string match"),
    ("gender and number", "places"),
    ("rivals between", "occurrences"),
)
"""The same features in groups. The first one of a group changes slowest in its number."""


def _weigh_features() -> tuple[dict[str, int], list[int]]:
    """How much one more in the value of each feature is in its group's number, and the first
    number of each group."""
    weights: dict[str, int] = {}
    firsts, first = [], 0
    for group in JOINT_FEATURES:
        size = 1
        for name in reversed(group):
            weights[name] = size
            size *= PAIR_FEATURES[name]
        firsts.append(first)
        first += size
    return weights, firsts


_WEIGHTS, _FIRSTS = _weigh_features()


class _Counted:
    """A number for every count, by the last edge that it has reached; a negative count has that
    of the positive one."""

    def __init__(self, edges: tuple[int, ...], weight: int) -> None:
        self._far = edges[-1]
        counts = np.abs(np.arange(-self._far, self._far + 1))
        self.table = (np.searchsorted(edges, counts, side="right") * weight).astype(np.int32)

    def of(self, counts: Numbers) -> Numbers:
        """*Shape* as that of the counts, which are changed."""
        # A table is several times faster than a search; beyond the last edge all are alike.
        counts += self._far
        return self.table.take(counts, mode="clip")


_WORDS: Final = _Counted(_WORD_EDGES, _WEIGHTS["words between"])
_NAMES: Final = _Counted(_COUNT_EDGES, _WEIGHTS["names between"])
_RIVALS: Final = _Counted(_COUNT_EDGES, KINDS * _WEIGHTS["rivals between"])
_OCCURRENCES: Final = _Counted(_COUNT_EDGES, KINDS * _WEIGHTS["occurrences"])
_QUOTES: Final = _Counted(_QUOTE_EDGES, 36 * _WEIGHTS["quotation"])
_SENTENCES: Final = _Counted(_SENTENCE_EDGES, _WEIGHTS["sentences between"])
# That it is the next sentence is told in another feature of the same group.
_SENTENCES.table[[_SENTENCE_EDGES[-1] - 1, _SENTENCE_EDGES[-1] + 1]] += 4 * _WEIGHTS["opening"]
_GAPS: Final = _Counted(_MENTION_EDGES, _WEIGHTS["mentions between"])
# A candidate that comes later is told of in a feature of its own, from 1.
_later = slice(0, _MENTION_EDGES[-1])
_GAPS.table[_later] //= _WEIGHTS["mentions between"]
_GAPS.table[_later] = (_GAPS.table[_later] + 1) * _WEIGHTS["forward"]


class PairFeatures:
    """The features of pairs of a batch's mentions."""

    def __init__(self, words: Words, mentions: Mentions) -> None:
        self._mentions = mentions
        m = len(mentions.start)
        place = np.arange(m)
        kind, is_noun = mentions.kind, ~mentions.is_pronoun
        sentence, quotes = words.sentence[mentions.start], words.quotes[mentions.start]
        self._own, self._other = _describe_sides(mentions, quotes)
        is_name = kind == _PROPER
        self._names = _count_before(is_name)
        row, self._rivals = _count_rivals(mentions, is_noun)
        self._row = row * (m + 1)
        self._rivals_before = self._rivals.take(self._row + place)
        # By number and not by hash, so that a difference is small.
        text = np.unique(mentions.text, return_inverse=True)[1].reshape(-1)
        alike = (place, mentions.head, sentence, quotes, mentions.key, text)
        # A noun differs from all others in its kind of pronoun.
        first: tuple[npt.NDArray[Any], ...] = (
            *alike,
            self._names[:-1],
            np.where(is_noun, -1 - place, kind),
            mentions.start,
            -mentions.end,
            self._row,
        )
        second: tuple[npt.NDArray[Any], ...] = (
            *(-column for column in alike),
            -self._names[1:],
            np.where(is_noun, 1 + m + place, -kind),
            -mentions.end,
            mentions.start,
            place + 1,
        )
        self._first, self._second = (
            np.stack(columns, axis=1).astype(np.int32) for columns in (first, second)
        )

    def joint(self, i: Ints, j: Ints) -> Numbers:
        """The combination of values in each group, numbered through all groups.

        i, j: the mention and the candidate of each pair. *Shape:* ``(pairs,)``
        RETURNS: *Shape:* ``(pairs, len(JOINT_FEATURES))``
        """
        sums = self._first.take(i, axis=0)
        sums += self._second.take(j, axis=0)
        gap, head, sentence, quotes, key, text, names, pronoun, begins, ends, rival = (
            np.ascontiguousarray(sums.T)
        )
        rivals = self._rivals_before.take(i)
        rivals -= self._rivals.take(rival)
        later = np.flatnonzero(gap < 0)
        if len(later):
            low, high = i[later], j[later]
            row = self._row[low]
            names[later] = self._names[high] - self._names[low + 1]
            rivals[later] = self._rivals[row + high] - self._rivals[row + low + 1]
        found = self._own.take(i, axis=0)
        found += self._other.take(j, axis=0)
        found[:, 0] += _GAPS.of(gap) + _WORDS.of(head) + _NAMES.of(names)
        found[:, 1] += _QUOTES.of(quotes) + _SENTENCES.of(sentence)
        found[:, 4] += _RIVALS.of(rivals)
        # Few pairs overlap, and few are alike.
        some = np.flatnonzero((begins < 0) & (ends < 0))
        found[some, 2] += _WEIGHTS["nesting"] * _nesting(self._mentions, i[some], j[some])
        some = np.flatnonzero((key == 0) | (text == 0) | (pronoun == 0))
        found[some, 2] += _WEIGHTS["string match"] * _string_match(self._mentions, i[some], j[some])
        return found


def _describe_sides(mentions: Mentions, quotes: Ints) -> tuple[Numbers, Numbers]:
    """What each mention adds to the numbers of its pairs, as the mention and as the candidate.
    *Shape of both:* ``(mentions, len(JOINT_FEATURES))``"""
    kind, place = mentions.kind, mentions.place
    opens = (place == 1).astype(np.int64)
    agreement = mentions.gender * len(Number) + mentions.number
    # Whether it is within a speech, and whether it stands for who speaks or is spoken to: speakers
    # take turns.
    person = np.where((kind == _I) | (kind == _WE), 1, np.where(kind == _YOU, 2, 0))
    side = (person * 2 + quotes % 2) * _WEIGHTS["quotation"]
    own = (
        0 * kind,
        6 * side + 2 * opens * _WEIGHTS["opening"],
        kind * KINDS * _WEIGHTS["kinds"],
        agreement * _AGREEMENTS * _WEIGHTS["gender and number"] + place * _WEIGHTS["places"],
        kind * (_WEIGHTS["rivals between"] + _WEIGHTS["occurrences"]),
    )
    occurrences = np.minimum(mentions.occurrences, _COUNT_EDGES[-1]).astype(np.int32)
    other = (
        0 * kind,
        side + opens * _WEIGHTS["opening"],
        kind * _WEIGHTS["kinds"],
        agreement * _WEIGHTS["gender and number"] + 4 * place * _WEIGHTS["places"],
        _OCCURRENCES.of(occurrences),
    )
    return (
        (np.stack(own, axis=1) + _FIRSTS).astype(np.int32),
        np.stack(other, axis=1).astype(np.int32),
    )


def _count_before(mask: Bools) -> Numbers:
    """How many mentions of the mask come before each mention, and in all. *Shape:*
    ``(mentions + 1,)``"""
    found = np.zeros(len(mask) + 1, dtype=np.int32)
    np.cumsum(mask, out=found[1:])
    return found


def _count_rivals(mentions: Mentions, is_noun: Bools) -> tuple[Ints, Numbers]:
    """Nouns and names that agree with a pronoun better than nothing: with *he* and *she* those of
    its own gender; with *they* plurals; with *it* what is no person.

    RETURNS: of each mention the row of what it agrees with, 0 for nothing, and the rows of
        `_count_before` one after the other.
    """
    plural = mentions.number == _PLURAL
    masks = {
        _HE: is_noun & (mentions.gender == _MASC),
        _SHE: is_noun & (mentions.gender == _FEM),
        _IT: is_noun & ~_IS_PERSON[mentions.gender] & ~plural,
        _THEY: is_noun & plural,
    }
    row = np.zeros(len(is_noun), dtype=np.int64)
    for number, kind in enumerate(masks, start=1):
        row[mentions.kind == kind] = number
    counts = [np.zeros(len(is_noun) + 1, dtype=np.int32), *map(_count_before, masks.values())]
    return row, np.concatenate(counts)


def _string_match(mentions: Mentions, i: Ints, j: Ints) -> Ints:
    kind_i, kind_j = mentions.kind[i], mentions.kind[j]
    proper = (kind_i == _PROPER) & (kind_j == _PROPER)
    pronouns = (kind_i >= _HE) & (kind_j >= _HE)
    full = mentions.text[i] == mentions.text[j]
    head = mentions.key[i] == mentions.key[j]
    match = np.where(head, 1, 0)
    match = np.where(full, 2, match)
    match = np.where(proper & head, 3, match)
    match = np.where(proper & full, 4, match)
    match = np.where(pronouns & full, 5, match)
    match = np.where(pronouns & ~full & (kind_i == kind_j), 6, match)
    one_of_two = head & (mentions.coordinated[i] != mentions.coordinated[j])
    match = np.where(one_of_two, 7, match)
    plural_mismatch = head & ~proper & (mentions.number[i] != mentions.number[j])
    return np.asarray(np.where(plural_mismatch, 8, match))


def _nesting(mentions: Mentions, i: Ints, j: Ints) -> Ints:
    """Of pairs that overlap."""
    start, end = mentions.start, mentions.end
    j_holds = (start[j] <= start[i]) & (end[i] <= end[j])
    i_holds = (start[i] <= start[j]) & (end[j] <= end[i])
    return np.asarray(np.where(j_holds, 1, np.where(i_holds, 2, 3)))


def number_features(joint: Numbers) -> Ints:
    """What `PairFeatures.joint` gives taken apart: the values of each pair in the order of
    `PAIR_FEATURES`, numbered through all features.

    RETURNS: *Shape:* ``(pairs, len(PAIR_FEATURES))``
    """
    places = dict(zip(PAIR_FEATURES, np.cumsum([0, *PAIR_FEATURES.values()]), strict=False))
    values = {}
    for (name, *others), first, numbers in zip(JOINT_FEATURES, _FIRSTS, joint.T, strict=True):
        rest = numbers - np.int32(first)
        for other in reversed(others):
            rest, values[other] = np.divmod(rest, np.int32(PAIR_FEATURES[other]))
        values[name] = rest
    found = np.empty((len(joint), len(PAIR_FEATURES)), dtype=np.int64)
    for column, (name, place) in enumerate(places.items()):
        np.add(values[name], place, out=found[:, column])
    return found
