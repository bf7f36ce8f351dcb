"""A small language in which a word tells much of the next one, an encoder for it, and the config
of a small pipeline."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.util import registry
from thinc.api import Model

from spacy_lstm.pretraining.text import TokenText, read_text

CONFIG = """
[nlp]
lang = "en"
pipeline = ["lstm_coref"]

[components]

[components.lstm_coref]
factory = "lstm_coref"
pretrained = null

[components.lstm_coref.model]
@architectures = "spacy_lstm.Coref.v1"

[components.lstm_coref.model.tok2vec]
@architectures = "spacy_lstm.BiLSTMTok2Vec.v1"
width = 16
rows = 200
width_factor = 0.2
"""

NAMES = ("Ann", "Bob", "Zoe", "Tom")
VERBS = {"cat": "purrs", "dog": "barks", "cow": "moos", "owl": "hoots"}


def toy_documents(count: int = 12, sentences: int = 24) -> list[list[str]]:
    """Paragraphs of each document."""
    random = Random(0)
    documents = []
    for _ in range(count):
        lines = []
        for _ in range(sentences):
            animal = random.choice(sorted(VERBS))
            lines.append(f"{random.choice(NAMES)} says the {animal} {VERBS[animal]} now .")
        documents.append(lines)
    return documents


def write_text(path: Path, documents: list[list[str]]) -> Path:
    """The documents as a text file."""
    path.write_text("\n\n".join("\n".join(lines) for lines in documents), encoding="utf-8")
    return path


def make_encoder(**options: Any) -> Model[Any, Any]:
    """A small encoder, without weights."""
    config = {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 16,
        "width_factor": 0.25,
        "rows": 100,
        "attention": "dot",
        "name_dropout": 0.5,
        **options,
    }
    model: Model[Any, Any] = registry.resolve({"model": config})["model"]
    return model


def read_whole(documents: Iterable[list[str]], nlp: Language, **options: Any) -> TokenText:
    """A text with its tokens in memory; options as in `read_text`."""
    stream = BytesIO()
    text = read_text(documents, nlp, stream=stream, **options)
    return text._replace(tokens=np.frombuffer(stream.getvalue(), dtype="<i4"))
