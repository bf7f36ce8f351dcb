"""Mentions of a batch of documents, their candidate antecedents, and the features of each pair.

Everything is arrays over the whole batch: no loop over mentions or pairs.
"""

from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .words import KINDS, Flag, Kind, Number
from .words import WordColumn as Col

__all__ = [
    "COUNTED",
    "JOINT_FEATURES",
    "PAIR_FEATURES",
    "Mentions",
    "Pairs",
    "Words",
    "describe_mentions",
    "is_third_person",
    "joint_features",
    "pair_candidates",
    "pair_features",
    "read_words",
]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# As plain numbers, which arrays are compared with in a fifth of the time.
_COMMON, _PROPER, _HE, _SHE, _IT, _THEY, _NEO, _I, _WE, _YOU, _OTHER = map(int, Kind)
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
# By the numbers of `lexicons.gender.GENDERS`.
_IS_PERSON: Final = np.array([False, True, True, True, False])
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

    @property
    def antecedent(self) -> Ints:
        return np.asarray(self.candidates[self.anaphor, self.column])


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
        # Document and key as one number: keys have 31 bits.
        words = (document << 32) | codes[:, _KEY]
        places = places[~np.isin(words[places], words[within])]
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
    coordinated = words.coordinators[np.minimum(core, n - 1)] > words.coordinators[start]
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
    there = np.zeros(len(words.codes), dtype=bool)
    there[head] = True
    (heads,) = there.nonzero()
    groups = (words.document[heads] << 32) | words.codes[heads, _KEY]
    order = groups.argsort()
    ordered = groups[order]
    group = np.zeros(len(ordered), dtype=np.int64)
    (ordered[1:] != ordered[:-1]).cumsum(out=group[1:])
    counts = np.zeros(len(words.codes), dtype=np.int64)
    counts[heads[order]] = np.bincount(group)[group]
    return counts[head]


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
    there = candidates >= 0
    safe = np.where(there, candidates, 0)
    there &= mentions.document[safe] == mentions.document[:, None]
    # "Her brother" is not her, nor are "he and Ann" he.
    pronoun = mentions.is_pronoun
    there &= (mentions.start[safe] != mentions.start[:, None]) | ~(pronoun[safe] | pronoun[:, None])
    if max_distance:
        there &= np.abs(mentions.head[safe] - mentions.head[:, None]) <= max_distance
    candidates = np.where(there, candidates, -1)
    anaphor, column = there.nonzero()
    return Pairs(candidates, anaphor, column)


def _earlier_with_head(mentions: Mentions, count: int, backward: int) -> Ints:
    m = len(mentions.start)
    order = np.lexsort((np.arange(m), mentions.key, mentions.document))
    same = np.zeros(m, dtype=bool)
    same[1:] = (mentions.key[order][1:] == mentions.key[order][:-1]) & (
        mentions.document[order][1:] == mentions.document[order][:-1]
    )
    previous = np.full(m, -1, dtype=np.int64)
    previous[order[1:]] = np.where(same[1:], order[:-1], -1)
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


def _bucket(values: Ints, edges: tuple[int, ...]) -> Ints:
    """How many of the edges each value, 0 or more, has reached."""
    # A table is several times faster than a search; beyond the last edge all are alike.
    return _bucket_table(edges).take(values, mode="clip")


@cache
def _bucket_table(edges: tuple[int, ...]) -> Ints:
    return np.searchsorted(edges, np.arange(edges[-1] + 1), side="right").astype(np.int64)


_MENTION_EDGES: Final = (1, 2, 3, 4, 6, 9, 13, 20, 30, 41)
_WORD_EDGES: Final = (1, 3, 6, 10, 16, 24, 40, 64, 120, 300)
_SENTENCE_EDGES: Final = (1, 2, 3, 4, 6, 10, 20)
_COUNT_EDGES: Final = (1, 2, 3, 5, 9)
_QUOTE_EDGES: Final = (1, 2, 3, 4, 6)
_AGREEMENTS: Final = 15  # genders × numbers

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
"""The same features in groups: a table with a row for every combination of a group's values stays
small enough, and few rows are then left to add up for a pair."""


def pair_features(words: Words, mentions: Mentions, pairs: Pairs) -> Ints:
    """Feature values of each pair, numbered through all features.

    RETURNS: *Shape:* ``(pairs, len(PAIR_FEATURES))``
    """
    values = _pair_values(words, mentions, pairs)
    offsets = np.cumsum([0, *PAIR_FEATURES.values()])[:-1]
    return np.asarray(np.stack([values[name] for name in PAIR_FEATURES], axis=1) + offsets)


