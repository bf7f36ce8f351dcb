"""Mentions of a batch of documents and their candidate antecedents.

Everything is arrays over the whole batch: no loop over mentions or pairs.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .words import KINDS, Flag, Kind, Number
from .words import WordColumn as Col

__all__ = [
    "Mentions",
    "Pairs",
    "Words",
    "describe_mentions",
    "distinct",
    "is_third_person",
    "pair_candidates",
    "read_words",
]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Keys of words have fewer: a document and a key are one number.
_KEY_BITS: Final = 32
# As plain numbers, which arrays are compared with in a fifth of the time.
_COMMON, _PROPER, _HE, _SHE, _IT, _THEY, _NEO, *_ = map(int, Kind)
_KEY, _FINE, _KIND, _GENDER, _NUMBER, _FLAGS = map(int, Col)
_PLURAL: Final = int(Number.PLURAL)
(
    _OPENER,
    _POSSESSIVE_MARK,
    _CONTENT,
    _SENTENCE_END,
    _QUOTE,
    _COORDINATOR,
    _POSSESSIVE,
    _PREPOSITION,
    _REFLEXIVE,
    _SPACE,
) = map(int, Flag)

# What `read_words` asks for. Quotation marks and further punctuation after its end still belong to
# a sentence: another one opens with content or a possessive mark.
_READ_FLAGS: Final = np.array(
    [
        _SENTENCE_END,
        _CONTENT | _POSSESSIVE_MARK,
        _CONTENT,
        _POSSESSIVE_MARK,
        _QUOTE,
        _COORDINATOR,
        _OPENER,
    ]
)[:, None]

THIRD_PERSON: Final = (_HE, _SHE, _IT, _THEY, _NEO)
# Words of a name in which its gender is looked for.
_LONGEST_NAME: Final = 8
# Words of a span that its hash tells apart, and the hash's factor.
_HASHED_WORDS: Final = 16
_FACTOR: Final = 1_000_003
_ONE: Final = np.uint64(1)
_IS_THIRD_PERSON: Final = np.array([kind in THIRD_PERSON for kind in range(KINDS)])


class Words(NamedTuple):
    """The words of a batch. Every array has one entry a token."""

    codes: Ints
    """*Shape:* ``(tokens, 6)``, see `words.WordColumn`"""
    document: Ints
    sentence: Ints
    """Counted through the batch, by punctuation alone."""
    opens_sentence: Bools
    quotes: Ints
    """Quotation marks before the token in its document."""
    next_opener: Ints
    """The next token, from this one on, that would end a noun phrase's core."""
    last_content: Ints
    """The last token, up to this one, that can be a head."""
    last_mark: Ints
    """The last possessive mark up to this token, -1 for none."""
    coordinators: Ints
    """Coordinators before this token."""


class Mentions(NamedTuple):
    """The mentions of a batch, by document, start and end. One entry a mention."""

    start: Ints
    end: Ints
    head: Ints
    document: Ints
    fine: Ints
    kind: Ints
    gender: Ints
    number: Ints
    key: Ints
    """Hash of the head word."""
    text: Ints
    """Hash of all words."""
    occurrences: Ints
    """Mentions in the document with this head word."""
    place: Ints
    """0 elsewhere, 1 opens its sentence, 2 after a preposition, 3 possessive."""
    coordinated: Bools

    def is_kind(self, *kinds: int) -> Bools:
        chosen = np.zeros(KINDS, dtype=bool)
        chosen[list(kinds)] = True
        return np.asarray(chosen[self.kind])

    @property
    def is_pronoun(self) -> Bools:
        return np.asarray(self.kind >= _HE)


