"""`benchmark`: tables, files, mistakes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from spacy_lstm.benchmarking import PEER_NAMES
from spacy_lstm.cli import benchmark as command
from spacy_lstm.errors import LstmError
from spacy_lstm.viz import curves
from spacy_lstm.viz.speed import draw_benchmark, draw_memory

Run = Callable[..., Result]
KEYS = ("coref", "sentiment", "both")


def measured(threads: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    """What `run_benchmark` gives."""
    lengths = ("short", "paragraph", "book")
    ratios = dict.fromkeys(PEER_NAMES, 2.5)
    return {
        "model": "en_lstm_sm",
        "precision": None,
        "texts": "made",
        "quick": False,
        "clock": "wall clock",
        "machine": {"cores": 2, "processor": "P", "torch": "2", "spacy": "3"},
        "peers": PEER_NAMES,
        "speed": [
            {
                "threads": number,
                "length": length,
                "components": key,
                "rounds": 3,
                "words_per_second": 12345.6,
                "space_words_per_second": 10000.4,
                "ratios": ratios,
            }
            for number in threads
            for length in lengths
            for key in KEYS
        ],
        "peer_speed": [
            {"threads": 1, "length": "short", "peer": "cnn", "words_per_second": 31000.2}
        ],
        "growth": [{"components": "both", "book_to_article": 1.25}],
        "stages": [
            {"length": length, "components": key, "shares": {"encoder": 0.75, "the rest": 0.25}}
            for length in lengths
            for key in KEYS
        ],
        "latency": [{"components": "both", "words": 20, "texts": 9, "median": 2.5, "p95": 3.25}],
        "processes": [
            {
                "components": "both",
                **{f"{part}_seconds": 1.5 for part in ("import", "load", "first", "start")},
                "base_megabytes": None,
                "documents": [{"words": 1000, "seconds": 0.05, "extra_megabytes": 400.4}],
            }
        ],
    }


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the measurement is asked for; it measures nothing."""
    calls: list[Any] = []

    def run(model: Any, **options: Any) -> dict[str, Any]:
        calls.append((model, options))
        return measured(tuple(options["threads"]))

    monkeypatch.setattr(command, "run_benchmark", run)
    return calls


def test_tables(run: Run, asked: list[Any]) -> None:
    result = run("benchmark")
    assert result.exit_code == 0
    assert "en_lstm_sm on 2 × P, torch 2, spaCy 3; wall clock" in result.stdout
    assert "words are spaCy's tokens" in result.stdout
    lines = result.stdout.splitlines()
    speed = next(line for line in lines if line.startswith("1 ") and "book" in line)
    assert speed.split() == ["1", "book", "coref", "12,346", "10,000", *["2.50"] * 4]
    assert "1,000 words: 400 MB more, 50.0 µs a word" in result.stdout
    assert "both: a word of a book takes 1.25 × that of an article" in result.stdout
    assert any(line.split() == ["both", "2.50", "3.25"] for line in lines)
    assert any("75.0%" in line and "25.0%" in line for line in lines)
    ((model, options),) = asked
    assert model == "en_lstm_sm"
    assert options["threads"] == (1, 2)


def test_options_and_files(run: Run, asked: list[Any], tmp_path: Path) -> None:
    words = ["--quick", "--cpu", "--texts", tmp_path / "a.txt", "-m", "x", "--json"]
    words += ["--precision", "bfloat16"]
    result = run("benchmark", *words, "--output", tmp_path / "out", "--plot")
    assert result.exit_code == 0
    ((model, options),) = asked
    del options["tell"]
    expected = {
        "texts": tmp_path / "a.txt",
        "quick": True,
        "threads": (1,),
        "cpu": True,
        "precision": "bfloat16",
    }
    assert (model, options) == ("x", expected)
    printed = json.loads(result.stdout)
    outputs = printed.pop("outputs")
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text("utf-8")) == printed
    assert [Path(path).name for path in outputs] == [
        "benchmark.json",
        "benchmark.svg",
        "benchmark.png",
    ]
    assert (tmp_path / "out" / "benchmark.png").read_bytes().startswith(b"\x89PNG")


def test_mistakes(
    run: Run, asked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LstmError, match="file is a file: give a folder"):
        command.benchmark(output=tmp_path / "file")
    with pytest.raises(LstmError, match="give --output FOLDER with --plot"):
        command.benchmark(plot=True)
    monkeypatch.setattr(command, "can_draw", lambda: False)
    with pytest.raises(LstmError, match=r"drawing needs matplotlib: pip install"):
        command.benchmark(plot=True, output=tmp_path)
    assert not asked
    assert run("benchmark", "--threads", "two").exit_code == 2


def test_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = draw_benchmark(measured(), "svg")
    assert svg == draw_benchmark(measured(), "svg")
    for text in ("2 threads", "words a second", "encoder", "times as fast (paragraph)", "book"):
        assert f">{text}<".encode() in svg
    assert draw_benchmark(measured((1,)), "png").startswith(b"\x89PNG")
    rows = [
        {"process": process, "documents": number * 1000, "megabytes": 500.0 + number}
        for process in (1, 2)
        for number in range(3)
    ]
    svg = draw_memory(rows)
    assert b">process 2<" in svg
    assert b">megabytes of the process<" in svg
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    with pytest.raises(LstmError, match="drawing needs matplotlib"):
        draw_memory(rows)
