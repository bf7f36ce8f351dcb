"""The spaCy project: the whole of `all` on tiny configs, and the form of the rest."""

import gzip
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
    run_steps(PROJECT["workflows"][workflow], **values)


def run_steps(names: list[str], **values: str) -> None:
    """Run these commands."""
    config = load_project_config(Path(), overrides={f"vars.{k}": v for k, v in values.items()})
    commands = {command["name"]: command for command in config["commands"]}
    for name in names:
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


# Files of the folder real_data → their label values.
SETS = {
    "sst2.train": 2,
    "sst2_phrases.train": 2,
    "sst2.dev": 2,
    "sst5.train": 5,
    "sst5_phrases.train": 5,
    "sst5.dev": 5,
    "imdb.train": 2,
    "semeval2017_4a.train": 3,
    "tweeteval_sentiment.val": 3,
}
WORDS = ("awful", "poor", "plain", "nice", "superb")


def made_up(labels: int, count: int = 80) -> list[dict[str, Any]]:
    """Rows with as many labels, told by a word each."""
    texts = [f"text {i} , {WORDS[i % labels]} at best" for i in range(count)]
    return [
        {"text": text, "detok": text.replace(" ,", ","), "label": i % labels}
        for i, text in enumerate(texts)
    ]


def write_made_up(path: Path, labels: int) -> None:
    rows = "".join(json.dumps(row) + "\n" for row in made_up(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(rows.encode()) if path.suffix == ".gz" else rows.encode())


@pytest.fixture(scope="module")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder, with texts that are not real."""
    folder = tmp_path_factory.mktemp("real")
    for name, labels in SETS.items():
        write_made_up(folder / "sentiment" / f"{name}.jsonl.gz", labels)
    return folder


@pytest.mark.parametrize(
    ("workflow", "labels", "documents"),
    [
        ("sst2", ["NEGATIVE", "POSITIVE"], 80),
        (
            "sst5",
            ["NEGATIVE", "NEUTRAL", "POSITIVE", "VERY_NEGATIVE", "VERY_POSITIVE"],
            80,
        ),
        ("imdb", ["NEGATIVE", "POSITIVE"], 8),
        ("tweets", ["NEGATIVE", "NEUTRAL", "POSITIVE"], 80),
    ],
)
def test_dedicated_trainings_run_on_local_files(
    project: Path,
    real_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    workflow: str,
    labels: list[str],
    documents: int,
) -> None:
    monkeypatch.chdir(project)
    dedicated = "configs/tiny/sentiment_dedicated.cfg"
    run_here(
        f"{workflow}-local",
        dedicated_config=dedicated,
        real_data=str(real_data),
        documents="--corpora.train.max_length=400",
    )
    figures = json.loads(Path(f"metrics/{workflow}_dev.json").read_text("utf-8"))
    assert figures["documents"] == documents
    assert 0 <= figures["accuracy"] <= 1
    assert 0 <= figures["cats_macro_r"] <= 1
    nlp = spacy.load(project / "training" / workflow / "model-best")
    assert sorted(nlp("A text.").cats) == labels
    if workflow == "tweets":
        meta = nlp.meta["performance"]
        assert meta["cats_macro_r"] == pytest.approx(figures["cats_macro_r"])


def test_a_dedicated_training_starts_from_raw_text_and_ends_on_a_test_set(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    for part in ("train", "test"):
        write_made_up(tmp_path / "set" / f"{part}.jsonl", 2)
    raw = tmp_path / "raw.txt"
    raw.write_text("\n\n".join(f"{WORDS[i % 5]} words . " * 100 for i in range(20)), "utf-8")
    given = {
        "dedicated_config": "configs/tiny/sentiment_dedicated.cfg",
        "imdb_train": f"{tmp_path / 'set'} --split train",
        "imdb_test": f"{tmp_path / 'set'} --split test",
        "raw_text": str(raw),
        "pretrain_steps": "2",
        "documents": "--corpora.train.max_length=400",
        "part": "test",
    }
    run_steps(["pretrain-sentiment"], **given)
    run_here("imdb", encoder="training/pretrained/tok2vec.bin", **given)
    figures = json.loads(Path("metrics/imdb_test.json").read_text("utf-8"))
    assert figures["documents"] == 80
    assert len(Path("data/imdb/dev.jsonl").read_text("utf-8").splitlines()) == 8


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


def project_lines() -> list[str]:
    """Each command line of the documents that runs a part of the project."""
    texts = [path.read_text("utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))]
    return [
        line.partition("#")[0]
        for text in texts
        for line in text.replace("\\\n", " ").splitlines()
        if line.startswith("python -m spacy project run")
    ]


@pytest.mark.parametrize("line", project_lines())
def test_documented_runs_name_variables_and_values_that_are_taken(line: str) -> None:
    words = shlex.split(line)
    known = {*PROJECT["workflows"], *(command["name"] for command in PROJECT["commands"])}
    assert words[5] in known
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--vars."):
            name, equals, _ = word.removeprefix("--vars.").partition("=")
            assert name in PROJECT["vars"]
            # spaCy takes what begins with dashes for a variable of its own.
            assert equals or not after.startswith("--")


@pytest.mark.parametrize("name", ["documents", "sst2_options", "sst5_options"])
def test_overrides_of_the_project_can_be_copied_to_the_command_line(name: str) -> None:
    words = PROJECT["vars"][name].split()
    assert words
    assert all(re.fullmatch(r"[a-z][\w.]+=[\d.]+", word) for word in words)


def test_every_command_says_what_it_does_needs_and_makes() -> None:
    names = {command["name"] for command in PROJECT["commands"]}
    assert {"all", "coref", "sentiment", "sst2", "sst5", "imdb", "tweets", "package"} <= set(
        PROJECT["workflows"]
    )
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
