"""Traces of real pipelines are what the models computed."""

from threading import Thread

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

import spacy_lstm
from spacy_lstm.errors import LstmError
from spacy_lstm.models.wrapper import TorchBridge
from spacy_lstm.nn.encoder import BiLSTMEncoder
from spacy_lstm.tracing import trace, trace_example

TEXT = "Alice is happy. She smiles, and her friends smile with her."
LONG = "Alice said that the film she saw was slow at first but wonderful in the end. " * 24


@pytest.fixture(scope="module")
def bundle():
    return spacy_lstm.load("en_lstm_sm")


def run_encoder(pipe, docs):
    """What the encoder of a component gives, taken where it comes out."""
    outputs = []
    encoders = [
        module
        for node in pipe.model.walk()
        for shim in node.shims
        if isinstance(shim, TorchBridge)
        for module in shim.module.modules()
        if isinstance(module, BiLSTMEncoder)
    ]
    (encoder,) = encoders
    hook = encoder.register_forward_hook(lambda *call: outputs.append(call[1:]))
    pipe.predict(docs)
    hook.remove()
    (_, _, *places), output = outputs[0]
    keep = places[1] if places else None
    return encoder, slice(None) if keep is None else keep, output.numpy()


@pytest.mark.parametrize("component", ["lstm_coref", "lstm_sentiment"])
@pytest.mark.parametrize("text", [TEXT, LONG])
def test_hidden_states_are_what_the_bundle_computed(bundle, component, text):
    found = trace(bundle, text, component=component)
    encoder, keep, output = run_encoder(bundle.get_pipe(component), [bundle.make_doc(text)])
    states = np.concatenate([gate.steps["hidden_state"] for gate in found.gates], axis=1)
    if encoder.attention is None:
        assert np.abs(states[keep] - output).max() <= 1e-5
    else:
        # What comes out has the context of the attention in it already.
        rows = [window.end - window.start for window in found.windows]
        with torch.no_grad():
            summed, _ = encoder.attend(torch.from_numpy(states), rows)
        assert np.abs(summed.numpy()[keep] - output).max() <= 1e-4
    assert len(found.windows) == (1 if text == TEXT else 4)
    tokens = len(bundle.make_doc(text))
    for gate in found.gates:
        assert gate.hidden_state.shape == (tokens, gate.units)
        assert 0 <= gate.forget_gate.min() <= gate.forget_gate.max() <= 1
        kept = gate.forget_gate[1] * gate.cell_state[0]
        came = gate.input_gate * gate.candidate
        if gate.direction == "forward":
            np.testing.assert_allclose(gate.cell_state[1], kept + came[1], atol=1e-6)
    for attention in found.attention:
        np.testing.assert_allclose(attention.weights.sum(axis=-1), 1.0, atol=1e-5)


def test_names_and_shapes_of_the_attentions(bundle):
    tokens = len(bundle.make_doc(TEXT))
    by_name = {a.name: a for a in trace(bundle, TEXT, component="lstm_coref").attention}
    assert set(by_name) == {"encoder", "heads"}
    assert by_name["encoder"].dense(tokens).shape == (4, tokens, tokens)
    assert by_name["heads"].dense(tokens).shape == (1, tokens, tokens)
    by_name = {a.name: a for a in trace(bundle, TEXT, component="lstm_sentiment").attention}
    assert by_name["pooling"].weights.shape == (1, 1, tokens)
    assert by_name["pooling_max"].dense(tokens).shape == (128, 1, tokens)


def test_attention_of_a_long_text_is_that_of_each_window(bundle):
    found = trace(bundle, LONG, component="lstm_coref")
    encoder = next(a for a in found.attention if a.name == "encoder")
    for window in found.windows:
        for token in (window.kept_from, window.kept_to - 1):
            keys = encoder.keys[token]
            assert keys[keys >= 0].tolist() == list(range(window.start, window.end))


def test_a_doc_is_read_again_and_not_changed(bundle):
    doc = bundle(TEXT)
    # The hook of span.sentiment cannot be stored.
    doc.user_span_hooks.clear()
    before = doc.to_bytes()
    found = trace(bundle, doc, component="lstm_sentiment")
    assert doc.to_bytes() == before
    other = trace(bundle, TEXT, component="lstm_sentiment")
    np.testing.assert_array_equal(found.gates[0].cell_state, other.gates[0].cell_state)
    assert (found.text, found.tokens) == (TEXT, tuple(token.text for token in doc))
    assert [TEXT[o : o + len(t)] for o, t in zip(found.offsets, found.tokens, strict=True)] == [
        token.text for token in doc
    ]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("attention", [None, "additive", "dot", "multihead"])
