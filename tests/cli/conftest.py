"""A command as a user runs it, in this process."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from spacy_lstm.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs `spacy-lstm` with these words; the result has exit_code, stdout and stderr."""
    runner = CliRunner()

    def invoke(*words: str, text: str | None = None) -> Result:
        return runner.invoke(app, [str(word) for word in words], input=text)

    return invoke
