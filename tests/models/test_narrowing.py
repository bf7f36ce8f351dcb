import numpy as np
import pytest
import spacy
import torch

from spacy_lstm.errors import LstmError
from spacy_lstm.models.bilstm_tok2vec import build_bilstm_tok2vec
from spacy_lstm.models.narrowing import narrow_attention
from spacy_lstm.models.wrapper import get_bridge

NLP = spacy.blank("en")
WORDS = ["the", "cat", "sat", "on", "a", "mat", "while", "Alice", "read", "her", "letters", "."]


def make_model(attention="multihead"):
    torch.manual_seed(0)
    model = build_bilstm_tok2vec(width=16, rows=50, window=40, margin=4, attention=attention)
    model.initialize()
    return model


def make_docs(count=12):
    rng = np.random.default_rng(0)
    return [spacy.tokens.Doc(NLP.vocab, words=rng.choice(WORDS, 30).tolist()) for _ in range(count)]


def test_vectors_stay_near_and_survive_storing() -> None:
    model, docs = make_model(), make_docs()
    before = np.concatenate(model.predict(docs))
    narrow_attention(model, docs, 2)
    after = np.concatenate(model.predict(docs))
    assert get_bridge(model).module.encoder.attention.head_width == 2
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(before, after, atol=0.1)
    copy = make_model().from_bytes(model.to_bytes())
    np.testing.assert_array_equal(np.concatenate(copy.predict(docs)), after)


def test_others_are_refused() -> None:
    with pytest.raises(LstmError, match=r"no heads to be narrowed: expected .* \"multihead\""):
        narrow_attention(make_model("additive"), make_docs(), 2)


def test_a_few_words_are_not_enough() -> None:
    with pytest.raises(LstmError, match=r"150 words to fit .* expected 160 or more; give more"):
        narrow_attention(make_model(), make_docs(5), 2)
    narrow_attention(make_model(), make_docs(6), 2)


def test_new_weights_have_heads_as_the_config_says() -> None:
    model = make_model()
    narrow_attention(model, make_docs(), 2)
    model.initialize()
    assert get_bridge(model).module.encoder.attention.head_width == 4
