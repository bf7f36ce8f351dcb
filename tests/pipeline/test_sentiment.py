import json
import math

import numpy as np
import pytest
import spacy
import srsly
import torch
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, registry
from thinc.api import Adam

from spacy_lstm.errors import LstmError
from spacy_lstm.pipeline.sentiment import BATCH_TOKENS, LABELS
from spacy_lstm.pipeline.tempering import Tempering

TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 16,
    "width_factor": 0.25,
    "rows": 200,
}
MODEL = {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 16, "tok2vec": TOK2VEC}
BINARY = ("NEGATIVE", "POSITIVE")
ROWS = [
    ("I love this wonderful film.", "POSITIVE"),
    ("What a dull, boring mess!", "NEGATIVE"),
    ("The train leaves at nine.", "NEUTRAL"),
    ("A joy from start to end.", "POSITIVE"),
    ("Bad.", "NEGATIVE"),
]


def example(nlp, text, label, known=LABELS):
    cats = {name: float(name == label) for name in known}
    return Example.from_dict(nlp.make_doc(text), {"cats": cats})


def make_pipeline(**config):
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": MODEL, **config})
    return nlp


def train(nlp, examples, steps=60, drop=0.0, learn_rate=0.02):
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(learn_rate, use_averages=True))
    losses = []
    for _ in range(steps):
        step = {}
        nlp.update(examples, sgd=optimizer, losses=step, drop=drop)
        losses.append(step["lstm_sentiment"])
    return losses, optimizer


@pytest.fixture(scope="module")
def trained():
    nlp = make_pipeline()
    train(nlp, [example(nlp, *row) for row in ROWS])
    return nlp


def test_overfits_the_examples(tmp_path):
    nlp = make_pipeline()
    examples = [example(nlp, *row) for row in ROWS]
    losses, _ = train(nlp, examples)
    assert losses[-1] < 0.05 < losses[0]
    assert nlp.get_pipe("lstm_sentiment").labels == LABELS
    for text, label in ROWS:
        cats = nlp(text).cats
        assert max(cats, key=cats.get) == label
    scores = nlp.evaluate(examples)
    assert (scores["accuracy"], scores["cats_macro_f"]) == (1.0, 1.0)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    in_bytes = make_pipeline().from_bytes(nlp.to_bytes())
    texts = [text for text, _ in ROWS] + ["", " "]
    for other in (loaded, in_bytes):
        assert other.get_pipe("lstm_sentiment").labels == LABELS
        for mine, theirs in zip(nlp.pipe(texts), other.pipe(texts), strict=True):
            assert mine.cats == theirs.cats
            assert mine.user_data == theirs.user_data
    for piped, text in zip(nlp.pipe(texts), texts, strict=True):
        assert piped.cats == pytest.approx(nlp(text).cats, abs=1e-5)


@pytest.mark.parametrize("text", ["I love this dull film.", "Bad.", "nine", " ", "\n\n", "猫很快"])
def test_weights_sum_to_the_score(trained, text):
    doc = trained(text)
    assert sum(doc.cats.values()) == pytest.approx(1, abs=1e-5)
    assert doc.sentiment == pytest.approx(doc.cats["POSITIVE"] - doc.cats["NEGATIVE"], abs=1e-6)
    weights = doc.user_data["lstm_sentiment"]["weights"]
    assert [token._.sentiment_weight for token in doc] == weights
    assert sum(weights) == pytest.approx(doc.sentiment, abs=1e-4)
    assert doc[:].sentiment == pytest.approx(doc.sentiment, abs=1e-4)
    assert (
        json.loads(json.dumps(doc.user_data["lstm_sentiment"])) == doc.user_data["lstm_sentiment"]
    )


@pytest.fixture
def tempered(trained):
    pipe = trained.get_pipe("lstm_sentiment")
    before = dict(pipe.cfg)
    pipe.cfg.update(temperature=2.0, length_exponent=-0.2, neutral_offset=0.4)
    yield trained
    pipe.cfg.update(before)