class Pairs(NamedTuple):
    """Anaphors with their candidates: `candidates[i, c]` is the mention that is candidate c of
    mention i, or -1."""

    candidates: Ints
    """*Shape:* ``(mentions, candidates)``"""
    anaphor: Ints
    """The rows of the candidates that there are. *Shape:* ``(pairs,)``"""
    column: Ints
    """Their columns. *Shape:* ``(pairs,)``"""
    antecedent: Ints
    """What stands there. *Shape:* ``(pairs,)``"""

    @classmethod
    def find(cls, candidates: Ints) -> "Pairs":
        """The pairs of a table of candidates."""
        # Places of a row are found five times as fast as those of a table.
        (places,) = (candidates.ravel() >= 0).nonzero()
        anaphor, column = np.divmod(places, max(1, candidates.shape[1]))
        return cls(candidates, anaphor, column, candidates.ravel()[places])


def is_third_person(kinds: Ints) -> Bools:
    """Which numbers of `words.Kind` are pronouns of the third person."""
    return np.asarray(_IS_THIRD_PERSON[kinds])


def read_words(codes: npt.NDArray[Any], lengths: list[int]) -> Words:
    """Work out what the rest needs to know of each token.

    codes: *Shape:* ``(tokens, 6)``, see `words.WordColumn`
    lengths: tokens per document.
    """
    codes = codes.astype(np.int64)
    n, sizes = len(codes), np.asarray(lengths, dtype=np.int64)
    # For a few words what takes time is the number of calls: so all flags are read at once, and
    # arrays' own methods are called, which NumPy's functions of the same names would only look up.
    document = np.arange(len(sizes)).repeat(sizes)
    starts = (sizes.cumsum() - sizes).repeat(sizes)
    tokens = np.arange(n)
    has = (codes[:, _FLAGS] & _READ_FLAGS) != 0
    last = np.maximum.accumulate(np.where(has[:4], tokens, -1), axis=1)
    previous = np.empty((2, n), dtype=np.int64)
    previous[:, :1], previous[:, 1:] = -1, last[:2, :-1]
    previous_end, previous_content = previous
    # The first word of a document opens one, whatever white space and document come before it.
    first = (previous_content < starts) | (previous_end > previous_content)
    opens = (tokens == starts) | (has[1] & first)
    _settle_capitals(codes, opens, document)
    quotes, coordinators = has[4:6].cumsum(axis=1) - has[4:6]
    return Words(
        codes=codes,
        document=document,
        sentence=opens.cumsum(),
        opens_sentence=opens,
        quotes=quotes - quotes[starts],
        next_opener=_next_where(has[6], n),
        last_content=last[2],
        last_mark=last[3],
        coordinators=coordinators,
    )


def _settle_capitals(codes: Ints, opens: Bools, document: Ints) -> None:
    """Take the first word of a sentence for a name only where something else says so: a lexicon,
    a capital after it, or a capital of the same word within a sentence of the document."""
    proper = codes[:, _KIND] == _PROPER
    doubtful = proper & opens & (codes[:, _GENDER] == 0)
    # Nothing comes after the batch.
    doubtful[:-1] &= ~(proper[1:] & (document[1:] == document[:-1]) & ~opens[1:])
    (places,) = doubtful.nonzero()
    if not len(places):
        return
    (within,) = (proper & ~opens).nonzero()
    if len(within):
        words = _join_keys(document, codes[:, _KEY])
        known, asked = words[within], words[places]
        known.sort()
        places = places[known[np.minimum(known.searchsorted(asked), len(known) - 1)] != asked]
    codes[places, _KIND] = _COMMON
    codes[places, _FINE] = _COMMON


def _next_where(mask: Bools, n: int) -> Ints:
    places = np.where(mask, np.arange(n), n)
    return np.asarray(np.minimum.accumulate(places[::-1])[::-1])


