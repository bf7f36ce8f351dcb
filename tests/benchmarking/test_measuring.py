"""Clocks, peers and fresh processes."""

import gc
from itertools import count
from typing import Any

import pytest
import spacy
import thinc.api
import torch
from spacy.language import Language

import spacy_lstm
from spacy_lstm import benchmarking
from spacy_lstm.benchmarking import run_benchmark
from spacy_lstm.benchmarking.peers import BareLSTM, SpacyEncoder, TransformerEncoder, find_encoders
from spacy_lstm.benchmarking.processes import Asked, run_fresh
from spacy_lstm.benchmarking.speed import Length, Turn, _summarize
from spacy_lstm.benchmarking.stages import STAGES, clocked
from spacy_lstm.benchmarking.texts import make_texts
from spacy_lstm.errors import LstmError


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy_lstm.load("en_lstm_sm")


def test_every_stage_runs_and_the_clocks_are_taken_away(nlp: Language) -> None:
    before = {part: getattr(*part) for parts in STAGES.values() for part in parts}
    ticks = count()
    with clocked(lambda: float(next(ticks))) as seconds:
        for _ in nlp.pipe(make_texts().take(90, 3)):
            pass
    assert {part: getattr(*part) for parts in STAGES.values() for part in parts} == before
    # Each call takes a tick at least, and ticks within it are not counted twice.
    assert set(seconds) == set(STAGES)
    assert all(spent >= 1 for spent in seconds.values())
    assert sum(seconds.values()) < next(ticks)


