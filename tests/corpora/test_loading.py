"""Folders and the hub; the network is blocked."""

import os
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pytest
from spacy.language import Language

from spacy_lstm.corpora import loading
from spacy_lstm.corpora.readers import HuggingFaceCorpus, read_source
from spacy_lstm.errors import LstmError

from .tiny_rows import TEXT_ROWS, jsonl

CARD = """---
configs:
- config_name: en
  data_files:
  - split: train
    path: en/train.jsonl
  - split: validation
    path: en/dev.jsonl
- config_name: zh
  data_files: zh/*.jsonl
---
# Texts
"""


@pytest.fixture(autouse=True)
def online_by_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries think that they may use the network; only the sockets are blocked."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    jsonl(tmp_path / "set/en/train.jsonl", [row | {"meta": {"a": 1}} for row in TEXT_ROWS])
    jsonl(tmp_path / "set/en/dev.jsonl", TEXT_ROWS[:2])
    jsonl(tmp_path / "set/zh/train.jsonl", TEXT_ROWS)
    (tmp_path / "set/README.md").write_text(CARD, encoding="utf-8")
    return str(tmp_path / "set")


def count(nlp: Language, path: str, **options: Any) -> int:
    return len(list(HuggingFaceCorpus(path, **options).docs(nlp)))


