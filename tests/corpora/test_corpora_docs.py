"""Texts and offsets survive the way into a Doc."""

from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.vocab import Vocab

from spacy_lstm.corpora.docs import as_span, char_span, checked_text, text_doc, tokenized_doc
from spacy_lstm.corpora.skipped import UnusableRowError

NLP = spacy.blank("en")
ODD = ["😀", "👩\u200d👧", "e\u0301", "\u200b", "\x07", "\x00", "\u3000", "\u00a0", "\t", "\r\n"]
ODD += ["\n", "  ", " ", "猫", "ﬁ", "\u2028", "she", "Bob's", ".", '"', "\ufeff", "مرحبا"]
TEXTS = (
    st.lists(st.sampled_from(ODD) | st.text(max_size=4), max_size=25)
    .map("".join)
    .filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
)


@st.composite
def texts_with_tokens(draw: st.DrawFn) -> tuple[str, list[list[int]]]:
    """Any text with any offsets that do not overlap, gaps of all kinds between them."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=20)))
    if len(cuts) % 2:
        cuts.pop()
    touching = draw(st.booleans())
    pairs = pairwise(cuts) if touching else zip(cuts[::2], cuts[1::2], strict=True)
    return text, [[start, end] for start, end in pairs]


@settings(deadline=None)
@given(texts_with_tokens())
def test_tokenized_doc_reproduces_text_and_tokens(case: tuple[str, list[list[int]]]) -> None:
    text, offsets = case
    doc, index = tokenized_doc(Vocab(), text, offsets)
    assert doc.text == text
    assert len(index) == len(offsets)
    for (start, end), place in zip(offsets, index, strict=True):
        assert (doc[place].idx, doc[place].text) == (start, text[start:end])


@settings(deadline=None)
@given(TEXTS, st.data())
def test_char_span_covers_the_characters(text: str, data: st.DataObject) -> None:
    doc = NLP.make_doc(text)
    assert doc.text == text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    wanted = text[start:end].strip()
    if not wanted:
        with pytest.raises(UnusableRowError, match=r"out of range|only white space"):
            char_span(doc, start, end)
        return
    span = char_span(doc, start, end)
    assert wanted in span.text
    assert span.start_char <= start + text[start:end].index(wanted)
    assert span.end_char >= start + text[start:end].index(wanted) + len(wanted)


@pytest.mark.parametrize(
    "text", ["a  b", "a\n\nb", "  a", "a \n b c", "one\ttwo  three ", "a b", "a", "x\u3000y"]
)
def test_white_space_is_tokenized_as_spacy_does(text: str) -> None:
    expected = NLP.make_doc(text)
    offsets = [[t.idx, t.idx + len(t)] for t in expected if not t.is_space]
    doc, _ = tokenized_doc(NLP.vocab, text, offsets)
    assert [t.text for t in doc] == [t.text for t in expected]
    assert [t.whitespace_ for t in doc] == [t.whitespace_ for t in expected]


def test_ten_thousand_tokens() -> None:
    text = "word " * 10_000
    doc, index = tokenized_doc(NLP.vocab, text, [[i * 5, i * 5 + 4] for i in range(10_000)])
    assert doc.text == text
    assert index == list(range(10_000))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing text"),
        (3, "text is int, not a string"),
        ("", "empty text"),
        (" \n\t", "empty text"),
        ("a\ud800b", "not valid Unicode"),
    ],
)
def test_texts_that_cannot_be_used(value: object, reason: str) -> None:
    with pytest.raises(UnusableRowError, match=reason):
        checked_text(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([0], "not a start and an end"),
        ("ab", "not a start and an end"),
        (None, "not a start and an end"),
        ({"start": 0}, "not two integers"),
        ([0, 1.5], "not two integers"),
        ([False, True], "not two integers"),
        ([-1, 2], "out of range"),
        ([2, 2], "out of range"),
        ([3, 2], "out of range"),
        ([0, 11], "out of range"),
    ],
)
def test_spans_that_cannot_be_used(value: object, reason: str) -> None:
    with pytest.raises(UnusableRowError, match=f"token span .*{reason}|token span {reason}"):
        as_span(value, 10, "token")


def test_overlapping_tokens_and_long_texts() -> None:
    with pytest.raises(UnusableRowError, match="overlap or are out of order"):
        tokenized_doc(NLP.vocab, "abcdef", [[0, 3], [2, 5]])
    nlp = spacy.blank("en")
    nlp.max_length = 3
    with pytest.raises(UnusableRowError, match=r"longer than nlp.max_length \(3"):
        text_doc(nlp, "long text")
