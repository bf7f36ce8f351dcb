"""Bulk annotation: what comes in, what goes out, which rows and which mistakes are told."""

import bz2
import csv
import datetime
import json
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy

from spacy_lstm.bulk import Options, annotate, annotating, planning, records
from spacy_lstm.bulk.columns import COLUMN_NAMES, DEFAULT_COLUMNS, choose_columns
from spacy_lstm.corpora import loading
from spacy_lstm.errors import LstmError
from spacy_lstm.pipeline.coref import CoreferenceResolver

from .conftest import Annotate
from .rows import Rows, make_rows, read, write_jsonl


@pytest.fixture
def rows() -> Rows:
    return make_rows(12)


@pytest.fixture
def source(rows: Rows, tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "rows.jsonl", rows)


def errors_of(found: dict[str, Any]) -> Rows:
    return read(Path(found["errors_file"]))


def test_rows_keep_their_fields_and_get_what_the_pipeline_finds(
    make: Annotate, model: str, source: Path, rows: Rows, tmp_path: Path
) -> None:
    found = make(source, tmp_path / "out.jsonl", columns=COLUMN_NAMES)
    written = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in written] == [row["id"] for row in rows]
    assert list(written[0]) == ["id", "text", "stars", *COLUMN_NAMES]
    nlp = spacy.load(model)
    for row in written:
        doc, text = nlp(row["text"]), row["text"]
        assert row["resolved_text"] == doc._.resolved_text
        assert row["sentiment"] == pytest.approx(doc.sentiment, abs=1e-4)
        assert row["sentiment_label"] == max(doc.cats, key=doc.cats.__getitem__)
        assert row["sentiment_probabilities"] == pytest.approx(doc.cats, abs=1e-4)
        groups = [list(group) for group in doc.spans.values()]
        assert [
            [text[span["start"] : span["end"]] for span in cluster]
            for cluster in row["coref_clusters"]
        ] == [[span.text for span in group] for group in groups]
        assert [
            [(span["start_token"], span["end_token"]) for span in cluster]
            for cluster in row["coref_clusters"]
        ] == [[(span.start, span.end) for span in group] for group in groups]
        links = [
            (link["anaphor"]["start"], link["antecedent"]["start"], link["score"])
            for link in row["coref_links"]
        ]
        assert links == [
            (anaphor.start_char, antecedent.start_char, pytest.approx(score, abs=1e-4))
            for anaphor, antecedent, score in doc._.coref_links
        ]
        assert [entity["name"] for entity in row["entity_sentiment"]] == [
            record["name"] for record in doc._.entity_sentiment
        ]
        assert [text[token["start"] : token["end"]] for token in row["tokens"]] == [
            token.text for token in doc
        ]
        assert sum(row["sentiment_weights"]) == pytest.approx(doc.sentiment, abs=1e-2)
        assert row["resolved_offsets"][-1]["source_end"] == len(text)
    assert any(row["coref_links"] for row in written)
    assert any(row["entity_sentiment"] for row in written)
    assert found.pop("seconds") > 0
    assert found.pop("words_per_second") > 0
    assert found.pop("peak_memory") > 0
    assert found == {
        "output": str(tmp_path / "out.jsonl"),
        "errors_file": None,
        "parts": 4,
        "rows": 12,
        "words": sum(len(nlp.make_doc(row["text"])) for row in rows),
        "errors": 0,
        "parts_before": 0,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "rows.jsonl"]


