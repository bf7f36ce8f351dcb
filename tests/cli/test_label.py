"""`label`: raw texts with the probabilities of trained models."""

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from typer.testing import Result

import spacy_lstm.cli.label as command
from spacy_lstm.cli.files import write_rows
from spacy_lstm.cli.label import label
from spacy_lstm.cli.prepare import prepare
from spacy_lstm.cli.train import train
from spacy_lstm.corpora.readers import HuggingFaceCorpus
from spacy_lstm.errors import LstmError

Run = Callable[..., Result]
DEDICATED = Path(__file__).parents[2] / "configs" / "tiny" / "sentiment_dedicated.cfg"
LABELS = {"NEGATIVE", "NEUTRAL", "POSITIVE"}
Rows = list[dict[str, Any]]
PARAGRAPHS = [f"Film {i} is {'dull' if i % 3 else 'a joy'}. I saw it twice!" for i in range(12)]
RAW = "\n".join(PARAGRAPHS[:5]) + "\n\n\n" + "\n".join(PARAGRAPHS[5:]) + "\n"


def read(path: Path) -> Rows:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def texts_of(path: Path) -> list[str]:
    return [row["text"] for row in read(path)]


@pytest.fixture
def model(sentiment: Path) -> Path:
    return sentiment / "model-best"


@pytest.fixture
def other(model: Path, tmp_path: Path) -> Path:
    """A model that thinks the opposite."""
    nlp = spacy.load(model)
    pipe: Any = nlp.get_pipe("lstm_sentiment")
    pipe.cfg["labels"] = list(reversed(pipe.labels))
    nlp.to_disk(tmp_path / "other")
    return tmp_path / "other"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "raw.txt"
    path.write_text(RAW, encoding="utf-8")
    return path


def test_rows_have_the_mean_of_the_models(model: Path, other: Path, raw: Path) -> None:
    output = raw.parent / "new" / "out.jsonl"
    summary = label([raw], output, models=[model, other])
    rows = read(output)
    assert [row["text"] for row in rows] == PARAGRAPHS
    nlps = [spacy.load(path) for path in (model, other)]
    for row in rows:
        one, two = (nlp(row["text"]).cats for nlp in nlps)
        mean = {name: (one[name] + two[name]) / 2 for name in one}
        assert row["probabilities"] == pytest.approx(mean, abs=1e-4)
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert summary == {
        "output": str(output),
        "rows": 12,
        "units": 12,
        "left_out": 0,
        "unusable": 0,
        "labels": summary["labels"],
    }
    assert set(summary["labels"]) == LABELS
    assert sum(summary["labels"].values()) == 12
    assert [path.name for path in output.parent.iterdir()] == ["out.jsonl"]


def test_training_reads_the_rows(model: Path, raw: Path) -> None:
    output = raw.parent / "out.jsonl.gz"
    label([raw], output, models=[model])
    docs = list(HuggingFaceCorpus(output).docs(spacy.blank("en")))
    assert [doc.text for doc in docs] == PARAGRAPHS
    for doc, row in zip(docs, read(output), strict=True):
        assert doc.cats == pytest.approx(row["probabilities"], abs=1e-4)


def test_a_student_learns_beside_labelled_texts(model: Path, raw: Path) -> None:
    taught, data, folder = raw.parent / "taught.jsonl", raw.parent / "data", raw.parent / "student"
    label([raw], taught, models=[model])
    hard = raw.parent / "hard.jsonl"
    hard.write_text('{"text": "Good.", "label": 1}\n{"text": "Bad.", "label": 0}\n')
    for name in (taught, hard):
        prepare([name], data / f"{name.stem}.spacy")
    overrides = {
        "paths.train": str(data),
        "paths.dev": str(data / "hard.spacy"),
        "corpora.train.shares.hard": 2,
        "corpora.train.max_length": 4,
    }
    result = train(DEDICATED, folder, overrides=overrides)
    assert set(result["figures"]) == {"accuracy", "cats_macro_f", "cats_macro_r"}
    assert set(spacy.load(folder / "model-best")("Fine.").cats) == LABELS


@pytest.mark.parametrize(
    ("unit", "first", "count"),
    [
        # "I saw it twice!" is there once.
        ("sentence", "Film 0 is a joy.", 13),
        ("paragraph", PARAGRAPHS[0], 12),
        ("document", "\n".join(PARAGRAPHS[:5]), 2),
    ],
)
def test_units(model: Path, raw: Path, unit: str, first: str, count: int) -> None:
    packed = raw.with_suffix(".txt.xz")
    packed.write_bytes(lzma.compress(RAW.encode()))
    output = raw.parent / "out.jsonl"
    summary = label([raw, packed], output, models=[model], unit=unit)
    found = texts_of(output)
    assert (found[0], len(found), summary["rows"]) == (first, count, count)
    assert len(set(found)) == count


def test_words_bound_the_units(model: Path, raw: Path) -> None:
    output = raw.parent / "out.jsonl"
    summary = label([raw], output, models=[model], unit="sentence", min_words=5, max_words=5)
    assert texts_of(output) == [f"Film {i} is a joy." for i in range(0, 12, 3)]
    assert summary["left_out"] == 20
    assert summary["units"] == 24


def test_a_sample_is_the_same_in_every_run_and_in_order(model: Path, raw: Path) -> None:
    def drawn(seed: int) -> list[str]:
        output = raw.parent / "out.jsonl.gz"
        label([raw], output, models=[model], limit=4, seed=seed)
        return texts_of(output)

    first = drawn(0)
    assert len(set(first)) == 4
    assert first == [text for text in PARAGRAPHS if text in first]
    assert first == drawn(0)
    assert any(first != drawn(seed) for seed in range(1, 4))


