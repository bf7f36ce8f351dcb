"""`doc._.entity_sentiment` with both components of the bundle, and what is left on the document."""

import json

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_lstm.coref.clauses import is_tree, load_trees
from spacy_lstm.pipeline.polarity import ENTITY_NEUTRAL

TEXT = "Maria hated the hotel. It was filthy. But she loved the beach."


@pytest.fixture(scope="module")
def nlp():
    pipeline = spacy.blank("en")
    pipeline.add_pipe("lstm_coref")
    pipeline.add_pipe("lstm_sentiment")
    return pipeline


def check_maria(doc):
    maria, hotel, beach = doc._.entity_sentiment
    assert [maria["name"], hotel["name"], beach["name"]] == ["Maria", "the hotel", "the beach"]
    assert maria["mentions"] == [[0, 1], [10, 11]]
    assert hotel["mentions"] == [[2, 4], [5, 6]]
    assert beach["mentions"] == [[12, 14]]
    assert abs(maria["sentiment"]) <= ENTITY_NEUTRAL
    assert hotel["sentiment"] < -ENTITY_NEUTRAL
    assert beach["sentiment"] > ENTITY_NEUTRAL


def test_whom_the_feeling_is_about(nlp):
    check_maria(nlp(TEXT))
    noise, tom = nlp("The noise annoyed Tom.")._.entity_sentiment
    assert noise["sentiment"] < -ENTITY_NEUTRAL
    assert tom["sentiment"] == 0.0


def test_it_survives_storage_and_processes(nlp):
    doc = nlp(TEXT)
    with pytest.warns(UserWarning, match="W109"):  # spaCy says that the hook stays behind
        data = doc.to_bytes()
    check_maria(Doc(nlp.vocab).from_bytes(data))
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    check_maria(next(DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)))
    for piped in nlp.pipe([TEXT, TEXT], n_process=2, batch_size=1):
        check_maria(piped)
    assert json.loads(json.dumps(doc.user_data)) == doc.user_data


def test_alone_or_in_a_batch(nlp):
    texts = [TEXT, "", " ", "The soup was cold.", "\n\n", "Great view!"]
    for piped, text in zip(nlp.pipe(texts), texts, strict=True):
        alone = nlp(text)
        assert piped.user_data["lstm_sentiment"].get("clauses") is None or text
        found, wanted = piped._.entity_sentiment, alone._.entity_sentiment
        assert [record["name"] for record in found] == [record["name"] for record in wanted]
        for mine, theirs in zip(found, wanted, strict=True):
            assert mine["sentiment"] == pytest.approx(theirs["sentiment"], abs=1e-4)


def test_the_tree_is_as_long_as_the_document(nlp):
    doc = nlp(TEXT)
    tree = doc.user_data["lstm_coref"]
    assert is_tree(tree, len(doc))
    distances = load_trees([tree])[:, 2].tolist()
    assert all(0 <= i + distance < len(doc) for i, distance in enumerate(distances))
    predicates, scores = doc.user_data["lstm_sentiment"]["clauses"]
    assert predicates == [1, 7, 11]
    assert len(scores) == 3
    assert all(-1 <= score <= 1 for score in scores)


def test_without_a_tree_of_these_tokens(nlp):
    doc = nlp(TEXT)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[2:4])
    assert doc._.entity_sentiment == []
    alone = nlp.make_doc(TEXT)
    alone = nlp.get_pipe("lstm_sentiment")(alone)
    assert "clauses" not in alone.user_data["lstm_sentiment"]
    assert alone._.entity_sentiment == []
    # A tree that came after the sentiment has no clauses to go with.
    late = nlp.get_pipe("lstm_coref")(alone)
    assert [record["name"] for record in late._.entity_sentiment] == ["Maria", "the hotel"]
