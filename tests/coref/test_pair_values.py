"""Features in words: every value has some, and they say what the numbers mean."""

import numpy as np
import pytest

from spacy_lstm.coref.candidates import describe_mentions, pair_candidates, read_words
from spacy_lstm.coref.pair_features import COUNTED, PAIR_FEATURES
from spacy_lstm.coref.pair_values import describe_values
from spacy_lstm.coref.roles import ROLE_FEATURES
from spacy_lstm.coref.words import describe_word
from spacy_lstm.errors import LstmError

from .documents import values_of_pairs

SIZES = {**PAIR_FEATURES, **ROLE_FEATURES}


@pytest.mark.parametrize("feature", SIZES)
def test_every_value_has_words(feature):
    numbers = dict.fromkeys(SIZES, 0)
    found = set()
    for number in range(SIZES[feature]):
        told = describe_values(list({**numbers, feature: number}.values()))
        assert list(told) == list(SIZES)
        found.add(told[feature])
    assert all(found)
    assert len(found) > 3


@pytest.mark.parametrize("feature", COUNTED)
def test_ranges_cover_all_counts_once(feature):
    edges = COUNTED[feature]
    assert list(edges) == sorted(set(edges))
    numbers = dict.fromkeys(PAIR_FEATURES, 0)
    last = describe_values(list({**numbers, feature: PAIR_FEATURES[feature] - 1}.values()))[feature]
    assert f"{edges[-1]} or more" in last


def values_of(text, anaphor, candidate):
    """The values of a pair of words, in words."""
    codes = [describe_word(word, {"Ann": 2, "Bob": 1}.get(word, 0)) for word in text.split()]
    words = read_words(np.array(codes), [len(codes)])
    places = np.array(sorted((anaphor, candidate)))
    mentions = describe_mentions(words, places, places + 1)
    pairs = pair_candidates(mentions, backward=2, forward=2, same_head=0, max_distance=0)
    rows = values_of_pairs(words, mentions, pairs)
    pair = np.flatnonzero(mentions.start[pairs.anaphor] == anaphor)[0]
    return describe_values(rows[pair].tolist())


def test_they_say_what_is_there():
    told = values_of("Ann saw the old dog . She fed it .", 6, 0)
    assert told["kinds"] == "she – name"
    assert told["gender and number"] == "feminine singular – feminine singular"
    assert told["words between"] == "6 to 9"
    assert told["sentences between"] == "1"
    assert told["nesting"] == "apart"
    assert told["string match"] == "none"
    assert told["forward"] == "no"
    assert told["places"] == "opens its sentence – opens its sentence"
    assert told["opening"] == (
        "anaphor opens its sentence, candidate opens its sentence, one sentence apart"
    )
    assert told["quotation"] == "outside – outside, 0 marks between"


def test_of_anaphor_and_candidate_in_this_order():
    told = values_of("When to Bob he said so , we left .", 3, 2)
    assert told["kinds"] == "he – name"
    assert told["places"] == "elsewhere – after a preposition"
    told = values_of("When he came , Bob left .", 1, 4)
    assert told["forward"] == "1 mentions later"
    assert told["opening"] == "neither opens a sentence"
    told = values_of('Bob said : " I left . "', 4, 0)
    assert told["quotation"] == "in speech first person – outside, 1 marks between"


def test_mistakes():
    with pytest.raises(LstmError, match="3 values of pair features: expected 14, or 16 with those"):
        describe_values([0, 0, 0])
    with pytest.raises(LstmError, match="nesting = 4: expected 0 to 3"):
        describe_values(list({**dict.fromkeys(PAIR_FEATURES, 0), "nesting": 4}.values()))
