from pathlib import Path

import pytest
from thinc.api import Config

from spacy_lstm.cli.overrides import check_overrides, nest_overrides
from spacy_lstm.cli.pretrain import pretrain
from spacy_lstm.cli.train import read_config
from spacy_lstm.errors import LstmError

CONFIG = """
[paths]
train = null
dev = "dev.spacy"

[mine]
size = 3

[nlp]
lang = "en"
pipeline = ["textcat","ner","other"]
batch_size = ${mine.batch}

[components]

[components.textcat]
factory = "textcat"

[components.ner]
source = "somewhere"

[components.other]
factory = "no.such.factory"

[corpora]

[corpora.train]
@readers = "spacy_lstm.HuggingFaceCorpus.v1"
path = ${paths.train}
labels = null

[corpora.train.columns]
text = "detok"

[corpora.dev]
@readers = "no.such.reader"

[training]
max_steps = 20

[training.optimizer]
@optimizers = "Adam.v1"
learn_rate = 0.05

[training.score_weights]
cats_score = 1.0

[initialize]

[initialize.components]

[initialize.components.textcat]
"""


@pytest.fixture
def config() -> Config:
    return Config().from_str(CONFIG, interpolate=False)


@pytest.mark.parametrize(
    "key",
    [
        "training.max_steps",
        "training.patience",  # in spaCy's defaults
        "paths.vectors",
        "mine.size",
        "mine.batch",  # referred to, without a value
        "corpora.train.limit",  # a parameter of the reader that the file leaves out
        "corpora.train.columns.label",
        "corpora.dev.anything",  # what is not registered is not known
        "corpora.train",
        "components.textcat.threshold",
        "components.ner.replace_listeners",
        "components.other.anything",
        "training.optimizer.beta1",
        "training.score_weights.cats_macro_f",
        "initialize.vectors",
        "initialize.components.textcat.labels",
    ],
)
def test_settings_that_there_are(config: Config, key: str) -> None:
    check_overrides(config, {key: 1})


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("training.max_stepz", "no such setting: did you mean training.max_steps?"),
        ("training.patiense", "no such setting: did you mean training.patience?"),
        ("trainng.max_steps", r"no section \[trainng\]: did you mean training.max_steps?"),
        ("training.max_steps.x", r"no section \[training.max_steps\]: did you mean"),
        ("paths.trian", "no such setting: did you mean paths.train?"),
        ("mine.sise", "no such setting: did you mean mine.size?"),
        ("corpora.train.limitt", "no such setting: did you mean corpora.train.limit?"),
        ("corpora.tran.limit", r"no section \[corpora.tran\]: did you mean corpora"),
        ("components.textcat.treshold", "did you mean components.textcat.threshold?"),
        ("components.ner.sorce", "no such setting: did you mean components.ner.source?"),
        ("training.optimizer.learn_rat", "did you mean training.optimizer.learn_rate?"),
        ("nothing.here", r"--nothing.here: the config has no section \[nothing\]: see the config"),
    ],
)
def test_misspelt_settings(config: Config, key: str, message: str) -> None:
    with pytest.raises(LstmError, match=message):
        check_overrides(config, {"training.max_steps": 1, key: 1})


def test_another_function_has_its_own_settings(config: Config) -> None:
    check_overrides(
        config,
        {"corpora.train.gold_preproc": True, "corpora.train.@readers": "spacy.Corpus.v1"},
    )
    with pytest.raises(LstmError, match=r"--corpora.train.gold_preproc: the config has no such"):
        check_overrides(config, {"corpora.train.gold_preproc": True})


def test_keys_under_a_null_become_its_block(config: Config) -> None:
    given = {
        "corpora.train.labels.0": "NEGATIVE",
        "training.max_steps": 1,
        "corpora.train.labels.1": "POSITIVE",
        "paths.train.a.b": 2,
        "corpora.train.columns.label": "y",
        "not.there.x": 0,
    }
    assert nest_overrides(config, given) == {
        "corpora.train.labels": {"0": "NEGATIVE", "1": "POSITIVE"},
        "training.max_steps": 1,
        "paths.train": {"a": {"b": 2}},
        "corpora.train.columns.label": "y",
        "not.there.x": 0,
    }


def test_reading_a_config(tmp_path: Path) -> None:
    path = tmp_path / "config.cfg"
    path.write_text(CONFIG.replace("${mine.batch}", "16"))
    read = read_config(path, {"corpora.train.labels.0": "NEGATIVE", "training.max_steps": 1})
    assert read["corpora"]["train"]["labels"] == {"0": "NEGATIVE"}
    assert read["training"]["max_steps"] == 1
    assert read["training"]["patience"] == 1600
    for command in (
        lambda overrides: read_config(path, overrides),
        lambda overrides: pretrain(path, [], tmp_path / "out", overrides=overrides),
    ):
        with pytest.raises(LstmError, match=r"did you mean training\.max_steps\?"):
            command({"training.max_stepz": 1})
