import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import spacy
from spacy.tokens import SpanGroup
from typer import Typer
from typer.testing import CliRunner

from spacy_lstm.cli import explain as explain_module
from spacy_lstm.cli.explain import explain, explain_cli, explain_example
from spacy_lstm.descriptions import describe_explanation
from spacy_lstm.errors import LstmError
from spacy_lstm.explanations import (
    Candidate,
    Explanation,
    FeatureShare,
    LinkExplanation,
    RunningScore,
    SentimentExplanation,
)
from spacy_lstm.pretrained import bundle_names
from spacy_lstm.traces import Trace
from spacy_lstm.tracing import trace_example
from spacy_lstm.viz import render


@pytest.fixture
def asked(monkeypatch):
    """Pipelines by hand, in the place of loaded ones; the factories that were asked for."""
    nlp = spacy.blank("en")
    factories = []

    def read(text):
        doc = nlp(text)
        links = [{"anaphor": [3, 4], "antecedent": [0, 1], "score": 0.75}]
        spans = [doc[0:1], doc[3:4]]
        doc.spans["mine_1"] = SpanGroup(doc, name="mine_1", spans=spans, attrs={"links": links})
        doc.cats = {"NEGATIVE": 0.2, "POSITIVE": 0.8}
        doc.user_data["lstm_sentiment"] = {"weights": [0.1] * len(doc)}
        return doc

    def load_for(model, factory):
        factories.append((str(model), factory))
        return read, SimpleNamespace(span_cluster_prefix="mine")

    monkeypatch.setattr(explain_module, "load_for", load_for)
    return factories


def run(*words):
    app = Typer()
    app.command()(explain_cli)
    return CliRunner().invoke(app, list(words))


def test_page_of_links_under_the_pipelines_own_prefix(asked, tmp_path):
    doc = explain("Ann sat. She ran.", output=tmp_path / "new" / "page.html", model="some_model")
    page = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert doc.text == "Ann sat. She ran."
    assert "→ Ann" in page
    assert "75%" in page
    assert asked == [("some_model", "lstm_coref")]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


def test_command_prints_the_path(asked, tmp_path):
    output = tmp_path / "page.html"
    result = run("Ann sat. She ran.", "-o", str(output), "--style", "sentiment")
    assert result.exit_code == 0
    assert result.stdout == f"{output}\n"
    assert "POSITIVE" in output.read_text(encoding="utf-8")
    assert asked == [("en_lstm_sm", "lstm_sentiment")]


def test_command_prints_one_json_object(asked, tmp_path):
    output = tmp_path / "page.html"
    result = run("Ann sat. She ran.", "-o", str(output), "--json")
    assert json.loads(result.stdout) == {"output": str(output), "style": "coref", "tokens": 6}


def test_unknown_style_loads_nothing(asked, tmp_path):
    with pytest.raises(LstmError, match="Unknown style 'gantt': choose one of coref, sentiment, g"):
        explain("Ann.", output=tmp_path / "page.html", style="gantt")
    assert asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"style": "coref", "component": "lstm_coref"},
            "--component lstm_coref with --style coref: it goes with gates, memory, attention",
        ),
        (
            {"style": "why", "component": "lstm_coref"},
            "--component lstm_coref with --style why: it goes with gates, memory, attention",
        ),
        (
            {"style": "why", "output": "a.npz"},
            r"--style why as a\.npz: expected a name that ends in \.html, \.png, \.svg, \.json, or "
            "--style gates, memory, attention",
        ),
        ({"output": "a.pdf"}, r"cannot write a\.pdf: expected a name that ends in \.html, \.png, "),
        ({"style": "gates", "output": "a.PNG"}, r"cannot write a\.PNG: expected a name that ends"),
        ({"style": "coref", "output": "a.png"}, "coref as a.png: expected a name that ends in .ht"),
        ({"style": "sentiment", "output": "a.npz"}, "sentiment as a.npz: expected a name that end"),
    ],
)
def test_what_does_not_go_together(asked, tmp_path, options, message):
    output = tmp_path / options.pop("output", "page.html")
    with pytest.raises(LstmError, match=message):
        explain("Ann.", output=output, **options)
    assert asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def traced(monkeypatch):
    """A trace by hand, in the place of a pipeline's; what was asked for."""
    found = []

    def trace(nlp, text, component=None):
        found.append((nlp, text, component))
        return trace_example()

    monkeypatch.setattr(explain_module, "load_pipeline", str)
    monkeypatch.setattr(explain_module, "trace", trace)
    return found


