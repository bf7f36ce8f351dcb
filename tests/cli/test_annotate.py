"""`annotate` as a user runs it; what it does is tested in tests/bulk."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from spacy_lstm.cli import annotate as command

Run = Callable[..., Result]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "text": "A joy."}\n{"id": 2}\n', encoding="utf-8")
    return path


def test_annotates(run: Run, sentiment: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    options = ["--model", sentiment / "model-best", "--column", "sentiment_label", "--keep", "id"]
    done = run("annotate", rows, out, *options, "--workers", 1)
    assert done.exit_code == 0
    header, row = out.read_text(encoding="utf-8").splitlines()
    assert header == "id,other_fields,sentiment_label"
    assert row in {"1,,POSITIVE", "1,,NEGATIVE", "1,,NEUTRAL"}
    assert done.stdout.startswith(f"{out}: 1 rows, 3 words, ")
    errors = tmp_path / "out.errors.jsonl"
    assert done.stderr == f"⚠ 1 rows could not be annotated: see {errors}\n"
    assert json.loads(errors.read_text())["reason"] == (
        "no text: the field 'text' is missing or null"
    )
    again = run("annotate", rows, out, *options)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"✘ {out} exists: choose another name, or overwrite it\n"


def test_strict(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"errors": 1200, "errors_file": "e", "rows": 0, "words": 0, "words_per_second": 0}
    monkeypatch.setattr(command.bulk, "annotate", lambda *_, **__: {"output": "o", **found})
    done = run("annotate", "rows.jsonl", tmp_path / "out", "--strict")
    assert done.exit_code == 1
    assert done.stdout == "o: 0 rows, 0 words, 0 words/s\n"
    assert done.stderr == "✘ 1,200 rows could not be annotated: see e\n"


def test_options_reach_the_work(
    run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def note(source: str, output: str, options: command.bulk.Options, **others: object) -> dict:
        asked.update(options.describe() | others)
        sys.stdout.write("something else\n")
        return {"errors": 0, "rows": 2}

    monkeypatch.setattr(command.bulk, "annotate", note)
    words = "--text-field t --id-field i -c sentiment -c tokens --keep a --drop b --prefix p_"
    words += " --format jsonl --compression gzip --max-words 5 --max-chars 9 --name n --split s"
    words += " --revision r --engine ray -w 3 --ray-address x:1 --part-mb 0.5 --overwrite -m mine"
    words += " --precision bfloat16"
    done = run("annotate", rows, tmp_path / "out", *words.split(), "--json")
    assert json.loads(done.stdout) == {"errors": 0, "rows": 2}
    assert done.stderr == "something else\n"
    assert asked == {
        "model": "mine",
        "precision": "bfloat16",
        "text_field": "t",
        "id_field": "i",
        "columns": ["sentiment", "tokens"],
        "keep": ["a"],
        "drop": ["b"],
        "prefix": "p_",
        "format": "jsonl",
        "compression": "gzip",
        "max_words": 5,
        "max_chars": 9,
        "part_bytes": 500_000,
        "name": "n",
        "split": "s",
        "revision": "r",
        "engine": "ray",
        "workers": 3,
        "address": "x:1",
        "overwrite": True,
        "progress": True,
    }


def test_wrong_usage(run: Run, rows: Path, tmp_path: Path) -> None:
    assert run("annotate", rows).exit_code == 2
    assert run("annotate", rows, tmp_path / "out", "--workers", 0).exit_code == 2
    wrong = run("annotate", tmp_path / "none.jsonl", tmp_path / "out")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("✘ no such file or folder: ")
