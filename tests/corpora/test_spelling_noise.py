import random
from collections import Counter

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.util import registry

from spacy_lstm.corpora.mixture import create_mixture_reader
from spacy_lstm.corpora.spelling_noise import KINDS, SpellingNoise, create_spelling_noise
from spacy_lstm.errors import LstmError

TEXT = "It's a great film, and I don't regret the $5!"


def labelled(text=TEXT):
    doc = spacy.blank("en")(text)
    doc.cats = {"POSITIVE": 1.0, "NEGATIVE": 0.0}
    return doc


def edits(kind, doc, count=40, words=0.1):
    noise = SpellingNoise({kind: 1.0}, words=words)
    return [noise(doc, random.Random(seed)) for seed in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_tokens_and_the_original_stay(kind):
    doc = labelled()
    # Two equal letters may have changed places.
    assert sum(edited is not doc for edited in edits(kind, doc)) > 35
    for edited in edits(kind, doc):
        assert edited.cats == doc.cats
        assert [bool(token.whitespace_) for token in edited] == [
            bool(token.whitespace_) for token in doc
        ]
    assert doc.text == TEXT


def test_small_letters_and_capitals():
    doc = labelled()
    assert {edited.text for edited in edits("lower", doc)} == {TEXT.lower()}
    found = {edited.text for edited in edits("upper", doc)}
    assert TEXT.upper() in found
    some = found - {TEXT.upper()}
    assert some
    assert all(text.lower() == TEXT.lower() for text in some)


def test_stretched_words():
    for edited in edits("stretch", labelled("so good, 10/10")):
        assert edited.text != "so good, 10/10"
        assert edited.text.endswith(", 10/10")
        assert len(set(edited.text)) == len(set("so good, 10/10"))
        assert len(edited.text) > len("so good, 10/10") + 1


def test_slips_keep_the_first_letter_and_short_words():
    doc = labelled("What an awful lot of trouble")
    for edited in edits("slip", doc, words=1.0):
        pairs = list(zip(doc, edited, strict=True))
        assert all(abs(len(old) - len(new)) <= 1 for old, new in pairs)
        assert all(old.text[0] == new.text[0] for old, new in pairs)
        assert all(old.text == new.text for old, new in pairs if len(old) < 4)


@pytest.mark.parametrize("text", ["", "  ", "5 $ :-)", "猫追老鼠"])
def test_nothing_to_change(text):
    doc = labelled(text)
    for kind in KINDS:
        assert all(edited is doc or edited.text == text for edited in edits(kind, doc, 3))


def test_shares():
    noise = create_spelling_noise(lower=0.25, upper=0.0, stretch=0.25, slip=0.0)
    doc = labelled("A Fine Day")
    kinds = Counter(
        "same" if edited is doc else "lower" if edited.text == "a fine day" else "stretched"
        for edited in (noise(doc, random.Random(seed)) for seed in range(400))
    )
    assert 160 < kinds["same"] < 240
    assert 70 < kinds["lower"] < 130


def test_documents_without_a_label_stay():
    doc = spacy.blank("en")("A fine day")
    assert all(edited is doc for kind in KINDS for edited in edits(kind, doc, 5))


def test_in_a_mixture(tmp_path):
    DocBin(docs=[labelled()] * 30).to_disk(tmp_path / "texts.spacy")
    noise = registry.misc.get("spacy_lstm.SpellingNoise.v1")(stretch=0.8)
    reader = create_mixture_reader(str(tmp_path), swaps=noise)
    nlp = spacy.blank("en")
    first, second = ([example.predicted.text for example in reader(nlp)] for _ in range(2))
    assert len(set(first)) > 5
    assert first != second
    again = create_mixture_reader(str(tmp_path), swaps=create_spelling_noise(stretch=0.8))
    assert first == [example.predicted.text for example in again(nlp)]


def test_wrong_numbers():
    with pytest.raises(LstmError, match=r"share of lower is 1\.5: expected a number from 0 to 1"):
        create_spelling_noise(lower=1.5)
    with pytest.raises(LstmError, match="share of words is -1: expected"):
        create_spelling_noise(words=-1)
    with pytest.raises(LstmError, match=r"sum to 1\.2: expected at most 1"):
        create_spelling_noise(lower=0.5, upper=0.5)
    with pytest.raises(LstmError, match="noise of kind loud: expected lower, upper"):
        SpellingNoise({"loud": 0.1})
