"""The shape of a spelling, by what rows of the model's table it reads."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.lexicons.hashing import hash_word
from spacy_lstm.models.bilstm_tok2vec import build_bilstm_tok2vec


def plain_shape(text):
    kinds = [
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in text[:20]
    ]
    return "".join(kind * min(len(list(run)), 3) for kind, run in groupby(kinds))


@pytest.fixture(scope="module")
def hash_of():
    _, lexicon = build_bilstm_tok2vec().shims
    return lambda text: lexicon.table.describe([text])[0, 3]


@given(st.text(st.sampled_from("aAbB1²Ⅷß她ǅ-.\n\ud800") | st.characters(), max_size=24))
def test_a_run_of_one_kind_counts_up_to_three(hash_of, text):
    assert hash_of(text) == hash_word(plain_shape(text)) & 0x7FFFFFFF


@pytest.mark.parametrize(
    ("text", "shape"),
    [("McDonald", "XxXxxx"), ("AD1999", "XXddd"), ("......", "..."), ("a" * 20 + "B", "xxx")],
)
def test_shapes(hash_of, text, shape):
    assert hash_of(text) == hash_word(shape) & 0x7FFFFFFF
