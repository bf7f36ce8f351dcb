import json

import pytest

from spacy_lstm.cli.bundle import bundle
from spacy_lstm.errors import LstmError


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
