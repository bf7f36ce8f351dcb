"""Processes that train together: started by torchrun, as a user would."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import spacy
import torch

from spacy_lstm.cli.pretrain import pretrain
from spacy_lstm.errors import LstmError
from spacy_lstm.pretraining import PretrainSettings, ranks
from spacy_lstm.pretraining.loop import CHECKPOINT, LOG, WEIGHTS, _Run
from spacy_lstm.pretraining.ranks import ALONE, Ranks, count_processes, join_ranks
from spacy_lstm.pretraining.text import stored_text

from .toy import CONFIG, make_encoder, toy_documents, write_text

# Rounding of half the bits would hide what is compared here. A process may be told to die.
DRIVER = """
import os

import torch

from spacy_lstm.cli import main
from spacy_lstm.pretraining import loop

torch.cpu._is_avx512_bf16_supported = lambda: False
update = loop._Run.update


def dying(self, batch, step):
    if os.environ["RANK"] == "1" and step == int(os.environ.get("DIES_AT", -1)):
        os._exit(9)
    return update(self, batch, step)


loop._Run.update = dying
main()
"""
# An odd number of sequences: the shares differ.
SETTINGS = PretrainSettings(
    steps=8, sequences=5, length=10, vocabulary=30, samples=8, rate=0.01, dropout=0.0
)
SAVE_EVERY = 2


class Inputs:
    """A config, a text and the script that torchrun starts."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.cfg"
        self.config.write_text(CONFIG)
        self.text = write_text(folder / "text.txt", toy_documents())
        self.driver = folder / "driver.py"
        self.driver.write_text(DRIVER)

    def torchrun(self, output: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Two processes of `spacy-lstm pretrain --json`."""
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        options = [f"--{name}={value}" for name, value in SETTINGS._asdict().items()]
        words = ["pretrain", self.config, self.text, "--output", output, "--json", *options]
        return subprocess.run(
            [*launcher, "--nproc_per_node=2", self.driver, *words, f"--save-every={SAVE_EVERY}"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, inputs: Inputs) -> Path:
    """What two processes have made, uninterrupted."""
    output = tmp_path_factory.mktemp("together")
    result = inputs.torchrun(output)
    assert result.returncode == 0, result.stderr
    # One object, not one for each process.
    assert json.loads(result.stdout)["step"] == 8
    return output


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, inputs: Inputs) -> Path:
    """What they leave where one of them dies at the sixth step."""
    output = tmp_path_factory.mktemp("broken")
    result = inputs.torchrun(output, DIES_AT="5")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr.split("torch/distributed")[0]
    # torchrun ends the one that is left, unless that has seen by itself that it is alone.
    ends = ("\u2718 another process of this run has ended or", "\u2718 interrupted")
    assert any(end in result.stderr for end in ends)
    return output


def alone(inputs: Inputs, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    pretrain(inputs.config, [inputs.text], output, settings=SETTINGS, save_every=SAVE_EVERY)


def losses(output: Path) -> list[tuple[int, int, float, float]]:
    records = map(json.loads, (output / LOG).read_text().splitlines())
    return [(r["step"], r["tokens"], r["loss"], r["perplexity"]) for r in records]


def assert_alike(output: Path, expected: Path) -> None:
    got, wanted = losses(output), losses(expected)
    assert [line[:2] for line in got] == [line[:2] for line in wanted]
    np.testing.assert_allclose(got, wanted, rtol=2e-3)
    tensors, others = (safetensors.numpy.load_file(f / CHECKPOINT) for f in (output, expected))
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(tensor, others[name], atol=2e-5, err_msg=name)


def test_two_processes_come_to_what_one_does(
    inputs: Inputs, together: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(inputs, tmp_path, monkeypatch)
    assert len(losses(tmp_path)) == 4
    assert_alike(together, tmp_path)


def test_a_run_of_which_one_process_died_leaves_whole_files(broken: Path) -> None:
    assert [line[0] for line in losses(broken)] == [2, 4]
    names = {path.name for path in broken.iterdir() if not path.name.startswith("text-")}
    assert names == {CHECKPOINT, LOG, WEIGHTS}


def test_it_goes_on_to_the_same_end(
    inputs: Inputs, broken: Path, together: Path, tmp_path: Path
) -> None:
    shutil.copytree(broken, tmp_path / "out")
    result = inputs.torchrun(tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert losses(tmp_path / "out") == losses(together)
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == (together / WEIGHTS).read_bytes()


def test_it_goes_on_with_another_number_of_processes(
    inputs: Inputs,
    broken: Path,
    together: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(broken, tmp_path / "out")
    alone(inputs, tmp_path / "out", monkeypatch)
    assert_alike(tmp_path / "out", together)


def test_shares_are_disjoint_and_whole() -> None:
    batch = np.arange(7)
    shares = [Ranks(rank, 3).share(batch).tolist() for rank in range(3)]
    assert shares == [[0, 1, 2], [3, 4], [5, 6]]
    assert ALONE.share(batch).tolist() == batch.tolist()


def test_alone_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "dist", None)
    with join_ranks() as joined:
        assert joined is ALONE
        numbers = torch.ones(2)
        joined.add_up([numbers])
        joined.copy_first([numbers])
        joined.check_same("text", "a")
        joined.wait()
    assert numbers.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("value", "count"), [(None, 1), ("", 1), ("1", 1), ("4", 4)])
def test_the_environment_tells_how_many(
    monkeypatch: pytest.MonkeyPatch, value: str | None, count: int
) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if value is not None:
        monkeypatch.setenv("WORLD_SIZE", value)
    assert count_processes() == count


def test_where_gradients_cannot_be_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with (
        pytest.raises(LstmError, match=r"2 processes cannot exchange .*RANK.*: start them with"),
        join_ranks(),
    ):
        pass
    monkeypatch.setattr(ranks.dist, "is_available", lambda: False)
    with (
        pytest.raises(LstmError, match=r"2 processes .* this build of torch has no torch\.dist"),
        join_ranks(),
    ):
        pass


class Another(Ranks):
    """The first of two processes, beside one whose every number is one more."""

    def wait(self) -> None:
        pass

    def add_up(self, tensors: list[torch.Tensor]) -> None:
        (seen,) = tensors
        seen[1] = seen[0] + 1


def test_processes_that_do_not_belong_together() -> None:
    with pytest.raises(LstmError, match="process 1 has another text than process 0: start all"):
        Another(0, 2).check_same("text", "a")


def test_a_process_that_sees_another_folder(tmp_path: Path) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    encoder = make_encoder().initialize()
    with pytest.raises(LstmError, match=r"process 1 finds no .*npz, which process 0 has written"):
        stored_text([file], tmp_path, spacy.blank("en"), encoder, vocabulary=9, ranks=Another(1, 2))
    assert list(tmp_path.iterdir()) == [file]


def test_more_processes_than_sequences(tmp_path: Path) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    encoder = make_encoder().initialize()
    text = stored_text([file], tmp_path, spacy.blank("en"), encoder, vocabulary=9)
    with pytest.raises(LstmError, match="6 processes and batches of 5 sequences: expected a sequ"):
        _Run(encoder, text, SETTINGS, Ranks(0, 6))


def test_a_peer_that_is_gone_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Connection closed by peer\nat somewhere")

    for name in ("all_reduce", "broadcast", "barrier"):
        monkeypatch.setattr(ranks.dist, name, fail)
    message = "another process of this run has ended or cannot be reached: its own message"
    for exchange in ("add_up", "copy_first"):
        with pytest.raises(LstmError, match=message):
            getattr(Ranks(0, 2), exchange)([torch.zeros(1)])
    with pytest.raises(LstmError, match=message):
        Ranks(0, 2).wait()
