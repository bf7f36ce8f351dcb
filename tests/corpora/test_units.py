"""Units of raw text, and a sample of them."""

import random
from collections import Counter

import pytest

from spacy_lstm.corpora.units import Sample, read_units, text_digest
from spacy_lstm.errors import LstmError

DOCUMENTS = [["One  two. Three!", "Four"], ["Dr. No?   Five! six."], []]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("sentence", ["One  two.", "Three!", "Four", "Dr. No?", "Five!", "six."]),
        ("paragraph", ["One  two. Three!", "Four", "Dr. No?   Five! six."]),
        ("document", ["One  two. Three!\nFour", "Dr. No?   Five! six.", ""]),
    ],
)
def test_units(unit: str, expected: list[str]) -> None:
    assert list(read_units(DOCUMENTS, unit)) == expected


def test_units_of_another_language() -> None:
    assert list(read_units([["很好。不好!"]], "sentence", lang="zh")) == ["很好。", "不好!"]


def test_an_unknown_unit() -> None:
    with pytest.raises(LstmError, match="unknown unit 'page': expected one of sentence, paragraph"):
        read_units([], "page")


def test_digests_are_the_same_everywhere() -> None:
    assert text_digest("é") == 10627565055475572238
    assert text_digest("é", 1) != text_digest("é") != text_digest("e")


def drawn(texts: list[str], size: int, seed: int = 0) -> list[str]:
    sample = Sample[str](size, seed)
    for text in texts:
        sample.offer(text, text.upper())
    assert len(sample) == len(sample.items())
    places = [place for place, _ in sample.items()]
    assert places == sorted(set(places))
    return [item for _, item in sample.items()]


def test_a_sample_does_not_hang_on_order_or_repetition() -> None:
    texts = [f"text {i}" for i in range(100)]
    first = drawn(texts, 10)
    assert len(set(first)) == 10
    assert first == [text.upper() for text in texts if text.upper() in first]
    assert set(drawn(texts[::-1] + texts + texts[:50], 10)) == set(first)
    assert set(drawn(texts, 10, seed=1)) != set(first)
    assert drawn(texts, 200) == [text.upper() for text in texts]
    assert drawn([], 3) == []


def test_any_text_is_as_likely_as_any_other() -> None:
    texts = [f"text {i}" for i in range(20)]
    random.Random(0).shuffle(texts)
    counts = Counter(text for seed in range(400) for text in drawn(texts, 5, seed))
    # 100 each are expected, with a standard deviation of 9.
    assert all(65 <= counts[text.upper()] <= 135 for text in texts)
