"""Both components on whatever a text may hold. Random weights do: what counts is that offsets,
probabilities and sums are right for any decision."""

import math

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_lstm.pipeline.coref_targets import align_spans, read_targets

TOK2VEC = {
    "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
    "width": 16,
    "width_factor": 0.25,
    "rows": 200,
    "window": 40,
    "margin": 8,
}
COREF = {"@architectures": "spacy_lstm.Coref.v1", "hidden_width": 16, "mention_width": 16}
TEXTCAT = {"@architectures": "spacy_lstm.TextCat.v1", "hidden_width": 16}

PIECES = [
    *["She", " her", " himself", " it", "They ", " and ", "Tom", "Alice's ", ". ", "! ", ", ", " "],
    *[
        "👩‍👩‍👧",
        "🏳️‍🌈",
        "🙂",
        "e\u0301",
        "\u0301",
        "n\u0303\u0323",
        "猫追老鼠，",
        "它跑得很快。",
        "彼女は",
        "그녀",
    ],
    *[
        "\u200b",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u202e",
        "\x00",
        "\x07",
        "\x1b[0m",
        "\x85",
        "\ufffd",
    ],
    *[
        "\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u2028",
        "\u3000",
        "   ",
        "\U0010ffff",
        "…",
        "“",
        "”",
        "’s",
        "--",
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)
FIXED = ["", " ", "\n\n \t", "she", "\u200b", "\u0301", "\x00", "👩‍👩‍👧", "猫追老鼠，它跑得很快。"]
LINKED = "Tom saw Alice. She waved at him, and he waved at her. It was late. They left."


def both_examples(test):
    for text in [*FIXED, LINKED]:
        test = example(text)(test)
    return settings(max_examples=50)(given(TEXTS)(test))


@pytest.fixture(scope="module")
def nlp():
    spacy.util.fix_random_seed(2)
    nlp = spacy.blank("en")
    for name, model in (("lstm_coref", COREF), ("lstm_sentiment", TEXTCAT)):
        config = {"pretrained": None, "model": {**model, "tok2vec": TOK2VEC}}
        nlp.add_pipe(name, config=config)
    nlp.initialize(lambda: [Example(nlp.make_doc(LINKED), nlp.make_doc(LINKED))])
    return nlp


def clusters_of(doc):
    return {key: [(span.start, span.end) for span in group] for key, group in doc.spans.items()}


def check_clusters(doc):
    seen = set()
    for number, (key, group) in enumerate(doc.spans.items(), start=1):
        spans = [(span.start, span.end) for span in group]
        assert key == f"coref_clusters_{number}"
        assert len(spans) > 1
        assert spans == sorted(set(spans))
        assert all(0 <= start < end <= len(doc) for start, end in spans)
        assert not seen & set(spans)
        seen |= set(spans)
        anaphors = [tuple(link["anaphor"]) for link in group.attrs["links"]]
        assert anaphors == sorted(set(anaphors))
        for link in group.attrs["links"]:
            assert {tuple(link["anaphor"]), tuple(link["antecedent"])} <= set(spans)
            assert link["anaphor"] != link["antecedent"]
            assert 0 < link["score"] <= 1


def check_resolved(doc):
    resolved, segments = doc._.resolved_text, doc._.resolved_offsets
    place = source = 0
    for start, end, source_start, source_end in segments:
        assert (start, source_start) == (place, source)
        place, source = end, source_end
    assert (place, source) == (len(resolved), len(doc.text))


def check_sentiment(doc):
    assert sum(doc.cats.values()) == pytest.approx(1, abs=1e-5)
    assert all(0 <= value <= 1 for value in doc.cats.values())
    weights = [token._.sentiment_weight for token in doc]
    assert all(map(math.isfinite, weights))
    if weights:
        assert math.fsum(weights) == pytest.approx(doc.sentiment, abs=1e-4)
        assert doc[:].sentiment == pytest.approx(doc.sentiment, abs=1e-4)
    for record in doc._.entity_sentiment:
        assert -1 <= record["sentiment"] <= 1


@both_examples
def test_any_text(nlp, text):
    doc = nlp(text)
    assert doc.text == text
    check_clusters(doc)
    check_resolved(doc)
    check_sentiment(doc)
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (again,) = DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)
    assert clusters_of(again) == clusters_of(doc)
    assert again._.resolved_text == doc._.resolved_text
    assert again.cats == doc.cats


def test_the_random_weights_link_something(nlp):
    doc = nlp(LINKED)
    assert sum(len(group.attrs["links"]) for group in doc.spans.values()) > 2
    assert doc._.resolved_text != doc.text


@given(TEXTS.filter(str.strip), st.data())
@settings(max_examples=40)
def test_given_candidates_share_one_certainty(nlp, text, data):
    doc = nlp.make_doc(text)
    bounds = st.tuples(*[st.integers(0, len(doc))] * 2).filter(lambda pair: pair[0] < pair[1])
    anaphor, *candidates = data.draw(st.lists(bounds, min_size=1, max_size=4))
    spans = [doc[start:end] for start, end in candidates]
    p = nlp.get_pipe("lstm_coref").score_candidates(doc, doc[slice(*anaphor)], spans)
    assert len(p) == len(candidates) + 1
    assert sum(p) == pytest.approx(1)
    assert all(0 <= value <= 1 for value in p)


@given(st.lists(TEXTS, max_size=5))
@settings(max_examples=30)
def test_batches_of_any_texts(nlp, texts):
    docs = list(nlp.pipe(texts))
    assert [doc.text for doc in docs] == texts
    for doc, text in zip(docs, texts, strict=True):
        check_clusters(doc)
        assert doc.cats == pytest.approx(nlp(text).cats, abs=1e-4)


@given(TEXTS.filter(str.strip), st.data())
@settings(max_examples=60)
def test_gold_spans_find_their_tokens(nlp, text, data):
    """Gold by characters, predictions by tokens: what is found covers the gold span, and no
    token at its ends lies outside."""
    predicted = nlp.make_doc(text)
    reference = Doc(nlp.vocab, words=list(text), spaces=[False] * len(text))
    inside = [i for i, char in enumerate(text) if not char.isspace()]
    ends = data.draw(st.lists(st.sampled_from(inside), min_size=2, max_size=2).map(sorted))
    gold = reference[ends[0] : ends[1] + 1]
    ((start, end),) = align_spans(predicted, [gold])
    assert 0 <= start < end <= len(predicted)
    found = predicted[start:end]
    assert found.start_char <= gold.start_char
    assert gold.end_char <= found.end_char
    assert found[0].idx + len(found[0]) > gold.start_char
    assert found[-1].idx < gold.end_char
    reference.spans["coref_clusters_1"] = [gold]
    targets = read_targets([Example(predicted, reference)], "coref_clusters")
    assert targets.spans.tolist() == [[start, end]]


@pytest.mark.parametrize("unit", ["he ran and ", "Tom said that he left ", "猫 ", "\u0301 ", "🙂 "])
def test_ten_thousand_tokens(nlp, unit):
    text = unit * math.ceil(10_000 / len(nlp.make_doc(unit)))
    doc = nlp(text)
    assert len(doc) >= 10_000
    check_clusters(doc)
    check_resolved(doc)
    check_sentiment(doc)
