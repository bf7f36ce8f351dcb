"""A small pipeline with both components, and the annotation of rows with it."""

from collections.abc import Callable
from typing import Any

import pytest
import spacy
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_lstm.bulk import Options, annotate

Annotate = Callable[..., dict[str, Any]]

TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 8,
    "rows": 50,
    "dropout": 0.0,
    "name_dropout": 0.0,
}
COREF = {"@architectures": "spacy_lstm.Coref.v1", "hidden_width": 8, "tok2vec": TOK2VEC}
TEXTCAT = {
    "@architectures": "spacy_lstm.TextCat.v1",
    "exclusive_classes": True,
    "hidden_width": 8,
    "pooling": ["mean"],
    "dropout": 0.0,
    "nO": None,
    "tok2vec": TOK2VEC,
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of an untrained pipeline: it links and judges, though not well."""
    folder = tmp_path_factory.mktemp("model") / "small"
    # Of all tokenizers the quickest to load, which each test does a few times.
    nlp = spacy.blank("xx")
    nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": COREF})
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": TEXTCAT})
    text = "Alice met Bruno. She liked him."
    fix_random_seed(1)
    nlp.initialize(lambda: [Example(nlp.make_doc(text), nlp.make_doc(text))])
    nlp.to_disk(folder)
    return str(folder)


@pytest.fixture
def make(model: str) -> Annotate:
    """Annotates in this process, in parts of a few rows; keywords are options."""

    def call(source: Any, output: Any, **options: Any) -> dict[str, Any]:
        running = {"workers": 0, "overwrite": False, "engine": "local", "address": None}
        given = {name: options.pop(name, usual) for name, usual in running.items()}
        settings = {"model": model, "part_bytes": 400, **options}
        return annotate(source, output, Options(**settings), **given)

    return call
