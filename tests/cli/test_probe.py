"""`probe`: plain data, tables, files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from spacy_lstm.cli.probe import format_probe, probe
from spacy_lstm.errors import LstmError
from spacy_lstm.nn.encoder import CELLS
from spacy_lstm.nn.probe import ProbeResult
from spacy_lstm.probing import CELL_NAMES, TASK_NAMES, probe_memory
from spacy_lstm.viz import curves

Run = Callable[..., Result]
SMALL: dict[str, Any] = {"width": 4, "steps": 2}
WORDS = ["--width=4", "--steps=2", "--distance=8", "--distance=5"]


def without_time(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**row, "seconds": 0} for row in result["results"]]


def test_every_cell_is_run_on_every_task_at_every_distance() -> None:
    result = probe(distances=[8, 5, 8], **SMALL)
    assert result["settings"] == {"width": 4, "steps": 2, "seed": 0, "fresh": False}
    assert result["outputs"] == []
    done = [(row["task"], row["cell"], row["distance"]) for row in result["results"]]
    assert done == [(t, c, d) for t in TASK_NAMES for c in CELL_NAMES for d in (5, 8)]
    assert set(CELL_NAMES) == set(CELLS)
    assert {tuple(row) for row in result["results"]} == {ProbeResult._fields}
    assert list(result["tasks"]) == list(TASK_NAMES)
    assert result["tasks"]["agreement"]["chance"] == 0.5
    assert without_time(result) == without_time(probe_memory(distances=[5, 8], **SMALL))


def test_a_run_does_not_depend_on_what_else_runs() -> None:
    both = probe(["recall", "copy", "recall"], ["gru", "lstm"], [5], seed=3, **SMALL)
    one = probe(["copy"], ["lstm"], [5], seed=3, **SMALL)
    assert list(both["tasks"]) == ["recall", "copy"]
    assert without_time(one)[0] == without_time(both)[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ["add"]}, "unknown task 'add': choose of copy, adding, recall, agreement"),
        ({"cells": ["mamba"]}, "unknown cell 'mamba': choose of rnn, gru, lstm"),
        ({"tasks": []}, "no task to probe: give one or more of copy"),
        ({"cells": []}, "no cell to probe: give one or more of rnn"),
        ({"distances": [10, 4]}, "distance is 4: expected 5 or more"),
        ({"distances": []}, "distance is 0: expected 5 or more"),
        ({"width": 0}, "width is 0: expected 1 or more"),
        ({"steps": 0}, "steps is 0: expected 1 or more"),
        ({"seed": -1}, "seed is -1: expected 0 or more"),
    ],
)
def test_mistakes_are_told_before_any_training(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LstmError, match=message) as error:
        probe(**arguments)
    assert "\n" not in str(error.value)


def test_a_file_is_no_folder(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LstmError, match="file is a file: give a folder"):
        probe(output=tmp_path / "file")
    result = run("probe", "--output", tmp_path / "file")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("✘ output ")
    assert result.stderr.count("\n") == 1


def test_one_json_object(run: Run) -> None:
    result = run("probe", "--task=recall", "--cell=rnn", *WORDS, "--seed=5", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    expected = probe(["recall"], ["rnn"], [5, 8], seed=5, **SMALL)
    assert without_time(told) == without_time(expected)
    assert result.stderr == ""


def row(cell: str, distance: int, **changes: float) -> dict[str, Any]:
    weights = {"rnn": 1152, "lstm": 4608}[cell]
    values = [0.95, 0.002, 3e-120, 0.0, 1500, 1.25, weights + 33, weights]
    fields = dict(zip(ProbeResult._fields[3:], values, strict=True))
    return {"task": "adding", "cell": cell, "distance": distance, **fields, **changes}


def test_the_tables() -> None:
    results = [row("rnn", 5, accuracy=0.2), row("rnn", 20, accuracy=0.1)]
    results += [row("lstm", 5), row("lstm", 20, accuracy=0.9, gradient=0.25)]
    task = {"chance": 0.1536, "baseline_loss": 1 / 6, "is_sum": True}
    assert format_probe({"tasks": {"adding": task}, "results": results}) == (
        "adding: share of right answers; guessing has 0.15\n"
        "cell     5    20\n"
        "----  ----  ----\n"
        "rnn   0.20  0.10\n"
        "lstm  0.95  0.90\n"
        "\n"
        "adding: mean squared error; the variance is 0.1667\n"
        "cell       5      20\n"
        "----  ------  ------\n"
        "rnn   0.0020  0.0020\n"
        "lstm  0.0020  0.0020\n"
        "\n"
        "adding: gradient norm before training\n"
        "cell       5      20\n"
        "----  ------  ------\n"
        "rnn   3e-120  3e-120\n"
        "lstm  3e-120  3e-120\n"
        "\n"
        "adding: gradient norm after training\n"
        "cell      5     20\n"
        "----  -----  -----\n"
        "rnn   0e+00  0e+00\n"
        "lstm  0e+00  2e-01\n"
        "\n"
        "adding: what it takes\n"
        "cell  weights  with output  updates  seconds  90% right up to\n"
        "----  -------  -----------  -------  -------  ---------------\n"
        "rnn     1,152        1,185    3,000      2.5                -\n"
        "lstm    4,608        4,641    3,000      2.5               20"
    )


def test_files_without_matplotlib(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    folder = tmp_path / "new" / "folder"
    result = run("probe", "--task=copy", "--fresh", *WORDS, "--output", folder)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith(f"\n\n{folder / 'probe.json'}\n")
    assert "copy: share of right answers; guessing has 0.12\n" in result.stdout
    assert result.stderr == "no pictures: pip install 'spacy-lstm[plots]' brings matplotlib\n"
    assert [path.name for path in folder.iterdir()] == ["probe.json"]
    stored = json.loads((folder / "probe.json").read_text())
    assert stored["settings"]["fresh"]
    assert [row["distance"] for row in stored["results"]] == [5, 8] * 3


def test_files_with_matplotlib(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    result = probe(["recall"], ["rnn"], [5], output=tmp_path, **SMALL)
    names = ["probe.json", "probe.svg", "probe.png"]
    assert result["outputs"] == [str(tmp_path / name) for name in names]
    assert (tmp_path / "probe.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "probe.svg").read_bytes() == curves.draw_probe(result)
