"""Pipelines to explain."""

import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

import spacy_lstm


@pytest.fixture(scope="session")
def bundle():
    return spacy_lstm.load("en_lstm_sm")


def _small_model(tok2vec, **options):
    return {
        "@architectures": "spacy_lstm.TextCat.v1",
        "hidden_width": 8,
        "tok2vec": tok2vec,
        **options,
    }


def _encoder(**options):
    return {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 8,
        "width_factor": 0.2,
        "rows": 60,
        **options,
    }


@pytest.fixture(scope="session")
def make_sentiment():
    """Makes a pipeline with an `lstm_sentiment` of random weights.

    labels: what it knows.
    shared: whether it listens to a `tok2vec` before it.
    cell: of its encoder.
    """

    def make(
        lang="en",
        *,
        labels=("NEGATIVE", "NEUTRAL", "POSITIVE"),
        shared=False,
        cell="lstm",
        **options,
    ):
        fix_random_seed(1)
        nlp = spacy.blank(lang)
        tok2vec = _encoder(cell=cell)
        if shared:
            nlp.add_pipe("tok2vec", config={"model": _encoder(cell=cell, shortcut=False)})
            tok2vec = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
        config = {"pretrained": None, "model": _small_model(tok2vec, **options)}
        nlp.add_pipe("lstm_sentiment", config=config)
        doc = nlp.make_doc("An example." if lang == "en" else "一个例子。")
        cats = [{other: float(other == label) for other in labels} for label in labels]
        examples = [Example.from_dict(doc.copy(), {"cats": each}) for each in cats]
        nlp.initialize(lambda: examples)
        return nlp

    return make


@pytest.fixture
def unchanged():
    """Whether a Doc is as it was: its content at both calls."""

    def content(doc):
        # The hook of span.sentiment cannot be stored.
        doc.user_span_hooks.clear()
        return doc.to_bytes()

    return content


@pytest.fixture(scope="session")
def shared_coref():
    """A pipeline whose `lstm_coref`, of random weights and without a second task, listens to a
    `tok2vec`. It links all that it can."""
    fix_random_seed(1)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": _encoder(shortcut=False)})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
    model = {"@architectures": "spacy_lstm.Coref.v1", "tok2vec": listener}
    pipe = nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": model})
    doc = nlp.make_doc("Ann ran. She won.")
    nlp.initialize(lambda: [Example(doc, doc.copy())])
    pipe.cfg["null_bias"] = {"SHE": -20.0, "HE": -20.0}
    return nlp
