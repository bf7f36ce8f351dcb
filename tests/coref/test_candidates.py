from functools import partial

import numpy as np
import pytest

from spacy_lstm.coref.candidates import describe_mentions, read_words
from spacy_lstm.coref.mentions import head_offset
from spacy_lstm.coref.words import Kind, Number, describe_word
from spacy_lstm.lexicons.gender import GENDERS

from .documents import mentions_of, pairs_of
from .documents import words_of as read_documents

GENDER = {"Alice": "fem", "Mary": "fem", "Mrs": "fem", "Tom": "masc", "man": "masc"}


words_of = partial(read_documents, GENDER)


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


def test_hashes_are_those_of_the_words_one_by_one():
    rng = np.random.default_rng(0)
    words = words_of(*(" ".join(rng.choice(list("abc"), n)) for n in (40, 1, 25)))
    starts, lengths = rng.integers(0, 66, 200), rng.integers(1, 25, 200)
    mentions = mentions_of(words, *np.stack([starts, np.minimum(starts + lengths, 66)]).T.tolist())
    keys = words.codes[:, 0].tolist()
    for start, end, found in zip(mentions.start, mentions.end, mentions.text, strict=True):
        total = 0
        # Of a long span its first words tell.
        for key in keys[start : min(end, start + 16)]:
            total = (total * 1_000_003 + key + 1) % 2**64
        assert int(found) % 2**64 == total


def test_a_name_has_the_gender_of_its_first_word_that_has_one():
    words = words_of("Mrs Tom Smith met Smith Mary Jones and Mary 's Tom")
    mentions = mentions_of(words, (0, 3), (4, 7), (8, 11), (10, 11))
    assert [GENDERS[number] for number in mentions.gender] == ["fem", "fem", "masc", "masc"]


def test_occurrences_count_a_head_once_though_mentions_nest():
    words = words_of("the man and the man of Rome saw the man")
    mentions = mentions_of(words, (0, 2), (3, 5), (3, 7), (8, 10))
    assert mentions.occurrences.tolist() == [3, 3, 3, 3]


def test_places():
    words = words_of("Alice 's dog ran to Tom . his cat sat")
    mentions = mentions_of(words, (0, 1), (0, 3), (5, 6), (7, 8), (7, 9))
    assert mentions.place.tolist() == [3, 1, 2, 3, 1]


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


@pytest.mark.parametrize("after", [(), ("He left",)])
def test_a_coordinator_at_the_end_counts_whatever_document_comes_after_it(after):
    words = words_of("Tom and", *after)
    mentions = mentions_of(words, (0, 1), (0, 2))
    assert mentions.coordinated.tolist() == [False, True]
    assert mentions.number.tolist() == [Number.SINGULAR, Number.PLURAL]


def test_a_document_opens_with_its_first_word_whatever_white_space_is_before_it():
    codes = np.array([describe_word(word, 0) for word in ["Hi", ".", "\t", "himself", "left"]])
    for first in (0, 2):
        words = read_words(codes[first:], [2, 3] if first == 0 else [3])
        assert words.opens_sentence[-3:].tolist() == [True, True, False]
