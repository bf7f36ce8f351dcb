import json
from pathlib import Path

import pytest
import spacy

from spacy_lstm.cli.bundle import bundle
from spacy_lstm.errors import LstmError
from spacy_lstm.models.wrapper import get_bridge

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


class Assembled:
    """Stands in for the assembling, which tests/pretrained tests."""

    def __init__(self):
        self.calls = []

    def __call__(self, sources, output, *, meta, card):
        self.calls.append((sources, output, meta, card))
        return 123


@pytest.fixture
def assembled(monkeypatch):
    stub = Assembled()
    monkeypatch.setattr("spacy_lstm.cli.bundle.assemble_bundle", stub)
    monkeypatch.setattr("spacy_lstm.cli.bundle.load_for", lambda path, factory: (path, None))
    monkeypatch.setattr("spacy_lstm.cli.bundle.average_checkpoints", lambda found, name: found[0])
    return stub


def test_figures_go_into_card_and_meta(assembled, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "gap.json").write_text(json.dumps({"gap_f": 0.7123}))
    card = tmp_path / "card.md"
    card.write_text("GAP: {{ metrics.gap.gap_f | percent }}\n")
    made = bundle(
        tmp_path / "en_lstm_xs", coref=["a"], sentiment="b", card=card, metrics=tmp_path / "figures"
    )
    assert made == {"output": str(tmp_path / "en_lstm_xs"), "bytes": 123}
    ((sources, output, meta, text),) = assembled.calls
    assert sources == {"lstm_coref": "a", "lstm_sentiment": "b"}
    assert output == tmp_path / "en_lstm_xs"
    assert meta["performance"] == {"gap": {"gap_f": 0.7123}}
    assert text == "GAP: 71.2\n"


def test_a_card_without_its_figure(assembled, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("{{ metrics.gap.gap_f }}")
    with pytest.raises(LstmError, match=r"card.md: .*has no attribute 'gap'"):
        bundle(tmp_path / "x", coref=["a"], sentiment="b", card=card)
    assert assembled.calls == []


def test_missing_files(assembled, tmp_path):
    with pytest.raises(LstmError, match="no card template at"):
        bundle(tmp_path / "x", coref=["a"], sentiment="b", card=tmp_path / "none.md")
    with pytest.raises(LstmError, match="no figures in"):
        bundle(tmp_path / "x", coref=["a"], sentiment="b", card=tmp_path, metrics=tmp_path)


def test_narrower_heads_need_texts(assembled, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("card")
    with pytest.raises(LstmError, match="--head-width without --calibration: give texts"):
        bundle(tmp_path / "x", coref=["a"], sentiment="b", card=card, head_width=8)
    assert assembled.calls == []


def test_narrower_heads_and_probabilities_are_in_the_bundle(tmp_path):
    card, data = tmp_path / "card.md", tmp_path / "dev.jsonl"
    card.write_text("card")
    rows = (CORPUS / "coref_en" / "train.jsonl").read_text(encoding="utf8").splitlines()
    data.write_text("\n".join(rows[:250]), encoding="utf8")
    target = tmp_path / "en_lstm_xs"
    sources = {"coref": ["en_lstm_sm"], "sentiment": "en_lstm_sm"}
    rated = tmp_path / "rated.jsonl"
    rows = [{"text": text, "label": label} for text, label in [("Good.", 1), ("Bad.", 0)] * 3]
    rated.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    made = bundle(
        target,
        **sources,
        card=card,
        calibration=[str(data)],
        sentiment_calibration=[str(rated)],
        head_width=16,
    )
    assert made["bytes"] < 15_000_000
    nlp = spacy.load(target)
    # Six answers that are all right make it sure.
    assert nlp.get_pipe("lstm_sentiment").tempering.temperature < 0.9
    tok2vec = nlp.get_pipe("lstm_coref").model.get_ref("tok2vec")
    assert get_bridge(tok2vec).module.encoder.attention.head_width == 16
    doc = nlp("When Anna came home, she fed her cat.")
    assert [token._.antecedent.text for token in doc if token.text in ("she", "her")] == [
        "Anna"
    ] * 2
