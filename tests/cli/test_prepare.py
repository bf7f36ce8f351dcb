"""`prepare`: datasets → .spacy files that stock spaCy reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import typer
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_lstm.cli.prepare import prepare, prepare_cli
from spacy_lstm.errors import LstmError

CLUSTERS = {
    "id": "x/1",
    "source": "litbank",
    "text": "Ann  slept.\n\nShe woke.",
    "tokens": [[0, 3], [5, 10], [10, 11], [13, 16], [17, 21], [21, 22]],
    "clusters": [[[0, 1], [3, 4]]],
    "sents": [[0, 3], [3, 6]],
    "meta": {"genre": "tale"},
}
PAIR = {
    "id": "p/1",
    "text": "Ann saw Eve; she left.",
    "pronoun": {"start": 13, "end": 16},
    "candidates": [{"start": 0, "end": 3, "label": 1}, {"start": 8, "end": 11, "label": 0}],
}
TEXTS = [{"sentence": f"Film {i}.", "y": i % 2} for i in range(7)]
MAPS: dict[str, Any] = {
    "columns": {"text": "sentence", "label": "y"},
    "labels": {"0": "NEGATIVE", "1": "POSITIVE"},
}

app = typer.Typer()
app.command()(prepare_cli)


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(path: Path) -> list[Doc]:
    """By the reader of spaCy's own `spacy.Corpus.v1`."""
    return [example.reference for example in Corpus(path)(spacy.blank("en"))]


def test_stock_corpus_reads_clusters_and_pairs(tmp_path: Path) -> None:
    sources = [jsonl(tmp_path / "c.jsonl", [CLUSTERS]), jsonl(tmp_path / "p.jsonl", [PAIR])]
    target = tmp_path / "new" / "train.spacy"
    summary = prepare(sources, target)
    assert summary == {
        "documents": 2,
        "tokens": 15,
        "output": str(target),
        "rows": 2,
        "excluded": 0,
        "cut_spans": 0,
        "skipped": {},
        "skipped_ids": {},
    }
    clusters, pair = read(target)
    assert clusters.text == CLUSTERS["text"]
    assert [span.text for span in clusters.spans["coref_clusters_1"]] == ["Ann", "She"]
    assert clusters.spans["coref_mentions"].attrs == {"source": "litbank", "exhaustive": True}
    assert [sent.text for sent in clusters.sents] == ["Ann  slept.\n\n", "She woke."]
    assert [span.text for span in pair.spans["coref_pairs_1"]] == ["she", "Ann", "Eve"]
    assert pair.spans["coref_pairs_1"].attrs["labels"] == [1, 0]
    (stored, _) = DocBin().from_disk(target).get_docs(spacy.blank("en").vocab)
    assert stored.user_data["spacy_lstm"]["meta"] == {"genre": "tale"}
    assert [path.name for path in target.parent.iterdir()] == ["train.spacy"]


def test_shards(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "t.jsonl", TEXTS)
    target = tmp_path / "train"
    for _ in range(2):  # the second run replaces the first
        summary = prepare([source], target, shard_size=3, **MAPS)
    assert summary["documents"] == 7
    names = sorted(path.name for path in target.iterdir())
    assert names == ["part-00000.spacy", "part-00001.spacy", "part-00002.spacy"]
    docs = read(target)
    assert [doc.text for doc in docs] == [row["sentence"] for row in TEXTS]
    assert docs[1].cats == {"NEGATIVE": 0.0, "POSITIVE": 1.0}


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("x.bin", {}, r"output .*x.bin has to end in .spacy"),
        ("x.spacy", {"shard_size": -1}, "shard size is -1: expected 0"),
        ("folder.spacy", {}, "folder.spacy is a folder: give a file name"),
        (".", {"shard_size": 2}, "holds other things than shards"),
        ("file/x.spacy", {}, r"cannot write .*x.spacy"),
        ("x.spacy", {"lang": "xx-nowhere"}, "no language 'xx-nowhere'"),
        ("x.spacy", {"labels": {"7": "NEGATIVE"}}, "none of its 7 rows can be used"),
    ],
)
def test_mistakes_leave_nothing_behind(
    tmp_path: Path, output: str, options: dict[str, Any], message: str
) -> None:
    source = jsonl(tmp_path / "t.jsonl", TEXTS)
    (tmp_path / "folder.spacy").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LstmError, match=message) as error:
        prepare([source], tmp_path / output, **MAPS | options)
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_mistake_on_the_way_keeps_the_old_output(tmp_path: Path) -> None:
    source = tmp_path / "t.jsonl"
    jsonl(source, TEXTS)
    file, folder = tmp_path / "a.spacy", tmp_path / "shards"
    prepare([source], file, **MAPS)
    prepare([source], folder, shard_size=2, **MAPS)
    with source.open("a", encoding="utf-8") as stream:
        stream.write("{broken\n")
    for target, shard_size in ((file, 0), (folder, 2)):
        with pytest.raises(LstmError, match="line 8: not JSON"):
            prepare([source], target, shard_size=shard_size, **MAPS)
        assert len(read(target)) == 7
    assert not list(tmp_path.rglob("*.partial"))


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_prints_one_json_object(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "t.jsonl", [*TEXTS, {"sentence": "", "y": 1}])
    target = tmp_path / "t.spacy"
    options = ["--columns", "text=sentence", "--columns", "label=y", "--exclude", "y=5,6,1"]
    options += ["--labels", "0=NEGATIVE", "--labels", "1=POSITIVE", "--limit", "3", "--json"]
    result = run(source, target, *options)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["documents"], summary["excluded"]) == (3, 2)
    assert [doc.text for doc in read(target)] == ["Film 0.", "Film 2.", "Film 4."]


def test_command_prints_what_was_left_out(tmp_path: Path) -> None:
    first = jsonl(tmp_path / "a.jsonl", [CLUSTERS, CLUSTERS | {"text": "", "id": "blank"}])
    second = jsonl(tmp_path / "b.jsonl", [CLUSTERS | {"meta": {"genre": "essay"}}])
    result = run(first, second, tmp_path / "o.spacy", "--exclude", "meta.genre=essay")
    assert result.exit_code == 0, result.output
    assert f"1 documents, 8 tokens → {tmp_path / 'o.spacy'}" in result.stdout
    assert "excluded by the filter: 1 rows" in result.stdout
    assert "skipped: 1 × empty text (first: blank)" in result.stdout
    assert "skipped" not in result.stderr, "it is said once"
    row = CLUSTERS | {"clusters": [[[0, 2], [3, 4]]], "sents": None}
    result = run(jsonl(tmp_path / "c.jsonl", [row]), tmp_path / "o.spacy", "--max-length", "1")
    assert "lost where documents were split: 1 spans" in result.stdout


def test_malformed_assignments(tmp_path: Path) -> None:
    result = run("x.jsonl", tmp_path / "o.spacy", "--labels", "NEGATIVE")
    assert isinstance(result.exception, LstmError)
    assert str(result.exception) == "--labels 'NEGATIVE': expected NAME=VALUE"
