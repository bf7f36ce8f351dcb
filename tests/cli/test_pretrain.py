import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import spacy
import torch
from typer.testing import CliRunner, Result

from spacy_lstm.cli.app import app
from spacy_lstm.cli.prepare import prepare
from spacy_lstm.cli.pretrain import pretrain
from spacy_lstm.cli.train import parse_overrides, train
from spacy_lstm.errors import LstmError
from spacy_lstm.pretraining import PretrainSettings

from ..pretraining.toy import CONFIG

ROOT = Path(__file__).parents[2]
SENTENCE = "the cat saw the dog and the dog saw the cat . "
SMALL = PretrainSettings(steps=30, sequences=4, length=8, vocabulary=50, samples=8, rate=0.02)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    config, text = tmp_path / "config.cfg", tmp_path / "text.txt"
    config.write_text(CONFIG)
    text.write_text("\n\n".join(SENTENCE * 6 for _ in range(12)))
    return config, text


def test_it_learns_to_predict_words(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    settings = SMALL._replace(steps=90)
    result = pretrain(config, [text], tmp_path / "out", settings=settings, save_every=30)
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [30, 60, 90]
    # Six words, of which "the" is a third: one that knows their shares alone has about 5.
    assert log[-1]["perplexity"] < 4.0
    assert log[-1]["perplexity"] < log[0]["perplexity"]
    assert Path(result["path"]).is_file()


def test_a_later_run_goes_on(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    out = tmp_path / "out"
    pretrain(config, [text], out, settings=SMALL, save_every=10)
    again = pretrain(config, [text], out, settings=SMALL, save_every=10)
    assert again["step"] == 30
    with pytest.raises(LstmError, match="was written with other settings"):
        pretrain(config, [text], out, settings=SMALL._replace(steps=40))


def test_a_damaged_checkpoint_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(LstmError, match="is no checkpoint of pretraining: delete it"):
        pretrain(config, [text], tmp_path / "out", settings=SMALL)


def test_a_component_starts_from_the_weights(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    path = pretrain(config, [text], tmp_path / "out", settings=SMALL)["path"]
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(config), auto_fill=True)
    pipe = nlp.get_pipe("lstm_coref")
    example = spacy.training.Example(nlp.make_doc("a cat"), nlp.make_doc("a cat"))
    pipe.initialize(lambda: [example], nlp=nlp, encoder=path)
    assert pipe.model.get_ref("tok2vec").to_bytes() == Path(path).read_bytes()
    with pytest.raises(LstmError, match="no pretrained encoder"):
        pipe.initialize(lambda: [example], nlp=nlp, encoder=str(tmp_path / "missing"))
    (tmp_path / "bad.bin").write_bytes(b"\x93bad")
    with pytest.raises(LstmError, match="holds no weights of this encoder"):
        pipe.initialize(lambda: [example], nlp=nlp, encoder=str(tmp_path / "bad.bin"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"component": "tagger"}, "component 'tagger': expected one of lstm_coref"),
        ({"texts": ["missing.txt"]}, "no text file missing.txt"),
        ({"texts": ["rows"]}, "rows.csv.gz holds rows: give their texts, a paragraph a line, or"),
        ({"output": "config.cfg"}, "is a file: give a folder"),
        ({"overrides": {"components.lstm_coref.model.tok2vec.depth": 2}}, "of depth 1"),
        ({"settings": SMALL._replace(length=4000)}, "has 4000 tokens"),
    ],
)
def test_mistakes_are_told_in_one_line(
    files: tuple[Path, Path], tmp_path: Path, change: dict, message: str
) -> None:
    config, text = files
    arguments = {"texts": [text], "output": tmp_path / "out", "settings": SMALL} | change
    if change.get("output"):
        arguments["output"] = config
    if change.get("texts") == ["rows"]:
        arguments["texts"] = [Path(text).rename(tmp_path / "rows.csv.gz")]
    with pytest.raises(LstmError, match=message):
        pretrain(config, **arguments)