@pytest.mark.parametrize("text", ["Bad.", "I love this dull film.", "A joy. " * 400])
def test_tempered_weights_sum_to_the_tempered_score(tempered, text):
    pipe, doc = tempered.get_pipe("lstm_sentiment"), tempered(text)
    logits = pipe.read_shares([tempered.make_doc(text)]).logits[0].astype(float)
    exponents = np.exp(logits / (2.0 * (min(len(doc), 1000) / 20) ** -0.2) + [0, 0.4, 0])
    wanted = dict(zip(LABELS, exponents / exponents.sum(), strict=True))
    assert doc.cats == pytest.approx(wanted, abs=1e-6)
    assert doc.sentiment == pytest.approx(wanted["POSITIVE"] - wanted["NEGATIVE"], abs=1e-6)
    assert sum(token._.sentiment_weight for token in doc) == pytest.approx(doc.sentiment, abs=1e-5)
    assert doc[:].sentiment == pytest.approx(doc.sentiment, abs=1e-5)


def test_tempering_is_stored(tempered, tmp_path):
    tempered.to_disk(tmp_path)
    in_bytes = make_pipeline().from_bytes(tempered.to_bytes())
    for other in (spacy.load(tmp_path), in_bytes):
        assert other.get_pipe("lstm_sentiment").tempering == Tempering(2.0, -0.2, 0.4)
        assert other("dull film").cats == tempered("dull film").cats


def test_weights_sum_to_a_score_tempered_by_its_polarity(tempered):
    pipe, text = tempered.get_pipe("lstm_sentiment"), "I love this dull film."
    before = tempered(text).sentiment
    pipe.cfg["polarity_exponent"] = 0.9
    doc = tempered(text)
    assert doc.sentiment != pytest.approx(before, abs=1e-6)
    assert sum(token._.sentiment_weight for token in doc) == pytest.approx(doc.sentiment, abs=1e-5)
    assert doc[:].sentiment == pytest.approx(doc.sentiment, abs=1e-5)


def test_what_was_fitted_to_other_weights_is_not_kept_when_older_ones_are_loaded(tempered):
    pipe = tempered.get_pipe("lstm_sentiment")
    older = srsly.msgpack_loads(pipe.to_bytes())
    settings = srsly.json_loads(older["cfg"])
    del settings["polarity_exponent"]
    older["cfg"] = srsly.json_dumps(settings)
    other = make_pipeline().get_pipe("lstm_sentiment")
    other.cfg.update(temperature=3.0, polarity_exponent=0.5)
    other.from_bytes(srsly.msgpack_dumps(older))
    assert other.tempering == Tempering(2.0, -0.2, 0.4)


def test_new_weights_are_not_tempered(tempered, tmp_path):
    tempered.to_disk(tmp_path)
    other = spacy.load(tmp_path)
    other.initialize(lambda: [example(other, *row) for row in ROWS])
    assert other.get_pipe("lstm_sentiment").tempering == Tempering()


def test_weights_from_before_tempering_load(trained, tmp_path):
    trained.to_disk(tmp_path)
    cfg = tmp_path / "lstm_sentiment" / "cfg"
    stored = json.loads(cfg.read_text())
    for name in Tempering._fields:
        del stored[name]
    cfg.write_text(json.dumps(stored))
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("lstm_sentiment").tempering == Tempering()
    assert loaded("dull film").cats == trained("dull film").cats


@pytest.mark.parametrize("text", ["", " ", "\n\n\t "])
def test_a_text_without_a_word_is_neutral(tempered, text):
    doc = tempered(text)
    assert doc.cats == {"NEGATIVE": 0.0, "NEUTRAL": 1.0, "POSITIVE": 0.0}
    assert (doc.sentiment, doc[:].sentiment) == (0.0, 0.0)
    assert doc.user_data["lstm_sentiment"]["weights"] == [0.0] * len(doc)
    # It changes nothing for others in its batch.
    (_, other) = tempered.pipe([text, "Bad."])
    assert other.cats == pytest.approx(tempered("Bad.").cats, abs=1e-6)


def test_without_neutral_a_text_without_a_word_is_undecided():
    nlp = make_pipeline()
    nlp.initialize(lambda: [example(nlp, *row, known=BINARY) for row in ROWS[:2]])
    doc = nlp(" ")
    assert doc.cats == {"NEGATIVE": 0.5, "POSITIVE": 0.5}
    assert (doc.sentiment, doc[0]._.sentiment_weight) == (0.0, 0.0)


