"""What holds of links where a document is cut into windows for the encoder."""

import pytest
from spacy.language import Language
from spacy.tokens import Doc

import spacy_lstm
from spacy_lstm.benchmarking.texts import make_texts

Links = set[tuple[tuple[int, int], tuple[int, int]]]
_WHOLE = 1 << 30


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy_lstm.load("en_lstm_sm")
    nlp.remove_pipe("lstm_sentiment")
    return nlp


def read(docs: list[Doc]) -> list[Links]:
    return [{((a.start, a.end), (b.start, b.end)) for a, b, _ in doc._.coref_links} for doc in docs]


def both_ways(
    nlp: Language, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Links], list[Links]]:
    """Links with windows, and without."""
    found = read(list(nlp.pipe(texts)))
    encoder = nlp.get_pipe("lstm_coref").model.get_ref("tok2vec").shims[0].module
    monkeypatch.setattr(encoder, "window", _WHOLE)
    monkeypatch.setattr("spacy_lstm.nn.encoder.ATTENTION_BLOCK", _WHOLE)
    return found, read(list(nlp.pipe(texts)))


def test_documents_that_fit_into_a_window_are_not_cut(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_texts(4)
    texts = [text for words in (20, 90, 125) for text in source.take(words, 5)]
    cut, whole = both_ways(nlp, texts, monkeypatch)
    assert sum(map(len, cut)) > 40
    assert cut == whole


def test_of_longer_ones_nearly_all_links_are_the_same(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, whole = both_ways(nlp, make_texts(4).take(450, 6), monkeypatch)
    same = sum(len(ours & theirs) for ours, theirs in zip(cut, whole, strict=True))
    total = sum(map(len, cut)) + sum(map(len, whole))
    # On real texts 95 in 100 are: benchmarks/README.md.
    assert total > 300
    assert 0.85 < 2 * same / total < 1


def test_a_window_knows_nothing_of_what_is_far_away(nlp: Language) -> None:
    source = make_texts(5)
    (text,) = source.take(700, 1)
    (other,) = source.take(700, 1)
    encoder = nlp.get_pipe("lstm_coref").model.get_ref("tok2vec")
    docs = [nlp.make_doc(text), nlp.make_doc(text + " " + other)]
    alone, followed = encoder.predict(docs)
    window = encoder.shims[0].module.window
    # Windows are laid from the start, so that what comes after changes the last one alone.
    assert alone[: 700 - 2 * window] == pytest.approx(followed[: 700 - 2 * window], abs=1e-5)
