"""The reader: files of all forms, order, filters, mistakes."""

import csv
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spacy.language import Language
from spacy.util import registry

from spacy_lstm.corpora.files import file_format
from spacy_lstm.corpora.readers import HuggingFaceCorpus, create_huggingface_reader
from spacy_lstm.errors import LstmError

from .tiny_rows import CLUSTER_ROW, PAIR_ROW, TEXT_ROWS, jsonl


def texts(nlp: Language, corpus: HuggingFaceCorpus) -> list[str]:
    return [doc.text for doc in corpus.docs(nlp)]


def many(path: Path, count: int = 60) -> str:
    return jsonl(path, ({"text": f"Text {i}.", "label": i % 2} for i in range(count)))


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def text_file(tmp_path: Path, form: str) -> str:
    rows = [*TEXT_ROWS, {"text": 'A "quoted", odd\u2028one: NA', "label": 1}]
    path = tmp_path / f"data.{form}"
    if form.startswith("jsonl") or form == "ndjson":
        return jsonl(path, rows)
    if form == "json":
        return write(path, pa.Table.from_pylist(rows).to_pandas().to_json(orient="records"))
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(
                stream, ["text", "label"], dialect="excel-tab" if form == "tsv" else "excel"
            )
            writer.writeheader()
            writer.writerows(rows)
    return str(path)


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "ndjson", "json", "csv", "tsv", "parquet"])
def test_every_file_form_gives_the_same(
    nlp: Language, tmp_path: Path, form: str, no_network: list[Any]
) -> None:
    corpus = HuggingFaceCorpus(text_file(tmp_path, form))
    docs = list(corpus.docs(nlp))
    assert [doc.text for doc in docs[:4]] == [row["text"] for row in TEXT_ROWS]
    assert docs[4].text == 'A "quoted", odd\u2028one: NA'
    assert [doc.cats["POSITIVE"] for doc in docs] == [0.0, 1.0, 1.0, 0.0, 1.0]
    assert corpus.skipped.total == 0
    assert no_network == []


def test_parquet_keeps_nested_rows(nlp: Language, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([CLUSTER_ROW]), tmp_path / "c.parquet")
    pq.write_table(pa.Table.from_pylist([PAIR_ROW]), tmp_path / "p.parquet")
    clusters, pair = HuggingFaceCorpus(str(tmp_path / "*.parquet")).docs(nlp)
    assert [span.text for span in clusters.spans["coref_clusters_2"]] == ["Bob", "him"]
    assert [span.text for span in pair.spans["coref_pairs_1"]] == ["she", "Ann", "Zoë"]


def test_examples_have_the_pipelines_tokens(nlp: Language, tmp_path: Path) -> None:
    reader = registry.readers.get("spacy_lstm.HuggingFaceCorpus.v1")
    assert reader is create_huggingface_reader
    (example,) = reader(jsonl(tmp_path / "a.jsonl", [CLUSTER_ROW]))(nlp)
    assert example.predicted.text == example.reference.text == CLUSTER_ROW["text"]
    assert not example.predicted.spans
    assert "coref_mentions" in example.reference.spans


def test_reader_in_a_config(nlp: Language, tmp_path: Path) -> None:
    config = {
        "@readers": "spacy_lstm.HuggingFaceCorpus.v1",
        "path": [many(tmp_path / "a.jsonl")],
        "labels": {"0": "NEGATIVE", "1": "POSITIVE"},
        "exclude": {"text": ["Text 0."]},
        "limit": 3,
    }
    reader = registry.resolve({"corpus": config})["corpus"]
    assert [example.text for example in reader(nlp)] == ["Text 1.", "Text 2.", "Text 3."]
    with pytest.raises(LstmError, match="the reader's path is null"):
        registry.resolve({"corpus": config | {"path": None}})


def test_keys_may_differ_from_row_to_row(nlp: Language, tmp_path: Path) -> None:
    rows = [
        TEXT_ROWS[0] | {"meta": {"a": 1}, "speakers": ["x"]},
        TEXT_ROWS[1] | {"meta": {"a": "one", "b": [1, "2"]}},
        TEXT_ROWS[2] | {"meta": "none", "id": 7},
    ]
    assert len(texts(nlp, HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows)))) == 3


def test_several_sources_each_of_its_own_kind(nlp: Language, tmp_path: Path) -> None:
    paths = [
        jsonl(tmp_path / "a.jsonl", [CLUSTER_ROW]),
        jsonl(tmp_path / "b.jsonl", [PAIR_ROW]),
        jsonl(tmp_path / "c.jsonl", TEXT_ROWS),
    ]
    docs = list(HuggingFaceCorpus(paths).docs(nlp))
    assert len(docs) == 6
    assert [bool(doc.cats) for doc in docs] == [False, False, True, True, True, True]


def test_shuffling_is_the_same_in_every_run_and_another_in_every_epoch(
    nlp: Language, tmp_path: Path
) -> None:
    path = many(tmp_path / "a.jsonl")
    options: dict[str, Any] = {"shuffle_buffer": 20, "seed": 3, "streaming": True}
    one, two = HuggingFaceCorpus(path, **options), HuggingFaceCorpus(path, **options)
    epochs = [texts(nlp, one) for _ in range(3)]
    assert epochs == [texts(nlp, two) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    plain = texts(nlp, HuggingFaceCorpus(path))
    assert all(sorted(epoch) == sorted(plain) and epoch != plain for epoch in epochs)
    assert texts(nlp, HuggingFaceCorpus(path, **options | {"seed": 4})) != epochs[0]
    assert plain == [f"Text {i}." for i in range(60)]


def test_limit_keeps_its_rows_through_the_epochs(nlp: Language, tmp_path: Path) -> None:
    corpus = HuggingFaceCorpus(many(tmp_path / "a.jsonl"), limit=10, shuffle_buffer=60)
    first, second = texts(nlp, corpus), texts(nlp, corpus)
    assert len(first) == 10
    assert first != second
    assert sorted(first) == sorted(second)


def test_limit_counts_rows_that_can_be_used(nlp: Language, tmp_path: Path) -> None:
    rows = [{"text": "", "label": 0}, *TEXT_ROWS]
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows), limit=2)
    assert texts(nlp, corpus) == ["Dull.", "Lovely film."]


