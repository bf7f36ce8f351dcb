"""What the README shows is what happens."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_lstm.cli import app
from spacy_lstm.pretrained import bundle_names

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ spacy-lstm (.*)\n((?:.*\n)*?)```", TEXT)
needs_bundle = pytest.mark.skipif(
    "en_lstm_sm" not in bundle_names(), reason="the English bundle is not built"
)


@needs_bundle
def test_python_examples() -> None:
    result = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert result.attempted > 5
    assert result.failed == 0


@needs_bundle
@pytest.mark.parametrize(("command", "shown"), CONSOLE)
def test_console_examples(command: str, shown: str) -> None:
    result = CliRunner().invoke(app, shlex.split(command))
    assert (result.exit_code, result.stdout) == (0, shown)


def test_every_command_is_in_the_table() -> None:
    listed = re.findall(r"^\| `([a-z]+)(?: .*)?` \| [^|]*\|$", TEXT, re.MULTILINE)
    assert {command.name for command in app.registered_commands} <= set(listed)
    assert CONSOLE


@pytest.mark.parametrize("path", re.findall(r"`((?:configs|corpus)/[^` ]*)`", TEXT))
def test_named_paths_exist(path: str) -> None:
    assert (README.parent / path).exists()
