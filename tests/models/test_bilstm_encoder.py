import numpy as np
import pytest
import spacy
from spacy.training import Example
from spacy.util import registry
from thinc.api import Adam, Config

from spacy_lstm.errors import LstmError

CELLS = ["lstm", "gru", "rnn"]
ATTENTION = [None, "additive", "dot", "multihead"]
RNG = np.random.default_rng(0)
X = [RNG.normal(size=(n, 6)).astype("f") for n in (4, 1, 9, 30)]

TAGGER = """
[model]
@architectures = "spacy.Tagger.v2"

[model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[model.tok2vec.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 32
attrs = ["NORM","SHAPE"]
rows = [100,100]
include_static_vectors = false

[model.tok2vec.encode]
@architectures = "spacy_lstm.BiLSTMEncoder.v1"
width = ${model.tok2vec.embed.width}
depth = 1
dropout = 0.0
"""
TEXTCAT = TAGGER.replace(
    '"spacy.Tagger.v2"',
    '"spacy.TextCatReduce.v1"\nexclusive_classes = true\nuse_reduce_first = false\n'
    "use_reduce_last = false\nuse_reduce_max = true\nuse_reduce_mean = false",
)


def build(**options):
    config = {"@architectures": "spacy_lstm.BiLSTMEncoder.v1", "width": 8, **options}
    return registry.resolve({"model": config})["model"]


@pytest.mark.parametrize("attention", ATTENTION)
@pytest.mark.parametrize("cell", CELLS)
def test_layer_table(cell, attention):
    model = build(cell=cell, attention=attention, depth=2)
    model.initialize(X=X)
    assert (model.get_dim("nI"), model.get_dim("nO")) == (6, 8)
    Y, backprop = model.begin_update(X)
    assert [y.shape for y in Y] == [(len(x), 8) for x in X]
    dX = backprop([RNG.normal(size=y.shape).astype("f") for y in Y])
    assert [dx.shape for dx in dX] == [x.shape for x in X]
    assert all(np.abs(dx).sum() > 0 for dx in dX)
    for together, x in zip(model.predict(X), X, strict=True):
        np.testing.assert_allclose(together, model.predict([x])[0], atol=1e-5)
    copied = build(cell=cell, attention=attention, depth=2).from_bytes(model.to_bytes())
    for mine, theirs in zip(model.predict(X), copied.predict(X), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert model.predict([]) == []


def test_gradient_is_the_slope():
    model = build(cell="lstm", attention="additive")
    model.initialize(X=X)
    x = X[0]
    _, backprop = model.begin_update([x])
    weight = RNG.normal(size=(4, 8)).astype("f")
    (dx,) = backprop([weight])
    step = np.zeros_like(x)
    step[2, 3] = 1e-2
    above, below = ((model.predict([x + s])[0] * weight).sum() for s in (step, -step))
    assert dx[2, 3] == pytest.approx((above - below) / 2e-2, rel=2e-2, abs=1e-3)


def test_training_lowers_the_loss():
    model = build(cell="gru")
    model.initialize(X=X)
    target = [np.full((len(x), 8), 0.5, dtype="f") for x in X]
    optimizer = Adam(0.05)
    losses = []
    for _ in range(30):
        Y, backprop = model.begin_update(X)
        gradient = [y - t for y, t in zip(Y, target, strict=True)]
        losses.append(sum(float((g**2).sum()) for g in gradient))
        backprop(gradient)
        model.finish_update(optimizer)
    assert losses[-1] < losses[0] / 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "LSTM2"}, r"cell = 'LSTM2'.*lstm, gru, rnn"),
        ({"attention": "sparse"}, r"attention = 'sparse'.*additive, dot, multihead"),
        ({"width": 7}, r"width = 7.*multiple of 2"),
        ({"width": 6, "attention": "multihead"}, r"width = 6.*multiple of 4"),
        ({"width": 0}, r"width = 0.*multiple of 2"),
        ({"depth": 0}, r"depth = 0.*1 or more"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(LstmError, match=message):
        build(**options)


def test_trains_a_tagger_of_spacys():
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger", config={"model": Config().from_str(TAGGER)["model"]})
    texts = [("I like green eggs", "N V J N"), ("Eat blue ham", "V J N")]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"tags": tags.split()}) for text, tags in texts
    ]
    losses = overfit(nlp, examples, "tagger")
    assert losses[-1] < losses[0] / 5
    assert [token.tag_ for token in nlp("Eat blue ham")] == ["V", "J", "N"]
    assert nlp.evaluate(examples)["tag_acc"] == 1.0


def test_trains_a_textcat_of_spacys(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat", config={"model": Config().from_str(TEXTCAT)["model"]})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"A": float(a), "B": float(not a)}})
        for text, a in [("a fine day", True), ("what a mess", False)]
    ]
    losses = overfit(nlp, examples, "textcat")
    assert losses[-1] < losses[0] / 5
    assert nlp("a fine day").cats["A"] > 0.8
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("a fine day").cats == nlp("a fine day").cats


def overfit(nlp, examples, name, steps=30):
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    losses = []
    for _ in range(steps):
        step = {}
        nlp.update(examples, sgd=optimizer, losses=step, drop=0.0)
        losses.append(step[name])
    return losses
