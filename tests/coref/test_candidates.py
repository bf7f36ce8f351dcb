import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.candidates import (
    JOINT_FEATURES,
    PAIR_FEATURES,
    describe_mentions,
    joint_features,
    pair_candidates,
    pair_features,
    read_words,
)
from spacy_lstm.coref.mentions import head_offset
from spacy_lstm.coref.words import Kind, Number, describe_word
from spacy_lstm.lexicons.gender import GENDERS

WORDS = ["he", "it", "Tom", "the", "dog", ",", ".", "'", "'s", "and", "of", "们", "🙂", "\n\n"]
GENDER = {"Alice": "fem", "Mary": "fem", "Mrs": "fem", "Tom": "masc", "man": "masc"}


def words_of(*documents):
    codes = [
        describe_word(word, GENDERS.index(GENDER.get(word, "unknown")))
        for text in documents
        for word in text.split()
    ]
    return read_words(np.array(codes).reshape(-1, 6), [len(text.split()) for text in documents])


def mentions_of(words, *spans):
    start, end = np.array(sorted(spans)).T
    return describe_mentions(words, start, end)


def pairs_of(mentions, **options):
    options = {"backward": 3, "forward": 2, "same_head": 1, "max_distance": 0} | options
    return pair_candidates(mentions, **options)


def candidates(pairs, i):
    return {int(j) for j in pairs.candidates[i] if j >= 0}


def test_sentences_open_after_the_end_and_its_quotation_marks():
    words = words_of("She left . ” Then Tom came . He sat", "It rained")
    opens = [0, 4, 8, 10]
    assert np.flatnonzero(words.opens_sentence).tolist() == opens


@pytest.mark.parametrize(
    "phrase",
    [
        "the old man with the dog",
        "Alice 's mother",
        "Alice 's",
        "John Brown Jr",
        "a house",
        "the man , a baker ,",
        "it",
    ],
)
def test_heads_are_those_of_the_head_rule(phrase):
    words = words_of(f"{phrase} ran")
    n = len(phrase.split())
    assert mentions_of(words, (0, n)).head.tolist() == [head_offset(phrase.split())]


@pytest.mark.parametrize(
    ("phrase", "gender", "number"),
    [
        ("Alice", "fem", Number.SINGULAR),
        ("Mrs Dalloway", "fem", Number.SINGULAR),
        ("Alice 's Smith", "unknown", Number.SINGULAR),
        ("the old man", "masc", Number.SINGULAR),
        ("his wives", "unknown", Number.PLURAL),
        ("Tom and Alice", "unknown", Number.PLURAL),
        ("him", "masc", Number.SINGULAR),
    ],
)
def test_gender_and_number_of_mentions(phrase, gender, number):
    mentions = mentions_of(words_of(f"{phrase} here"), (0, len(phrase.split())))
    assert GENDERS[mentions.gender[0]] == gender
    assert mentions.number[0] == number


def test_a_pronoun_stands_alone():
    words = words_of("his wife saw him")
    mentions = mentions_of(words, (0, 1), (0, 2), (3, 4))
    assert mentions.kind.tolist() == [Kind.HE, Kind.COMMON, Kind.HE]


def test_candidates_are_the_nearest_earlier_mentions_of_the_same_document():
    words = words_of("Tom Ann Tom Bob Sue Joe Tom", "Tom left")
    mentions = mentions_of(words, *[(i, i + 1) for i in range(8)])
    pairs = pairs_of(mentions)
    assert candidates(pairs, 0) == set()
    # Three before it, and the nearest further one with the same head.
    assert candidates(pairs, 6) == {5, 4, 3, 2}
    assert candidates(pairs, 7) == set()


def test_third_person_pronouns_look_forward_to_nouns():
    words = words_of("when she woke I and it saw Mary and Tom")
    mentions = mentions_of(words, (1, 2), (3, 4), (5, 6), (7, 8), (9, 10))
    pairs = pairs_of(mentions)
    assert candidates(pairs, 0) == {3, 4}
    assert candidates(pairs, 1) == {0}
    assert candidates(pairs, 2) == {0, 1, 3, 4}


def test_max_distance_drops_what_is_further():
    words = words_of("Tom a b c Ann d she")
    mentions = mentions_of(words, (0, 1), (4, 5), (6, 7))
    assert candidates(pairs_of(mentions, max_distance=2), 2) == {1}


def test_occurrences_count_a_head_once_though_mentions_nest():
    words = words_of("the man and the man of Rome saw the man")
    mentions = mentions_of(words, (0, 2), (3, 5), (3, 7), (8, 10))
    assert mentions.occurrences.tolist() == [3, 3, 3, 3]


