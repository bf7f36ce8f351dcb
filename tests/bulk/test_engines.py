"""Workers that are killed, on this machine and in a cluster: the output is the same."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_lstm.bulk import Options, annotate, running
from spacy_lstm.bulk.job import Done, Job
from spacy_lstm.bulk.local import run_local
from spacy_lstm.bulk.parts import Part
from spacy_lstm.errors import LstmError

from .rows import make_rows, read, write_jsonl

pytestmark = pytest.mark.slow

# In the folder of a test, where every process of Python reads it before anything else: a
# component that ends its process.
DEADLY = """
import os
from spacy.language import Language

@Language.component("deadly")
def die(doc):
    if "film 7." in doc.text:
        os._exit(9)
    return doc
"""


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "rows.jsonl", make_rows(3000))


@pytest.fixture
def options(model: str) -> Options:
    return Options(model, part_bytes=10_000, format="jsonl")


@pytest.fixture
def expected(source: Path, options: Options, tmp_path: Path) -> dict[str, bytes]:
    annotate(source, tmp_path / "expected", options, workers=0)
    return files(tmp_path / "expected")


def test_processes_give_the_same(
    source: Path, options: Options, expected: dict[str, bytes], tmp_path: Path
) -> None:
    annotate(source, tmp_path / "out", options, workers=2)
    assert files(tmp_path / "out") == expected


def test_workers_that_are_killed(
    source: Path, options: Options, expected: dict[str, bytes], tmp_path: Path
) -> None:
    over, killed = Event(), []

    def kill() -> None:
        # One at a time, as soon as there is something it might lose.
        while not over.wait(0.2) and len(killed) < 3:
            crew = active_children()
            if crew and len(files(tmp_path / "out")) > 10 * (len(killed) + 1):
                os.kill(crew[0].pid or 0, signal.SIGKILL)
                killed.append(crew[0].pid)

    killer = Thread(target=kill, daemon=True)
    killer.start()
    annotate(source, tmp_path / "out", options, workers=2)
    over.set()
    killer.join()
    assert killed
    assert files(tmp_path / "out") == expected


def test_a_text_that_kills(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    Language.component("deadly", func=lambda doc: doc)
    nlp = spacy.load(model)
    nlp.add_pipe("deadly")
    nlp.to_disk(tmp_path / "deadly")
    source = write_jsonl(tmp_path / "in.jsonl", make_rows(12))
    found = annotate(source, tmp_path / "out.jsonl", Options(str(tmp_path / "deadly")), workers=1)
    assert (found["rows"], found["errors"]) == (11, 1)
    assert "r7" not in {row["id"] for row in read(tmp_path / "out.jsonl")}
    (error,) = read(tmp_path / "out.errors.jsonl")
    assert error["reason"].startswith("the process died of it")
    assert "film 7." in error["record"]


def test_workers_that_cannot_begin(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", make_rows(2))
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif '--multiprocessing-fork' in sys.orig_argv:\n    os._exit(7)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(LstmError, match=r"the last with status 7, while they load .*fewer"):
        annotate(source, tmp_path / "out.jsonl", Options(model), workers=1)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"work": "rows.jsonl/inside"}, LstmError, r"cannot write .*attempts.*: choose another"),
        ({"fields": None}, RuntimeError, "AttributeError: 'NoneType' object has no attribute"),
    ],
)
def test_workers_that_cannot_go_on(
    source: Path,
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    def run_otherwise(job: Job, parts: Iterable[Part], workers: int) -> Iterator[Done]:
        return run_local(replace(job, **changes), parts, workers)

    monkeypatch.setattr(running, "run_local", run_otherwise)
    with pytest.raises(kind, match=message):
        annotate(source, tmp_path / "out", options, workers=1)
    assert not active_children()


@pytest.mark.parametrize("name", ["out.parquet", "folder"])
def test_all_processes_killed_at_random(
    source: Path, options: Options, model: str, tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    command = [sys.executable, "-m", "spacy_lstm", "annotate", str(source), str(place)]
    command += ["--model", model, "--part-mb", "0.005", "--workers", "2"]
    draw = random.Random(1)
    kills = 0
    for _ in range(12):
        process = subprocess.Popen(command, start_new_session=True)
        try:
            process.wait(draw.uniform(4, 12))
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    else:
        subprocess.run(command, check=True)
    assert kills
    usual = Options(model, part_bytes=5000)
    annotate(source, tmp_path / "expected" / name, usual, workers=0)
    for shard in [place] if place.is_file() else sorted(place.glob("part-*")):
        other = tmp_path / "expected" / shard.relative_to(tmp_path)
        assert shard.read_bytes() == other.read_bytes()
    assert not list(tmp_path.rglob("*.partial"))
    assert [row["id"] for row in read(place)] == [row["id"] for row in make_rows(3000)]
