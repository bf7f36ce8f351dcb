"""The spaCy project: the whole of `all` on tiny configs, and the form of the rest."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from thinc.api import Config
from typer.main import get_command
from typer.testing import CliRunner
from weasel.util.config import load_project_config

from spacy_lstm.cli import app

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = srsly.read_yaml(ROOT / "project.yml")
TINY = "--vars.configs configs/tiny"
# Nothing listens there: whoever asks the network for something fails at once.
NO_NETWORK = {f"{name}_proxy": "http://127.0.0.1:9" for name in ("http", "https", "all")}


def run_project(folder: Path, workflow: str, overrides: str) -> str:
    """What the run printed; it has to succeed."""
    command = [sys.executable, "-m", "spacy", "project", "run", workflow, "."]
    done = subprocess.run(
        [*command, *shlex.split(overrides)],
        cwd=folder,
        env={**os.environ, **NO_NETWORK, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone has and `all` needs."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "project.yml", folder)
    for name in ("configs", "corpus"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def printed(project: Path) -> str:
    """What a first run of `all` printed."""
    return run_project(project, "all", TINY)


@pytest.mark.usefixtures("printed")
def test_all_leaves_models_figures_and_pictures(project: Path) -> None:
    for task in ("coref", "sentiment"):
        nlp = spacy.load(project / "training" / f"embedded_{task}" / "model-best")
        assert nlp.pipe_names == [f"lstm_{task}"]
    coref = json.loads((project / "metrics" / "embedded_coref.json").read_text("utf-8"))
    assert 0 <= coref["conll_f"] <= 1
    sentiment = json.loads((project / "metrics" / "embedded_sentiment.json").read_text("utf-8"))
    assert 0 <= sentiment["accuracy"] <= 1
    for name in ("links.html", "sentiment.html"):
        assert "Alice" in (project / "output" / name).read_text("utf-8")


def test_all_ends_with_figures_and_a_text(printed: str) -> None:
    assert "\nCoNLL F " in printed
    assert re.search(r"^accuracy [0-9.]+ of [0-9]+ texts$", printed, re.MULTILINE)
    assert "smiles.\n" in printed.partition("show-embedded")[2]


@pytest.mark.usefixtures("printed")
def test_a_second_run_trains_nothing_and_still_shows_the_figures(project: Path) -> None:
    again = run_project(project, "all", f"{TINY} --dry")
    assert re.findall("Skipping '(.*)': nothing changed", again) == [
        "prepare-embedded",
        "train-embedded-coref",
        "train-embedded-sentiment",
    ]
    assert again.count("spacy_lstm evaluate") == 2


def run_here(workflow: str, **values: str) -> None:
    """Run a workflow's commands in this process, which spares their start."""
    config = load_project_config(Path(), overrides={f"vars.{k}": v for k, v in values.items()})
    commands = {command["name"]: command for command in config["commands"]}
    for name in config["workflows"][workflow]:
        for line in commands[name]["script"]:
            result = CliRunner().invoke(app, shlex.split(line)[3:])
            assert result.exit_code == 0, result.output
        assert all(Path(output).exists() for output in commands[name]["outputs"])


def test_coref_runs_on_local_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    run_here(
        "coref",
        coref_config="configs/tiny/embedded_coref.cfg",
        coref_train="corpus/coref_en/train.jsonl",
        coref_dev="corpus/coref_en/dev.jsonl",
        coref_train_options="",
    )
    assert json.loads(Path("metrics/coref.json").read_text("utf-8"))["documents"] == 224


def test_sentiment_runs_on_local_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    run_here(
        "sentiment",
        sentiment_config="configs/tiny/sentiment.cfg",
        sentiment_train="corpus/sentiment_en/train.jsonl",
        sentiment_dev="corpus/sentiment_en/dev.jsonl",
        sentiment_train_options="",
        sentiment_dev_options="",
    )
    assert json.loads(Path("metrics/sentiment.json").read_text("utf-8"))["documents"] == 223


def scripts() -> list[tuple[str, str]]:
    commands = load_project_config(ROOT)["commands"]
    return [(command["name"], line) for command in commands for line in command["script"]]


@pytest.mark.parametrize(("name", "line"), scripts())
def test_commands_know_the_options_they_are_given(name: str, line: str) -> None:
    words = shlex.split(line)
    if words[:3] != ["python", "-m", "spacy_lstm"]:
        assert words[:2] in (["python", "-m"], ["python", "-c"])
        return
    command: Any = get_command(app)
    rest = words[3:]
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    context = command.make_context(command.name, rest)
    assert all("." in word for word in context.args if word.startswith("--"))


def test_every_command_says_what_it_does_needs_and_makes() -> None:
    names = {command["name"] for command in PROJECT["commands"]}
    assert {"all", "coref", "sentiment", "package"} <= set(PROJECT["workflows"])
    for workflow in PROJECT["workflows"].values():
        assert names >= set(workflow)
    for command in PROJECT["commands"]:
        assert command["help"]
        assert command["outputs"]


def test_all_needs_no_assets() -> None:
    wanted = PROJECT["workflows"]["all"]
    used = [srsly.json_dumps(cmd) for cmd in PROJECT["commands"] if cmd["name"] in wanted]
    assert not any("assets" in text for text in used)


def test_public_assets_have_checksums() -> None:
    public = [asset for asset in PROJECT["assets"] if "url" in asset]
    assert len(public) == 3
    for asset in public:
        assert re.fullmatch("[0-9a-f]{32}", asset["checksum"])


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "tiny").glob("*.cfg")), ids=str)
def test_a_tiny_config_is_its_twin_but_for_sizes(path: Path) -> None:
    tiny, twin = (
        Config().from_disk(file, interpolate=False) for file in (path, ROOT / "configs" / path.name)
    )
    assert tiny["nlp"]["pipeline"] == twin["nlp"]["pipeline"]
    for name, settings in twin["components"].items():
        mine = tiny["components"][name]
        assert mine["factory"] == settings["factory"]
        assert mine["model"]["@architectures"] == settings["model"]["@architectures"]
    assert set(tiny["training"]) == set(twin["training"])
