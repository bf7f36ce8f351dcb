"""A command as a user runs it, in this process, and small trained pipelines for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spacy_lstm.cli import app
from spacy_lstm.cli.prepare import prepare
from spacy_lstm.cli.train import train

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run() -> Run:
    """Runs `spacy-lstm` with these words; the result has exit_code, stdout and stderr."""
    runner = CliRunner()

    def invoke(*words: object, text: str | None = None) -> Result:
        return runner.invoke(app, [str(word) for word in words], input=text)

    return invoke


def _train(task: str, folder: Path) -> Path:
    """A pipeline that has learnt a few texts by heart, and texts.spacy; the folder of both."""
    data = folder / "texts.spacy"
    prepare([ROOT / "corpus" / f"{task}_en"], data, split="train", limit=12)
    overrides = {
        "paths.train": str(data),
        "paths.dev": str(data),
        "training.max_epochs": 40,
        "training.eval_frequency": 40,
        "training.dropout": 0.0,
        "training.batcher.size": 80,
        "training.optimizer.learn_rate": 0.01,
    }
    train(ROOT / "configs" / "tiny" / f"embedded_{task}.cfg", folder, overrides=overrides)
    return folder


@pytest.fixture(scope="session")
def coref(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model-best, a pipeline with `lstm_coref`, and texts.spacy."""
    return _train("coref", tmp_path_factory.mktemp("coref"))


@pytest.fixture(scope="session")
def sentiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model-best, a pipeline with `lstm_sentiment`, and texts.spacy."""
    return _train("sentiment", tmp_path_factory.mktemp("sentiment"))