def test_a_side_with_more_labels_says_no_more_of_nothing():
    nlp = make_pipeline()
    pipe = nlp.get_pipe("lstm_sentiment")
    for label in ("VERY_NEGATIVE", "NEGATIVE", "POSITIVE"):
        pipe.add_label(label)
    nlp.initialize(lambda: [example(nlp, *row, known=BINARY) for row in ROWS[:2]])
    doc = nlp(" ")
    assert doc.cats == {"VERY_NEGATIVE": 0.25, "NEGATIVE": 0.25, "POSITIVE": 0.5}
    assert (doc.sentiment, doc[:].sentiment, doc[0]._.sentiment_weight) == (0.0, 0.0, 0.0)


def test_signs_of_weights_and_spans(trained):
    doc = trained("I love this wonderful film. What a dull, boring mess!")
    weights = {token.text: token._.sentiment_weight for token in doc}
    assert weights["love"] + weights["wonderful"] > 0 > weights["dull"] + weights["boring"]
    assert doc[0:6].sentiment > 0 > doc[6:].sentiment
    assert all(-1 <= doc[i:j].sentiment <= 1 for i in range(12) for j in range(i + 1, 13))


def test_empty_and_very_different_lengths(trained):
    texts = ["", "Bad.", "I love it. " * 5000, " ", "dull " * 300]
    assert len(trained.make_doc(texts[2])) > 2 * BATCH_TOKENS
    docs = list(trained.pipe(texts, batch_size=5))
    for doc, text in zip(docs, texts, strict=True):
        assert doc.text == text
        assert len(doc.user_data["lstm_sentiment"]["weights"]) == len(doc)
        assert doc.cats == pytest.approx(trained(text).cats, abs=1e-4)
    assert docs[0].cats.keys() == set(LABELS)
    assert list(trained.pipe([])) == []


def test_tuples_and_processes(trained):
    rows = [(text, {"id": i}) for i, (text, _) in enumerate(ROWS)]
    single = list(trained.pipe(rows, as_tuples=True))
    double = list(trained.pipe(rows, as_tuples=True, n_process=2, batch_size=2))
    for (mine, first), (theirs, second) in zip(single, double, strict=True):
        assert first == second
        assert mine.cats == pytest.approx(theirs.cats, abs=1e-6)
        assert theirs.sentiment == pytest.approx(mine.sentiment, abs=1e-6)
        assert theirs[0]._.sentiment_weight == pytest.approx(mine[0]._.sentiment_weight)


def test_stored_documents_keep_their_sentiment(trained):
    doc = trained("I love this wonderful film.")
    weights = [token._.sentiment_weight for token in doc]
    with pytest.warns(UserWarning, match="W109"):  # spaCy says that the hook stays behind
        data = doc.to_bytes()
    again = Doc(trained.vocab).from_bytes(data)
    assert (again.cats, again.sentiment) == (doc.cats, doc.sentiment)
    assert [token._.sentiment_weight for token in again] == weights
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (binned,) = DocBin().from_bytes(stored).get_docs(trained.vocab)
    assert binned.cats == doc.cats
    assert [token._.sentiment_weight for token in binned] == weights
    (bare,) = DocBin(docs=[doc]).get_docs(trained.vocab)
    assert bare[1]._.sentiment_weight == 0.0


def test_averages_and_dropout_reach_the_weights():
    nlp = make_pipeline()
    examples = [example(nlp, *row) for row in ROWS]
    _, optimizer = train(nlp, examples, steps=10, drop=0.2)
    before = nlp("dull film").cats
    with nlp.use_params(optimizer.averages):
        averaged = nlp("dull film").cats
    assert abs(averaged["NEGATIVE"] - before["NEGATIVE"]) > 1e-4
    assert nlp("dull film").cats == before
    losses = {rate: [] for rate in (0.0, 0.9)}
    for rate, found in losses.items():
        for _ in range(2):
            step = {}
            nlp.update(examples, sgd=False, losses=step, drop=rate)
            found.append(step["lstm_sentiment"])
    assert losses[0.0][0] == losses[0.0][1]
    assert losses[0.9][0] != losses[0.9][1]


