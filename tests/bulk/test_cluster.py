"""Ray: a cluster of two workers on this machine, one of which is killed mid-run."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from spacy_lstm.bulk import Options, annotate, running
from spacy_lstm.errors import LstmError

from .rows import make_rows, write_jsonl

ray = pytest.importorskip("ray", reason="the extra ray is missing")

# Of Ray's own making: it leaves files and sockets to the collector, and deprecates itself.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that can be entered anywhere, and one that cannot."""
    folder = tmp_path_factory.mktemp("in")
    rows = make_rows(6000)
    write_jsonl(folder / "a.jsonl", rows[:4000])
    write_jsonl(folder / "b.jsonl.gz", rows[4000:])
    return folder


@pytest.fixture(scope="module")
def options(model: str) -> Options:
    return Options(model, part_bytes=10_000, format="jsonl")


@pytest.fixture(scope="module")
def expected(folder: Path, options: Options, tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("expected") / "out"
    found = annotate(folder, place, options, workers=0)
    return found["rows"], shards(place)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that does no work, and two workers with a core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    cluster.workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_node_that_is_lost(
    cluster: Any, folder: Path, options: Options, expected: Any, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    lost, over = Event(), Event()

    def lose() -> None:
        while len(shards(place)) < 10:
            if over.wait(0.1):
                return
        cluster.remove_node(cluster.workers[0], allow_graceful=False)
        lost.set()

    killer = Thread(target=lose, daemon=True)
    killer.start()
    found = annotate(folder, place, options, engine="ray", workers=2, address=cluster.address)
    over.set()
    killer.join()
    assert lost.is_set()
    rows, content = expected
    assert shards(place) == content
    assert (found["rows"], found["errors"]) == (rows, 0)


def test_an_actor_that_is_killed_and_a_run_that_goes_on_locally(
    folder: Path, options: Options, expected: Any, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    killed: list[int] = []
    over = Event()

    def kill() -> None:
        while len(shards(place)) < 10:
            if over.wait(0.1):
                return
        pids = find_actors()
        os.kill(pids[0], signal.SIGKILL)
        killed.append(pids[0])

    killer = Thread(target=kill, daemon=True)
    killer.start()
    annotate(folder, place, options, engine="ray", workers=2)
    over.set()
    killer.join()
    assert killed
    assert not ray.is_initialized()
    assert shards(place) == expected[1]
    # What one engine began the other ends: here nothing is left to do.
    assert annotate(folder, place, options, workers=1)["words_per_second"] == 0


def find_actors() -> list[int]:
    """The processes that hold a pipeline."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = path.read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::MapWorker(MapBatches(_Actor))"):
            found.append(int(path.parent.name))
    return found


def test_a_cluster_that_is_not_there(folder: Path, options: Options, tmp_path: Path) -> None:
    with pytest.raises(LstmError, match=r"no Ray cluster at 127.0.0.1:1: "):
        annotate(folder, tmp_path / "out", options, engine="ray", workers=1, address="127.0.0.1:1")


def test_an_actor_that_cannot_write(
    folder: Path, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = import_module("spacy_lstm.bulk.cluster")

    def run_otherwise(job: Any, *others: Any) -> Any:
        return cluster.run_ray(replace(job, work=f"{folder}/a.jsonl/inside"), *others)

    monkeypatch.setattr(running, "_load_ray", lambda: run_otherwise)
    with pytest.raises(LstmError, match=r"^cannot write .*: choose another place"):
        annotate(folder, tmp_path / "out", options, engine="ray", workers=1)