def test_as_many_rows_of_each_label(model: Path, raw: Path) -> None:
    everything, output = raw.parent / "all.jsonl", raw.parent / "out.jsonl"
    there = label([raw], everything, models=[model])["labels"]
    for limit in (3, 7, 60):
        summary = label([raw], output, models=[model], limit=limit, balance=True)
        assert summary["labels"] == {name: min(n, limit // 3) for name, n in there.items()}
        found = texts_of(output)
        assert found == [text for text in PARAGRAPHS if text in found]
    assert found == texts_of(everything)


def test_rows_of_datasets(model: Path, tmp_path: Path) -> None:
    rows = [{"s": "Good.\n\nBad.", "label": 1}, {"s": None}, {"s": "\ud83d"}, {"s": "Bad."}]
    source, output = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = label([source], output, models=[model], columns={"text": "s"})
    assert texts_of(output) == ["Good.", "Bad."]
    assert summary["unusable"] == 2
    assert set(read(output)[0]) == {"text", "probabilities"}
    folder = tmp_path / "folder"
    folder.mkdir()
    source.rename(folder / "train.jsonl")
    again = label(
        [folder], output, models=[model], columns={"text": "s"}, split="train", unit="document"
    )
    assert texts_of(output) == ["Good.\nBad.", "Bad."]
    assert again["units"] == 2


def test_the_command(run: Run, model: Path, raw: Path) -> None:
    output = raw.parent / "out.jsonl"
    words = ("label", raw, "-o", output, "--model", model, "-m", model, "--unit", "sentence")
    result = run(*words, "--max-words", 4, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["rows"] == len(read(output)) == 9
    rows = raw.with_name("rows.jsonl")
    rows.write_text('{"text": null}\n{"text": "x"}')
    result = run(*words, rows, "--max-words", 4)
    assert result.stdout.startswith(f"10 rows → {output}, of 25 units read\nmost probable: NEG")
    assert "left out for their length: 4 units\n" in result.stdout
    assert result.stdout.endswith("skipped: 1 rows without a text\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": []}, "no texts: give one file or more"),
        ({"output": "out.csv"}, "out.csv has to be a file whose name ends in .jsonl or .jsonl.gz"),
        ({"output": "folder.jsonl"}, "folder.jsonl has to be a file whose name ends in"),
        ({"texts": ["rows.jsonl"], "output": "rows.jsonl"}, "rows.jsonl is one of the texts"),
        ({"models": []}, "no models: give the name or folder of one or more"),
        ({"unit": "page"}, "unknown unit 'page': expected one of sentence, paragraph, document"),
        ({"min_words": 0}, "min_words is 0: expected 1 or more"),
        ({"min_words": 3, "max_words": 2}, "max_words is 2: expected 0 .* at least min_words .3"),
        ({"limit": -1}, r"limit is -1: expected 0 \(all\) or more"),
        ({"balance": True}, "balance needs a limit: say how many rows"),
        ({"balance": True, "limit": 2}, "limit is 2: expected at least 3, one for each label"),
        ({"min_words": 99}, "none of the 12 units has 99 to any number of words: loosen"),
        ({"split": "train"}, "raw.txt is raw text: leave out --split"),
        ({"texts": ["none.txt.gz"]}, "none.txt.gz: cannot be read: No such file"),
        ({"texts": ["rows.jsonl"]}, r"rows.jsonl: no column 'text'; it has t: name the right one"),
        ({"texts": ["empty.jsonl"]}, "empty.jsonl: no rows in it"),
        ({"texts": ["a.spacy"]}, "a.spacy holds documents: give the texts that it was made of"),
        ({"texts": ["blank.txt"]}, "no text in what was given: expected paragraphs, or rows"),
        ({"output": "raw.txt/out.jsonl"}, "cannot write .*out.jsonl"),
    ],
)
def test_mistakes_leave_nothing_behind(
    model: Path, raw: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(raw.parent)
    Path("folder.jsonl").mkdir()
    Path("rows.jsonl").write_text('{"t": "x"}')
    Path("empty.jsonl").touch()
    Path("blank.txt").write_text(" \n\n")
    Path("out.jsonl").write_text("before")
    before = sorted(Path().iterdir())
    given = {"texts": ["raw.txt"], "output": "out.jsonl", "models": [model], **options}
    with pytest.raises(LstmError, match=message) as error:
        label(**given)
    assert "\n" not in str(error.value)
    assert sorted(Path().iterdir()) == before
    assert Path("out.jsonl").read_text() == "before"


@pytest.mark.parametrize("options", [{}, {"limit": 3}, {"limit": 3, "balance": True}])
def test_nothing_is_read_for_an_output_that_cannot_be_written(
    model: Path, raw: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    read: list[str] = []
    monkeypatch.setattr(command, "_kept", lambda units, *_: (read.append(unit) for unit in units))
    with pytest.raises(LstmError, match=r"cannot write .*out.jsonl"):
        label([raw], raw / "out.jsonl", models=[model], **options)
    assert read == []


def renamed(model: Path, folder: Path, labels: list[str]) -> Path:
    nlp = spacy.load(model)
    pipe: Any = nlp.get_pipe("lstm_sentiment")
    pipe.cfg["labels"] = labels
    nlp.to_disk(folder)
    return folder


def test_rows_have_the_labels_that_all_models_know(model: Path, raw: Path) -> None:
    wider = renamed(model, raw.parent / "wider", ["POSITIVE", "MIXED", "NEGATIVE"])
    summary = label([raw], raw.parent / "out.jsonl", models=[model, wider])
    assert set(summary["labels"]) == {"NEGATIVE", "POSITIVE"}
    nlps = [spacy.load(path) for path in (model, wider)]
    for row in read(raw.parent / "out.jsonl"):
        cats = [nlp(row["text"]).cats for nlp in nlps]
        shares = [one["POSITIVE"] / (one["POSITIVE"] + one["NEGATIVE"]) for one in cats]
        assert row["probabilities"]["POSITIVE"] == pytest.approx(sum(shares) / 2, abs=1e-4)
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_models_without_two_labels_in_common(model: Path, raw: Path) -> None:
    odd = renamed(model, raw.parent / "odd", ["POSITIVE", "FAIR", "BAD"])
    with pytest.raises(LstmError, match=r"odd knows the labels POSITIVE, .* share two labels"):
        label([raw], raw.parent / "out.jsonl", models=[odd, model])


def test_rows_are_whole_or_not_there(tmp_path: Path) -> None:
    def broken() -> Any:
        yield {"text": "a"}
        raise KeyboardInterrupt

    path = tmp_path / "out.jsonl.gz"
    write_rows(path, [{"text": "é"}])
    written = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_rows(path, broken())
    assert path.read_bytes() == written
    assert gzip.decompress(written).decode() == '{"text": "é"}\n'
    write_rows(path, [{"text": "é"}])
    assert path.read_bytes() == written
    assert list(tmp_path.iterdir()) == [path]
