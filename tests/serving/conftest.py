"""Models to serve, and a client without a network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import fix_random_seed

import spacy_lstm
from spacy_lstm import serving
from spacy_lstm.serving import Library, Limits

TOK2VEC = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1", "width": 16, "rows": 200}
TEXTCAT = {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 16, "tok2vec": TOK2VEC}
COREF = {
    "@architectures": "spacy_lstm.Coref.v1",
    "hidden_width": 16,
    "mention_width": 16,
    "tok2vec": TOK2VEC,
}

Connect = Callable[..., Any]


CHINESE = "猫追老鼠，它跑得很快。"


@pytest.fixture(scope="session")
def chinese() -> Language:
    """A small pipeline that reads characters and knows one text by heart, `CHINESE`: 它 is 猫. What
    it finds in others is of no account."""
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": COREF})
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": TEXTCAT})
    gold = nlp.make_doc(CHINESE)
    gold.spans["coref_clusters_1"] = [Span(gold, 0, 1), Span(gold, 5, 6)]
    gold.cats = {"NEGATIVE": 0.0, "NEUTRAL": 0.0, "POSITIVE": 1.0}
    examples = [Example(nlp.make_doc(CHINESE), gold)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="session")
def bundle() -> Language:
    return spacy_lstm.load("en_lstm_sm")


@pytest.fixture(scope="session")
def chinese_folder(tmp_path_factory: pytest.TempPathFactory, chinese: Language) -> Path:
    """A saved pipeline for Chinese, whose folder's name is its model's."""
    folder = tmp_path_factory.mktemp("pipelines") / "klein_zh"
    chinese.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def library(bundle: Language, chinese: Language) -> Library:
    only_sentiment = spacy.blank("en")
    only_sentiment.add_pipe("lstm_sentiment", config={"pretrained": None, "model": TEXTCAT})
    only_sentiment.initialize()
    return Library([("en", bundle), ("zh", chinese), ("mood", only_sentiment)])


@pytest.fixture
def connect(library: Library) -> Iterator[Connect]:
    """Makes a client of an app over the models; closed at the end."""
    testclient = pytest.importorskip("starlette.testclient", reason="the extra serve is missing")
    clients = []

    def make(models: Library = library, hosts: Any = None, **limits: Any) -> Any:
        app = serving.create_app(models, limits=Limits(**limits), hosts=hosts)
        client = testclient.TestClient(app, raise_server_exceptions=False)
        clients.append(client)
        return client.__enter__()

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(connect: Connect) -> Any:
    return connect()
