import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import spacy
import torch
from thinc.api import Model

from spacy_lstm.errors import LstmError
from spacy_lstm.pretraining.loop import (
    CHECKPOINT,
    LOG,
    WEIGHTS,
    PretrainSettings,
    _Run,
    pretrain_encoder,
    seed_all,
)
from spacy_lstm.pretraining.storage import read_log
from spacy_lstm.pretraining.text import TokenText

from .toy import make_encoder, read_whole, toy_documents

TINY = PretrainSettings(
    steps=6, sequences=4, length=10, vocabulary=12, samples=6, rate=0.02, dropout=0.2, seed=3
)


def read_toy(encoder: Model[Any, Any], **options: int) -> TokenText:
    describe = encoder.shims[1].table.describe
    documents = toy_documents(**options)
    return read_whole(documents, spacy.blank("en"), describe=describe, vocabulary=12)


def pretrain(
    output: Path,
    settings: PretrainSettings = TINY,
    *,
    documents: int = 12,
    save_every: int = 2,
    **options: Any,
) -> dict[str, Any]:
    """As a process of its own would: nothing is left of what was drawn before."""
    torch.manual_seed(torch.seed())
    np.random.seed()
    encoder = make_encoder(**options)
    seed_all(settings.seed)
    encoder.initialize()
    output.mkdir(exist_ok=True)
    text = read_toy(encoder, count=documents)
    return pretrain_encoder(encoder, text, output, settings, save_every=save_every)


def figures(output: Path) -> list[dict[str, Any]]:
    """The log but for the time and the call."""
    records = map(json.loads, (output / LOG).read_text().splitlines())
    return [{k: v for k, v in r.items() if k not in ("seconds", "since_step")} for r in records]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    pretrain(folder)
    return folder


def assert_same(output: Path, expected: Path) -> None:
    assert figures(output) == figures(expected)
    assert (output / WEIGHTS).read_bytes() == (expected / WEIGHTS).read_bytes()
    got, wanted = (safetensors.numpy.load_file(f / CHECKPOINT) for f in (output, expected))
    assert got.keys() == wanted.keys()
    for name in got:
        np.testing.assert_array_equal(got[name], wanted[name])
    assert {path.name for path in output.iterdir()} == {CHECKPOINT, WEIGHTS, LOG}


def test_it_learns_more_than_the_frequencies_of_words(tmp_path: Path) -> None:
    settings = TINY._replace(steps=60, sequences=8)
    record = pretrain(tmp_path, settings, save_every=20)
    assert record["step"] == 60
    assert record["tokens"] == 60 * 8 * 10
    losses = [line["loss"] for line in figures(tmp_path)]
    perplexities = [line["perplexity"] for line in figures(tmp_path)]
    assert losses == sorted(losses, reverse=True)
    assert perplexities == sorted(perplexities, reverse=True)
    encoder = make_encoder()
    text = read_toy(encoder)
    ranks = [rank for rank in text.words[text.tokens].tolist() if rank >= 0]
    shares = [count / len(ranks) for count in Counter(ranks).values()]
    unigram = math.exp(-sum(share * math.log(share) for share in shares))
    assert record["perplexity"] < 0.6 * unigram


