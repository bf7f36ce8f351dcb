"""Words, mentions and pairs of documents that are written out."""

import numpy as np

from spacy_lstm.coref.candidates import describe_mentions, pair_candidates, read_words
from spacy_lstm.coref.pair_features import PAIR_FEATURES, PairFeatures, number_features
from spacy_lstm.coref.words import describe_word
from spacy_lstm.lexicons.gender import GENDERS


def words_of(genders, *documents):
    """genders: names by word; unknown for others."""
    codes = [
        describe_word(word, GENDERS.index(genders.get(word, "unknown")))
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


def values_of_pairs(words, mentions, pairs):
    """Of each pair the value of each of `PAIR_FEATURES`, from 0."""
    joint = PairFeatures(words, mentions).joint(pairs.anaphor, pairs.antecedent)
    return number_features(joint) - np.cumsum([0, *PAIR_FEATURES.values()])[:-1]
