"""`split`: rows held out by a seed."""

import gzip
import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import datasets
import pytest
from typer.testing import CliRunner

from spacy_lstm.cli import app
from spacy_lstm.cli.split import split
from spacy_lstm.errors import LstmError

Rows = list[dict[str, Any]]
# Rows 3 and 13, 4 and 14, ... have the same text.
ROWS = [{"text": f"Película {i % 10 if 10 <= i < 20 else i}", "label": i % 2} for i in range(29)]


def write(path: Path, rows: Rows) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_rows_are_held_out_as_documented(tmp_path: Path) -> None:
    source = write(tmp_path / "all.jsonl.gz", ROWS)
    train, dev = tmp_path / "new" / "train.jsonl", tmp_path / "new" / "dev.jsonl"
    summary = split(source, train, dev, share=0.2, seed=7)
    held = set(random.Random(7).sample(range(29), 5))
    assert read(dev) == [row for i, row in enumerate(ROWS) if i in held]
    texts = {ROWS[i]["text"] for i in held}
    assert read(train) == [row for row in ROWS if row["text"] not in texts]
    duplicates = sum(row["text"] in texts for row in ROWS) - 5
    assert duplicates > 0
    assert summary == {
        "rows": 29,
        "train": 24 - duplicates,
        "dev": 5,
        "duplicates": duplicates,
        "outputs": [str(train), str(dev)],
    }
    assert "Película" in dev.read_text("utf-8")
    assert sorted(path.name for path in train.parent.iterdir()) == ["dev.jsonl", "train.jsonl"]


def test_shares_are_decimal(tmp_path: Path) -> None:
    source = write(tmp_path / "all.jsonl.gz", [{"text": str(i)} for i in range(100)])
    summary = split(source, tmp_path / "t.jsonl", tmp_path / "d.jsonl", share=0.29)
    assert (summary["train"], summary["dev"]) == (71, 29)


def test_other_seeds_hold_other_rows(tmp_path: Path) -> None:
    source = write(tmp_path / "all.jsonl.gz", ROWS)
    held = []
    for seed in (1, 1, 2):
        split(source, tmp_path / "t.jsonl", tmp_path / "d.jsonl", share=0.3, seed=seed)
        held.append(read(tmp_path / "d.jsonl"))
    assert held[0] == held[1] != held[2]


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        (("t.jsonl", "d.jsonl"), {"share": 1.0}, "share is 1.0: expected more than 0 and less"),
        (("t.jsonl", "d.jsonl"), {"share": 0.0}, "share is 0.0: expected more than 0 and less"),
        (("t.jsonl", "d.jsonl"), {"share": 0.01}, "share of 0.01 is none of its 29 rows"),
        (("t.jsonl", "d.jsonl"), {"text": "body"}, "row 1: no column 'body': name it with --text"),
        (("t.jsonl", "d.jsonl"), {"text": "same"}, "every row's 'same' is among the held ones"),
        (("t.csv", "d.jsonl"), {}, "t.csv has to be a file whose name ends in .jsonl"),
        (("t.jsonl", "folder.jsonl"), {}, "folder.jsonl has to be a file whose name ends"),
        (("t.jsonl", "./t.jsonl"), {}, "have to be three files"),
        (("file/t.jsonl", "d.jsonl"), {}, r"cannot write .*t.jsonl"),
    ],
)
def test_mistakes_leave_nothing_behind(
    tmp_path: Path, outputs: tuple[str, str], options: dict[str, Any], message: str
) -> None:
    source = write(tmp_path / "all.jsonl.gz", [{**row, "same": ["x"]} for row in ROWS])
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LstmError, match=message) as error:
        split(source, tmp_path / outputs[0], tmp_path / outputs[1], **options)
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_source_of_an_unknown_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "all.xml").touch()
    with pytest.raises(LstmError, match=r"all.xml: unknown format; expected jsonl, json"):
        split(tmp_path / "all.xml", tmp_path / "t.jsonl", tmp_path / "d.jsonl")


def test_a_split_of_a_dataset_folder(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "train.jsonl.gz", ROWS)
    write(tmp_path / "set" / "test.jsonl.gz", ROWS[:1])
    outputs = [[tmp_path / f"{part}{i}.jsonl" for part in ("t", "d")] for i in range(2)]
    split(tmp_path / "set" / "train.jsonl.gz", *outputs[0])
    words = ["split", str(tmp_path / "set"), *map(str, outputs[1]), "--split", "train"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert [read(path) for path in outputs[0]] == [read(path) for path in outputs[1]]
    with pytest.raises(LstmError, match="no split was given; expected one of: train, test"):
        split(tmp_path / "set", *outputs[0])


def test_classes_keep_their_names(tmp_path: Path) -> None:
    names = datasets.ClassLabel(names=["positive", "negative"])
    columns = {"text": [f"t{i}" for i in range(10)], "label": [0, 1] * 4 + [-1, None]}
    table = datasets.Dataset.from_dict({**columns, "seen": [date(2020, 1, 2)] * 10})
    table.cast_column("label", names).save_to_disk(tmp_path / "set")
    outputs = tmp_path / "t.jsonl", tmp_path / "d.jsonl"
    split(tmp_path / "set", *outputs, share=0.5)
    found = sorted((row for path in outputs for row in read(path)), key=lambda row: row["text"])
    assert [row["label"] for row in found] == ["positive", "negative"] * 4 + [-1, None]
    assert {row["seen"] for row in found} == {"2020-01-02"}


def test_the_command_tells_what_it_did(tmp_path: Path) -> None:
    source = write(tmp_path / "all.jsonl.gz", [{"text": str(i)} for i in range(9)] + ROWS[:1] * 9)
    words = ["split", str(source), str(tmp_path / "t.jsonl"), str(tmp_path / "d.jsonl")]
    # Whichever rows are held, at least one of the nine equal ones is among them.
    result = CliRunner().invoke(app, [*words, "--share", "0.6"])
    assert result.exit_code == 0
    told = json.loads(CliRunner().invoke(app, [*words, "--share", "0.6", "--json"]).stdout)
    assert told["rows"] == 18
    assert f"{told['train']} rows → {tmp_path / 't.jsonl'}, 10 rows →" in result.stdout
    assert f"{told['duplicates']} equal to those left out" in result.stdout
    assert told["duplicates"] > 0
    result = CliRunner().invoke(app, [*words, "--share", "2"])
    assert result.exit_code == 1
    assert result.stderr.startswith("✘ share is 2.0")
