import pytest

from spacy_lstm.lexicons import hashing
from spacy_lstm.lexicons.hashing import LONGEST_WORD, hash_word
from spacy_lstm.models import bilstm_tok2vec


@pytest.mark.parametrize("text", ["", "she", "猫", "\ud800", "x" * LONGEST_WORD, "y" * 9000])
def test_a_hash_is_the_same_kept_or_not(text):
    assert hash_word(text) == hash_word(text) == hashing._hash(text)
    assert 0 <= hash_word(text) < 1 << 64


def test_hashes_are_those_that_models_were_trained_with():
    assert hash_word("she") == 7466273089413760774


def test_what_is_longer_than_a_word_is_not_kept():
    kept = hashing._hash_short, bilstm_tok2vec._hash_short_parts
    before = [cache.cache_info().currsize for cache in kept]
    for number in range(5):
        long = f"{number}" * (LONGEST_WORD + 1)
        assert bilstm_tok2vec._hash_parts(long, long)[0] == hash_word(long)
    # The three letters at either end are words of their own, and so is the shape.
    assert kept[0].cache_info().currsize <= before[0] + 6
    assert kept[1].cache_info().currsize == before[1]
