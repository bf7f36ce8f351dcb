from functools import partial
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.candidates import describe_mentions, pair_candidates, read_words
from spacy_lstm.coref.pair_features import (
    COUNTED,
    JOINT_FEATURES,
    PAIR_FEATURES,
    PairFeatures,
    number_features,
)
from spacy_lstm.coref.words import KINDS, Kind, Number, describe_word
from spacy_lstm.lexicons.gender import GENDERS

from .documents import mentions_of, pairs_of, values_of_pairs
from .documents import words_of as read_documents

WORDS = [
    *("he", "him", "she", "it", "they", "I", "you", "Tom", "Smith", "Alice", "the", "dog", "dogs"),
    *(",", ".", "'", "“", "”", "'s", "and", "of", "们", "🙂", "\n\n"),
]
GENDER = {"Alice": "fem", "Tom": "masc", "he": "masc", "him": "masc", "she": "fem", "dog": "neut"}


words_of = partial(read_documents, GENDER)


def reached(name, count):
    """How many of a feature's edges a count has reached."""
    return sum(count >= edge for edge in COUNTED[name])


def agrees(mentions, k, pronoun):
    """Whether a noun could be meant by a pronoun of this kind."""
    if mentions.kind[k] >= Kind.HE:
        return False
    plural = mentions.number[k] == Number.PLURAL
    gender = GENDERS[mentions.gender[k]]
    return {
        Kind.HE: gender == "masc",
        Kind.SHE: gender == "fem",
        Kind.IT: gender in ("unknown", "neut") and not plural,
        Kind.THEY: plural,
    }.get(pronoun, False)


def match_by_definition(mentions, i, j):
    kinds = mentions.kind[i], mentions.kind[j]
    same_text = mentions.text[i] == mentions.text[j]
    same_head = mentions.key[i] == mentions.key[j]
    names = kinds == (Kind.PROPER, Kind.PROPER)
    pronouns = min(kinds) >= Kind.HE
    if same_head and not names and mentions.number[i] != mentions.number[j]:
        return 8
    if same_head and mentions.coordinated[i] != mentions.coordinated[j]:
        return 7
    if pronouns and (same_text or kinds[0] == kinds[1]):
        return 5 if same_text else 6
    if names and (same_text or same_head):
        return 4 if same_text else 3
    return 2 if same_text else int(same_head)


def nesting_by_definition(mentions, i, j):
    first, second = (set(range(mentions.start[k], mentions.end[k])) for k in (i, j))
    if not first & second:
        return 0
    return 1 if first <= second else 2 if second <= first else 3


def values_by_definition(words, mentions, i, j):
    """Each feature of a pair, one at a time."""
    kind, place, start = mentions.kind, mentions.place, mentions.start
    gap = abs(i - j)
    sentences = abs(words.sentence[start[i]] - words.sentence[start[j]])
    between = range(min(i, j) + 1, max(i, j))
    names = sum(kind[k] == Kind.PROPER for k in between)
    rivals = sum(agrees(mentions, k, kind[i]) for k in between)
    agreement = mentions.gender * len(Number) + mentions.number
    quotes = words.quotes[start]
    persons = [
        1 if kind[k] in (Kind.I, Kind.WE) else 2 if kind[k] == Kind.YOU else 0 for k in (i, j)
    ]
    sides = [person * 2 + quotes[k] % 2 for person, k in zip(persons, (i, j), strict=True)]
    marks = reached("quotation", abs(quotes[i] - quotes[j]))
    return {
        "mentions between": 0 if j > i else reached("mentions between", gap),
        "forward": 1 + reached("forward", gap) if j > i else 0,
        "words between": reached("words between", abs(mentions.head[i] - mentions.head[j])),
        "sentences between": reached("sentences between", sentences),
        "names between": reached("names between", names),
        "rivals between": reached("rivals between", rivals) * KINDS + kind[i],
        "occurrences": reached("occurrences", mentions.occurrences[j]) * KINDS + kind[i],
        "string match": match_by_definition(mentions, i, j),
        "nesting": nesting_by_definition(mentions, i, j),
        "kinds": kind[i] * KINDS + kind[j],
        "gender and number": agreement[i] * len(GENDERS) * len(Number) + agreement[j],
        "opening": (place[j] == 1) + 2 * (place[i] == 1) + 4 * (sentences == 1),
        "places": place[j] * 4 + place[i],
        "quotation": (marks * 6 + sides[0]) * 6 + sides[1],
    }


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=30), max_size=3),
    st.integers(1, 60),
    st.integers(0, 20),
)
def test_features_are_what_they_are_called(documents, backward, forward):
    words = words_of(*(" ".join(document) for document in documents))
    n = len(words.codes)
    spans = {(i, j) for i in range(n) for j in (i + 1, i + 2) if j <= n}
    spans = {(i, j) for i, j in spans if words.document[i] == words.document[j - 1]}
    if not spans:
        return
    mentions = mentions_of(words, *spans)
    pairs = pairs_of(mentions, backward=backward, forward=forward)
    found = values_of_pairs(words, mentions, pairs)
    for row, i, j in zip(found.tolist(), pairs.anaphor, pairs.antecedent, strict=True):
        told = dict(zip(PAIR_FEATURES, row, strict=True))
        assert told == values_by_definition(words, mentions, int(i), int(j))
    inside = (mentions.start <= mentions.head) & (mentions.head < mentions.end)
    assert inside.all()
    assert (mentions.document[pairs.anaphor] == mentions.document[pairs.antecedent]).all()
    assert (pairs.anaphor != pairs.antecedent).all()