def test_known_labels_compete_with_each_other_only(trained):
    pipe = trained.get_pipe("lstm_sentiment")
    scores = np.array([[0.2, 0.5, 0.3]] * 4, dtype="f")
    binary = example(trained, "x", "POSITIVE", ("NEGATIVE", "POSITIVE"))
    three = example(trained, "x", "POSITIVE")
    only = example(trained, "x", "POSITIVE", ("POSITIVE",))
    unknown = Example.from_dict(trained.make_doc("x"), {})
    loss, gradient = pipe.get_loss([binary, three, only, unknown], scores)
    assert loss == pytest.approx(-(math.log(0.6) + 2 * math.log(0.3)) / 3, rel=1e-5)
    expected = np.array([[0.4, 0, -0.4], [0.2, 0.5, -0.7], [0.2, 0.5, -0.7], [0, 0, 0]]) / 3
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    none = example(trained, "x", "NEITHER", ("NEGATIVE", "POSITIVE"))
    loss, gradient = pipe.get_loss([unknown, none], scores[:2])
    assert loss == 0.0
    assert not gradient.any()


def test_trains_on_binary_and_three_label_data_together():
    nlp = make_pipeline()
    binary = [
        example(nlp, text, label, ("NEGATIVE", "POSITIVE"))
        for text, label in [("great fun", "POSITIVE"), ("no fun", "NEGATIVE")]
    ]
    three = [example(nlp, *row) for row in ROWS]
    bare = Example.from_dict(nlp.make_doc("no label"), {})
    losses, _ = train(nlp, [*binary, *three, bare])
    assert nlp.get_pipe("lstm_sentiment").labels == LABELS
    assert losses[-1] < losses[0] / 10
    assert nlp("great fun").sentiment > 0 > nlp("no fun").sentiment
    assert nlp("The train leaves at nine.").cats["NEUTRAL"] > 0.8
    assert nlp.evaluate([*binary, *three])["accuracy"] == 1.0


def test_labels_may_be_given_or_default():
    nlp = make_pipeline()
    nlp.initialize()
    assert nlp.get_pipe("lstm_sentiment").labels == LABELS
    nlp = make_pipeline()
    rows = [example(nlp, *row, known=("POSITIVE", "NEGATIVE")) for row in ROWS[:2]]
    nlp.initialize(lambda: rows)
    pipe = nlp.get_pipe("lstm_sentiment")
    assert pipe.labels == ("NEGATIVE", "POSITIVE")
    assert pipe.label_data == ["NEGATIVE", "POSITIVE"]
    assert pipe.add_label("POSITIVE") == 0
    with pytest.raises(LstmError, match="knows the labels NEGATIVE, POSITIVE and cannot learn"):
        pipe.add_label("NEUTRAL")
    nlp = make_pipeline()
    pipe = nlp.get_pipe("lstm_sentiment")
    pipe.initialize(lambda: rows, nlp=nlp, labels=LABELS)
    assert pipe.labels == LABELS
    assert pipe.model.predict([nlp.make_doc("x")]).shape == (1, 3)


def test_labels_of_other_names():
    nlp = make_pipeline()
    rows = [
        example(nlp, text, label, ("good", "bad")) for text, label in [("a", "good"), ("b", "bad")]
    ]
    with pytest.warns(UserWarning, match="without NEGATIVE and POSITIVE doc.cats is all"):
        nlp.initialize(lambda: rows)
    doc = nlp("a b")
    assert doc.cats.keys() == {"good", "bad"}
    assert doc.sentiment == 0.0
    assert doc[0]._.sentiment_weight == 0.0


def test_bad_labels(trained):
    pipe = trained.get_pipe("lstm_sentiment")
    scores = np.full((1, 3), 1 / 3, dtype="f")
    strange = Example.from_dict(trained.make_doc("x"), {"cats": {"ANGRY": 1.0}})
    with pytest.raises(
        LstmError, match=r"'ANGRY'.*NEGATIVE, NEUTRAL, POSITIVE: .* all in initialize"
    ):
        pipe.get_loss([strange], scores)
    strange = Example.from_dict(trained.make_doc("x"), {"cats": {"POSITIVE": 3.0}})
    with pytest.raises(LstmError, match=r"'POSITIVE' has the value 3\.0"):
        pipe.get_loss([strange], scores)
    with pytest.raises(LstmError, match="label '' of 'lstm_sentiment': expected a string"):
        pipe.add_label("")
    fresh = make_pipeline().get_pipe("lstm_sentiment")
    one = [example(trained, "x", "POSITIVE", ("POSITIVE",))]
    with pytest.raises(LstmError, match="'POSITIVE' alone: expected two or more"):
        fresh.initialize(lambda: one)
    with pytest.raises(LstmError, match="labels = 'POSITIVE'"):
        fresh.initialize(lambda: one, labels="POSITIVE")