@pytest.mark.parametrize("style", ["gates", "memory", "attention"])
def test_pages_of_the_encoder(traced, tmp_path, style):
    output = tmp_path / "page.html"
    found = explain("Ann.", output=output, model="mine", style=style, component="lstm_sentiment")
    assert output.read_text(encoding="utf-8") == render(found, style=style)
    assert traced == [("mine", "Ann.", "lstm_sentiment")]


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_the_trace_itself_is_saved(traced, tmp_path, suffix):
    output = tmp_path / f"trace.{suffix}"
    result = run("Ann.", "-o", str(output), "--json")
    assert json.loads(result.stdout) == {
        "output": str(output),
        "style": "gates",
        "tokens": 5,
        "component": "example",
    }
    saved = Trace.load(output)
    assert saved.tokens == ("Alice", "is", "happy", "She", "smiles")
    assert (saved.find().cell_state == trace_example().find().cell_state).all()


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures(traced, tmp_path, suffix, start):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    output = tmp_path / f"figure.{suffix}"
    assert run("Ann.", "-o", str(output), "--style", "memory").stdout == f"{output}\n"
    assert output.read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_a_sign_without_a_font_is_no_warning(traced, monkeypatch, tmp_path, recwarn):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    # A code point for private use, which no font has.
    odd = replace(trace_example(), tokens=("\U000fabcd", "is", "happy", "She", "smiles"))
    monkeypatch.setattr(explain_module, "trace", lambda *_, **__: odd)
    monkeypatch.setattr("spacy_lstm.viz.plotting.spell", str)
    explain("Ann.", output=tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert not recwarn.list


def test_worked_example_in_both_readings(tmp_path):
    output = tmp_path / "alice.html"
    result = run("--example", "alice", "-o", str(output))
    assert result.exit_code == 0
    worked, published = result.stdout.split("What was published")
    columns = ["forget", "input", "output", "candidate", "cell", "hidden"]
    assert re.search(r" +".join(columns), worked)
    assert re.search(r"happy .* 0\.057 ≠\[0\.012\] +0\.026 ≠\[0\.005\]", worked)
    assert re.search(r"She .* 0\.389 ≠\[0\.356\] +0\.176 ≠\[0\.164\]", worked)
    assert re.search(r"happy .* 0\.012 \[0\.012\] +0\.005 \[0\.005\]", published)
    assert re.search(r"She .* 0\.356 \[0\.356\] +0\.162 \[0\.164\]", published)
    assert "≠[" not in published
    assert result.stdout.endswith(f"\n{output}\n")
    assert "An LSTM by hand" in output.read_text(encoding="utf-8")
    found = json.loads(run("--example", "alice", "-o", str(output), "--json").stdout)
    assert found["readings"][0]["rows"][0]["word"] == "Alice"


def test_examples_that_there_are_not(tmp_path):
    with pytest.raises(LstmError, match="no example 'bob': there is alice"):
        explain_example("bob", output=tmp_path / "page.html")
    with pytest.raises(LstmError, match=r"the example as a\.png: expected a name that ends in \.h"):
        explain_example("alice", output=tmp_path / "a.png")
    with pytest.raises(LstmError, match=r"the example as a\.pdf: expected a name that ends in \.h"):
        explain_example("alice", output=tmp_path / "a.pdf")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["Ann."], "a text"),
        (["--file", "text.txt"], "--file"),
        (["--style", "gates"], "--style"),
        (["-s", "coref"], "--style"),
        (["--component", "lstm_coref"], "--component"),
        # Also where it is what would be taken anyway.
        (["--model", "en_lstm_sm"], "--model"),
    ],
)
def test_an_example_takes_the_place_of_text_style_and_model(tmp_path, words, name):
    output = tmp_path / "page.html"
    result = run("--example", "alice", "-o", str(output), *words)
    assert result.exit_code == 2
    assert f"give {name} or --example, not both" in result.stderr
    assert not output.exists()


