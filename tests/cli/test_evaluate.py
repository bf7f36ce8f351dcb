"""`evaluate`: figures from every form of data, as tables and as JSON."""

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training import Example
from thinc.api import Config
from typer.testing import Result

from spacy_lstm.cli.evaluate import evaluate_coref, evaluate_sentiment
from spacy_lstm.errors import LstmError

Run = Callable[..., Result]
CORPUS = Path(__file__).parents[2] / "corpus"

TEXT = "Ann met Bob. She smiled."
PAIR = {
    "id": "1",
    "text": TEXT,
    "pronoun": {"start": 13, "end": 16},
    "pronoun_text": "She",
    "candidates": [
        {"start": 0, "end": 3, "text": "Ann", "label": 1},
        {"start": 8, "end": 11, "text": "Bob", "label": 0},
    ],
    "meta": {"gender": "F"},
}
GAP = (
    "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    f"t-1\t{TEXT}\tShe\t13\tAnn\t0\tTRUE\tBob\t8\tFALSE\thttp://example.org\n"
)


def test_learnt_texts_score_high(run: Run, coref: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "metrics.json"
    model, data = coref / "model-best", coref / "texts.spacy"
    result = run("evaluate", "coref", model, data, "--json", "--output", output)
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    assert scores["documents"] == 12
    assert scores["conll_f"] > 0.8
    assert scores["pronoun_per_class"]["she"]["f"] > 0.8
    assert scores["gap_f"] is None
    assert json.loads(output.read_text(encoding="utf-8")) == scores


def test_tables_for_people(run: Run, coref: Path) -> None:
    result = run("evaluate", "coref", coref / "model-best", coref / "texts.spacy")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["clusters", "P", "R", "F"]
    assert [line.split()[0] for line in lines[2:7]] == ["MUC", "B³", "CEAFe", "LEA", "mentions"]
    assert any(line.startswith("CoNLL F ") for line in lines)
    assert any(line.startswith("she ") for line in lines)
    header = next(line for line in lines if line.startswith("pronouns"))
    assert header.split("  ")[1:3] == ["right cluster", "right antecedent"]
    (error,) = (line for line in lines if line.startswith("expected calibration error "))
    assert "precision at half coverage" in error
    threshold = lines.index(next(line for line in lines if line.startswith("threshold")))
    assert [line.split()[0] for line in lines[threshold + 2 :]] == [f"0.{i}" for i in range(10)]
    assert not any(line.startswith("pairs") for line in lines)


def test_dataset_folder_with_split_and_limit(run: Run, coref: Path) -> None:
    words = ("--split", "train", "--limit", "12", "--json")
    folder = run("evaluate", "coref", coref / "model-best", CORPUS / "coref_en", *words)
    binary = run("evaluate", "coref", coref / "model-best", coref / "texts.spacy", "--json")
    assert json.loads(folder.stdout) == json.loads(binary.stdout)
    half = run(
        *("evaluate", "coref", coref / "model-best", coref / "texts.spacy"), "--limit", 6, "--json"
    )
    assert json.loads(half.stdout)["documents"] == 6


def test_singletons_count_when_asked(run: Run, coref: Path) -> None:
    words = ("evaluate", "coref", coref / "model-best", coref / "texts.spacy", "--json")
    without = json.loads(run(*words).stdout)
    counted = json.loads(run(*words, "--singletons").stdout)
    assert counted["mention_f"] != without["mention_f"]
    assert counted["muc_f"] == without["muc_f"]


@pytest.mark.parametrize("form", ["jsonl", "tsv", "spacy"])
def test_pairs_are_scored_in_both_settings(
    run: Run, coref: Path, tmp_path: Path, form: str
) -> None:
    data = tmp_path / f"pairs.{form}"
    data.write_text(GAP if form == "tsv" else json.dumps(PAIR) + "\n", encoding="utf-8")
    if form == "spacy":
        shutil.copy(data, tmp_path / "pairs.jsonl")
        assert run("prepare", tmp_path / "pairs.jsonl", data).exit_code == 0
    result = run("evaluate", "coref", coref / "model-best", data, "--json")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    for key in ("gap_f", "gap_accuracy", "gap_given_f", "gap_given_accuracy"):
        assert scores[key] in (0.0, 1.0)
    assert 0 <= scores["gap_given_ece"] <= 1
    assert scores["winobias_gap"] is None
    assert scores["gap_f_masculine"] is None
    assert scores["conll_f"] is None
    table = run("evaluate", "coref", coref / "model-best", data).stdout
    assert [line.split()[0] for line in table.splitlines()] == [
        "pairs",
        "--------",
        "given",
        "detected",
    ]


@pytest.mark.parametrize("form", ["jsonl", "spacy"])
def test_stereotypes_come_from_meta(run: Run, coref: Path, tmp_path: Path, form: str) -> None:
    rows = tmp_path / "pairs.jsonl"
    metas: list[dict[str, object]] = [{"stereotype": side, "type": 1} for side in ("pro", "anti")]
    rows.write_text("".join(json.dumps({**PAIR, "meta": meta}) + "\n" for meta in metas))
    data = tmp_path / f"pairs.{form}"
    if form == "spacy":
        assert run("prepare", rows, data).exit_code == 0
    words = ("evaluate", "coref", coref / "model-best", data)
    scores = json.loads(run(*words, "--json").stdout)
    for prefix, accuracy in (
        ("winobias", "gap_accuracy"),
        ("winobias_given", "gap_given_accuracy"),
    ):
        assert scores[f"{prefix}_pro"] == scores[f"{prefix}_anti"] == scores[accuracy]
        assert scores[f"{prefix}_gap"] == 0.0
    lines = run(*words).stdout.splitlines()
    assert lines[-4].split() == ["stereotypes", "pro", "anti", "gap"]


@pytest.mark.parametrize("kind", ["documents", "pairs"])
def test_errors_are_written_to_a_page(run: Run, coref: Path, tmp_path: Path, kind: str) -> None:
    text = "The rain came. Ann met Bob. He told <b> her </b> that it had come."
    he, her = text.index("He "), text.index("her ")
    pair = {
        "id": "<7>",
        "text": text,
        "pronoun": {"start": he, "end": he + 2},
        "candidates": [
            {"start": text.index(name), "end": text.index(name) + 3, "label": int(name == "her")}
            for name in ("Ann", "her")
        ],
    }
    clusters = [[[text.index("rain"), text.index("rain") + 4], [her, her + 3], [he, he + 2]]]
    document = {"id": "<7>", "text": text, "clusters": clusters, "source": "gum"}
    data, page = tmp_path / "data.jsonl", tmp_path / "new" / "errors.html"
    data.write_text(json.dumps(document if kind == "documents" else pair) + "\n")
    words = ("evaluate", "coref", coref / "model-best", data)
    result = run(*words, "--errors", page, "--json")
    assert result.exit_code == 0, result.stderr
    # the page changes no figure, and the errors are not among them
    assert json.loads(result.stdout) == json.loads(run(*words, "--json").stdout)
    assert [file.name for file in page.parent.iterdir()] == ["errors.html"]
    html = page.read_text(encoding="utf-8")
    assert "<bdi>&lt;7&gt;</bdi>" in html
    assert 'data-pronoun="he"' in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_sentiment_tables_and_figures(run: Run, sentiment: Path, tmp_path: Path) -> None:
    output = tmp_path / "metrics.json"
    words = ("evaluate", "sentiment", sentiment / "model-best", sentiment / "texts.spacy")
    result = run(*words, "-o", output)
    assert result.exit_code == 0, result.stderr
    scores = json.loads(output.read_text(encoding="utf-8"))
    assert scores["accuracy"] > 0.8
    assert result.stdout.splitlines()[0].split() == ["sentiment", "P", "R", "F"]
    assert 0 <= scores["ece"] <= 1
    assert sum(row["n"] for row in scores["reliability"]) == 12
    assert f"expected calibration error {scores['ece'] * 100:.1f}\n" in result.stdout
    assert re.search(r"^probability +mean +right +number$", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == f"accuracy {scores['accuracy'] * 100:.1f} of 12 texts"


def test_columns_and_labels_are_mapped(run: Run, sentiment: Path, tmp_path: Path) -> None:
    docs = DocBin().from_disk(sentiment / "texts.spacy").get_docs(spacy.blank("en").vocab)
    rows = [{"review": doc.text, "stars": max(doc.cats, key=doc.cats.get)[0]} for doc in docs]
    data = tmp_path / "reviews.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    maps = [
        *("--columns", "text=review", "--columns", "label=stars"),
        *("--labels", "N=NEGATIVE", "--labels", "P=POSITIVE"),
    ]
    words = ("evaluate", "sentiment", sentiment / "model-best", data, "--json")
    scores = json.loads(run(*words, *maps).stdout)
    assert set(scores["cats_f_per_type"]) == {"NEGATIVE", "POSITIVE"}
    unmapped = run(*words, *maps[2:])
    assert (unmapped.exit_code, unmapped.stdout) == (1, "")
    assert "review" in unmapped.stderr
    assert unmapped.stderr.count("\n") == 1


def test_a_model_with_five_labels_on_data_with_fewer(tmp_path: Path) -> None:
    config = Config().from_disk(CORPUS.parent / "configs" / "tiny" / "sentiment_dedicated.cfg")
    nlp = spacy.blank("en")
    settings = config["components"]["lstm_sentiment"]["model"]
    pipe = nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": settings})
    labels = ["VERY_NEGATIVE", "NEGATIVE", "NEUTRAL", "POSITIVE", "VERY_POSITIVE"]
    examples = [Example.from_dict(nlp.make_doc("x"), {"cats": {label: 1.0}}) for label in labels]
    nlp.initialize(lambda: examples)
    (module,) = (shim.module for shim in pipe.model.shims)
    chosen = {"VERY_POSITIVE": 3.0, "NEGATIVE": 1.0}
    with torch.no_grad():
        module.output.weight.zero_()
        module.output.bias.copy_(torch.tensor([chosen.get(label, 0.0) for label in pipe.labels]))
    nlp.to_disk(tmp_path / "five")
    found = {}
    for label in ("POSITIVE", "VERY_POSITIVE"):
        row = {"text": "Good.", "label": label}
        (tmp_path / "data.jsonl").write_text(json.dumps(row), encoding="utf-8")
        data = [str(tmp_path / "data.jsonl")]
        found[label] = evaluate_sentiment(
            tmp_path / "five", data, labels={name: name for name in (label, "NEGATIVE")}
        )
    weights = {label: math.exp(chosen.get(label, 0.0)) for label in labels}
    both = weights["POSITIVE"] + weights["VERY_POSITIVE"]
    against = weights["NEGATIVE"] + weights["VERY_NEGATIVE"]
    assert found["POSITIVE"]["accuracy"] == 1.0
    (row,) = found["POSITIVE"]["reliability"]
    assert row["probability"] == pytest.approx(both / (both + against), abs=1e-5)
    (row,) = found["VERY_POSITIVE"]["reliability"]
    expected = weights["VERY_POSITIVE"] / (weights["VERY_POSITIVE"] + weights["NEGATIVE"])
    assert row["probability"] == pytest.approx(expected, abs=1e-5)


def test_several_sources_are_scored_together(coref: Path) -> None:
    data = str(coref / "texts.spacy")
    assert evaluate_coref(coref / "model-best", [data, data])["documents"] == 24


@pytest.mark.parametrize(
    ("task", "data", "line"),
    [
        ("coref", "none.jsonl", "✘ no such file or folder: none.jsonl"),
        ("coref", "none.spacy", "✘ no data at none.spacy"),
        ("coref", "SENTIMENT", "no coreference in it: expected clusters, or pronouns"),
        ("sentiment", "COREF", "no labels in it: expected texts with a label each"),
        ("coref", "BROKEN", "is no .spacy file: write it with"),
    ],
)
def test_unfit_data_is_named_in_one_line(
    run: Run, coref: Path, sentiment: Path, tmp_path: Path, task: str, data: str, line: str
) -> None:
    broken = tmp_path / "broken.spacy"
    broken.write_bytes(b"nothing of the kind")
    known = {
        "SENTIMENT": sentiment / "texts.spacy",
        "COREF": coref / "texts.spacy",
        "BROKEN": broken,
    }
    model = {"coref": coref, "sentiment": sentiment}[task] / "model-best"
    result = run("evaluate", task, model, known.get(data, data))
    assert (result.exit_code, result.stdout) == (1, "")
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def test_options_of_other_forms_are_refused_for_binary_data(coref: Path) -> None:
    model, data = coref / "model-best", str(coref / "texts.spacy")
    with pytest.raises(LstmError, match=r"is \.spacy already: leave out --split"):
        evaluate_coref(model, [data], split="dev")
    with pytest.raises(LstmError, match=r"is \.spacy and others are not"):
        evaluate_coref(model, [data, str(CORPUS / "coref_en")])


def test_a_failed_evaluation_writes_nothing(run: Run, coref: Path, tmp_path: Path) -> None:
    output = tmp_path / "metrics.json"
    result = run("evaluate", "coref", coref / "model-best", "none.spacy", "-o", output)
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []
