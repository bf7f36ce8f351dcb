import numpy as np
import pytest
import spacy
from spacy.util import registry
from thinc.api import Adam, set_dropout_rate

from spacy_lstm.errors import LstmError
from spacy_lstm.lexicons.hashing import hash_word
from spacy_lstm.models.bilstm_tok2vec import gender_number
from spacy_lstm.models.lexemes import LexemeTable, Lexicon, find_words

SMALL = {"width": 8, "width_factor": 0.25, "rows": 50, "window": 12, "margin": 3}
TEXTS = ["Mary saw Tom.", "", "one " * 30, "  ", "猫追老鼠", "Tom"]


@pytest.fixture
def docs():
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


@pytest.fixture
def vectors(tmp_path):
    words = "mary\ntom\nsaw"
    rows = np.array([[1, 2], [3, -4], [0, 0.5]], dtype="f")
    np.savez(tmp_path / "v.npz", words=np.frombuffer(words.encode(), dtype=np.uint8), vectors=rows)
    return {"@misc": "spacy_lstm.WordVectors.v1", "path": str(tmp_path / "v.npz")}


@pytest.fixture
def genders(tmp_path):
    path = tmp_path / "g.tsv"
    path.write_text(
        "word\tgender\nMary\tfem\nTom\tmasc\nMark\tmasc\nmother\tfem\n", encoding="utf8"
    )
    return {"@misc": "spacy_lstm.GenderLexicon.v1", "paths": [str(path)]}


def build(**options):
    config = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", **SMALL, **options}
    return registry.resolve({"model": config})["model"]


def flat(model, docs):
    return np.concatenate(model.predict(docs))