@pytest.mark.parametrize("calls", range(9))
def test_a_run_killed_while_it_saves_comes_to_the_same_end(
    tmp_path: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    replace, done = Path.replace, []

    def killed(self: Path, target: Path) -> Path:
        if len(done) == calls:
            raise KeyboardInterrupt
        done.append(target)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain(tmp_path)
    assert len(done) == calls
    # What a process leaves that had no time to clean up.
    (tmp_path / f".{WEIGHTS}.partial").write_bytes(b"half")
    (tmp_path / f".{LOG}.partial").write_bytes(b"half")
    record = pretrain(tmp_path)
    assert record["since_step"] == 2 * min(2, (calls + 2) // 3) or calls > 6
    assert_same(tmp_path, uninterrupted)


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_a_run_killed_in_a_step_comes_to_the_same_end(
    tmp_path: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    update = _Run.update

    def killed(self: _Run, starts: Any, step: int) -> float:
        loss = update(self, starts, step)
        if step == calls:
            raise KeyboardInterrupt
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "update", killed)
        with pytest.raises(KeyboardInterrupt):
            pretrain(tmp_path)
    pretrain(tmp_path)
    assert_same(tmp_path, uninterrupted)


def test_when_it_saves_changes_nothing(tmp_path: Path, uninterrupted: Path) -> None:
    pretrain(tmp_path, save_every=100)
    assert (tmp_path / WEIGHTS).read_bytes() == (uninterrupted / WEIGHTS).read_bytes()


def test_a_finished_run_is_told_again_and_mended(tmp_path: Path, uninterrupted: Path) -> None:
    first = pretrain(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    (tmp_path / LOG).write_text('{"step": 2')
    assert pretrain(tmp_path) == first
    assert (tmp_path / WEIGHTS).read_bytes() == (uninterrupted / WEIGHTS).read_bytes()
    assert figures(tmp_path) == figures(uninterrupted)[-1:]


def test_the_seed_decides(tmp_path: Path, uninterrupted: Path) -> None:
    pretrain(tmp_path, TINY._replace(seed=4))
    assert (tmp_path / WEIGHTS).read_bytes() != (uninterrupted / WEIGHTS).read_bytes()


def test_what_is_drawn_differs_from_step_to_step() -> None:
    run = make_run()
    drawn = []
    for step in range(3):
        seed_all(run.settings.seed, step)
        drawn.append((run.language_model.draw().tolist(), np.random.random()))
    assert drawn[0] != drawn[1] != drawn[2]


def make_run(settings: PretrainSettings = TINY, **options: int) -> _Run:
    encoder = make_encoder()
    encoder.initialize()
    return _Run(encoder, read_toy(encoder, **options), settings)


def test_an_epoch_takes_every_chunk_once_and_lays_the_next_anew() -> None:
    run = make_run(TINY._replace(steps=1000))
    count = len(run._epoch(0))
    full = count // run.batch_size
    batches = list(run.batches(0))
    assert len(batches) == 1000
    assert {len(batch) for batch in batches} == {4}
    epochs = [np.concatenate(batches[i * full : (i + 1) * full]).tolist() for i in range(2)]
    assert [len(set(epoch)) for epoch in epochs] == [full * 4] * 2
    assert epochs[0] != epochs[1]
    for batch, again in zip(batches[full + 1 :], run.batches(full + 1), strict=True):
        np.testing.assert_array_equal(batch, again)


def test_a_text_smaller_than_a_batch(tmp_path: Path) -> None:
    settings = TINY._replace(sequences=1000, steps=2)
    chunks = len(make_run(settings, count=3)._epoch(0))
    assert 10 < chunks < 1000
    assert pretrain(tmp_path, settings, documents=3)["tokens"] == 2 * chunks * 10


def test_the_rate_rises_and_falls() -> None:
    run = make_run(TINY._replace(steps=2000))
    rates = [run._rate(step) for step in (0, 199, 1999)]
    assert rates == pytest.approx([0.02 / 200, 0.02, 0.0], abs=2e-6)
    assert make_run()._rate(0) == 0.02


def test_with_half_the_bits_it_learns_nearly_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    # Whether the processor is fast in it or not: torch computes in it on any.
    for has in (False, True):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        pretrain(tmp_path / str(has))
        losses.append([line["loss"] for line in figures(tmp_path / str(has))])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_an_early_checkpoint_without_text_and_line_is_gone_on_from(
    tmp_path: Path, uninterrupted: Path
) -> None:
    pretrain(tmp_path)
    arrays = safetensors.numpy.load_file(tmp_path / CHECKPOINT)
    header = {"step": 6, "settings": TINY._asdict()}
    metadata = {"pretraining": json.dumps(header)}
    safetensors.numpy.save_file(arrays, tmp_path / CHECKPOINT, metadata=metadata)
    assert pretrain(tmp_path)["step"] == 6
    assert (tmp_path / WEIGHTS).read_bytes() == (uninterrupted / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-9], "is no checkpoint of pretraining: delete it to"),
        (lambda data: b"", "is no checkpoint of pretraining"),
        (lambda data: b"words" * 99, "is no checkpoint of pretraining"),
        (
            lambda data: safetensors.numpy.save({"a": np.zeros(2)}),
            "is no checkpoint of pretraining",
        ),
        (
            lambda data: safetensors.numpy.save({"a": np.zeros(2)}, {"pretraining": "[1]"}),
            "is no checkpoint of pretraining",
        ),
        (
            lambda data: safetensors.numpy.save(
                {"a": np.zeros(2)},
                {"pretraining": json.dumps({"step": 2, "settings": TINY._asdict()})},
            ),
            "belongs to another model: delete it, or give another output folder",
        ),
    ],
)
def test_a_damaged_or_foreign_checkpoint(
    tmp_path: Path, uninterrupted: Path, damage: Any, message: str
) -> None:
    data = damage((uninterrupted / CHECKPOINT).read_bytes())
    (tmp_path / CHECKPOINT).write_bytes(data)
    with pytest.raises(LstmError, match=message) as error:
        pretrain(tmp_path)
    assert "\n" not in str(error.value)
    assert (tmp_path / CHECKPOINT).read_bytes() == data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": TINY._replace(rate=0.1)}, r"other settings \(rate = 0.02, now 0.1\): give"),
        ({"documents": 14}, r"was written with other text \(\w+, now \w+\): give the same"),
        ({"width": 24}, "belongs to another model"),
        ({"rows": 90}, "belongs to another model"),
    ],
)
def test_a_checkpoint_of_another_run(
    tmp_path: Path, uninterrupted: Path, options: dict[str, Any], message: str
) -> None:
    (tmp_path / CHECKPOINT).write_bytes((uninterrupted / CHECKPOINT).read_bytes())
    with pytest.raises(LstmError, match=message) as error:
        pretrain(tmp_path, **options)
    assert "\n" not in str(error.value)


def test_a_checkpoint_without_moments(tmp_path: Path, uninterrupted: Path) -> None:
    arrays = safetensors.numpy.load_file(uninterrupted / CHECKPOINT)
    kept = {name: array for name, array in arrays.items() if "exp_avg_sq" not in name}
    metadata = {"pretraining": json.dumps({"step": 2, "settings": TINY._asdict()})}
    safetensors.numpy.save_file(kept, tmp_path / CHECKPOINT, metadata=metadata)
    with pytest.raises(LstmError, match="belongs to another model"):
        pretrain(tmp_path)


def test_a_loss_that_is_no_number_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(LstmError, match=r"after 2 steps: give a lower learning rate"):
        pretrain(tmp_path, TINY._replace(rate=1e30))
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_cut_at_the_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / LOG
    log.write_text('{"step": 1}\n{"step": 2}\nno line\n[2]\n{"step": 3}\n')
    assert read_log(log, {}) == []
    assert read_log(log, {"step": 2}) == [{"step": 1}, {"step": 2}]
    assert read_log(log, {"step": 4, "record": {"step": 4}})[-2:] == [{"step": 3}, {"step": 4}]
    assert read_log(tmp_path / "none", {"step": 4, "record": {"step": 4}}) == [{"step": 4}]
