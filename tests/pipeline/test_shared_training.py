"""Components that share an encoder learn from a batch of which each knows a part."""

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from spacy.training import Example


def make_example(nlp, text, cats=None, cluster=()):
    reference = nlp.make_doc(text)
    reference.cats = cats or {}
    if cluster:
        reference.spans["coref_clusters_1"] = [reference[start:end] for start, end in cluster]
    return Example(nlp.make_doc(text), reference)


@pytest.fixture
def nlp():
    torch.manual_seed(0)
    np.random.seed(0)
    nlp = spacy.blank("en")
    encoder = {"width": 16, "width_factor": 0.2, "rows": 100, "shortcut": False, "dropout": 0.0}
    nlp.add_pipe(
        "tok2vec", config={"model": {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", **encoder}}
    )
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"}
    for name, head in (("lstm_coref", "Coref"), ("lstm_sentiment", "TextCat")):
        model = {"@architectures": f"spacy_lstm.{head}.v1", "tok2vec": listener}
        nlp.add_pipe(name, config={"pretrained": None, "model": model})
    return nlp


def test_documents_that_only_one_of_them_knows(nlp):
    linked = make_example(nlp, "Alice said that she was tired.", cluster=[(0, 1), (3, 4)])
    good = make_example(nlp, "A fine film.", {"POSITIVE": 1.0, "NEGATIVE": 0.0})
    bad = make_example(nlp, "A dull one.", {"POSITIVE": 0.0, "NEGATIVE": 1.0})
    empty = Example(Doc(nlp.vocab), Doc(nlp.vocab))
    batch = [good, linked, empty, bad]
    optimizer = nlp.initialize(lambda: batch)
    seen = []
    for _ in range(60):
        losses = {}
        nlp.update(batch, sgd=optimizer, losses=losses)
        seen.append(losses)
    assert all(seen[-1][name] < 0.5 * seen[0][name] for name in ("lstm_coref", "lstm_sentiment"))
    (link,) = nlp("Alice said that she was tired.")._.coref_links
    assert (link[0].text, link[1].text) == ("she", "Alice")
    assert nlp("A dull one.").sentiment < 0 < nlp("A fine film.").sentiment
