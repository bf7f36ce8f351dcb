"""spaCy's own commands on pipelines with both components, as a user runs them."""

import json

import pytest
import spacy
from spacy.cli import app
from spacy.tokens import DocBin, SpanGroup
from spacy.training import Example
from spacy.util import load_config
from typer.testing import CliRunner

TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 16,
    "width_factor": 0.25,
    "rows": 200,
}
COREF = {"@architectures": "spacy_lstm.Coref.v1", "hidden_width": 16, "mention_width": 16}
TEXTCAT = {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 16}
# Text, the one cluster in it, and the label.
ROWS = [
    ("Alice is happy. She smiles.", [(0, 1), (4, 5)], "POSITIVE"),
    ("Tom wept. He lost the boring game.", [(0, 1), (3, 4)], "NEGATIVE"),
    ("Ann was glad. She won.", [(0, 1), (4, 5)], "POSITIVE"),
    ("The rain fell. Nobody came.", [], "NEUTRAL"),
]


def run(*arguments, status=0):
    """Run `spacy …`; returns what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output + repr(done.exception)
    return done.output


def gold_doc(nlp, text, cluster, label):
    doc = nlp.make_doc(text)
    spans = [doc[start:end] for start, end in cluster]
    if cluster:
        doc.spans["coref_clusters_1"] = spans
    attrs = {"source": "test", "exhaustive": True}
    doc.spans["coref_mentions"] = SpanGroup(doc, spans=spans, attrs=attrs)
    doc.cats = {name: float(name == label) for name in ("NEGATIVE", "NEUTRAL", "POSITIVE")}
    return doc


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `model`, trained on `gold.spacy`, and that data a hundred times over."""
    spacy.util.fix_random_seed(0)
    place = tmp_path_factory.mktemp("commands")
    nlp = spacy.blank("en")
    for name, model in (("lstm_coref", COREF), ("lstm_sentiment", TEXTCAT)):
        config = {"pretrained": None, "model": {**model, "tok2vec": TOK2VEC}}
        nlp.add_pipe(name, config=config)
    docs = [gold_doc(nlp, *row) for row in ROWS]
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(place / "model")
    DocBin(docs=docs).to_disk(place / "gold.spacy")
    DocBin(docs=docs * 25).to_disk(place / "many.spacy")
    return place


def test_find_threshold(place):
    command = ("find-threshold", place / "model", place / "gold.spacy", "lstm_coref", "threshold")
    printed = run(*command, "pronoun_f", "--n_trials", 3)
    rows = dict(line.split() for line in printed.splitlines() if line[:2] in {"0.", "1."})
    # Nothing is certain enough for a threshold of 1.
    assert rows == {"0.0": "1.0", "0.5": "1.0", "1.0": "0.0"}
    assert "Best threshold: 0.0 with pronoun_f value of 1.0" in printed


def test_evaluate(place):
    output = place / "scores.json"
    printed = run("evaluate", place / "model", place / "gold.spacy", "--output", output)
    scores = json.loads(output.read_text())
    for key in ("conll_f", "coref_f", "mention_f", "pronoun_f", "accuracy", "cats_macro_f"):
        assert scores[key] == 1.0, key
    assert scores["gap_f"] is None
    assert "TEXTCAT (macro F)   100.00" in printed


def test_apply_to_lines_and_to_gold_documents(place):
    lines = place / "texts.jsonl"
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text, _, _ in ROWS))
    for source in (lines, place / "gold.spacy"):
        run("apply", place / "model", source, place / "out.spacy", "--n-process", 2, "--force")
        docs = list(DocBin().from_disk(place / "out.spacy").get_docs(spacy.blank("en").vocab))
        for doc, (text, cluster, label) in zip(docs, ROWS, strict=True):
            found = doc.spans.get("coref_clusters_1", [])
            assert doc.text == text
            assert [(span.start, span.end) for span in found] == cluster
            assert max(doc.cats, key=doc.cats.get) == label
        assert docs[0]._.resolved_text == "Alice is happy. Alice smiles."


@pytest.mark.parametrize("component", ["lstm_coref", "lstm_sentiment"])
def test_a_short_config_is_filled_checked_and_trained(place, pytestconfig, component):
    name = component.replace("lstm_", "embedded_")
    short, full = pytestconfig.rootpath / "configs" / "tiny" / f"{name}.cfg", place / f"{name}.cfg"
    data = ("--paths.train", place / "many.spacy", "--paths.dev", place / "gold.spacy")
    run("init", "fill-config", short, full)
    assert "Config is valid" in run("debug", "config", full, *data)
    # spaCy asks for a hundred documents; the tiny config reads less.
    printed = run("debug", "data", full, *data, "--corpora.train.limit", 0)
    assert "Pipeline can be initialized with data" in printed
    assert "Corpus is loadable" in printed
    config = load_config(full)
    config["training"]["optimizer"]["use_averages"] = True
    config["training"]["max_steps"] = 4
    config.to_disk(full)
    printed = run("train", full, "--output", place / component, *data)
    assert "Saved pipeline to output directory" in printed
    nlp = spacy.load(place / component / "model-best")
    assert nlp.pipe_names == [component]
    assert nlp.meta["performance"][f"{component}_loss"] > 0