def test_encoder_in_spacys_tok2vec_behind_a_listener(cell, attention):
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 12,
            "attrs": ["NORM"],
            "rows": [50],
            "include_static_vectors": False,
        },
        "encode": {
            "@architectures": "spacy_lstm.BiLSTMEncoder.v1",
            "width": 16,
            "depth": 2,
            "cell": cell,
            "attention": attention,
        },
    }
    nlp.add_pipe("tok2vec", config={"model": model})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    nlp.add_pipe("tagger", config={"model": tagger}).add_label("X")
    nlp.initialize()
    for text in (TEXT, nlp(LONG)):
        found = trace(nlp, text, component="tagger")
        tokens = len(found.tokens)
        assert [(g.layer, g.direction) for g in found.gates] == [
            (0, "forward"),
            (0, "backward"),
            (1, "forward"),
            (1, "backward"),
        ]
        _, _, output = run_encoder(nlp.get_pipe("tok2vec"), [nlp.make_doc(found.text)])
        top = np.concatenate([g.hidden_state for g in found.gates[2:]], axis=1)
        assert top.shape == output.shape == (tokens, 16)
        if attention is None:
            assert np.abs(top - output).max() <= 1e-5
        else:
            (self_attention,) = found.attention
            assert self_attention.kind == attention
            np.testing.assert_allclose(self_attention.weights.sum(-1), 1.0, atol=1e-5)


def test_a_doc_that_nothing_has_read_is_read_by_what_is_listened_to():
    """The attention that comes after a listener is that of the text."""
    nlp = spacy.blank("zh")
    tok2vec = {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 16,
        "rows": 50,
        "shortcut": False,
    }
    nlp.add_pipe("tok2vec", config={"model": tok2vec})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    model = {"@architectures": "spacy_lstm.TextCat.v1", "tok2vec": listener}
    nlp.add_pipe("lstm_sentiment", config={"pretrained": None, "model": model})
    text = "小明昨天去了公园。他很高兴。"
    cats = {"cats": {"POSITIVE": 1.0, "NEGATIVE": 0.0}}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(text), cats)])
    expected = trace(nlp, text, component="lstm_sentiment")
    unread = nlp.make_doc(text)
    found = trace(nlp, unread, component="lstm_sentiment")
    assert not unread.tensor.size
    assert [a.name for a in expected.attention] == ["pooling", "pooling_max"]
    for one, other in zip(found.attention, expected.attention, strict=True):
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)


def test_what_comes_after_the_component_does_not_run():
    nlp = spacy_lstm.load("en_lstm_sm")
    nlp.add_pipe("merges_for_tests")
    found = trace(nlp, TEXT, component="lstm_coref")
    assert len(found.tokens) == len(nlp.make_doc(TEXT)) > len(nlp(TEXT))
    assert len(found.find().hidden_state) == len(found.tokens)


def test_other_threads_leave_no_mark(bundle):
    """Their calls go through the same modules at the same time."""
    alone = trace(bundle, TEXT, component="lstm_sentiment")
    stop = []

    def work():
        while not stop:
            bundle("Something else altogether is read in here, and much longer than that.")

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            found = trace(bundle, TEXT, component="lstm_sentiment")
            assert found.tokens == alone.tokens
            np.testing.assert_allclose(
                found.gates[0].cell_state, alone.gates[0].cell_state, atol=1e-6
            )
    finally:
        stop.append(True)
        for thread in threads:
            thread.join()


def test_the_first_component_is_taken_and_hooks_are_gone(bundle):
    assert trace(bundle, TEXT).component == "lstm_coref"
    for name in bundle.pipe_names:
        for node in bundle.get_pipe(name).model.walk():
            for shim in node.shims:
                if isinstance(shim, TorchBridge):
                    assert not any(m._forward_hooks for m in shim.module.modules())


@Language.component("says_nothing_for_tests")
def say_nothing(doc: Doc) -> Doc:
    return doc


@Language.component("merges_for_tests")
def merge(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:3])
    return doc


def test_mistakes(bundle):
    with pytest.raises(LstmError, match="no component 'ner' in the pipeline: it has lstm_coref, "):
        trace(bundle, TEXT, component="ner")
    with pytest.raises(LstmError, match="nothing to trace: the text has no token"):
        trace(bundle, "")
    with pytest.raises(LstmError, match="nothing to trace: the text has no token"):
        trace(bundle, "", component="lstm_sentiment")
    with pytest.raises(LstmError, match="no LSTM encoder with weights in the pipeline: add"):
        trace(spacy.blank("en"), TEXT)
    for given in (5, None, b"text", [TEXT]):
        kind = type(given).__name__
        with pytest.raises(TypeError, match=f"got {kind} as text: expected a str or a Doc"):
            trace(bundle, given)
    with pytest.raises(TypeError, match="got str as nlp: expected a pipeline, a Language"):
        trace(TEXT, bundle)
    nlp = spacy.blank("en")
    nlp.add_pipe("says_nothing_for_tests")
    nlp.add_pipe("lstm_sentiment")
    with pytest.raises(LstmError, match="no LSTM encoder in 'says_nothing_for_tests': expected"):
        trace(nlp, TEXT, component="says_nothing_for_tests")


def test_the_example_is_a_trace_like_any():
    found = trace_example()
    assert found.tokens == ("Alice", "is", "happy", "She", "smiles")
    assert [found.text[o:].startswith(t) for o, t in zip(found.offsets, found.tokens, strict=True)]
    assert spacy_lstm.Trace.from_json(found.to_json()).gates[0].units == 1
    # Of Alice, that much is left at "She", and less of it than of what came since.
    left = found.gates[0].survival(3)[:, 0]
    assert 0 < left[0] < left[1] < left[2] < left[3] == 1
    assert trace_example(published=True).gates[0].cell_state[3, 0] == pytest.approx(0.356, abs=1e-3)
