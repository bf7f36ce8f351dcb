"""`resolve`: text, JSON and picture, from every source of text."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from typer.testing import Result

Run = Callable[..., Result]
TEXT = "Alice is happy. She smiles."
RESOLVED = "Alice is happy. Alice smiles."


def test_prints_the_resolved_text(run: Run, coref: Path) -> None:
    result = run("resolve", TEXT, "--model", coref / "model-best")
    assert (result.exit_code, result.stdout) == (0, RESOLVED + "\n")


def test_json_tells_clusters_links_and_offsets(run: Run, coref: Path) -> None:
    result = run("resolve", "--json", TEXT, "-m", coref / "model-best")
    told = json.loads(result.stdout)
    assert told["text"] == TEXT
    assert told["resolved_text"] == RESOLVED
    alice, she = (
        {"start": 0, "end": 5, "text": "Alice"},
        {"start": 16, "end": 19, "text": "She"},
    )
    assert told["clusters"] == [[alice, she]]
    [link] = told["links"]
    assert (link["anaphor"], link["antecedent"]) == (she, alice)
    assert 0 < link["score"] <= 1
    pieces = [
        (told["resolved_text"][a:b], told["text"][c:d]) for a, b, c, d in told["resolved_offsets"]
    ]
    assert ("Alice", "She") in pieces


@pytest.mark.parametrize("words", [(), ("--file", "-"), ("--file", "FILE")])
def test_text_from_a_pipe_or_a_file(
    run: Run, coref: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "story.txt"
    file.write_text(TEXT + "\n", encoding="utf-8")
    words = tuple(word.replace("FILE", str(file)) for word in words)
    piped = None if str(file) in words else TEXT + "\n"
    result = run("resolve", "-m", coref / "model-best", *words, text=piped)
    assert (result.exit_code, result.stdout) == (0, RESOLVED + "\n")


@pytest.mark.parametrize("text", ["", "   ", "🙂", "e\u0301 \u200b小明", "No pronoun here."])
def test_texts_without_anything_to_resolve_stay(run: Run, coref: Path, text: str) -> None:
    result = run("resolve", "--json", "-m", coref / "model-best", "--", text)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["resolved_text"] == text


def test_threshold_leaves_uncertain_pronouns(run: Run, coref: Path) -> None:
    result = run("resolve", TEXT, "-m", coref / "model-best", "--threshold", "1.0")
    assert (result.exit_code, result.stdout) == (0, TEXT + "\n")


def test_html_is_written_as_well(run: Run, coref: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "links.html"
    result = run("resolve", TEXT, "-m", coref / "model-best", "--html", page)
    assert (result.exit_code, result.stdout) == (0, RESOLVED + "\n")
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "Alice" in html
    assert [path.name for path in page.parent.iterdir()] == ["links.html"]


def test_another_prefix_of_the_clusters_is_found(run: Run, coref: Path, tmp_path: Path) -> None:
    nlp = spacy.load(
        coref / "model-best", config={"components.lstm_coref.span_cluster_prefix": "c"}
    )
    nlp.to_disk(tmp_path / "model")
    page = tmp_path / "links.html"
    result = run("resolve", TEXT, "-m", tmp_path / "model", "--json", "--html", page)
    assert len(json.loads(result.stdout)["clusters"]) == 1
    assert "1 cluster" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--model", "xx_no_such"], "✘ No pipeline at xx_no_such"),
        (["--html", "FOLDER"], "✘ "),
    ],
)
def test_mistakes_are_one_line(
    run: Run, coref: Path, tmp_path: Path, words: list[str], line: str
) -> None:
    words = [word.replace("FOLDER", str(tmp_path)) for word in words]
    result = run("resolve", TEXT, "-m", coref / "model-best", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_missing_file_is_named(run: Run, tmp_path: Path) -> None:
    result = run("resolve", "--file", tmp_path / "none.txt")
    assert result.exit_code == 1
    assert result.stderr == f"✘ {tmp_path / 'none.txt'}: No such file or directory\n"


@pytest.mark.parametrize("words", [("--threshold", "2"), (TEXT, "--file", "x.txt")])
def test_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    assert run("resolve", *words).exit_code == 2
