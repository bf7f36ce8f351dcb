"""The benchmarks of sentiment and of bulk annotation: what they read, keep and tell."""

import gzip
import json
import math
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="a distribution without benchmarks")
PEER = "spaCy TextCatBOW"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The command's module; it finds its neighbours as a script does."""
    sys.path.insert(0, str(FOLDER))
    yield import_module("sentiment_peers")
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def peers(bench: Any) -> Any:
    return sys.modules[bench.Peer.__module__]


@pytest.fixture
def data(tmp_path: Path, bench: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few rows for every file."""
    (tmp_path / "sentiment").mkdir()
    monkeypatch.setattr(bench, "PATTERNS", tmp_path / bench.PATTERNS.name)
    for name in {*bench.TRAIN, *(file for files in bench.DEV.values() for file in files)}:
        labels = 5 if name.startswith("sst5") else 3 if name.startswith(("sem", "tweet")) else 2
        rows = [{"text": f"{name} {i}", "label": i % labels} for i in range(12)]
        if name.startswith("imdb") or name == bench.PATTERNS.name:
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / name).write_text(lines, encoding="utf-8")
            continue
        if name.startswith("sst2"):
            rows = [{**row, "detok": f"natural {row['label']}"} for row in rows]
        with gzip.open(tmp_path / "sentiment" / name, "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def command(data: Path, *more: str) -> list[str]:
    places = ["--data", str(data), "--imdb", str(data), "--output", str(data / "out")]
    return ["sentiment_peers.py", *places, "--peers", PEER, *more]


def test_figures_compare_the_labels_that_the_data_knows(bench: Any) -> None:
    sure = {"NEGATIVE": 0.1, "NEUTRAL": 0.8, "POSITIVE": 0.1 + 1e-9}
    binary = [bench.Text("a", {"NEGATIVE": 0.0, "POSITIVE": 1.0})]
    scores = bench.score(binary, [sure], True)
    assert scores["accuracy"] == 1.0
    # Half of what is left for the two labels, and right.
    assert scores["ece"] == pytest.approx(0.5)
    truths = ["NEGATIVE", "NEGATIVE", "NEUTRAL", "POSITIVE"]
    three = [
        bench.Text(
            "a", {label: float(label == truth) for label in ("NEGATIVE", "NEUTRAL", "POSITIVE")}
        )
        for truth in truths
    ]
    guesses = ["NEGATIVE", "POSITIVE", "NEUTRAL", "NEUTRAL"]
    predicted = [{**dict.fromkeys(truths, 0.0), guess: 1.0} for guess in guesses]
    scores = bench.score(three, predicted, False)
    assert scores["accuracy"] == 0.5
    assert scores["macro_recall"] == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert scores["ece"] is None


@pytest.mark.parametrize(
    ("polarity", "three", "two"),
    [
        (0.5, "POSITIVE", "POSITIVE"),
        (-0.06, "NEGATIVE", "NEGATIVE"),
        (0.05, "POSITIVE", "POSITIVE"),
        (-0.04, "NEUTRAL", "NEGATIVE"),
        (0.0, "NEUTRAL", "POSITIVE"),
    ],
)
def test_lexicons_choose_by_polarity(peers: Any, polarity: float, three: str, two: str) -> None:
    (cats,) = peers.Lexicon(lambda text: polarity, 0.05).predict(["a"])
    assert max(cats, key=cats.__getitem__) == three
    assert max(("NEGATIVE", "POSITIVE"), key=cats.__getitem__) == two


def test_log_loss_is_of_the_labels_that_the_data_knows(bench: Any, peers: Any) -> None:
    binary = bench.Text("a", {"NEGATIVE": 1.0, "POSITIVE": 0.0})
    predicted = {"NEGATIVE": 0.1, "NEUTRAL": 0.6, "POSITIVE": 0.3}
    assert peers.log_loss([binary], [predicted]) == pytest.approx(math.log(4))
    never = {"NEGATIVE": 0.0, "NEUTRAL": 0.0, "POSITIVE": 1.0}
    assert 10 < peers.log_loss([binary], [never]) < math.inf


def test_the_mean_of_a_sets_files_and_the_table(bench: Any) -> None:
    cats = {"NEGATIVE": 0.25, "NEUTRAL": 0.0, "POSITIVE": 0.75}
    good, bad = (
        [bench.Text("two words", {"NEGATIVE": 1.0 - p, "NEUTRAL": 0.0, "POSITIVE": p})]
        for p in (1.0, 0.0)
    )
    dev = {name: [good, bad] for name in bench.DEV}
    record = bench.measure(lambda texts: [cats] * len(texts), dev, True)
    assert record["sets"]["SST-2"] == {"accuracy": 0.5, "ece": 0.5}
    assert record["sets"]["tweets"]["macro_recall"] == pytest.approx(1 / 6)
    assert record["words"] == 16
    record["words_per_second"] = 12345.6
    other = {**record, "sets": {key: {"accuracy": 0.875, "ece": None} for key in bench.DEV}}
    assert bench.format_markdown({"x": record, "y": other}).splitlines() == [
        "|  | SST-2 | IMDb | Blitzer | tweets | words/s |",
        "| --- | --- | --- | --- | --- | --- |",
        "| x | 50.0% (50.0%) | 50.0% (50.0%) | 50.0% (50.0%) | 16.7% (50.0%) | 12,300 |",
        "| y | 87.5% | 87.5% | 87.5% | 87.5% | 12,300 |",
    ]


def test_what_is_held_back_is_not_trained_on(bench: Any, data: Path) -> None:
    paths = [bench.find(name, data, data) for name in bench.TRAIN]
    training = bench.gather_training(paths, bench.Sizes(0, 0.5))
    assert training.seconds == 30
    assert len(training.stop) == 3 * len(bench.STOP)
    # What is read twice is not held back once.
    twice = sum(bench.TRAIN.count(name) == 2 for name in bench.STOP)
    assert twice == 6
    assert len(training.texts) == 12 * len(bench.TRAIN) - 3 * (len(bench.STOP) + twice)
    assert not {item.text for item in training.stop} & {item.text for item in training.texts}
    stop_files = {item.text.split()[0] for item in training.stop}
    assert stop_files == set(bench.STOP)


def test_natural_spacing_is_read_where_there_is_one(bench: Any, data: Path) -> None:
    items = bench.read_texts(data / "sentiment" / "sst2.dev.jsonl.gz")
    assert [item.text for item in items[:2]] == ["natural 0", "natural 1"]
    assert [item.label for item in items[:2]] == ["NEGATIVE", "POSITIVE"]
    assert len(bench.read_texts(data / "sentiment" / "sst5.train.jsonl.gz", rows=4)) == 4


def test_a_peer_is_trained_once(
    bench: Any,
    peers: Any,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", command(data, "--minutes", "0"))
    bench.main()
    table = capsys.readouterr().out
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [
        "| en_lstm_sm",
        f"| {PEER}",
    ]
    record = json.loads((data / "out" / bench.file_name(PEER)).read_text("utf-8"))
    assert record["training"]["timed_out"]
    assert record["training"]["steps"] == 0
    assert 0 <= record["sets"]["tweets"]["ece"] <= 1
    assert (data / "out" / "table.md").read_text("utf-8") == table
    assert set(json.loads((data / "out" / "all.json").read_text("utf-8"))) == {"en_lstm_sm", PEER}

    def fail(self: Any, training: Any) -> None:
        raise RuntimeError("trained again")

    monkeypatch.setattr(peers.SpacyTextcat, "train", fail)
    bench.main()
    assert PEER in capsys.readouterr().out
    # With more time than it ran out of, or other rows, there is something to train.
    for more in (["--minutes", "1"], ["--quick"]):
        monkeypatch.setattr(sys, "argv", command(data, *more))
        with pytest.raises(RuntimeError, match="trained again"):
            bench.main()


def test_mistakes_are_one_line(
    bench: Any, peers: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "imdb.dev.jsonl").unlink()
    monkeypatch.setattr(sys, "argv", command(data))
    with pytest.raises(SystemExit, match=r"✘ no such file or folder: .*imdb.dev.jsonl"):
        bench.main()
    with pytest.raises(SystemExit, match=r"some-package is missing .*: pip install -c .*benchm"):
        peers.load("no_such_module", "some-package")


@pytest.fixture(scope="module")
def bulk_cost() -> Iterator[Any]:
    sys.path.insert(0, str(FOLDER))
    yield import_module("bulk_cost")
    sys.path.remove(str(FOLDER))


def test_paragraphs_are_as_long_as_said(bulk_cost: Any) -> None:
    texts = list(bulk_cost.make_paragraphs(300))
    assert texts == list(bulk_cost.make_paragraphs(300))
    assert len(set(texts)) == 300
    assert 85 < sum(len(text.split()) for text in texts) / 300 < 100


def test_the_plan_for_a_hundred_million(bulk_cost: Any) -> None:
    cost = bulk_cost.Cost(
        words=100,
        seconds=0.0036,
        pipeline_seconds=0.0024,
        source_bytes=500,
        parquet_bytes=1000,
        jsonl_gz_bytes=800,
        memory=600_000_000,
        start_seconds=4.0,
    )
    lines = bulk_cost.format_cost(cost).splitlines()
    assert "| words a second of one core | 27,778 |" in lines
    assert "| the same, pipeline alone | 41,667 |" in lines
    assert "| core hours for a million documents | 1.00 |" in lines
    assert "| output, JSONL (gzip) | 0.80 GB |" in lines
    plan = bulk_cost.format_plan(cost).splitlines()
    assert "| core hours | 100 |" in plan
    assert "| hours on 16 cores | 6.9 |" in plan
    assert "| parts (`--part-mb 10`) | 5,000 |" in plan
    assert "| seconds of work in a part | 72 |" in plan
    assert "| Parquet of a part | 20 MB |" in plan


@pytest.mark.slow
def test_the_cost_is_measured(
    bulk_cost: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    rows = [json.dumps({"text": f"Alice saw film {i}. She liked it."}) for i in range(50)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    words = ["--documents", "1000", "--texts", tmp_path / "rows.jsonl", "--output"]
    argv = ["bulk_cost.py", *map(str, words), str(tmp_path / "cost.json")]
    monkeypatch.setattr(sys, "argv", argv)
    bulk_cost.main()
    assert "core hours for a million documents" in capsys.readouterr().out
    cost = json.loads((tmp_path / "cost.json").read_text())
    assert cost["words"] == 9
    assert 0 < cost["pipeline_seconds"] < cost["start_seconds"]
    assert 0 < cost["seconds"] < 1
