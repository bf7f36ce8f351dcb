"""`train` on a stock spaCy pipeline, small enough to train in a second."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
import typer
from spacy.tokens import Doc, DocBin
from typer.testing import Result

from spacy_lstm.cli import machine as machine_module
from spacy_lstm.cli import train as train_module
from spacy_lstm.cli.train import parse_overrides, train
from spacy_lstm.errors import LstmError

Run = Callable[..., Result]

# Incomplete on purpose: no seed, no optimizer, no corpora.
CONFIG = """
[paths]
train = null
dev = null

[nlp]
lang = "en"
pipeline = ["textcat"]

[components]

[components.textcat]
factory = "textcat"

[components.textcat.model]
@architectures = "spacy.TextCatBOW.v3"
exclusive_classes = true
length = 64
ngram_size = 1
no_output_layer = false

[training]
max_steps = 20
eval_frequency = 10

[training.optimizer]
@optimizers = "Adam.v1"
learn_rate = 0.05

[training.score_weights]
cats_score = 1.0
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with config.cfg and texts.spacy."""
    folder = tmp_path_factory.mktemp("train")
    nlp = spacy.blank("en")
    docs = []
    for text, good in [("a fine film", 1.0), ("a dull film", 0.0)] * 4:
        doc = nlp(text)
        doc.cats = {"POSITIVE": good, "NEGATIVE": 1 - good}
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "texts.spacy")
    (folder / "config.cfg").write_text(CONFIG)
    return folder


@pytest.fixture
def paths(data: Path) -> list[str]:
    """The overrides that point to the data."""
    texts = data / "texts.spacy"
    return ["--paths.train", str(texts), f"--paths.dev={texts}"]


@pytest.fixture
def trained(data: Path, paths: list[str], tmp_path: Path) -> Path:
    """A folder with a trained pipeline."""
    train(data / "config.cfg", tmp_path / "out", overrides=parse_overrides(paths))
    return tmp_path / "out"


def test_trains_an_incomplete_config_and_tells_one_object(
    run: Run, data: Path, paths: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "deep" / "out"
    result = run("train", data / "config.cfg", "-o", output, *paths, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["path"] == str(output / "model-best")
    assert told["score"] == told["figures"]["cats_score"] == 1.0
    assert told["seconds"] > 0
    assert "Initial learn rate: 0.05" in result.stderr
    assert ".partial" not in result.stderr
    nlp = spacy.load(output / "model-best")
    assert nlp("a fine film").cats["POSITIVE"] > 0.5 > nlp("a dull film").cats["POSITIVE"]
    assert sorted(path.name for path in output.iterdir()) == ["model-best", "model-last"]
    assert list(output.parent.iterdir()) == [output]


def test_prints_a_line_for_people(run: Run, data: Path, paths: list[str], tmp_path: Path) -> None:
    result = run("train", data / "config.cfg", "-o", tmp_path / "out", *paths)
    assert result.exit_code == 0, result.stderr
    assert "Initial learn rate" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("score 1.000 after")


def test_spacy_takes_the_saved_config(trained: Path, tmp_path: Path) -> None:
    config = trained / "model-best" / "config.cfg"
    command = [sys.executable, "-m", "spacy", "train", str(config), "-o", str(tmp_path / "again")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    texts = ["a fine film", "a dull film", "dull"]
    ours = spacy.load(trained / "model-best").pipe(texts)
    theirs = spacy.load(tmp_path / "again" / "model-best").pipe(texts)
    assert [doc.cats for doc in ours] == [doc.cats for doc in theirs]


def test_resume_goes_on_from_the_last_weights(
    run: Run, data: Path, paths: list[str], trained: Path
) -> None:
    before = spacy.load(trained / "model-last")("a fine film").cats["POSITIVE"]
    steps = ["--training.max_steps=1", "--training.optimizer.learn_rate=0.0"]
    result = run("train", data / "config.cfg", "-o", trained, *paths, *steps, "--resume")
    assert result.exit_code == 0, result.stderr
    after = spacy.load(trained / "model-last")("a fine film").cats["POSITIVE"]
    assert after == pytest.approx(before, abs=1e-6)
    fresh = run("train", data / "config.cfg", "-o", trained, *paths, *steps)
    assert fresh.exit_code == 0, fresh.stderr
    assert spacy.load(trained / "model-last")("a fine film").cats["POSITIVE"] < before - 0.05


def test_an_interruption_keeps_what_was_best(
    data: Path, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = train_module.init_nlp, []

    def interrupt_later(config, use_gpu):  # type: ignore[no-untyped-def]
        nlp = real(config, use_gpu=use_gpu)
        update = nlp.update

        def interrupted(*args, **kwargs):  # type: ignore[no-untyped-def]
            calls.append(1)
            if len(calls) == 5:
                raise KeyboardInterrupt
            return update(*args, **kwargs)

        nlp.update = interrupted
        return nlp

    monkeypatch.setattr(train_module, "init_nlp", interrupt_later)
    with pytest.raises(KeyboardInterrupt):
        train(data / "config.cfg", tmp_path / "out", overrides=parse_overrides(paths))
    assert isinstance(spacy.load(tmp_path / "out" / "model-best")("a film"), Doc)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_the_earlier_model(
    run: Run, data: Path, paths: list[str], trained: Path
) -> None:
    before = (trained / "model-best" / "meta.json").read_bytes()
    result = run(
        "train", data / "config.cfg", "-o", trained, *paths, "--paths.dev", data / "none.spacy"
    )
    assert result.exit_code == 1
    assert "none.spacy" in result.stderr.splitlines()[-1]
    assert (trained / "model-best" / "meta.json").read_bytes() == before
    assert [path.name for path in trained.parent.iterdir()] == ["out"]


def test_code_registers_functions(run: Run, data: Path, paths: list[str], tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text(
        "import spacy\n"
        "@spacy.registry.callbacks('mine.stop.v1')\n"
        "def make():\n"
        "    def stop(nlp):\n"
        "        raise ValueError('mine was called')\n"
        "    return stop\n"
    )
    config = tmp_path / "config.cfg"
    config.write_text(
        f'{CONFIG}\n[initialize]\n\n[initialize.before_init]\n@callbacks = "mine.stop.v1"\n'
    )
    result = run("train", config, "-o", tmp_path / "out", "--code", code, *paths)
    assert result.stderr == "✘ mine was called\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["none.cfg"], "✘ no config file none.cfg: give the path of a .cfg file"),
        (["CONFIG", "--code", "none.py"], "✘ no code file none.py"),
        (["CONFIG", "--resume"], "✘ nothing to resume in"),
        (["CONFIG", "--gpu-id", "99"], "✘ no GPU 99"),
        (["CONFIG", "--components.textcat.factory", "txtcat"], "✘ [E002] Can't find factory"),
        (["CONFIG", "--components.textcat.model.length", "long"], "✘ config: "),
        (["CONFIG", "--training.max_steps", "many"], "✘ config: "),
        (
            ["CONFIG", "--nothing.here", "1"],
            "✘ --nothing.here: the config has no section [nothing]",
        ),
        (
            ["CONFIG", "--training.max_stepz", "3"],
            "✘ --training.max_stepz: the config has no such setting: did you mean "
            "training.max_steps?",
        ),
    ],
)
def test_mistakes_are_one_line(
    run: Run, data: Path, paths: list[str], tmp_path: Path, words: list[str], line: str
) -> None:
    words = [word.replace("CONFIG", str(data / "config.cfg")) for word in words]
    result = run("train", *words, "-o", tmp_path / "out", *paths)
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_development_data_without_texts_is_told_before_the_training(
    run: Run, data: Path, paths: list[str], tmp_path: Path
) -> None:
    DocBin().to_disk(tmp_path / "none.spacy")
    words = [*paths[:2], f"--paths.dev={tmp_path / 'none.spacy'}"]
    result = run("train", data / "config.cfg", "-o", tmp_path / "out", *words)
    assert result.exit_code == 1
    assert "no texts in the development data (paths.dev =" in result.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "none.spacy"]


def test_output_that_is_a_file_is_refused(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "config.cfg", tmp_path / "out")
    with pytest.raises(LstmError, match="out is a file: give a folder"):
        train(data / "config.cfg", tmp_path / "out")


def test_started_by_torchrun_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LstmError, match="2 processes were started to train together, which spaCy"):
        train(data / "config.cfg", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_processes_of_torchrun_take_a_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(machine_module, "has_cupy_gpu", True)
    monkeypatch.setattr(machine_module, "require_gpu", taken.append)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert machine_module.choose_device(None) == 0
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert machine_module.choose_device(None) == 3
    assert machine_module.choose_device(1) == 1
    assert machine_module.choose_device(-1) == -1
    assert taken == [0, 3, 1]


def test_threads_follow_the_machine_or_the_user(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(machine_module, "usable_cores", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(LstmError, match="no GPU"):
        train(data / "config.cfg", tmp_path / "out", gpu_id=99)
    assert asked == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    with pytest.raises(LstmError, match="no GPU"):
        train(data / "config.cfg", tmp_path / "out", gpu_id=99)
    assert asked == [3]


def test_a_language_keeps_its_tokenizer(data: Path, paths: list[str], tmp_path: Path) -> None:
    overrides = parse_overrides(paths) | {"nlp.lang": "zh", "training.max_steps": 1}
    train(data / "config.cfg", tmp_path / "out", overrides=overrides)
    nlp = spacy.load(tmp_path / "out" / "model-best")
    assert [token.text for token in nlp.make_doc("猫追鼠")] == ["猫", "追", "鼠"]


def test_overrides_read_json_or_strings() -> None:
    words = ["--a.b=c", "--d.e-f", "[1, 2]", "--g.h", "--i.j", "-1", "--k.l=x=y", "m.n=2"]
    assert parse_overrides(words) == {
        "a.b": "c",
        "d.e_f": [1, 2],
        "g.h": True,
        "i.j": -1,
        "k.l": "x=y",
        "m.n": 2,
    }


@pytest.mark.parametrize("word", ["--nodot", "stray", "-x.y", "-x.y=1", "no.value"])
def test_overrides_refuse_other_words(word: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no option, nor an override"):
        parse_overrides([word, "1"])