def test_every_clock_is_one_that_ticks(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    called = set()

    def spy(owner: Any, name: str) -> Any:
        function = getattr(owner, name)

        def run(*args: Any, **options: Any) -> Any:
            called.add(name)
            return function(*args, **options)

        return run

    parts = [part for parts in STAGES.values() for part in parts]
    for owner, name in parts:
        monkeypatch.setattr(owner, name, spy(owner, name))
    for _ in nlp.pipe(make_texts().take(90, 3)):
        pass
    assert called == {name for _, name in parts}


def test_an_error_takes_the_clocks_away_too(nlp: Language) -> None:
    before = Language.make_doc
    long = "a" * (nlp.max_length + 1)
    with pytest.raises(ValueError, match="E088"), clocked() as seconds:
        nlp(long)
    assert Language.make_doc is before
    assert seconds["tokenizer"] > 0


def test_the_bare_lstm_reads_every_token_once(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = [nlp.make_doc(text) for length in (1, 20, 700) for text in make_texts().take(length, 3)]
    encoders = find_encoders(nlp)
    assert len(encoders) == 2
    seen: list[tuple[int, ...]] = []
    read = torch.nn.LSTM.forward

    def spy(layer: torch.nn.LSTM, X: torch.Tensor) -> Any:
        assert not torch.is_grad_enabled()
        assert not layer.training
        seen.append((id(layer), *X.shape, layer.hidden_size))
        return read(layer, X)

    monkeypatch.setattr(torch.nn.LSTM, "forward", spy)
    run = BareLSTM(encoders).prepare(docs)
    assert not seen
    run()
    tokens = sum(map(len, docs))
    layers = list(dict.fromkeys(shape[0] for shape in seen))
    assert len(layers) == 2
    for encoder, layer in zip(encoders, layers, strict=True):
        mine = [shape[1:] for shape in seen if shape[0] == layer]
        assert tokens <= sum(members * longest for members, longest, *_ in mine) < 1.1 * tokens
        assert max(longest for _, longest, *_ in mine) == encoder.window
        recurrent = encoder.encoder.layers[0]
        assert {(width, hidden) for *_, width, hidden in mine} == {
            (recurrent.input_size, recurrent.hidden_size)
        }


@pytest.mark.parametrize("name", ["cnn", "torch_bilstm"])
def test_encoders_of_spacy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in make_texts().take(20, 4)]
    peer = SpacyEncoder(name, docs)
    sizes: list[list[tuple[int, ...]]] = []
    predict = thinc.api.Model.predict

    def spy(model: Any, X: Any) -> Any:
        Y = predict(model, X)
        if model is peer._model:
            sizes.append([y.shape for y in Y])
        return Y

    monkeypatch.setattr(thinc.api.Model, "predict", spy)
    peer.prepare(docs)()
    assert sizes == [[(len(doc), 96) for doc in docs]]


def test_the_transformer_is_of_distilrobertas_size() -> None:
    peer = TransformerEncoder()
    # Six layers of DistilRoBERTa, without the embeddings.
    assert sum(p.numel() for p in peer._encoder.parameters()) == 42_527_232
    assert peer.tokens == 1_024


def test_ratios_are_those_of_one_round() -> None:
    def turn(ours: float, theirs: float) -> Turn:
        peers = dict.fromkeys(("lstm both", "cnn", "torch_bilstm", "transformer"), theirs)
        return Turn("short", 100, 80, {"both": ours, **peers})

    # The machine was three times slower in the second round, for all of them.
    speed = _summarize([turn(1.0, 2.0), turn(3.0, 6.0), turn(1.0, 2.2)], ["both"], 1)
    (row,) = speed.pipelines
    assert row["words_per_second"] == 1.0
    assert row["space_words_per_second"] == pytest.approx(0.8)
    assert row["ratios"] == dict.fromkeys(("lstm", "cnn", "torch_bilstm", "transformer"), 2.0)
    assert [peer["peer"] for peer in speed.peers] == [
        "cnn",
        "lstm both",
        "torch_bilstm",
        "transformer",
    ]


def test_a_benchmark_tells_all_it_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = {"short": Length(5, 2, 2), "article": Length(9, 1, 1), "book": Length(30, 1, 1)}
    monkeypatch.setattr(benchmarking, "_QUICK", lengths)
    fresh = {"import": 1.0, "load": 1.0, "first": 1.0, "start": 3.0, "base": 9.0, "documents": []}
    asked: list[Any] = []
    frozen: list[int] = []

    def run_fresh(*args: Any, **options: Any) -> dict[str, Any]:
        asked.append(args)
        frozen.append(gc.get_freeze_count())
        return fresh

    monkeypatch.setattr(benchmarking, "run_fresh", run_fresh)
    before = torch.get_num_threads()
    told: list[str] = []
    result = run_benchmark(quick=True, threads=[1], tell=told.append)
    assert torch.get_num_threads() == before
    assert all(frozen)
    assert not gc.get_freeze_count()
    keys = ["coref", "sentiment", "both"]
    assert [(row["length"], row["components"]) for row in result["speed"]] == [
        (length, key) for length in lengths for key in keys
    ]
    assert [row["rounds"] for row in result["speed"]] == [2] * 3 + [1] * 6
    assert all(set(row["ratios"]) == set(result["peers"]) for row in result["speed"])
    assert [row["components"] for row in result["growth"]] == keys
    assert [row["components"] for row in result["latency"]] == keys
    assert all(sum(row["shares"].values()) == pytest.approx(1) for row in result["stages"])
    assert [(row["components"], row["start_seconds"]) for row in result["processes"]] == [
        (key, 3.0) for key in keys
    ]
    assert [args[1] for args in asked[::2]] == [["lstm_sentiment"], ["lstm_coref"], []]
    assert told[0] == "1 thread, short, round 1"
    assert result["clock"] == "wall clock"


def test_a_fresh_process_tells_what_it_took() -> None:
    first, *rest = make_texts().take(20, 3)
    asked = Asked("en_lstm_sm", "bfloat16")
    (document,) = make_texts(5).take(300, 1)
    found = run_fresh(asked, ["lstm_coref"], first=first, warm_up=rest, documents=[document])
    assert found["start"] == pytest.approx(found["import"] + found["load"] + found["first"])
    assert min(found["import"], found["load"], found["first"]) > 0
    (row,) = found["documents"]
    assert abs(row["words"] - 300) <= 2
    assert row["seconds"] > 0
    assert row["extra_megabytes"] is None or row["extra_megabytes"] >= 0


def test_mistakes() -> None:
    with pytest.raises(LstmError, match=r"no/such did not come to an end: .*No pipeline"):
        run_fresh(Asked("no/such", None), [], first="a")
    with pytest.raises(LstmError, match=r"threads = \[\]: expected one or more"):
        run_benchmark(threads=[])
    with pytest.raises(LstmError, match=r"threads = \[2\] with CPU time: expected 1"):
        run_benchmark(threads=[2], cpu=True)


def test_other_pipelines_have_nothing_to_measure(tmp_path: Any) -> None:
    spacy.blank("en").to_disk(tmp_path)
    with pytest.raises(LstmError, match=r"neither lstm_coref nor lstm_sentiment .it has none"):
        run_benchmark(tmp_path)


def test_too_few_texts(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Too few words.", encoding="utf-8")
    monkeypatch.setattr(benchmarking, "_measure_processes", lambda *args, **options: [])
    with pytest.raises(LstmError, match=r"a\.txt: too few words"):
        run_benchmark(texts=tmp_path / "a.txt", threads=[1])