def test_weights_that_went_astray():
    nlp = make_pipeline()
    nlp.initialize(lambda: [example(nlp, *row) for row in ROWS])
    (module,) = (shim.module for shim in nlp.get_pipe("lstm_sentiment").model.shims)
    with torch.no_grad():
        module.output.bias.fill_(math.nan)
    with pytest.raises(LstmError, match=r"gives scores that are no numbers: .* lower training"):
        nlp("Bad.")


def test_models_that_do_not_fit():
    for model in (
        {**MODEL, "exclusive_classes": False},
        {
            "@architectures": "spacy.TextCatBOW.v3",
            "exclusive_classes": True,
            "ngram_size": 1,
            "no_output_layer": False,
        },
    ):
        with pytest.raises(LstmError, match=r"expected spacy_lstm\.TextCat.v1 with exclusive"):
            make_pipeline(model=model)


def test_without_weights_or_bundle():
    with pytest.raises(LstmError, match="model has no weights yet"):
        make_pipeline()("x")
    with pytest.raises(LstmError, match="No bundled weights for the language 'xx'"):
        spacy.blank("xx").add_pipe("lstm_sentiment")


def test_pretrained_weights_from_a_pipeline(tmp_path, trained):
    trained.to_disk(tmp_path / "old")
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_sentiment", config={"pretrained": str(tmp_path / "old")})
    assert nlp("dull film").cats == trained("dull film").cats
    nlp.initialize()
    assert nlp("dull film").cats == trained("dull film").cats
    nlp.to_disk(tmp_path / "new")
    (tmp_path / "old").rename(tmp_path / "gone")
    assert spacy.load(tmp_path / "new")("dull film").cats == trained("dull film").cats
    angry = [example(nlp, "x", "ANGRY", ("ANGRY", "POSITIVE"))]
    with pytest.raises(LstmError, match="cannot learn 'ANGRY' any more"):
        nlp.get_pipe("lstm_sentiment").initialize(lambda: angry)


def test_shared_encoder():
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    probe = registry.resolve({"model": TOK2VEC})["model"]
    probe.initialize()
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": probe.get_dim("nO")}
    model = {**MODEL, "tok2vec": listener}
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": model})
    nlp.add_pipe("textcat", config={"model": model})
    examples = [example(nlp, *row) for row in ROWS]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    shared = nlp.get_pipe("tok2vec").model
    before = shared.to_bytes()
    history = []
    for _ in range(60):
        losses = {}
        nlp.update(examples, sgd=optimizer, losses=losses)
        history.append(losses)
    assert shared.to_bytes() != before
    for name in ("lstm_sentiment", "textcat"):
        assert history[-1][name] < history[0][name] / 10
    assert nlp("What a dull, boring mess!").sentiment < -0.5
    assert nlp.evaluate(examples)["accuracy"] == 1.0
    copy = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert copy("A dull film").cats == nlp("A dull film").cats


def test_listener_of_the_wrong_width():
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe(
        "lstm_sentiment", config={"pretrained": None, "model": {**MODEL, "tok2vec": listener}}
    )
    examples = [example(nlp, *row) for row in ROWS]
    optimizer = nlp.initialize(lambda: examples)
    with pytest.raises(LstmError, match=r"token vectors have the width .* expected 16"):
        nlp.update(examples, sgd=optimizer)


@pytest.mark.parametrize("name", ["sentiment.cfg", "tiny/sentiment.cfg"])
def test_configs_resolve(pytestconfig, name):
    config = load_config(pytestconfig.rootpath / "configs" / name)
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    assert nlp.pipe_names == ["lstm_sentiment"]
    assert nlp.config["components"]["lstm_sentiment"]["pretrained"] is None
    assert nlp.config["initialize"]["vectors"] is None