def test_text_without_words(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    text.write_text("\n\n")
    with pytest.raises(LstmError, match="the text has no words"):
        pretrain(config, [text], tmp_path / "out", settings=SMALL)


def test_the_command(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    options = ["--steps=2", "--sequences=2", "--length=8", "--vocabulary=20", "--samples=4"]
    override = "--components.lstm_coref.model.tok2vec.width=8"
    words = ["pretrain", str(config), str(text), f"--output={tmp_path / 'out'}"]
    result = CliRunner().invoke(app, [*words, *options, "--json", override])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["step"] == 2
    assert told["tokens"] == 2 * 2 * 8


def test_overrides_are_the_ones_of_train() -> None:
    assert parse_overrides(["--paths.vectors=v.npz"]) == {"paths.vectors": "v.npz"}


OPTIONS = ["--steps=2", "--sequences=2", "--length=8", "--vocabulary=20", "--samples=4"]


def invoke(config: Path, *words: object) -> Result:
    return CliRunner().invoke(app, ["pretrain", str(config), *map(str, words), *OPTIONS])


def test_it_prints_a_line_for_people(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = invoke(files[0], files[1], "--output", tmp_path / "out")
    assert result.stderr == ""
    assert re.fullmatch(r"perplexity [\d.]+ after 2 steps: .*tok2vec\.bin\n", result.stdout)
    # A run that is finished says the same again.
    assert invoke(files[0], files[1], "--output", tmp_path / "out").stdout == result.stdout


def test_several_texts_and_overrides_between_them(files: tuple[Path, Path], tmp_path: Path) -> None:
    config, text = files
    packed = tmp_path / "more.txt.gz"
    packed.write_bytes(gzip.compress(text.read_bytes()))
    override = "--components.lstm_coref.model.tok2vec.cell=gru"
    result = invoke(config, text, override, packed, "--output", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    (stored,) = (tmp_path / "out").glob("text-*.npz")
    assert len(np.load(stored)["starts"]) == 2 * 12 + 1
    weights = safetensors.torch.load_file(tmp_path / "out" / "checkpoint.safetensors")
    assert len(weights["layer.bias_ih_l0"]) == 3 * 8


@pytest.mark.parametrize(
    "words", [["--paths.vectors"], ["--paths.vectors", "TEXT"], ["--nodot=1"], ["--unknown"]]
)
def test_wrong_usage_is_status_2(
    files: tuple[Path, Path], tmp_path: Path, words: list[str]
) -> None:
    words = [word.replace("TEXT", str(files[1])) for word in words]
    result = invoke(files[0], files[1], *words, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "is no option, nor an override --section.key=value" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.txt"], "✘ no text file none.txt: give files with a paragraph a line"),
        (["TEXT", "--component=tagger"], "✘ component 'tagger': expected one of lstm_coref"),
        (["TEXT", "--nlp.pipeline=[]"], "✘ component None: expected one of none"),
        (["TEXT", "--components.lstm_coref.model.tok2vec.depth=2"], "✘ depth = 2: only a "),
        (["TEXT", "--output=CONFIG"], "config.cfg is a file: give a folder"),
        (["TEXT", "--gpu-id=99"], "✘ no GPU 99"),
        (["TEXT", "--length=9999"], "✘ none of the 1 documents kept apart to measure by has 9999"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(
    files: tuple[Path, Path], tmp_path: Path, words: list[str], message: str
) -> None:
    config, text = files
    words = [word.replace("TEXT", str(text)).replace("CONFIG", str(config)) for word in words]
    arguments = ["pretrain", str(config), f"--output={tmp_path / 'out'}", *OPTIONS, *words]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize("factory", ["sentencizer", "textcat", "tagger"])
def test_a_component_without_an_encoder_is_refused(
    files: tuple[Path, Path], tmp_path: Path, factory: str
) -> None:
    text = CONFIG.split("pretrained")[0].replace("lstm_coref", "other")
    files[0].write_text(text.replace('factory = "other"', f'factory = "{factory}"'))
    with pytest.raises(LstmError, match="component 'other' has no token vectors of its own"):
        pretrain(files[0], [files[1]], tmp_path / "out", settings=SMALL)


@pytest.mark.parametrize("task", ["coref", "sentiment"])
def test_training_starts_from_what_was_pretrained(
    files: tuple[Path, Path], tmp_path: Path, task: str
) -> None:
    config = ROOT / "configs" / "tiny" / f"embedded_{task}.cfg"
    path = pretrain(config, [files[1]], tmp_path / "out", settings=SMALL)["path"]
    data = tmp_path / "texts.spacy"
    prepare([ROOT / "corpus" / f"{task}_en"], data, split="train", limit=4)
    overrides = {
        "paths.train": str(data),
        "paths.dev": str(data),
        f"initialize.components.lstm_{task}.encoder": path,
        # Nothing is learnt, so that what training began with is what comes out.
        "training.optimizer.learn_rate": 0.0,
        "training.optimizer.use_averages": False,
    }
    train(config, tmp_path / "trained", overrides=overrides)
    nlp = spacy.load(tmp_path / "trained" / "model-last")
    tok2vec = nlp.get_pipe(f"lstm_{task}").model.get_ref("tok2vec")
    got = tok2vec.shims[0].module.state_dict()
    expected = tok2vec.copy().from_bytes(Path(path).read_bytes()).shims[0].module.state_dict()
    assert got.keys() == expected.keys()
    for name in got:
        torch.testing.assert_close(got[name], expected[name])