def test_folder_with_a_card(nlp: Language, folder: str, no_network: list[Any]) -> None:
    assert count(nlp, folder, name="en", split="train") == 4
    assert count(nlp, folder, name="en", split="dev") == 2
    assert count(nlp, folder, name="en", split="validation") == 2
    assert count(nlp, folder, name="zh") == 4
    assert no_network == []
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "en", "split": "test"}, "no split 'test'; expected one of: train, validation"),
        ({"name": "en"}, "no split was given; expected one of: train, validation"),
        ({"name": "fr", "split": "train"}, r"'fr' not found. Available: \['en', 'zh'\]"),
        ({"split": "train"}, r"pick one among the available configs: \['en', 'zh'\]"),
    ],
)
def test_mistakes_with_folders(
    nlp: Language, folder: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(LstmError, match=message) as error:
        count(nlp, folder, **options)
    assert "\n" not in str(error.value)


def test_empty_folder(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(LstmError, match="cannot be loaded"):
        count(nlp, str(tmp_path))


def test_folder_of_parquet_and_saved_datasets(
    nlp: Language, tmp_path: Path, no_network: list[Any]
) -> None:
    data = datasets.Dataset.from_list(TEXT_ROWS)
    (tmp_path / "p").mkdir()
    data.to_parquet(str(tmp_path / "p/train-00000-of-00001.parquet"))
    assert count(nlp, str(tmp_path / "p"), split="train") == 4
    data.save_to_disk(str(tmp_path / "one"))
    assert count(nlp, str(tmp_path / "one")) == 4
    with pytest.raises(LstmError, match=r"has no splits \('dev' was given\)"):
        count(nlp, str(tmp_path / "one"), split="dev")
    datasets.DatasetDict(train=data, test=data.select([0, 1])).save_to_disk(str(tmp_path / "two"))
    assert count(nlp, str(tmp_path / "two"), split="test") == 2
    assert no_network == []


def test_hub_that_cannot_be_reached(nlp: Language, no_network: list[Any]) -> None:
    message = "some/name: no such local .* hub cannot be reached .* path of local data"
    for streaming in (False, True):
        with pytest.raises(LstmError, match=message) as error:
            count(nlp, "some/name", split="train", streaming=streaming)
        assert "\n" not in str(error.value)
    assert no_network


def test_name_that_the_hub_does_not_have(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LstmError, match="the hub does not give it"):
        count(nlp, "a name with spaces!")


class FakeHub:
    """What `datasets.load_dataset` would give for a hub name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
        self.calls: list[dict[str, Any]] = []
        self.data = data
        monkeypatch.setattr(loading, "_hub_reachable", lambda path, revision: True)
        monkeypatch.setattr(datasets, "load_dataset", self)

    def __call__(self, path: str, **options: Any) -> Any:
        self.calls.append({"path": path, **options})
        return self.data


def labelled(names: list[str]) -> datasets.Dataset:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
    )
    return datasets.Dataset.from_list([*TEXT_ROWS, {"text": "x", "label": -1}], features=features)


def test_hub_dataset_with_class_names(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = FakeHub(monkeypatch, datasets.DatasetDict(train=labelled(["pos", "neg"])))
    corpus = HuggingFaceCorpus("some/name", name="plain", split="train", revision="v1")
    docs = list(corpus.docs(nlp))
    assert docs[0].cats == {"NEGATIVE": 0.0, "POSITIVE": 1.0}
    assert corpus.skipped.counts == {"label '-1' outside the label map": 1}
    assert hub.calls == [
        {"path": "some/name", "name": "plain", "revision": "v1", "streaming": False}
    ]
    named = HuggingFaceCorpus("some/name", labels={"neg": "BAD", "pos": "GOOD"})
    assert next(named.docs(nlp)).cats == {"BAD": 0.0, "GOOD": 1.0}
    with pytest.raises(LstmError, match="no split 'dev'; expected one of: train"):
        count(nlp, "some/name", split="dev")


def test_hub_stream(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": f"Text {i}.", "label": i % 2} for i in range(40)]
    stream = datasets.Dataset.from_list(rows).to_iterable_dataset(num_shards=4)
    FakeHub(monkeypatch, datasets.IterableDatasetDict(train=stream))
    with pytest.raises(LstmError, match="a stream does not tell its labels beforehand"):
        count(nlp, "some/name", streaming=True)
    labels = {"0": "NEGATIVE", "1": "POSITIVE"}

    def epochs() -> list[list[str]]:
        corpus = HuggingFaceCorpus(
            "some/name", streaming=True, labels=labels, shuffle_buffer=4, seed=1
        )
        return [[doc.text for doc in corpus.docs(nlp)] for _ in range(2)]

    first, second = epochs()
    assert [first, second] == epochs()
    assert first != second
    assert sorted(first) == sorted(row["text"] for row in rows)
    # Shards change places too: a buffer of 4 alone could not bring the last shard forward.
    assert {int(text[5:-1]) // 10 for text in first[:5]} != {0}


def test_a_stream_that_breaks(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows() -> Any:
        yield {"text": "a", "label": 0}
        raise OSError("connection lost")

    FakeHub(monkeypatch, datasets.IterableDataset.from_generator(rows))
    with pytest.raises(LstmError, match="some/name: cannot be loaded: connection lost"):
        count(nlp, "some/name", streaming=True, labels={"0": "NEGATIVE"})


def test_hub_error_is_one_line(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str, **options: Any) -> Any:
        raise RuntimeError("Dataset scripts are no longer supported\n\nmore\nand more")

    FakeHub(monkeypatch, None)
    monkeypatch.setattr(datasets, "load_dataset", broken)
    with pytest.raises(LstmError, match=r"cannot be loaded: Dataset scripts .* more$"):
        count(nlp, "some/name")


def test_cached_copy_serves_without_the_hub(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def cached(path: str, **options: Any) -> Any:
        seen.append(datasets.config.HF_HUB_OFFLINE)
        return datasets.DatasetDict(train=labelled(["neg", "pos"]))

    monkeypatch.setattr(datasets, "load_dataset", cached)
    assert count(nlp, "some/name") == 4
    assert seen == [True]


def test_progress_bars_of_the_library_come_back(nlp: Language, folder: str) -> None:
    assert not datasets.utils.are_progress_bars_disabled()
    count(nlp, folder, name="zh")
    assert not datasets.utils.are_progress_bars_disabled()
    assert "HF_HUB_OFFLINE" not in os.environ


def test_classes_that_a_card_names(nlp: Language, tmp_path: Path) -> None:
    card = """---
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': positive
          '1': negative
---
"""
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    jsonl(tmp_path / "train.jsonl", [{"text": "Good.", "label": 0}, {"text": "Bad.", "label": 1}])
    found = [doc.cats["POSITIVE"] for doc in HuggingFaceCorpus(tmp_path).docs(nlp)]
    assert found == [1.0, 0.0]
    assert [row["label"] for row in read_source(tmp_path)] == ["positive", "negative"]
