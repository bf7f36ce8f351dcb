import math

import numpy as np
import pytest

from spacy_lstm.coref.candidates import read_words
from spacy_lstm.coref.spans import _best_spans, _coordinations
from spacy_lstm.coref.words import describe_word


def test_coordinations_take_the_best_on_either_side():
    spans = np.array([[0, 2], [1, 2], [3, 4], [3, 5], [6, 7]])
    scores = np.zeros((8, 5), dtype=np.float32)
    scores[0, 1], scores[1, 0], scores[3, 0], scores[3, 1] = 1.0, 2.0, 0.5, 3.0
    text = "my dog and your cats saw me and"
    words = read_words(np.array([describe_word(word, 0) for word in text.split()]), [8])
    marks = np.array([2, 7])
    assert _coordinations(spans, marks, words, scores).tolist() == [[1, 5]]


def test_a_text_of_few_words_keeps_all_its_spans():
    assert len(_best_spans(np.zeros((3, 2), dtype=np.float32), [3], 0.3, -9.0)[0]) == 6


@pytest.mark.parametrize("floor", [-9.0, 0.5])
@pytest.mark.parametrize("ties", [False, True])
def test_the_best_spans_are_those_of_each_document_by_itself(floor, ties):
    rng = np.random.default_rng(0)
    lengths = [7, 1, 0, 30, 12]
    scores = rng.normal(size=(sum(lengths), 4)).astype(np.float32)
    if ties:
        # As where words are repeated: the first of them count.
        scores = scores.round()
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    starts, ends = _best_spans(scores, lengths, 0.35, floor)
    found, expected, first = set(zip(starts.tolist(), ends.tolist(), strict=True)), set(), 0
    for length in lengths:
        own = scores[first : first + length]
        allowed = 6 + math.ceil(0.35 * length)
        best = sorted(((-own[i, k], i, k) for i, k in np.argwhere(own > floor).tolist()))[:allowed]
        chosen = {(i, i + k + 1) for _, i, k in best}
        assert set(zip(*map(list, _best_spans(own, [length], 0.35, floor)), strict=True)) == chosen
        expected |= {(first + start, first + end) for start, end in chosen}
        first += length
    assert found == expected
    assert len(starts) == len(found)
