import json
import shutil

import pytest
import spacy
from thinc.api import Config

from spacy_lstm import LstmError, load, pretrained
from spacy_lstm.pretrained import assemble, load_pipeline
from spacy_lstm.pretrained.assemble import assemble_bundle, average_checkpoints

MODEL = {
    "@architectures": "spacy_lstm.Coref.v1",
    "tok2vec": {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 16,
        "width_factor": 0.25,
        "rows": 100,
    },
    "hidden_width": 8,
    "mention_width": 8,
}
TEXT = "Alice is happy. She smiles at her dog, and it barks at her."


def make_trained(seed=3, **options):
    """Random weights will do: what counts is that the same ones come back."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref", config={"model": {**MODEL, **options}, "pretrained": None})
    nlp.initialize(lambda: _sample(nlp))
    return nlp


def _sample(nlp):
    return [spacy.training.Example(nlp.make_doc(TEXT), nlp.make_doc(TEXT))]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "_ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def bundle(root):
    nlp = make_trained()
    size = assemble_bundle(
        {"lstm_coref": nlp}, root / "en_lstm_xs", meta={"license": "MIT"}, card="# Card"
    )
    files = [path for path in (root / "en_lstm_xs").rglob("*") if path.is_file()]
    assert size == sum(path.stat().st_size for path in files)
    return nlp


def probabilities(nlp):
    pipe = nlp.get_pipe("lstm_coref")
    doc = nlp(TEXT)
    return pipe.score_candidates(doc, doc[4:5], [doc[0:1], doc[8:9]])


def test_a_blank_pipeline_takes_the_bundle_of_its_language(bundle):
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref")
    # Half precision moves a probability by less than this.
    assert probabilities(nlp) == pytest.approx(probabilities(bundle), abs=2e-3)


def test_load_by_name(bundle):
    assert probabilities(load("en_lstm_xs")) == pytest.approx(probabilities(bundle), abs=2e-3)
    assert load("en_lstm_xs").meta["license"] == "MIT"


def test_the_bundle_has_a_card_and_no_training_paths(bundle, root):
    assert (root / "en_lstm_xs" / "README.md").read_text() == "# Card"
    config = Config().from_disk(root / "en_lstm_xs" / "config.cfg")
    assert not any(config["paths"].values())
    assert config["components"]["lstm_coref"]["pretrained"] == "en_lstm_xs"


def test_a_new_bundle_takes_the_place_of_the_old_one(bundle, root):
    (root / "en_lstm_xs" / "stale").touch()
    assemble_bundle({"lstm_coref": bundle}, root / "en_lstm_xs", meta={}, card="")
    assert not (root / "en_lstm_xs" / "stale").exists()
    assert [path.name for path in root.iterdir()] == ["en_lstm_xs"]


def test_a_bundle_may_go_where_no_folder_is_yet(bundle, tmp_path):
    assemble_bundle({"lstm_coref": bundle}, tmp_path / "a" / "b" / "en_lstm_s", meta={}, card="x")
    assert (tmp_path / "a" / "b" / "en_lstm_s" / "README.md").read_text() == "x"


@pytest.mark.parametrize("loaded", [False, True])
def test_initialize_keeps_pretrained_weights(bundle, loaded):
    nlp = load("en_lstm_xs") if loaded else spacy.blank("en")
    if not loaded:
        nlp.add_pipe("lstm_coref")
    before = probabilities(nlp)
    nlp.initialize(lambda: _sample(nlp))
    assert probabilities(nlp) == before


def test_a_saved_pipeline_needs_the_bundle_no_more(bundle, root, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref")
    nlp.to_disk(tmp_path / "saved")
    expected = probabilities(nlp)
    data = nlp.to_bytes()
    shutil.rmtree(root / "en_lstm_xs")
    loaded = spacy.load(tmp_path / "saved")
    assert probabilities(loaded) == expected
    # Saved once more, and loaded into a pipeline with another model.
    loaded.to_disk(tmp_path / "again")
    assert probabilities(spacy.load(tmp_path / "again")) == expected
    other = spacy.blank("en")
    other.add_pipe("lstm_coref", config={"pretrained": None})
    assert probabilities(other.from_bytes(data)) == expected


def test_a_component_can_be_added_again(bundle):
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref")
    assert nlp.meta["pipeline"] == ["lstm_coref"]
    expected = probabilities(nlp)
    nlp.remove_pipe("lstm_coref")
    nlp.add_pipe("lstm_coref")
    assert probabilities(nlp) == expected


def test_a_trained_pipeline_by_path(root, tmp_path):
    nlp = make_trained()
    nlp.to_disk(tmp_path / "mine")
    other = spacy.blank("de")
    other.add_pipe("lstm_coref", config={"pretrained": str(tmp_path / "mine")})
    assert probabilities(other) == probabilities(nlp)


def test_no_bundle_for_the_language(bundle):
    with pytest.raises(LstmError, match=r"'de'.*bundles for en\..*pretrained = null"):
        spacy.blank("de").add_pipe("lstm_coref")


def test_no_such_bundle(bundle):
    with pytest.raises(LstmError, match=r"'en_lstm_xl' is neither a bundle \(en_lstm_xs\) nor"):
        spacy.blank("en").add_pipe("lstm_coref", config={"pretrained": "en_lstm_xl"})
    with pytest.raises(LstmError, match="No bundle is named 'en_lstm_xl': there are en_lstm_xs"):
        load("en_lstm_xl")
    with pytest.raises(LstmError, match="No pipeline at en_lstm_xl"):
        pretrained.load_pipeline("en_lstm_xl")


def test_a_bundle_without_the_component(bundle):
    with pytest.raises(LstmError, match=r"holds no lstm_sentiment \(it has lstm_coref\)"):
        pretrained.find_pretrained("auto", lang="en", factory="lstm_sentiment")


def test_a_model_of_the_users_own_is_not_passed_over(bundle):
    model = {"@architectures": "spacy_lstm.Coref.v1", "hidden_width": 5}
    model["tok2vec"] = {"@architectures": "spacy_lstm.BiLSTMTok2Vec.v1"}
    with pytest.raises(LstmError, match="configured otherwise than the weights of 'auto'"):
        spacy.blank("en").add_pipe("lstm_coref", config={"model": model})


def test_a_shared_encoder_stays_with_its_pipeline(root, tmp_path):
    nlp = spacy.blank("en")
    tok2vec = {**MODEL["tok2vec"], "shortcut": False}
    nlp.add_pipe("tok2vec", config={"model": tok2vec})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    model = {**MODEL, "tok2vec": listener}
    nlp.add_pipe("lstm_coref", config={"model": model, "pretrained": None})
    nlp.initialize(lambda: _sample(nlp))
    nlp.to_disk(tmp_path / "shared")
    config = {"pretrained": str(tmp_path / "shared")}
    with pytest.raises(LstmError, match=r"shares the encoder.*nlp\.replace_listeners"):
        spacy.blank("en").add_pipe("lstm_coref", config=config)
    with pytest.raises(LstmError, match=r"'lstm_coref' shares the encoder.*nlp\.replace_listeners"):
        assemble_bundle({"lstm_coref": nlp}, root / "en_x", meta={}, card="")
    expected = probabilities(spacy.load(tmp_path / "shared"))
    nlp.replace_listeners("tok2vec", "lstm_coref", ["model.tok2vec"])
    assert probabilities(nlp) == expected
    nlp.to_disk(tmp_path / "apart")
    other = spacy.blank("en")
    other.add_pipe("lstm_coref", config={"pretrained": str(tmp_path / "apart")})
    assert probabilities(other) == expected


def test_not_a_component_directory(bundle, tmp_path):
    nlp = make_trained()
    with pytest.raises(LstmError, match="No saved component at"):
        nlp.get_pipe("lstm_coref").from_disk(tmp_path / "nowhere")


def test_assembling_refuses(root, monkeypatch):
    nlp = make_trained()
    with pytest.raises(LstmError, match="expected one named 'lstm_sentiment'"):
        assemble_bundle({"lstm_sentiment": nlp}, root / "x", meta={}, card="")
    sources = {"lstm_coref": nlp, "lstm_sentiment": spacy.blank("de")}
    with pytest.raises(LstmError, match="components are for de, en"):
        assemble_bundle(sources, root / "x", meta={}, card="")
    monkeypatch.setattr(assemble, "LIMIT_BYTES", 10)
    with pytest.raises(LstmError, match=r"bytes: expected less than 10\."):
        assemble_bundle({"lstm_coref": nlp}, root / "en_x", meta={}, card="")
    assert list(root.iterdir()) == []


def test_damaged_weights(bundle, root):
    path = root / "en_lstm_xs" / "lstm_coref" / "model"
    data = bytearray(path.read_bytes())
    place = data.index(b"spacy_lstm.v1")
    data[place : place + 4] = b"XXXX"
    path.write_bytes(bytes(data))
    with pytest.raises(LstmError, match="the header cannot be read"):
        spacy.blank("en").add_pipe("lstm_coref")


def test_bundles_that_ship_are_named_for_their_language():
    for name in pretrained.bundle_names():
        meta = json.loads((pretrained._ROOT / name / "meta.json").read_text())
        assert name == f"{meta['lang']}_{meta['name']}"


@pytest.mark.parametrize("text", ["", " ", "\n\n", ".", "😀", "Go!", "\t himself"])
def test_what_ships_reads_any_text(text):
    nlp = spacy.blank("en")
    nlp.add_pipe("lstm_coref")
    assert nlp(text).text == text


def test_averaged_checkpoints():
    def weights(nlp):
        (bridge, _) = nlp.get_pipe("lstm_coref").model.shims
        return bridge.module.span_score.weight.detach().clone()

    one, other = make_trained(1), make_trained(2)
    expected = (weights(one) + weights(other)) / 2
    assert (weights(one) - weights(other)).abs().max() > 0.01
    averaged = average_checkpoints([one, other], "lstm_coref")
    assert averaged is one
    assert (weights(one) - expected).abs().max() < 1e-6
    with pytest.raises(LstmError, match="differ in their settings"):
        average_checkpoints([one, make_trained(2, floor=-9.0)], "lstm_coref")


def test_settings_in_the_place_of_the_bundles():
    nlp = load("en_lstm_sm", config={"components.lstm_sentiment.precision": "bfloat16"})
    assert nlp.get_pipe("lstm_sentiment").precision == "bfloat16"
    assert nlp.get_pipe("lstm_coref").precision == "single"
    both = load_pipeline("en_lstm_sm", precision="bfloat16")
    assert [component.precision for _, component in both.pipeline] == ["bfloat16"] * 2
    with pytest.raises(LstmError, match="precision = 'half' in lstm_coref: expected one of single"):
        load_pipeline("en_lstm_sm", precision="half")
    assert nlp.tokenizer.max_cache_size > spacy.blank("en").tokenizer.max_cache_size
