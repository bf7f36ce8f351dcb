import json
from types import SimpleNamespace

import pytest
import spacy
from spacy.tokens import SpanGroup
from typer import Typer
from typer.testing import CliRunner

from spacy_lstm.cli import explain as explain_module
from spacy_lstm.cli.explain import explain, explain_cli
from spacy_lstm.errors import LstmError


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
    with pytest.raises(LstmError, match="Unknown style 'gates': choose one of coref, sentiment"):
        explain("Ann.", output=tmp_path / "page.html", style="gates")
    assert asked == []
    assert list(tmp_path.iterdir()) == []