def test_far_counts_are_all_alike():
    text = " ".join(["Tom", *["Alice , and . “"] * 500, "he"])
    words = words_of(text)
    names = [k for k, word in enumerate(text.split()) if word in GENDER]
    mentions = mentions_of(words, *[(k, k + 1) for k in names])
    joint = PairFeatures(words, mentions).joint(np.array([501, 0]), np.array([0, 501]))
    found = number_features(joint) - np.cumsum([0, *PAIR_FEATURES.values()])[:-1]
    for row, (i, j) in zip(found.tolist(), [(501, 0), (0, 501)], strict=True):
        told = dict(zip(PAIR_FEATURES, row, strict=True))
        assert told == values_by_definition(words, mentions, i, j)


def test_every_combination_has_a_number_of_its_own():
    assert sorted(name for group in JOINT_FEATURES for name in group) == sorted(PAIR_FEATURES)
    sizes = [int(np.prod([PAIR_FEATURES[name] for name in group])) for group in JOINT_FEATURES]
    bounds = list(pairwise(np.cumsum([0, *sizes]).tolist()))
    for group, (first, end) in enumerate(bounds):
        joint = np.array([[start for start, _ in bounds]] * (end - first))
        joint[:, group] = np.arange(first, end)
        found = number_features(joint)
        assert len(np.unique(found, axis=0)) == end - first
        firsts = np.cumsum([0, *PAIR_FEATURES.values()])
        assert (found >= firsts[:-1]).all()
        assert (found < firsts[1:]).all()


def test_string_match_and_nesting():
    words = words_of("Tom Smith saw the dog and the dogs . Smith saw Tom Smith and the dog of Tom")
    spans = [(0, 2), (3, 5), (6, 8), (9, 10), (11, 13), (14, 16), (14, 18), (17, 18)]
    mentions = mentions_of(words, *spans)
    pairs = pairs_of(mentions, backward=8)
    features = values_of_pairs(words, mentions, pairs)
    names = list(PAIR_FEATURES)

    def value(i, j, name):
        row = np.flatnonzero((pairs.anaphor == i) & (pairs.antecedent == j))[0]
        return features[row, names.index(name)]

    assert value(3, 0, "string match") == 3  # one name within the other
    assert value(4, 0, "string match") == 4  # the same name
    assert value(5, 1, "string match") == 2  # the same words
    assert value(2, 1, "string match") == 0  # dog, dogs
    assert value(6, 5, "nesting") == 2
    assert value(7, 6, "nesting") == 1
    assert value(4, 3, "nesting") == 0


def test_quotation_tells_turns_and_persons():
    text = "“ I left . ” said Ann . “ You did . ”"
    codes = np.array([describe_word(word, 0) for word in text.split()])
    words = read_words(codes, [len(codes)])
    start = np.array([1, 6, 9])
    mentions = describe_mentions(words, start, start + 1)
    pairs = pair_candidates(mentions, backward=2, forward=0, same_head=0, max_distance=0)
    features = dict(zip(PAIR_FEATURES, values_of_pairs(words, mentions, pairs).T, strict=True))
    found = features["quotation"].tolist()
    # Marks between, then person and speech of the anaphor and of the candidate.
    i_said, ann, you_said = 3, 0, 5
    assert found == [
        (1 * 6 + ann) * 6 + i_said,
        (1 * 6 + you_said) * 6 + ann,
        (2 * 6 + you_said) * 6 + i_said,
    ]
