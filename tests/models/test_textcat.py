import numpy as np
import pytest
import spacy
from spacy.training import Example
from spacy.util import registry
from thinc.api import Adam, set_dropout_rate

from spacy_lstm.errors import LstmError

TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 8,
    "width_factor": 0.25,
    "rows": 50,
}
SPACYS = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 12,
    "depth": 1,
    "embed_size": 50,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": False,
    "pretrained_vectors": None,
}
TEXTS = ["a fine day", "", "what a mess it is", "  ", "fine"]


def model_config(**options):
    return {
        "@architectures": "spacy_lstm.TextCat.v1",
        "tok2vec": TOK2VEC,
        "hidden_width": 10,
        **options,
    }


def build(**options):
    return registry.resolve({"model": model_config(**options)})["model"]


@pytest.fixture
def docs():
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


@pytest.mark.parametrize("tok2vec", [TOK2VEC, SPACYS], ids=["ours", "spacys"])
@pytest.mark.parametrize(
    "pooling", [["attention"], ["max"], ["mean"], ["attention", "max", "mean"]]
)
@pytest.mark.parametrize("exclusive", [True, False])
def test_layer_table(docs, tok2vec, pooling, exclusive):
    model = build(tok2vec=tok2vec, pooling=pooling, exclusive_classes=exclusive, dropout=0.0)
    model.initialize(X=docs, Y=np.zeros((5, 3), dtype="f"))
    assert model.get_dim("nO") == 3
    assert model.attrs["multi_label"] is not exclusive
    Y, backprop = model.begin_update(docs)
    assert Y.shape == (5, 3)
    assert np.isfinite(Y).all()
    if exclusive:
        np.testing.assert_allclose(Y.sum(axis=1), 1, rtol=1e-5)
    backprop(np.ones_like(Y))
    together = model.predict(docs)
    for row, doc in zip(together, docs, strict=True):
        np.testing.assert_allclose(row, model.predict([doc])[0], atol=1e-5)
    other = build(tok2vec=tok2vec, pooling=pooling, exclusive_classes=exclusive)
    other.initialize(X=docs, Y=np.zeros((5, 3), dtype="f"))
    assert not np.allclose(together, other.predict(docs))
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(together, other.predict(docs))
    if tok2vec is TOK2VEC:  # layers of thinc's do not take an empty batch
        assert model.predict([]).shape == (0, 3)


def probabilities(logits, exclusive):
    if not exclusive:
        return 1 / (1 + np.exp(-logits))
    exponents = np.exp(logits)
    return exponents / exponents.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("exclusive", [True, False])
def test_token_shares_sum_to_the_logits(docs, exclusive):
    model = build(exclusive_classes=exclusive, nO=3)
    model.initialize(X=docs)
    logits, shares, parts = model.attrs["token_shares"](model, docs)
    assert parts.shape == (0, 3)
    np.testing.assert_allclose(probabilities(logits, exclusive), model.predict(docs), rtol=1e-5)
    assert [part.shape for part in shares] == [(len(doc), 3) for doc in docs]
    for row, part in zip(logits, shares, strict=True):
        if len(part):
            np.testing.assert_allclose(part.sum(axis=0), row, atol=1e-5)


@pytest.mark.parametrize("exclusive", [True, False])
def test_parts_of_documents(docs, exclusive):
    model = build(exclusive_classes=exclusive, nO=3)
    model.initialize(X=docs)
    sizes = [len(doc) for doc in docs]
    # The whole of each document is a part like any other, in whatever order they are.
    numbers = [i for i, size in enumerate(sizes) if size]
    owners = np.repeat([numbers[::-1].index(i) if i in numbers else 0 for i in range(5)], sizes)
    found = model.attrs["token_shares"](model, docs, owners)
    wanted = model.predict(docs)[numbers[::-1]]
    np.testing.assert_allclose(probabilities(found.parts, exclusive), wanted, atol=1e-6)
    # Tokens of no part change nothing.
    owners[owners == len(numbers) - 1] = -1
    fewer = model.attrs["token_shares"](model, docs, owners)
    np.testing.assert_allclose(fewer.parts, found.parts[:-1], atol=1e-6)
    np.testing.assert_allclose(fewer.logits, found.logits)


def test_probabilities_minus_truth_is_the_gradient_of_the_cross_entropy(docs):
    model = build(dropout=0.0, nO=3)
    model.initialize(X=docs)
    set_dropout_rate(model, 0.0)
    truth = np.eye(3, dtype="f")[[0, 1, 2, 0, 1]]

    def loss():
        return -float((truth * np.log(model.predict(docs))).sum())

    scores, backprop = model.begin_update(docs)
    backprop(scores - truth)
    weight = model.shims[0].module.output.weight
    slope = float(weight.grad[2, 3])
    before = weight.data[2, 3].clone()
    losses = []
    for step in (1e-2, -1e-2):
        weight.data[2, 3] = before + step
        losses.append(loss())
    assert slope == pytest.approx((losses[0] - losses[1]) / 2e-2, rel=0.05, abs=1e-3)


def test_dropout_and_averages(docs):
    model = build(nO=2)
    model.initialize(X=docs)
    optimizer = Adam(0.05, use_averages=True)
    for _ in range(4):
        Y, backprop = model.begin_update(docs)
        backprop(Y - np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]], dtype="f"))
        model.finish_update(optimizer)
        optimizer.step_schedules()
    trained = model.predict(docs)
    with model.use_params(optimizer.averages):
        assert np.abs(model.predict(docs) - trained).max() > 1e-4
    np.testing.assert_array_equal(model.predict(docs), trained)
    for rate, equal in ((0.9, False), (0.0, True)):
        set_dropout_rate(model, rate)
        first, second = (model.begin_update(docs)[0] for _ in range(2))
        assert np.array_equal(first, second) is equal


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": []}, r"pooling = \[\].*attention, max, mean"),
        ({"pooling": ["max", "max"]}, r"pooling = \['max', 'max'\]"),
        ({"pooling": ["sum"]}, r"pooling = \['sum'\]"),
        ({"hidden_width": 0}, "hidden_width = 0"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(LstmError, match=message):
        build(**options)


def test_without_weights(docs):
    with pytest.raises(LstmError, match="no weights yet"):
        build(nO=2).predict(docs)


@pytest.mark.parametrize(
    ("factory", "exclusive"), [("textcat", True), ("textcat_multilabel", False)]
)
def test_trains_as_the_model_of_spacys_components(tmp_path, factory, exclusive):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config={"model": model_config(exclusive_classes=exclusive)})
    rows = [("a fine day", 1.0, 0.0), ("what a mess", 0.0, 1.0)]
    if not exclusive:
        rows += [("fine mess", 1.0, 1.0), ("the train", 0.0, 0.0)]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"A": a, "B": b}}) for text, a, b in rows
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    losses = []
    for _ in range(60):
        step = {}
        nlp.update(examples, sgd=optimizer, losses=step, drop=0.0)
        losses.append(step[factory])
    assert losses[-1] < losses[0] / 10
    for text, a, b in rows:
        assert nlp(text).cats == pytest.approx({"A": a, "B": b}, abs=0.2)
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("a fine day").cats == nlp("a fine day").cats
    with pytest.raises(ValueError, match="E922"):
        nlp.get_pipe(factory).add_label("C")
