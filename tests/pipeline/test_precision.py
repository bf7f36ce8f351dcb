"""Products in bfloat16, where they are asked for."""

import pytest
import spacy
import torch

from spacy_lstm import LstmError, trace
from spacy_lstm.nn.precision import has_bfloat16

COMPONENTS = ["lstm_coref", "lstm_sentiment"]
TEXTS = [
    "Alice is happy. She smiles.",
    "The film was dull at first, but the ending is wonderful.",
    "Maria told Anna that her brother had lost his keys when he left. " * 12,
]


def make(component, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe(component, config=config)
    return nlp


def read(doc):
    links = [(a.start, b.start) for a, b, _ in doc._.coref_links]
    return [score for *_, score in doc._.coref_links] + list(doc.cats.values()), links


@pytest.mark.parametrize("component", COMPONENTS)
def test_answers_are_near_and_do_not_depend_on_company(component):
    single, reduced = make(component), make(component, precision="bfloat16")
    batch = list(reduced.pipe(TEXTS))
    for text, doc in zip(TEXTS, batch, strict=True):
        (numbers, links), (alone, alone_links) = read(doc), read(reduced(text))
        assert links == alone_links
        assert numbers == pytest.approx(alone, abs=1e-5)
        expected, expected_links = read(single(text))
        assert links == expected_links
        assert numbers == pytest.approx(expected, abs=0.02)
        if numbers and has_bfloat16(torch.device("cpu")):
            assert numbers != pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_is_a_setting_of_the_pipeline(component, tmp_path):
    nlp = make(component, precision="bfloat16")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.config["components"][component]["precision"] == "bfloat16"
    assert read(loaded(TEXTS[2])) == read(nlp(TEXTS[2]))
    other = spacy.load(tmp_path, config={f"components.{component}.precision": "single"})
    assert read(other(TEXTS[2])) == read(make(component)(TEXTS[2]))


def test_a_trace_is_of_single_precision():
    """Gates are worked out anew, which has no part in the precision of the answer."""
    text = TEXTS[0]
    found, wanted = (
        trace(make("lstm_sentiment", precision=precision), text)
        for precision in ("bfloat16", "single")
    )
    for got, expected in zip(found.gates, wanted.gates, strict=True):
        assert abs(got.steps["cell_state"] - expected.steps["cell_state"]).max() < 1e-6


@pytest.mark.parametrize("component", COMPONENTS)
def test_other_precisions_are_refused(component):
    with pytest.raises(LstmError, match=r"precision = 'half' in .*: expected one of single, bfl"):
        make(component, precision="half")