def describe_mentions(words: Words, start: Ints, end: Ints) -> Mentions:
    """What is known of mentions before any learned scorer sees them.

    start, end: token offsets in the batch, sorted. *Shape:* ``(mentions,)``
    """
    n = len(words.codes)
    # The core ends before the first post-modifier; an opener at the very start is not one.
    second = start + 1
    opener = words.next_opener[np.minimum(second, n - 1)] if n else start
    core = np.maximum(np.minimum(end, opener), second)
    head = words.last_content[core - 1] if n else start
    head = np.where(head < start, core - 1, head)
    codes = words.codes[head]
    single = end == second
    kind = codes[:, _KIND]
    # "his own" and "all of us" are not pronouns: a pronoun stands alone.
    kind = np.where((kind >= _HE) & ~single, _COMMON, kind)
    fine = np.where(single | (codes[:, _FINE] < 2), codes[:, _FINE], kind)
    last = core - 1
    joins = (words.codes[last, _FLAGS] & _COORDINATOR) > 0
    coordinated = words.coordinators[last] + joins > words.coordinators[start]
    number = np.where(coordinated, _PLURAL, codes[:, _NUMBER])
    gender = np.where(coordinated, 0, _genders(words, start, head, kind))
    key = codes[:, _KEY]
    return Mentions(
        start=start,
        end=end,
        head=head,
        document=words.document[start],
        fine=fine,
        kind=kind,
        gender=gender,
        number=number,
        key=key,
        text=_span_hash(words, start, end),
        occurrences=_occurrences(words, head),
        place=_places(words, start, end),
        coordinated=coordinated,
    )


def _genders(words: Words, start: Ints, head: Ints, kind: Ints) -> Ints:
    n, kinds = len(words.codes), words.codes[head, _KIND]
    found = words.codes[head, _GENDER] * ((kinds < _HE) | is_third_person(kinds))
    # A name takes the first gender in it ("Mrs Dalloway", "Alice Smith"), but "Alice's brother"
    # and "his wife" are what follows the possessive.
    (names,) = (kind == _PROPER).nonzero()
    place = np.maximum(start, words.last_mark[head] + 1)[names]
    last = head[names]
    for _ in range(min(_LONGEST_NAME, int((last - place).max(initial=-1)) + 1)):
        word = np.minimum(place, n - 1)
        told = words.codes[word, _GENDER] * (words.codes[word, _KIND] < _HE)
        named = (told > 0) & (place <= last)
        found[names[named]] = told[named]
        names, place, last = names[~named], place[~named] + 1, last[~named]
    return np.asarray(found)


def _span_hash(words: Words, start: Ints, end: Ints) -> Ints:
    # A polynomial over the keys tells spans of equal words apart from others, whatever their
    # place: a difference of sums up to a token, in which each word has the power of its place,
    # moved by the power of the span's end. Arithmetic wraps round at 64 bits on purpose, where an
    # odd number has an inverse.
    n = len(words.codes)
    up, down = _powers(1 << max(10, n.bit_length()))
    total = np.zeros(n + 1, dtype=np.uint64)
    ((words.codes[:, _KEY].astype(np.uint64) + _ONE) * down[:n]).cumsum(out=total[1:])
    end = np.minimum(end, start + _HASHED_WORDS)
    return np.asarray(((total[end] - total[start]) * up[end - 1]).view(np.int64))