def test_exclude(nlp: Language, tmp_path: Path) -> None:
    rows = [row | {"meta": {"n": i, "g": "x" if i else None}} for i, row in enumerate(TEXT_ROWS)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    corpus = HuggingFaceCorpus(
        path, exclude={"meta.n": ["1", 3]}, labels={"0": "NEGATIVE", "1": "POSITIVE"}
    )
    assert texts(nlp, corpus) == ["Dull.", "A dull start, a fine end."]
    assert (corpus.skipped.excluded, corpus.skipped.total, corpus.skipped.seen) == (2, 0, 4)
    corpus = HuggingFaceCorpus(
        path, exclude={"label": [0, 1]}, labels={"0": "NEGATIVE", "1": "POSITIVE"}
    )
    with pytest.raises(LstmError, match="exclude filter leaves none of its 4 rows"):
        texts(nlp, corpus)


def test_what_was_skipped_is_logged_once(
    nlp: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [*TEXT_ROWS, {"text": " ", "label": 0, "id": "blank"}]
    corpus = HuggingFaceCorpus(jsonl(tmp_path / "a.jsonl", rows))
    with caplog.at_level(logging.WARNING, logger="spacy_lstm"):
        texts(nlp, corpus)
        texts(nlp, corpus)
    (record,) = caplog.records
    assert "skipped 1 of 5 rows: empty text (1: blank)" in record.getMessage()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "tree"}, "unknown kind 'tree': expected one of auto, clusters"),
        ({"limit": -1}, "limit is -1: expected 0"),
        ({"columns": {"text": "body"}, "kind": "text"}, r"no column 'body'; it has text, label"),
        ({"kind": "clusters"}, "no column 'clusters'; it has text, label"),
        ({"columns": {"text": "body"}}, r"its columns \(text, label\) are no form"),
        ({"split": "train"}, r"is a file and has no split \('train' was given\)"),
        ({"name": "en"}, r"is a file and has no config name"),
    ],
)
def test_mistakes_in_options(
    nlp: Language, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = jsonl(tmp_path / "a.jsonl", TEXT_ROWS)
    with pytest.raises(LstmError, match=message) as error:
        texts(nlp, HuggingFaceCorpus(path, **options))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "x", "label": 0}\n{"text": ', "a.jsonl line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "a.jsonl line 1: expected a JSON object, got list"),
        ("a.jsonl", b"", "a.jsonl: no rows in it"),
        ("a.jsonl", b'{"text": "\xff"}', "not UTF-8"),
        ("a.json", b"[1, 2]", "item 1: expected an object, got int"),
        ("a.json", b"[{", "not JSON"),
        ("a.json", b"{\n", "line 1: not JSON"),
        ("a.jsonl.gz", b"plain text", "damaged or not gz"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b", "damaged or not gz"),
        ("a.jsonl.xz", b"plain text", "damaged or not xz"),
        ("a.csv", b"text,label\na,0,1\n", "row 2: more values than the header"),
        ("a.csv", b'text,label\n"a"b,0\n', "not CSV"),
        ("a.tsv", b"text\tlabel\na\t0\t1\n", "row 2: more values than the header"),
        ("a.parquet", b"PAR1", "a.parquet: cannot be loaded"),
        ("a.txt", b"text", "unknown format; expected jsonl, json"),
    ],
)
def test_damaged_files(
    nlp: Language, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LstmError, match=message) as error:
        texts(nlp, HuggingFaceCorpus(path))
    assert "\n" not in str(error.value)


def test_missing_and_unreadable_files(nlp: Language, tmp_path: Path) -> None:
    with pytest.raises(LstmError, match=r"no such file or folder: .*nothing.jsonl"):
        texts(nlp, HuggingFaceCorpus(tmp_path / "nothing.jsonl"))
    with pytest.raises(LstmError, match="no file matches"):
        texts(nlp, HuggingFaceCorpus(str(tmp_path / "*.jsonl")))
    path = Path(jsonl(tmp_path / "a.jsonl", TEXT_ROWS))
    corpus = HuggingFaceCorpus(path)
    assert texts(nlp, corpus)
    path.unlink()
    with pytest.raises(LstmError, match="cannot be read: No such file"):
        texts(nlp, corpus)


def test_short_tsv_rows_lack_fields(nlp: Language, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"said ""no"""\t0\n"so" or "so"\t1\nx\n\n')
    corpus = HuggingFaceCorpus(path)
    assert texts(nlp, corpus) == ['said "no"', '"so" or "so"']
    assert corpus.skipped.counts == {"missing label": 1}


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.jsonl.gz", "jsonl"), ("A.CSV", "csv"), ("a.b.tsv", "tsv"), ("a.gz", None), ("a", None)],
)
def test_file_format(name: str, form: str | None) -> None:
    assert file_format(name) == form


def test_blank_pipelines_do_not_import_datasets() -> None:
    code = "import sys, spacy; spacy.blank('en'); print('datasets' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