@pytest.mark.parametrize("attention", [None, "additive", "dot", "multihead"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_layer_table(docs, cell, attention):
    model = build(cell=cell, attention=attention)
    model.initialize(X=docs)
    width = model.get_dim("nO")
    Y, backprop = model.begin_update(docs)
    assert [y.shape for y in Y] == [(len(doc), width) for doc in docs]
    assert backprop([np.ones_like(y) for y in Y]) is docs
    for together, doc in zip(model.predict(docs), docs, strict=True):
        np.testing.assert_allclose(together, model.predict([doc])[0], atol=1e-5)
    other = build(cell=cell, attention=attention)
    other.initialize(X=docs)
    assert not np.allclose(flat(model, docs), flat(other, docs))
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(flat(model, docs), flat(other, docs))
    assert model.predict([]) == []


def test_training_reaches_tables_and_lstm(docs):
    model = build()
    model.initialize(X=docs)
    bridge = model.shims[0]
    before = {name: p.detach().clone() for name, p in bridge.module.named_parameters()}
    Y, backprop = model.begin_update(docs)
    backprop([np.ones_like(y) for y in Y])
    model.finish_update(Adam(0.01))
    moved = {n for n, p in bridge.module.named_parameters() if not (p == before[n]).all()}
    assert moved == set(before)


def test_dropout_and_averages(docs):
    model = build()
    model.initialize(X=docs)
    optimizer = Adam(0.05, use_averages=True)
    for _ in range(3):
        Y, backprop = model.begin_update(docs)
        backprop([np.ones_like(y) for y in Y])
        model.finish_update(optimizer)
        optimizer.step_schedules()
    trained = flat(model, docs)
    with model.use_params(optimizer.averages):
        assert np.abs(flat(model, docs) - trained).max() > 1e-4
    np.testing.assert_array_equal(flat(model, docs), trained)
    set_dropout_rate(model, 0.9)
    first, second = (np.concatenate(model.begin_update(docs)[0]) for _ in range(2))
    assert not np.allclose(first, second)


def test_vectors_and_genders_travel_with_the_weights(docs, vectors, genders):
    model = build(vectors=vectors, genders=genders)
    model.initialize(X=docs)
    loaded = build().from_bytes(model.to_bytes())
    np.testing.assert_array_equal(flat(model, docs), flat(loaded, docs))
    assert loaded.get_dim("nO") == model.get_dim("nO") == build_width(docs) + 2
    # The last two columns of "Tom" are its vector, to 8-bit precision.
    np.testing.assert_allclose(loaded.predict([docs[5]])[0][0, -2:], [3, -4], rtol=0.01)
    np.testing.assert_array_equal(loaded.predict([docs[4]])[0][0, -2:], [0, 0])
    assert loaded.shims[1].lists["gender"] == {
        hash_word("Mary"): 2,
        hash_word("Tom"): 1,
        hash_word("Mark"): 1,
        hash_word("mother"): 2,
    }


def build_width(docs):
    model = build()
    model.initialize(X=docs)
    return model.get_dim("nO")


def test_name_dropout_takes_all_occurrences_in_training_only(docs):
    model = build(name_dropout=1.0, dropout=0.0)
    model.initialize(X=docs)
    names = spacy.blank("en").make_doc("Xavier met Yolanda")
    others = spacy.blank("en").make_doc("Yannick met Xiomara")
    shown, _ = model.begin_update([names])
    swapped, _ = model.begin_update([others])
    np.testing.assert_allclose(shown[0], swapped[0], atol=1e-6)
    assert not np.allclose(flat(model, [names]), flat(model, [others]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, "cell = 'transformer' in spacy_lstm.BiLSTMTok2Vec.v1"),
        ({"attention": "none"}, "attention = 'none' in spacy_lstm.BiLSTMTok2Vec.v1"),
        ({"window": 6, "margin": 3}, "window = 6 and margin = 3"),
        ({"margin": -1}, "margin = -1"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(LstmError, match=message):
        build(**options)


def test_damaged_weights(docs):
    model = build()
    model.initialize(X=docs)
    with pytest.raises(LstmError, match="no weights of a bilstm_tok2vec model"):
        model.shims[0].from_bytes(model.shims[0].to_bytes()[:-8])
    with pytest.raises(LstmError, match="word lists of this model cannot be read"):
        model.shims[1].from_bytes(model.shims[1].to_bytes() + b"\xff")


@pytest.mark.parametrize(
    ("text", "number"),
    [("Mary", 1), ("MARY", 1), ("mark", 0), ("Mark", 2), ("Mother", 3), ("mother", 3), ("x", 0)],
)
def test_gender_number_minds_the_case(text, number):
    genders = {hash_word("Mary"): 1, hash_word("Mark"): 2, hash_word("mother"): 3}
    assert gender_number(genders, text) == number


def lengths(texts):
    return np.array([[len(text)] for text in texts], dtype=np.int32)


def rows_of(table, docs):
    words = find_words(docs)
    return table.rows(words)[words.which]


def test_lexeme_table_starts_afresh_at_its_limit(monkeypatch):
    monkeypatch.setattr("spacy_lstm.models.lexemes.MAX_LEXEMES", 3)
    asked = []

    def describe(texts):
        asked.extend(texts)
        return np.array([[len(text), 0] for text in texts], dtype=np.int32)

    table = LexemeTable(describe, 2)
    nlp = spacy.blank("en")
    for text in ["a bb ccc dddd eeeee", "a bb", "ffffff a"]:
        rows = rows_of(table, [nlp.make_doc(text)])
        assert rows[:, 0].tolist() == [len(word) for word in text.split()]
    assert asked.count("a") == 2
    assert rows_of(table, [nlp.make_doc("")]).shape == (0, 2)


def test_lexicon_grows_past_its_first_rows():
    lexicon = Lexicon(lambda lists, texts: lengths(texts), 1)
    words = [f"w{'x' * (i % 7)}{i}" for i in range(3000)]
    doc = spacy.tokens.Doc(spacy.blank("en").vocab, words=words)
    assert lexicon.token_rows([doc, doc])[:, 0].tolist() == [len(w) for w in words] * 2
    assert lexicon.token_rows([]).shape == (0, 1)


def test_words_described_together_are_what_they_are_alone(vectors, genders):
    texts = [
        "Mary",
        "mary",
        "MARY",
        "Mrs.",
        "tommm",
        "Tommmm",
        "saw",
        "1999",
        "...",
        "猫",
        "don't",
        "Mother",
        "mother",
    ]
    for architecture in ("spacy_lstm.BiLSTMTok2Vec.v1", "spacy_lstm.Coref.v1"):
        config = {"@architectures": architecture, "genders": genders}
        if architecture.endswith("Tok2Vec.v1"):
            config["vectors"] = vectors
        else:
            config["tok2vec"] = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", **SMALL}
        model = registry.resolve({"model": config})["model"]
        model.initialize()
        describe = model.shims[1].table.describe
        together = describe(texts)
        assert together.shape == (len(texts), 7 if architecture.endswith("Tok2Vec.v1") else 6)
        assert len(np.unique(together, axis=0)) > 8
        np.testing.assert_array_equal(together, np.concatenate([describe([t]) for t in texts]))


def test_words_of_several_vocabularies():
    one, other = spacy.blank("en"), spacy.blank("en")
    table = LexemeTable(lengths, 1)
    docs = [one.make_doc("first a"), other.make_doc("second one first")]
    assert rows_of(table, docs).reshape(-1).tolist() == [5, 1, 6, 3, 5]


def test_a_table_that_grows_while_another_thread_reads():
    nlp = spacy.blank("en")
    table = LexemeTable(lengths, 1)
    rows_of(table, [nlp.make_doc("known")])
    crowd = nlp.make_doc(" ".join(f"w{number}" for number in range(2000)))

    class Interrupted(dict):
        """Another thread's turn comes where a word has just been looked up."""

        def __getitem__(self, key):
            place = super().__getitem__(key)
            if len(self) == 1:
                rows_of(table, [crowd])
            return place

    table._rows.index = Interrupted(table._rows.index)
    assert rows_of(table, [nlp.make_doc("known w1999")]).tolist() == [[5], [5]]


@pytest.mark.parametrize("shortcut", [True, False])
def test_mixed_precision_trains_nearly_the_same(docs, shortcut):
    whole, mixed = (
        build(dropout=0.0, width=16, shortcut=shortcut, mixed_precision=choice)
        for choice in (False, True)
    )
    whole.initialize(X=docs)
    mixed.from_bytes(whole.to_bytes())
    np.testing.assert_array_equal(flat(mixed, docs), flat(whole, docs))
    expected, _ = whole.begin_update(docs)
    found, backprop = mixed.begin_update(docs)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=0.02)
    backprop([np.ones_like(y) for y in found])
    before = flat(mixed, docs)
    mixed.finish_update(Adam(0.01))
    assert np.abs(flat(mixed, docs) - before).max() > 0.001


@pytest.mark.parametrize(
    ("stretched", "plain"),
    [
        ("loooove", "love"),
        ("goooood", "good"),
        ("soooo", "so"),
        ("SOOOO", "SO"),
        ("looool", "lol"),
        ("hmmm", "hmmm"),
        ("111", "111"),
    ],
)
def test_stretched_words_are_the_words_they_stretch(stretched, plain):
    # "soo" is too rare a word to be the one that "soooo" stretches.
    words = ["god", "good", "love", "so", "hmmm", *(f"w{i}" for i in range(10_000)), "soo"]
    lists = {"vector": {word: row for row, word in enumerate(words, start=1)}}
    lexicon = build().shims[1]
    doc = spacy.blank("en").make_doc(f"{stretched} {plain}")
    lexicon.set_lists(lists)
    # All but the shape, which is that of the text: "xxx" and "xx".
    got, expected = np.delete(lexicon.token_rows([doc]), 3, axis=1)
    np.testing.assert_array_equal(got, expected)
    # Without vectors nothing tells how many letters are too many.
    lexicon.set_lists({})
    got, expected = np.delete(lexicon.token_rows([doc]), 3, axis=1)
    assert (got == expected).all() == (stretched == plain)