@lru_cache(maxsize=2)
def _powers(count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The first powers of the hash's factor and of its inverse, from the 0th on."""
    powers = np.ones((2, count), dtype=np.uint64)
    powers[0, 1:], powers[1, 1:] = _FACTOR, pow(_FACTOR, -1, 1 << 64)
    up, down = np.multiply.accumulate(powers, axis=1)
    return up, down


def _occurrences(words: Words, head: Ints) -> Ints:
    # Nested mentions share a head token, which must count once.
    heads, which = distinct(head, len(words.codes))
    groups = _join_keys(words.document[heads], words.codes[heads, _KEY])
    order = groups.argsort()
    ordered = groups[order]
    group = np.zeros(len(ordered), dtype=np.int64)
    (ordered[1:] != ordered[:-1]).cumsum(out=group[1:])
    counts = np.empty(len(heads), dtype=np.int64)
    counts[order] = np.bincount(group)[group]
    return counts[which]


def distinct(places: Ints, size: int) -> tuple[Ints, Ints]:
    """The different numbers among some below a size, rising; and of each where it is among
    them."""
    there = np.zeros(size, dtype=bool)
    there[places] = True
    return there.nonzero()[0], (there.cumsum() - 1)[places]


def _join_keys(document: Ints, key: Ints) -> Ints:
    """One number for a word of a document, the same for each of its occurrences."""
    return (document << _KEY_BITS) | key


def _places(words: Words, start: Ints, end: Ints) -> Ints:
    flags = words.codes[:, _FLAGS]
    n = len(flags)
    following, previous = np.minimum(end, n - 1), np.maximum(start - 1, 0)
    own_document = words.document[start]
    inside = (end < n) & (words.document[following] == own_document)
    after = np.where(inside, flags[following], 0)
    inside = (start > 0) & (words.document[previous] == own_document)
    before = np.where(inside, flags[previous], 0)
    own = np.where(end - start == 1, flags[start], 0)
    possessive = ((after & _POSSESSIVE_MARK) > 0) | ((own & _POSSESSIVE) > 0)
    place = np.where((before & _PREPOSITION) > 0, 2, 0)
    place = np.where(words.opens_sentence[start], 1, place)
    return np.asarray(np.where(possessive, 3, place), dtype=np.int64)


def pair_candidates(
    mentions: Mentions, *, backward: int, forward: int, same_head: int, max_distance: int
) -> Pairs:
    """The candidates of every mention.

    backward: how many mentions before it.
    forward: how many nouns and names after it, for pronouns of the third person (cataphora).
    same_head: how many further mentions before it that share its head word, for others.
    max_distance: candidates further away than this many words are dropped; 0 for no limit.
    """
    m = len(mentions.start)
    index = np.arange(m)
    before = index[:, None] - 1 - np.arange(backward)[None]
    columns = [
        before,
        _earlier_with_head(mentions, same_head, backward),
        _later_nouns(mentions, forward),
    ]
    candidates = np.concatenate(columns, axis=1)
    first, end = (
        np.searchsorted(mentions.document, mentions.document, side=side)[:, None]
        for side in ("left", "right")
    )
    candidates[(candidates < first) | (candidates >= end)] = -1
    pairs = Pairs.find(candidates)
    i, j = pairs.anaphor, pairs.antecedent
    # "Her brother" is not her, nor are "he and Ann" he.
    pronoun = mentions.is_pronoun
    dropped = (mentions.start[i] == mentions.start[j]) & (pronoun[i] | pronoun[j])
    if max_distance:
        dropped |= np.abs(mentions.head[j] - mentions.head[i]) > max_distance
    candidates[i[dropped], pairs.column[dropped]] = -1
    return Pairs(candidates, *(column[~dropped] for column in pairs[1:]))


def _earlier_with_head(mentions: Mentions, count: int, backward: int) -> Ints:
    m = len(mentions.start)
    word = _join_keys(mentions.document, mentions.key)
    order = np.argsort(word, kind="stable")
    same = word[order[1:]] == word[order[:-1]]
    previous = np.full(m, -1, dtype=np.int64)
    previous[order[1:]] = np.where(same, order[:-1], -1)
    found = np.full((m, count), -1, dtype=np.int64)
    nouns = ~mentions.is_pronoun
    # Those in reach of `backward` are candidates already: step past them.
    current = previous.copy()
    for _ in range(backward):
        near = (current >= 0) & (np.arange(m) - current <= backward)
        if not near.any():
            break
        current = np.where(near, previous[np.maximum(current, 0)], current)
    for column in range(count):
        found[:, column] = np.where(nouns, current, -1)
        current = np.where(current >= 0, previous[np.maximum(current, 0)], -1)
    return found


def _later_nouns(mentions: Mentions, count: int) -> Ints:
    m = len(mentions.start)
    nouns = np.flatnonzero(~mentions.is_pronoun)
    found = np.full((m, count), -1, dtype=np.int64)
    if not len(nouns) or not count:
        return found
    third = np.flatnonzero(mentions.is_kind(*THIRD_PERSON))
    place = np.searchsorted(nouns, third, side="right")[:, None] + np.arange(count)[None]
    found[third] = np.where(place < len(nouns), nouns[np.minimum(place, len(nouns) - 1)], -1)
    return found
