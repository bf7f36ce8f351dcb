"""`silver`: raw text → pairs in a .spacy file."""

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import Result

from spacy_lstm.cli.silver import silver
from spacy_lstm.errors import LstmError

Run = Callable[..., Result]
TEXT = (
    "Alice Hill wrote to Peter Brown every week, although she knew that he seldom read letters. "
    "Brown kept them in his desk, and she never asked him about them. "
    "Much later the letters were found by a clerk, sold to the museum of the town, and "
    "read there by everybody with an interest in the long winters of those years."
)
RIVALS = TEXT.replace("Alice", "John").replace("she", "he")


@pytest.fixture
def names(tmp_path: Path) -> Path:
    rows = ["name\tfemale_all\tmale_all\tp_female", "Alice\t9000\t1\t0.999", "Ruth\t9000\t1\t0.999"]
    rows += ["Peter\t1\t9000\t0.001", "John\t1\t9000\t0.001"]
    path = tmp_path / "names.tsv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt.xz"
    path.write_bytes(lzma.compress(f"{TEXT}\n\n{TEXT}\n\n{RIVALS}\n".encode()))
    return path


def test_a_file_of_pairs(run: Run, tmp_path: Path, text: Path, names: Path) -> None:
    target = tmp_path / "new" / "silver.spacy"
    words = ("silver", text, target, "--names", names, "--nearest-share", "1")
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["passages"], summary["pairs"]) == (2, 4)
    docs = list(DocBin().from_disk(target).get_docs(spacy.blank("en").vocab))
    assert [sorted(doc.spans) for doc in docs] == [["coref_pairs_1", "coref_pairs_2"]] * 2
    first = target.read_bytes()
    result = run(*words, "--limit", "1")
    assert "1 passages, 2 pronouns → " in result.stdout
    assert "antecedent is the first candidate: " in result.stdout
    run(*words)
    assert target.read_bytes() == first
    assert [path.name for path in target.parent.iterdir()] == ["silver.spacy"]


def test_labels_by_a_model(run: Run, tmp_path: Path, text: Path, names: Path) -> None:
    target = tmp_path / "agreed.spacy"
    options = ["--label-with", "en_lstm_sm", "--min-probability", "0", "--neither-share", "1"]
    result = run("silver", text, target, "--names", names, *options, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["passages"] == 1
    (doc,) = DocBin().from_disk(target).get_docs(spacy.blank("en").vocab)
    assert doc.text == RIVALS
    assert sum(doc.spans["coref_pairs_1"].attrs["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_mistakes(tmp_path: Path, text: Path, names: Path) -> None:
    target = tmp_path / "o.spacy"
    with pytest.raises(LstmError, match="has to be a file whose name ends in"):
        silver([text], tmp_path / "o.bin", names=names)
    with pytest.raises(LstmError, match="limit is -1: expected 0"):
        silver([text], target, names=names, limit=-1)
    with pytest.raises(LstmError, match="no passage in 1 files fits: give more text"):
        silver([names], target, names=names)
    assert not target.exists()
