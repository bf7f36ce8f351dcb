"""The benchmarks of training: what they generate, measure and keep."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spacy_lstm.viz.curves import can_draw

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="a distribution without benchmarks")


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    """Imports a command's module, which finds its neighbours as a script does."""
    sys.path.insert(0, str(FOLDER))
    yield import_module
    sys.path.remove(str(FOLDER))


def test_generated_text_has_the_words_that_were_asked_for(benchmark: Any, tmp_path: Path) -> None:
    text = benchmark("generated_text")
    blocks = list(text.words_of(250_000))
    words = [word for block in blocks for word in block]
    assert len(words) == 250_000
    assert words == [word for block in text.words_of(250_000) for word in block]
    shares = sorted(Counter(words).values(), reverse=True)
    # Zipf: a few words are a large part, and most words are rare.
    assert 0.04 < shares[0] / len(words) < 0.08
    assert shares[len(shares) // 2] == 1
    text.write_text(tmp_path / "raw.txt", 1_000)
    documents = (tmp_path / "raw.txt").read_text().strip().split("\n\n")
    assert [len(document.split()) for document in documents] == [480, 480, 40]
    assert documents[0].count("\n") == 7


def test_speed_counts_no_step_of_the_warm_up(benchmark: Any) -> None:
    speed = benchmark("training_speed")
    clock = speed.Clock()
    for number in range(speed.WARMUP + 2):
        assert clock.run(lambda number=number: number * sum(range(10_000)), 10) is not None
    assert clock.words == 20
    assert clock.told().keys() == {"cpu", "wall"}
    assert min(clock.told().values()) > 0


def test_speed_cuts_batches_by_words(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = benchmark("training_speed")
    monkeypatch.setattr(speed, "BATCH_WORDS", 5)
    examples = [SimpleNamespace(predicted=[0] * length) for length in (2, 3, 9, 1, 1)]
    batches = [[len(each.predicted) for each in batch] for batch in speed.cut(examples)]
    assert batches == [[2, 3], [9]]


def test_speed_leaves_out_what_a_version_cannot_do(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speed = benchmark("training_speed")
    speeds = {"old": iter([1.0, 2.0, 9.0]), "now": iter([4.0, 8.0, 3.0]), "half": iter([])}
    asked = []

    def measure(task: str, side: Any, folder: Path, threads: int) -> dict[str, float] | None:
        asked.append(side.name)
        value = next(speeds[side.name], None)
        return None if value is None else {"cpu": 1000 * value, "wall": 500 * value}

    monkeypatch.setattr(speed, "measure", measure)
    sides = [speed.Side(name, FOLDER, False) for name in speeds]
    speed.compare(["coref"], sides, FOLDER, SimpleNamespace(rounds=3, threads=1))
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| coref | old | 2,000 | 1,000 | 1.00 | 1.00 |",
        "| coref | now | 4,000 | 2,000 | 2.00 | 2.00 |",
    ]
    assert asked == ["old", "now", "half", "old", "now", "old", "now"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux alone")
def test_scale_tells_time_and_memory(benchmark: Any) -> None:
    scale = benchmark("training_scale")
    record: dict[str, float] = {}
    with scale.watched(record, 1_000):
        held = bytearray(b"x" * 50_000_000)
    assert len(held) / 1e6 - 5 < record["megabytes"] < 250
    assert record["microseconds"] > 0
    assert record["seconds"] > 0


@pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")
def test_scale_goes_on_where_it_was(
    benchmark: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scale = benchmark("training_scale")
    measured = []

    def measure(stage: str, words: int, folder: Path) -> dict[str, Any]:
        assert (folder / "raw.txt").is_file()
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append((stage, words))
        return {"stage": stage, "words": words, "microseconds": 1.0, "megabytes": 2.0}

    monkeypatch.setattr(scale, "measure", measure)
    monkeypatch.setattr(scale, "PREPARED", 0.001)
    words = ["training_scale.py", "--sizes", "0.001", "0.002", "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(KeyboardInterrupt):
        scale.main()
    assert measured == [("prepare", 1000), ("read", 1000)]
    assert not (tmp_path / "out" / "scale.json").exists()
    done = measured.copy()
    measured.clear()
    with pytest.raises(KeyboardInterrupt):
        scale.main()
    done += measured
    measured.clear()
    scale.main()
    done += measured
    assert done == [
        ("prepare", 1000),
        ("read", 1000),
        ("pretrain", 1000),
        ("read", 2000),
        ("pretrain", 2000),
    ]
    records = json.loads((tmp_path / "out" / "scale.json").read_text("utf-8"))
    assert [(record["stage"], record["words"]) for record in records] == done
    assert (tmp_path / "out" / "scale.svg").read_bytes().startswith(b"<?xml")
    assert len(capsys.readouterr().out.splitlines()) == 2 + 4 + 5


def test_batchers_train_and_are_measured(benchmark: Any, tmp_path: Path) -> None:
    batches = benchmark("training_batches")
    prepare = import_module("spacy_lstm.cli.prepare").prepare
    file = tmp_path / "few.spacy"
    prepare([FOLDER.parent / "corpus" / "sentiment_en"], file, split="train", limit=12)
    for name in ("by_words, 600", "by_padded, 600", "by_sequence, 64"):
        told = batches.train([file, file], batches.BATCHERS[name], 1, 0)
        assert told["words/s"] > 0
        assert told["texts"] >= 1
        assert told["padding"] >= 0
        assert 0 <= told["accuracy"] <= 1