def test_places():
    words = words_of("Alice 's dog ran to Tom . his cat sat")
    mentions = mentions_of(words, (0, 1), (0, 3), (5, 6), (7, 8), (7, 9))
    assert mentions.place.tolist() == [3, 1, 2, 3, 1]


def test_string_match_and_nesting():
    words = words_of("Tom Smith saw the dog and the dogs . Smith saw Tom Smith and the dog of Tom")
    spans = [(0, 2), (3, 5), (6, 8), (9, 10), (11, 13), (14, 16), (14, 18), (17, 18)]
    mentions = mentions_of(words, *spans)
    pairs = pairs_of(mentions, backward=8)
    offsets = np.cumsum([0, *PAIR_FEATURES.values()])
    features = pair_features(words, mentions, pairs) - offsets[:-1]
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


def assert_joint(joint, features):
    """Each group's number taken apart again gives the single features."""
    assert sorted(name for group in JOINT_FEATURES for name in group) == sorted(PAIR_FEATURES)
    starts = dict(
        zip(PAIR_FEATURES, np.cumsum([0, *list(PAIR_FEATURES.values())[:-1]]), strict=True)
    )
    single = dict(zip(PAIR_FEATURES, features.T, strict=True))
    before = 0
    for group, numbers in zip(JOINT_FEATURES, joint.T, strict=True):
        sizes = [PAIR_FEATURES[name] for name in group]
        parts = np.unravel_index(numbers - before, sizes)
        for name, part in zip(group, parts, strict=True):
            assert (part + starts[name] == single[name]).all(), name
        before += np.prod(sizes)


@given(st.lists(st.lists(st.sampled_from(WORDS))))
def test_features_stay_in_their_tables(documents):
    words = words_of(*(" ".join(document) for document in documents))
    n = len(words.codes)
    spans = {(i, j) for i in range(n) for j in (i + 1, i + 2) if j <= n}
    spans = {(i, j) for i, j in spans if words.document[i] == words.document[j - 1]}
    if not spans:
        return
    mentions = mentions_of(words, *spans)
    pairs = pairs_of(mentions)
    features = pair_features(words, mentions, pairs)
    ends = np.cumsum(list(PAIR_FEATURES.values()))
    assert (features < ends).all()
    assert (features >= ends - list(PAIR_FEATURES.values())).all()
    assert_joint(joint_features(words, mentions, pairs), features)
    inside = (mentions.start <= mentions.head) & (mentions.head < mentions.end)
    assert inside.all()
    assert (mentions.document[pairs.anaphor] == mentions.document[pairs.antecedent]).all()
    assert (pairs.anaphor != pairs.antecedent).all()


def test_quotation_tells_turns_and_persons():
    text = "“ I left . ” said Ann . “ You did . ”"
    codes = np.array([describe_word(word, 0) for word in text.split()])
    words = read_words(codes, [len(codes)])
    start = np.array([1, 6, 9])
    mentions = describe_mentions(words, start, start + 1)
    pairs = pair_candidates(mentions, backward=2, forward=0, same_head=0, max_distance=0)
    features = dict(zip(PAIR_FEATURES, pair_features(words, mentions, pairs).T, strict=True))
    offset = sum(PAIR_FEATURES.values()) - PAIR_FEATURES["quotation"]
    found = (features["quotation"] - offset).tolist()
    # Marks between, then person and speech of the anaphor and of the candidate.
    i_said, ann, you_said = 3, 0, 5
    assert found == [
        (1 * 6 + ann) * 6 + i_said,
        (1 * 6 + you_said) * 6 + ann,
        (2 * 6 + you_said) * 6 + i_said,
    ]


@pytest.mark.parametrize("before", ["", "Bob left . ", "Bob said to "])
@pytest.mark.parametrize("after", ["", " 's dog barked", " left"])
def test_mentions_are_the_same_whatever_document_is_beside_theirs(before, after):
    text = "Ann saw Eve"
    parts = [part.split() for part in (before, text, after)]
    words = read_words(
        np.array([describe_word(word, 0) for part in parts for word in part]),
        [len(part) for part in parts],
    )
    start = np.array([0, 2])
    alone = read_words(np.array([describe_word(word, 0) for word in text.split()]), [3])
    first = len(parts[0])
    found = describe_mentions(words, start + first, start + first + 1)
    assert found.place.tolist() == describe_mentions(alone, start, start + 1).place.tolist()


def test_a_document_opens_with_its_first_word_whatever_white_space_is_before_it():
    codes = np.array([describe_word(word, 0) for word in ["Hi", ".", "\t", "himself", "left"]])
    for first in (0, 2):
        words = read_words(codes[first:], [2, 3] if first == 0 else [3])
        assert words.opens_sentence[-3:].tolist() == [True, True, False]