def joint_features(words: Words, mentions: Mentions, pairs: Pairs) -> Ints:
    """The combination of values in each group, the first feature of a group changing slowest,
    numbered through all groups.

    RETURNS: *Shape:* ``(pairs, len(JOINT_FEATURES))``
    """
    values = _pair_values(words, mentions, pairs)
    joint = np.empty((len(pairs.anaphor), len(JOINT_FEATURES)), dtype=np.int64)
    offset = 0
    for column, (first, *others) in enumerate(JOINT_FEATURES):
        number, size = values[first], PAIR_FEATURES[first]
        for name in others:
            number = number * PAIR_FEATURES[name] + values[name]
            size *= PAIR_FEATURES[name]
        joint[:, column] = number + offset
        offset += size
    return joint


def _pair_values(words: Words, mentions: Mentions, pairs: Pairs) -> dict[str, Ints]:
    """The value of each feature, from 0. *Shape of each:* ``(pairs,)``"""
    i, j = pairs.anaphor, pairs.antecedent
    forward = j > i
    gap = _bucket(np.abs(i - j), _MENTION_EDGES)
    sentence = words.sentence[mentions.start]
    sentences = np.abs(sentence[i] - sentence[j])
    agreement = mentions.gender * len(Number) + mentions.number
    kinds, place = mentions.kind, mentions.place
    own_kind = kinds[i]
    opens = (place == 1).astype(np.int64)
    often = _bucket(mentions.occurrences, _COUNT_EDGES) * KINDS
    return {
        "mentions between": gap * ~forward,
        "words between": _bucket(np.abs(mentions.head[i] - mentions.head[j]), _WORD_EDGES),
        "sentences between": _bucket(sentences, _SENTENCE_EDGES),
        "string match": _string_match(mentions, i, j),
        "kinds": own_kind * KINDS + kinds[j],
        "gender and number": (agreement * _AGREEMENTS)[i] + agreement[j],
        "nesting": _nesting(mentions, i, j),
        "names between": _bucket(_between(mentions.kind == _PROPER, i, j), _COUNT_EDGES),
        "rivals between": _bucket(_rivals(mentions, i, j), _COUNT_EDGES) * KINDS + own_kind,
        "opening": opens[j] + (2 * opens)[i] + 4 * (sentences == 1),
        "places": (place * 4)[j] + place[i],
        "forward": (gap + 1) * forward,
        "occurrences": often[j] + own_kind,
        "quotation": _quotation(words, mentions, i, j),
    }


def _quotation(words: Words, mentions: Mentions, i: Ints, j: Ints) -> Ints:
    """How many quotation marks lie between the two, whether either is within a speech, and
    whether it stands for who speaks or is spoken to: speakers take turns."""
    quotes = words.quotes[mentions.start]
    kind = mentions.kind
    person = np.where((kind == _I) | (kind == _WE), 1, np.where(kind == _YOU, 2, 0))
    own = person * 2 + quotes % 2
    between = _bucket(np.abs(quotes[i] - quotes[j]), _QUOTE_EDGES)
    return np.asarray((between * 6 + own[i]) * 6 + own[j])


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
    start, end = mentions.start, mentions.end
    nesting = np.zeros(len(i), dtype=np.int64)
    # Few pairs overlap at all.
    some = np.flatnonzero((end[j] > start[i]) & (end[i] > start[j]))
    i, j = i[some], j[some]
    j_holds = (start[j] <= start[i]) & (end[i] <= end[j])
    i_holds = (start[i] <= start[j]) & (end[j] <= end[i])
    nesting[some] = np.where(j_holds, 1, np.where(i_holds, 2, 3))
    return nesting


def _between(mask: Bools, i: Ints, j: Ints) -> Ints:
    """How many mentions of the mask lie strictly between the two."""
    upto = np.cumsum(mask)
    low, high = np.minimum(i, j), np.maximum(i, j)
    return np.asarray(upto[np.maximum(high - 1, low)] - upto[low])


def _rivals(mentions: Mentions, i: Ints, j: Ints) -> Ints:
    """Nouns and names between the two that agree with the anaphor better than nothing.

    For *he* and *she* those of its own gender; for *they* plurals; for *it* what is no person.
    """
    nouns = ~mentions.is_pronoun
    masc, fem = 1, 2
    masks = {
        _HE: nouns & (mentions.gender == masc),
        _SHE: nouns & (mentions.gender == fem),
        _IT: nouns & ~_IS_PERSON[mentions.gender] & (mentions.number != _PLURAL),
        _THEY: nouns & (mentions.number == _PLURAL),
    }
    # For each mention of these kinds a row of sums, for all others one of zeros.
    m = len(nouns)
    upto = np.zeros((len(masks) + 1, m), dtype=np.int64)
    row = np.zeros(m, dtype=np.int64)
    for number, (kind, mask) in enumerate(masks.items(), start=1):
        np.cumsum(mask, out=upto[number])
        row[mentions.kind == kind] = number * m
    low, high = np.minimum(i, j), np.maximum(i, j)
    own, sums = row[i], upto.reshape(-1)
    return np.asarray(sums[own + np.maximum(high - 1, low)] - sums[own + low])
