"""Which models are served, and under which names."""

import pytest
import spacy

from spacy_lstm import serving
from spacy_lstm.errors import LstmError
from spacy_lstm.serving import Library


def test_names_of_bundles_folders_and_ones_own(chinese_folder):
    loaded = Library.load(["en_lstm_sm", str(chinese_folder), f"zweites={chinese_folder}"])
    assert [model.name for model in loaded] == ["en_lstm_sm", "klein_zh", "zweites"]
    assert loaded.find(None).name == "en_lstm_sm"
    assert loaded.find("klein_zh").nlp.lang == "zh"
    assert loaded.find("other") is None


def test_a_folder_whose_name_has_an_equals_sign(tmp_path, chinese_folder):
    folder = tmp_path / "a=b"
    folder.symlink_to(chinese_folder)
    assert [model.name for model in Library.load([str(folder)])] == ["klein_zh"]


def test_mistakes(chinese_folder):
    with pytest.raises(LstmError, match="two models are named 'klein_zh': give one another name"):
        Library.load([str(chinese_folder)] * 2)
    with pytest.raises(LstmError, match="No pipeline at nowhere"):
        Library.load(["nowhere"])
    with pytest.raises(LstmError, match="no model to serve: expected at least one"):
        Library.load([])
    nlp = spacy.blank("en")
    with pytest.raises(LstmError, match=r"nothing to serve in bare \(it has no components\)"):
        Library([("bare", nlp)])
    nlp.add_pipe("sentencizer")
    with pytest.raises(LstmError, match=r"nothing to serve in bare \(it has sentencizer\): exp"):
        Library([("bare", nlp)])


def test_an_encoder_alone_can_be_looked_into():
    nlp = spacy.blank("en")
    encode = {"@architectures": "spacy_lstm.BiLSTMEncoder.v1", "width": 8, "depth": 1}
    embed = {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 8,
        "attrs": ["NORM"],
        "rows": [50],
        "include_static_vectors": False,
    }
    tok2vec = {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode}
    model = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
    nlp.add_pipe("tagger", config={"model": model}).add_label("X")
    nlp.initialize()
    (model,) = Library([("tags", nlp)])
    found = model.describe()
    assert (found["resolves"], found["classifies"]) == (False, False)
    assert [component["name"] for component in found["components"]] == ["tagger"]


def test_a_missing_framework_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")

    monkeypatch.setattr(serving, "import_module", missing)
    with pytest.raises(LstmError, match=r"needs fastapi, .*: pip install 'spacy-lstm\[serve\]'"):
        _ = serving.create_app


def test_names_of_the_room():
    assert dir(serving) == ["Library", "Limits", "create_app", "serve"]
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = serving.nonsense