@pytest.fixture
def explained(monkeypatch):
    """An explanation by hand, in the place of a pipeline's; what was asked for."""
    found = []
    words, offsets = ("Ann", "saw", "her", "."), (0, 4, 8, 11)
    link = LinkExplanation(
        tokens=words,
        offsets=offsets,
        anaphor=(2, 3),
        anaphor_text="her",
        antecedent=(0, 1),
        antecedent_text="Ann",
        probability=0.6,
        decided_by=(2, 3),
        candidates=(Candidate((0, 1), "Ann", 0.7, True),),
        none=0.3,
        log_odds=0.8,
        features=(FeatureShare("kinds", "she – name", 0.5),),
        without_features=0.3,
        words=(0.1, -0.2, 0.123456789, 0.0),
        method="leave_one_out",
    )
    cats = {"NEGATIVE": 0.4, "POSITIVE": 0.6}
    sentiment = SentimentExplanation(
        words, offsets, "POSITIVE", 0.6, cats, 0.4, (0.1, 0.2, 0.1, 0.0), "integrated_gradients"
    )
    running = tuple(map(RunningScore, words, offsets, (0.1, 0.0, -0.1, 0.2)))

    def explain_answers(nlp, text):
        found.append((nlp, text))
        return Explanation(text, "en", (link,), sentiment, running)

    monkeypatch.setattr(explain_module, "load_pipeline", str)
    monkeypatch.setattr(explain_module, "explain_answers", explain_answers)
    return found


def test_page_of_why(explained, tmp_path):
    output = tmp_path / "page.html"
    found = explain("Ann saw her.", output=output, model="mine", style="why")
    assert output.read_text(encoding="utf-8") == render(found, style="why")
    assert explained == [("mine", "Ann saw her.")]


def test_why_as_json_is_what_the_server_answers(explained, tmp_path):
    output = tmp_path / "why.json"
    result = run("Ann saw her.", "-o", str(output), "--style", "why", "--json")
    told = json.loads(result.stdout)
    found = json.loads(output.read_text(encoding="utf-8"))
    assert told == {
        "output": str(output),
        "style": "why",
        "links": 1,
        "label": "POSITIVE",
    }
    assert found == describe_explanation(explain("Ann saw her.", output=output, style="why"))
    text = found["text"]
    (link,) = found["links"]["explained"]
    spans = [link["anaphor"], link["antecedent"], link["decided_by"], *link["candidates"]]
    assert [span["text"] for span in spans] == ["her", "Ann", "her", "Ann"]
    assert all(text[span["start"] : span["end"]] == span["text"] for span in spans)
    assert link["words"] == [0.1, -0.2, 0.12346, 0.0]
    assert link["features"] == [{"name": "kinds", "value": "she – name", "share": 0.5}]
    assert [piece["text"] for piece in found["links"]["tokens"]] == ["Ann", "saw", "her", "."]
    assert [piece["text"] for piece in found["running"]] == ["Ann", "saw", "her", "."]


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures_of_why(explained, tmp_path, suffix, start):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    output = tmp_path / f"figure.{suffix}"
    assert run("Ann saw her.", "-o", str(output), "--style", "why").stdout == f"{output}\n"
    assert output.read_bytes().startswith(start)


@pytest.mark.skipif("en_lstm_sm" not in bundle_names(), reason="the English bundle is not built")
def test_from_a_sentence_to_its_reasons(tmp_path):
    output = tmp_path / "page.html"
    result = run("Alice met Bob. She smiled.", "--style", "why", "-o", str(output))
    assert result.exit_code == 0
    page = output.read_text(encoding="utf-8")
    assert "gender and number" in page
    assert "feminine singular – feminine singular" in page


@pytest.mark.skipif("en_lstm_sm" not in bundle_names(), reason="the English bundle is not built")
def test_from_a_sentence_to_its_gates(tmp_path):
    output = tmp_path / "page.html"
    result = run("Alice said that she was tired.", "--style", "gates", "-o", str(output))
    assert result.exit_code == 0
    page = output.read_text(encoding="utf-8")
    assert "What the memory holds at" in page
    assert '<bdi class="chosen-name">she</bdi>' in page