def test_formats_agree(make: Annotate, source: Path, tmp_path: Path) -> None:
    names = ["a.jsonl", "a.jsonl.gz", "a.parquet", "a.csv", "a.csv.gz", "folder"]
    for name in names:
        make(source, tmp_path / name, columns=COLUMN_NAMES)
    plain, packed, table, text, packed_text, folder = (read(tmp_path / name) for name in names)
    assert plain == packed
    assert text == packed_text
    assert [{**row, "other_fields": None} for row in plain] == table == folder
    for row, cells in zip(table, text, strict=True):
        assert {
            name: None if cell == "" else cell if isinstance(row[name], str) else json.loads(cell)
            for name, cell in cells.items()
        } == row
    assert len(list((tmp_path / "folder").glob("part-*.parquet"))) == 3
    assert pq.read_table(tmp_path / "folder").num_rows == 12
    loaded = datasets.load_dataset(
        str(tmp_path / "folder"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded[0]["resolved_text"] == plain[0]["resolved_text"]


def test_types(make: Annotate, source: Path, tmp_path: Path) -> None:
    make(source, tmp_path / "a.parquet")
    schema = pq.read_schema(tmp_path / "a.parquet")
    span = "struct<start: int32, end: int32, start_token: int32, end_token: int32>"
    labels = "struct<NEGATIVE: double, NEUTRAL: double, POSITIVE: double>"
    listed = {field.name: str(field.type).replace("item", "element") for field in schema}
    assert listed == {
        "id": "string",
        "text": "string",
        "stars": "int64",
        "other_fields": "string",
        "coref_clusters": f"list<element: list<element: {span}>>",
        "coref_links": (
            f"list<element: struct<anaphor: {span}, antecedent: {span}, score: double>>"
        ),
        "resolved_text": "string",
        "sentiment": "double",
        "sentiment_label": "string",
        "sentiment_probabilities": labels,
        "entity_sentiment": (
            f"list<element: struct<name: string, mentions: list<element: {span}>, "
            "sentiment: double>>"
        ),
    }


def near(got: Any, expected: Any) -> bool:
    """Whether both are the same but for numbers that differ in their fourth digit."""
    if isinstance(expected, dict):
        same = list(got) == list(expected)
        return same and all(near(got[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(near, got, expected))
    if isinstance(expected, float):
        return bool(got == pytest.approx(expected, abs=2e-4))
    return bool(got == expected)


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl.bz2", "jsonl.xz", "parquet", "dataset"])
def test_inputs_agree(make: Annotate, rows: Rows, tmp_path: Path, form: str) -> None:
    make(write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / "expected.jsonl")
    path = tmp_path / f"in.{form}"
    content = (tmp_path / "rows.jsonl").read_bytes()
    if form.startswith("csv"):
        plain = tmp_path / "in.csv"
        with plain.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        if form == "csv.gz":
            with fsspec.open(str(path), "wb", compression="gzip") as packed:
                packed.write(plain.read_bytes())
    elif form == "jsonl.bz2":
        path.write_bytes(bz2.compress(content))
    elif form == "jsonl.xz":
        path.write_bytes(lzma.compress(content))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=5)
    else:
        datasets.Dataset.from_list(rows).save_to_disk(path)
    found = make(path, tmp_path / "out.jsonl")
    assert found["parts"] > 1
    expected, got = read(tmp_path / "expected.jsonl"), read(tmp_path / "out.jsonl")
    strings = [{**row, "stars": str(row["stars"])} for row in expected]
    # Parts of other sizes make other batches, and numbers are rounded to four digits.
    assert near(got, strings if form.startswith("csv") else expected)


def test_folders_globs_and_urls(make: Annotate, rows: Rows, tmp_path: Path) -> None:
    # A name that could be a pattern, too.
    folder = tmp_path / "in[1]"
    (folder / "b").mkdir(parents=True)
    write_jsonl(folder / "a.jsonl.gz", rows[:5])
    pq.write_table(pa.Table.from_pylist(rows[5:8]), folder / "b" / "x.parquet")
    write_jsonl(folder / "c.jsonl", rows[8:])
    for name in (".hidden.jsonl", "_notes.jsonl", "README.md"):
        (folder / name).write_text("nothing\n")
    for place in (folder, f"file://{folder}", f"{tmp_path}/in*/**/[abcx]*.*"):
        make(place, tmp_path / "out", format="jsonl", overwrite=True)
        assert [row["id"] for row in read(tmp_path / "out")] == [row["id"] for row in rows]
    make(f"{tmp_path}/in*/*.jsonl*", tmp_path / "some.csv")
    assert [row["id"] for row in read(tmp_path / "some.csv")] == [
        row["id"] for row in [*rows[:5], *rows[8:]]
    ]
    # Of two kinds, tables get the columns of the rows.
    make(folder, tmp_path / "all.parquet")
    assert [row["stars"] for row in read(tmp_path / "all.parquet")] == [
        row["stars"] for row in rows
    ]


def test_another_file_system(make: Annotate, rows: Rows, tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    system.makedirs("/in", exist_ok=True)
    with system.open("/in/rows.jsonl", "wb") as stream:
        stream.write(write_jsonl(tmp_path / "rows.jsonl", [*rows, {"id": "bad"}]).read_bytes())
    make(tmp_path / "rows.jsonl", tmp_path / "out.jsonl")
    make("memory://in/rows.jsonl", "memory://out/a.jsonl")
    assert system.cat("/out/a.jsonl") == (tmp_path / "out.jsonl").read_bytes()
    assert b'"id": "bad"' not in system.cat("/out/a.errors.jsonl")
    assert b"missing or null" in system.cat("/out/a.errors.jsonl")
    make("memory://in/rows.jsonl", "memory://out/folder", format="jsonl")
    assert system.cat("/out/folder/part-00000-000000.jsonl").count(b"\n") == 4
    assert not system.exists("/out/folder/__annotate__/done")
    system.rm("/out", recursive=True)


def test_a_split_of_a_folder(make: Annotate, rows: Rows, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    write_jsonl(folder / "train.jsonl", rows[:4])
    write_jsonl(folder / "test.jsonl", rows[4:])
    found = make(folder, tmp_path / "out.jsonl", split="test")
    assert found["rows"] == 8
    with pytest.raises(LstmError, match="no split 'dev'; expected one of: train, test"):
        make(folder, tmp_path / "out.jsonl", split="dev")
    with pytest.raises(LstmError, match=r"train.jsonl has no split \('test' was given\)"):
        make(folder / "train.jsonl", tmp_path / "out.jsonl", split="test")


def test_a_dataset_of_the_hub(
    make: Annotate, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_hub_reachable", lambda path, revision: True)
    hub = datasets.DatasetDict(
        train=datasets.Dataset.from_list(rows), test=datasets.Dataset.from_list(rows[:2])
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda path, **options: hub)
    found = make("some/name", tmp_path / "out.parquet", split="train", revision="v1")
    assert found["rows"] == 12
    with pytest.raises(LstmError, match="no split was given; expected one of: train, test"):
        make("some/name", tmp_path / "other.parquet")


BAD_LINES = [
    (b"{not json", "not JSON: Expecting property name"),
    (b"[1, 2]", "expected a JSON object, got list"),
    (b'{"id": "x"}', "no text: the field 'text' is missing or null"),
    (b'{"text": null}', "no text: the field 'text' is missing or null"),
    (b'{"text": 5}', "the field 'text' is int: expected a string"),
    (b'{"text": "a \xff"}', "not UTF-8: invalid start byte at byte 12"),
    (b'{"text": "a \\ud800"}', "not valid Unicode (a lone surrogate)"),
    (b'{"text": "one two three four five six"}', "too long: 6 words, at most 5"),
    (b'{"text": "' + b"x" * 60 + b'"}', "too long: 60 characters, at most 50"),
]


def test_bad_rows_are_told_and_stop_nothing(make: Annotate, tmp_path: Path) -> None:
    good = b'{"id": %d, "text": "fine"}'
    lines = []
    for number, (line, _) in enumerate(BAD_LINES):
        lines += [good % number, line, b"", b"   "]
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    found = make(path, tmp_path / "out.jsonl", max_words=5, max_chars=50, id_field="id")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == list(range(len(BAD_LINES)))
    assert (found["rows"], found["errors"]) == (len(BAD_LINES), len(BAD_LINES))
    assert found["errors_file"] == str(tmp_path / "out.errors.jsonl")
    for error, (line, reason) in zip(errors_of(found), BAD_LINES, strict=True):
        assert error["reason"].startswith(reason)
        assert error["source"] == str(path)
        assert error["record"] == line.decode(errors="replace")
        assert path.read_bytes()[error["offset"] :].startswith(line)
    assert errors_of(found)[2]["id"] == "x"


def test_bad_rows_of_csv(make: Annotate, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(
        b'id,text\n1,fine\n\n2,a,b\n3\n4,\xff\n5,"two\nlines"\n6,"a"b\n7,so so\n8,"open\n9,x\n'
    )
    found = make(path, tmp_path / "out.jsonl")
    assert [(row["id"], row["text"]) for row in read(tmp_path / "out.jsonl")] == [
        ("1", "fine"),
        ("5", "two\nlines"),
        ("7", "so so"),
    ]
    assert [(error["row"], error["reason"].split(":")[0]) for error in errors_of(found)] == [
        (1, "3 values"),
        (2, "no text"),
        (3, "not UTF-8"),
        (5, "not CSV"),
        (7, "not CSV"),
    ]


def test_bad_rows_of_tables(make: Annotate, tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2, 3], "text": ["a", None, "c"]})
    pq.write_table(table, tmp_path / "in.parquet")
    found = make(tmp_path / "in.parquet", tmp_path / "out.parquet", id_field="id")
    assert pq.read_table(tmp_path / "out.parquet").column("id").to_pylist() == [1, 3]
    (error,) = errors_of(found)
    assert (error["row"], error["id"]) == (1, 2)


def test_an_empty_text_is_a_text(make: Annotate, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": ""}, {"text": " \n"}])
    assert make(path, tmp_path / "out.jsonl")["errors"] == 0
    for row in read(tmp_path / "out.jsonl"):
        assert (row["resolved_text"], row["sentiment_label"]) == (row["text"], "NEUTRAL")


def test_damaged_files_give_what_they_hold(
    make: Annotate, rows: Rows, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    packed = write_jsonl(folder / "a.jsonl.gz", make_rows(800))
    packed.write_bytes(packed.read_bytes()[:-3000])
    (folder / "b.jsonl.bz2").write_bytes(b"not at all")
    write_jsonl(folder / "c.jsonl", rows)
    found = make(folder, tmp_path / "out.jsonl", part_bytes=20_000)
    assert 12 < found["rows"] < 800
    assert [row["id"] for row in read(tmp_path / "out.jsonl")][-12:] == [r["id"] for r in rows]
    first, second = errors_of(found)
    assert first["source"] == str(folder / "a.jsonl.gz")
    assert first["reason"].startswith("the file is damaged, or not gzip: Compressed file ended")
    assert second["reason"].startswith("the file is damaged, or not bz2: ")


def test_a_damaged_parquet_file(make: Annotate, rows: Rows, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist(make_rows(600)), path, compression="gzip")
    content = bytearray(path.read_bytes())
    content[200:3000] = b"\0" * 2800
    path.write_bytes(content)
    found = make(path, tmp_path / "out.parquet", part_bytes=10**6)
    assert found["rows"] == 0
    assert "the file is damaged" in errors_of(found)[0]["reason"]
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(LstmError, match=r"in.parquet: not Parquet: .* check the file"):
        make(path, tmp_path / "other.parquet")


def test_a_line_without_end(
    make: Annotate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_LINE", 1000)
    for name, ending in (("in.jsonl", ""), ("in.csv", '"')):
        path = tmp_path / name
        long = f'"{"x" * 5000}"'
        if ending:
            path.write_text(f"text\nfine\n{long}\nso so\n")
        else:
            path.write_text(f'{{"text": "fine"}}\n{{"text": {long}}}\n{{"text": "so so"}}\n')
        found = make(path, tmp_path / f"{path.stem}_{name[3:]}.jsonl")
        assert [row["text"] for row in read(tmp_path / f"{path.stem}_{name[3:]}.jsonl")] == [
            "fine",
            "so so",
        ]
        (error,) = errors_of(found)
        assert "bytes: expected at most 1,000" in error["reason"]
        assert len(error["record"]) == 1000


def test_a_pipeline_that_fails_on_some_texts(
    make: Annotate, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = CoreferenceResolver.predict

    def fail(self: Any, docs: Any) -> Any:
        docs = list(docs)
        if any("bad" in doc.text for doc in docs):
            raise RuntimeError("no luck\nat all")
        return predict(self, docs)

    monkeypatch.setattr(CoreferenceResolver, "predict", fail)
    texts = ["good", "a bad one", "fine", "bad again", "so so"]
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    found = make(path, tmp_path / "out.jsonl")
    assert [row["text"] for row in read(tmp_path / "out.jsonl")] == ["good", "fine", "so so"]
    assert {error["reason"] for error in errors_of(found)} == {
        "the pipeline fails: RuntimeError: no luck"
    }


def test_which_columns(make: Annotate, source: Path, tmp_path: Path) -> None:
    def columns(**options: Any) -> list[str]:
        make(source, tmp_path / "out.jsonl", overwrite=True, **options)
        return list(read(tmp_path / "out.jsonl")[0])

    ours = list(DEFAULT_COLUMNS)
    assert columns(keep=("stars",)) == ["stars", *ours]
    assert columns(keep=(), id_field="id") == ["id", *ours]
    assert columns(drop=("text", "stars")) == ["id", *ours]
    assert columns(columns=("sentiment",), keep=(), prefix="x_") == ["x_sentiment"]
    make(source, tmp_path / "a.parquet", keep=("id",), columns=("tokens",))
    assert pq.read_schema(tmp_path / "a.parquet").names == ["id", "other_fields", "tokens"]


def test_components_that_nobody_needs_sleep(make: Annotate, source: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref")
    nlp.add_pipe("lstm_sentiment")
    choose_columns(nlp, ["resolved_text"])
    assert nlp.pipe_names == ["lstm_coref"]


def test_rows_that_are_not_alike(
    make: Annotate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_SAMPLED_ROWS", 2)
    rows = [
        {"text": "a", "n": 1, "x": 0.5, "tags": ["b"], "mixed": 1},
        {"text": "b", "n": 2, "x": 1, "tags": [], "mixed": "c"},
        {"text": "c", "n": "many", "x": 2**60, "tags": None, "mixed": None, "new": {"k": 1}},
        {"text": "d", "n": 2**70, "x": True},
    ]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    make(path, tmp_path / "out.parquet", columns=("sentiment",))
    found = [
        {k: v for k, v in row.items() if k != "sentiment"} for row in read(tmp_path / "out.parquet")
    ]
    assert found == [
        {"text": "a", "n": 1, "x": 0.5, "tags": '["b"]', "mixed": "1", "other_fields": None},
        {"text": "b", "n": 2, "x": 1.0, "tags": "[]", "mixed": '"c"', "other_fields": None},
        {
            "text": "c",
            "n": None,
            "x": None,
            "tags": None,
            "mixed": None,
            "other_fields": '{"new": {"k": 1}, "n": "many", "x": 1152921504606846976}',
        },
        {
            "text": "d",
            "n": None,
            "x": None,
            "tags": None,
            "mixed": None,
            "other_fields": '{"n": 1180591620717411303424, "x": true}',
        },
    ]


def test_values_that_json_does_not_know(make: Annotate, tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": ["a"],
            "when": [datetime.datetime(2020, 1, 2, 3)],
            "raw": [b"\x00\xff"],
            "nan": [float("nan")],
            "long": [datetime.timedelta(seconds=90)],
            "price": pa.array(["1.50"]).cast(pa.decimal128(5, 2)),
            "deep": [{"k": [float("inf")]}],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    make(tmp_path / "in.parquet", tmp_path / "out.jsonl", columns=("sentiment",))
    (row,) = read(tmp_path / "out.jsonl")
    del row["sentiment"]
    assert row == {
        "text": "a",
        "when": "2020-01-02T03:00:00",
        "raw": "AP8=",
        "nan": None,
        "long": 90.0,
        "price": "1.50",
        "deep": {"k": [None]},
    }
    make(tmp_path / "in.parquet", tmp_path / "out.parquet", columns=("sentiment",))
    kept = pq.read_table(tmp_path / "out.parquet").drop_columns("sentiment")
    assert kept.drop_columns("nan").equals(table.drop_columns("nan"))
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a", "x": NaN, "y": -Infinity, "z": 1e999}')
    make(path, tmp_path / "numbers.jsonl", columns=("sentiment",))
    assert {k: read(tmp_path / "numbers.jsonl")[0][k] for k in "xyz"} == dict.fromkeys("xyz")


def test_nested_texts(make: Annotate, tmp_path: Path) -> None:
    rows = [{"meta": {"id": 7}, "body": {"text": "Alice smiles."}}]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    for place in (path, tmp_path / "in.parquet"):
        make(place, tmp_path / "out.jsonl", text_field="body.text", overwrite=True)
        assert read(tmp_path / "out.jsonl")[0]["resolved_text"] == "Alice smiles."


def test_nothing_in_nothing_out(make: Annotate, tmp_path: Path) -> None:
    for name in ("in.jsonl", "in.csv"):
        (tmp_path / name).write_text("")
        for output in ("a.jsonl", "a.csv", "a.parquet", "folder"):
            found = make(tmp_path / name, tmp_path / name[3:] / output)
            assert (found["rows"], found["errors"], found["parts"]) == (0, 0, 0)
        assert pq.read_table(tmp_path / name[3:] / "a.parquet").num_rows == 0


def test_files_with_columns_of_their_own(make: Annotate, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), folder / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": [0.5], "m": ["x"]}), folder / "b.parquet")
    make(folder, tmp_path / "out.parquet", columns=("sentiment",))
    rows = read(tmp_path / "out.parquet")
    assert [(row["n"], row["m"]) for row in rows] == [(1.0, None), (0.5, "x")]
    pq.write_table(pa.table({"text": ["b"], "n": [["x"]]}), folder / "c.parquet")
    with pytest.raises(LstmError, match="the files differ in the types of their columns"):
        make(folder, tmp_path / "other.parquet")
    make(folder, tmp_path / "other.parquet", drop=("n",))


MISTAKES = [
    ({"text_field": "body"}, "no field 'body' for the text: the input has id, text, stars"),
    ({"id_field": "key"}, "no field 'key' for an id"),
    ({"keep": ("nothing",)}, "no field 'nothing' for what to keep"),
    ({"drop": ("nothing",)}, "no field 'nothing' for what to leave out"),
    ({"text_field": "stars"}, None),
    ({"text_field": ""}, "the text field has an empty name"),
    ({"columns": ("links",)}, "no column 'links' to add: expected some of coref_clusters"),
    ({"columns": ()}, "nothing to add"),
    ({"model": "nowhere"}, "No pipeline at nowhere"),
    ({"precision": "half"}, "precision = 'half' in lstm_coref: expected one of single, bfloat16"),
    ({"format": "xml"}, "format 'xml': expected one of parquet, jsonl, csv"),
    ({"format": "jsonl", "compression": "zstd"}, "compression 'zstd': expected one of none, gzip"),
    ({"compression": "snappy"}, "compression 'snappy' of jsonl: expected none, gzip"),
    ({"format": "csv"}, "out.jsonl with the format csv: make them agree"),
    ({"max_words": -1}, "max_words = -1: expected 0"),
    ({"part_bytes": 0}, "part_bytes = 0: expected 1 or more"),
    ({"engine": "spark"}, "engine 'spark': expected one of local, ray"),
    ({"workers": -1}, "-1 workers for the engine local: expected 1 or more"),
    ({"prefix": "", "name": "x"}, "has no configuration"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_mistakes_are_told_before_anything_is_written(
    make: Annotate, source: Path, tmp_path: Path, options: dict[str, Any], message: str | None
) -> None:
    if message is None:
        # It is there, and no row of it is a text: that is for each row to tell.
        assert make(source, tmp_path / "out.jsonl", **options)["errors"] == 12
        return
    with pytest.raises(LstmError, match=message):
        make(source, tmp_path / "out.jsonl", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_inputs_that_are_none(make: Annotate, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.parquet.gz").write_text("text")
    (tmp_path / "two.csv").write_text("text,text\na,b\n")
    (tmp_path / "bad.csv").write_bytes(b"text\xff\na\n")
    (tmp_path / "quote.csv").write_bytes(b'"a"b,text\na\n')
    (tmp_path / "no.csv.gz").write_bytes(b"text\na\n")
    pq.write_table(pa.table({"text": [1]}), tmp_path / "numbers.parquet")
    cases = {
        "": "the input has an empty name",
        "nothing.jsonl": "no such file or folder: .*nothing.jsonl: check the path",
        "*.tsv": "nothing to annotate in .*: expected .jsonl, .csv or .parquet files",
        "empty": "nothing to annotate in .*empty",
        "a.txt": "a.txt: a file of unknown form: expected .jsonl",
        "b.parquet.gz": "b.parquet.gz: a file of unknown form",
        "two.csv": "two.csv: two columns named 'text': rename one",
        "bad.csv": "bad.csv: .*: expected CSV with a header",
        "quote.csv": "quote.csv: not CSV: .*: expected CSV with a header",
        "no.csv.gz": "no.csv.gz: the file is damaged, or not gzip: .*: expected CSV",
        "numbers.parquet": "the field 'text' is int64: expected strings",
    }
    for name, message in cases.items():
        with pytest.raises(LstmError, match=message):
            make(str(tmp_path / name) if name else " ", out)
    with pytest.raises(LstmError, match="no such file or folder: memory://none"):
        make("memory://none", out)
    with pytest.raises(LstmError, match=r"nope://x: .*expected a path, or a URL that fsspec"):
        make("nope://x", out)
    with pytest.raises(LstmError, match="install the package that it names"):
        make("s3://bucket/x.jsonl", out)


def test_outputs_that_cannot_be(make: Annotate, source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "there.jsonl").write_text("mine")
    (tmp_path / "folder.jsonl").mkdir()
    cases = {
        ".": "cannot write '.*': expected the name of a file or folder",
        "there.jsonl": "there.jsonl exists: choose another name, or overwrite it",
        "full": "full is a folder with other things in it: choose a new one",
        "file": "file is a file, where a folder was to be",
        "folder.jsonl": "folder.jsonl is a folder, where a file was to be",
        "file/out.jsonl": "cannot write .*file/out.jsonl.*: Not a directory: choose another",
        "a.parquet.gz": "Parquet is compressed inside: name it .*a.parquet$",
    }
    for name, message in cases.items():
        with pytest.raises(LstmError, match=message):
            make(source, f"{tmp_path}/{name}")
    with pytest.raises(LstmError, match=r"out.jsonl.gz with compression none: make them agree"):
        make(source, tmp_path / "out.jsonl.gz", compression="none")
    make(source, tmp_path / "there.jsonl", overwrite=True)
    assert len(read(tmp_path / "there.jsonl")) == 12
    assert (tmp_path / "full" / "mine").read_text() == "mine"


def test_columns_that_are_there_already(
    make: Annotate, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", [{**row, "sentiment": 1} for row in rows])
    with pytest.raises(LstmError, match="a column 'sentiment' already: give a prefix"):
        make(path, tmp_path / "out.jsonl")
    monkeypatch.setattr(planning, "_SAMPLED_ROWS", 0)
    found = make(path, tmp_path / "late.jsonl")
    assert (found["rows"], found["errors"]) == (0, 12)
    reason = "the row has a field 'sentiment' already: give a prefix"
    assert errors_of(found)[0]["reason"] == reason
    make(path, tmp_path / "a.jsonl", prefix="lstm_")
    make(path, tmp_path / "b.jsonl", drop=("sentiment",))
    first, second = (read(tmp_path / name)[0] for name in ("a.jsonl", "b.jsonl"))
    assert first["sentiment"] == 1
    assert first["lstm_sentiment"] == second["sentiment"]


def test_pipelines_with_less(model: str, source: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model)
    nlp.remove_pipe("lstm_coref")
    nlp.to_disk(tmp_path / "mood")
    options = Options(str(tmp_path / "mood"))
    annotate(source, tmp_path / "out.jsonl", options, workers=0)
    added = [name for name in read(tmp_path / "out.jsonl")[0] if name in DEFAULT_COLUMNS]
    assert added == ["sentiment", "sentiment_label", "sentiment_probabilities"]
    wanted = Options(str(tmp_path / "mood"), columns=("coref_links",))
    with pytest.raises(LstmError, match=r"'coref_links' needs lstm_coref.* \(it has lstm_senti"):
        annotate(source, tmp_path / "other.jsonl", wanted, workers=0)
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(LstmError, match="the pipeline has neither lstm_coref nor lstm_sentiment"):
        annotate(source, tmp_path / "other.jsonl", Options(str(tmp_path / "blank")), workers=0)


def test_the_engine_ray_without_ray(
    make: Annotate, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spacy_lstm.bulk.cluster", raising=False)
    with pytest.raises(LstmError, match=r"needs ray.*: pip install 'spacy-lstm\[ray\]'"):
        make(source, tmp_path / "out.jsonl", engine="ray", workers=1)


def test_a_process_of_its_own_spares_what_is_there_to_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(annotating, "load_annotator", lambda job: (None, []))
    monkeypatch.setattr(annotating.gc, "freeze", lambda: frozen.append(1))
    job: Any = SimpleNamespace(shards="shards", work="work")
    annotating.Annotator(job)
    assert not frozen
    annotating.Annotator(job, owns_process=True)
    assert frozen
