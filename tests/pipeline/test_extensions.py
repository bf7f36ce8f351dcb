import importlib

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span, SpanGroup, Token

from spacy_lstm.pipeline import extensions, polarity
from spacy_lstm.pipeline.extensions import register_extensions


def linked_doc(nlp, prefix="coref_clusters"):
    doc = nlp.make_doc("Alice met Bob. She likes his cat.")
    links = {
        1: [{"anaphor": [4, 5], "antecedent": [0, 1], "score": 0.75}],
        2: [{"anaphor": [6, 7], "antecedent": [2, 3], "score": 0.5}],
    }
    spans = {1: [doc[0:1], doc[4:5]], 2: [doc[2:3], doc[6:7]]}
    for number in (2, 1):
        doc.spans[f"{prefix}_{number}"] = SpanGroup(
            doc, spans=spans[number], attrs={"links": links[number]}
        )
    doc.spans["other"] = [doc[0:2]]
    return doc


@pytest.fixture
def nlp():
    return spacy.blank("en")


def check_links(doc):
    found = [(a.text, b.text, score) for a, b, score in doc._.coref_links]
    assert found == [("She", "Alice", 0.75), ("his", "Bob", 0.5)]
    assert (doc[4]._.antecedent.text, doc[4]._.antecedent_score) == ("Alice", 0.75)
    assert (doc[0]._.antecedent, doc[0]._.antecedent_score) == (None, 0.0)
    assert doc._.resolved_text == "Alice met Bob. Alice likes Bob's cat."
    assert doc._.coref_resolved == doc._.resolved_text
    for start, end, source_start, source_end in doc._.resolved_offsets:
        piece, source = doc._.resolved_text[start:end], doc.text[source_start:source_end]
        assert piece == source or (source, piece) in {("She", "Alice"), ("his", "Bob's")}


@pytest.mark.parametrize("prefix", ["coref_clusters", "mine"])
def test_getters_read_the_links(nlp, prefix):
    check_links(linked_doc(nlp, prefix))


def test_getters_work_on_stored_documents(nlp):
    doc = linked_doc(nlp)
    check_links(Doc(nlp.vocab).from_bytes(doc.to_bytes()))
    stored = DocBin(docs=[doc]).to_bytes()
    check_links(next(DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)))
    check_links(doc.copy())


def test_documents_without_links(nlp):
    doc = nlp.make_doc("She left.")
    assert doc._.coref_links == []
    assert doc._.resolved_text == "She left."
    assert doc[0]._.antecedent is None
    empty = nlp.make_doc("")
    assert (empty._.resolved_text, empty._.resolved_offsets) == ("", [])


def test_links_that_do_not_fit_the_document_any_more(nlp):
    whole = linked_doc(nlp)
    part = whole[4:7].as_doc()
    assert part[0]._.antecedent is None
    stale = nlp.make_doc("She left.")
    stale.spans["coref_clusters_1"] = SpanGroup(
        stale,
        spans=[stale[0:1]],
        attrs={
            "links": [
                {"anaphor": [0, 1], "antecedent": [7, 9], "score": 0.5},
                {"anaphor": [2, 2], "antecedent": [0, 1], "score": 0.5},
                {"anaphor": [0, 1]},
            ]
        },
    )
    assert stale._.coref_links == []
    assert stale._.resolved_text == "She left."
    assert stale[0]._.antecedent is None


def test_only_pronouns_have_an_antecedent(nlp):
    doc = nlp.make_doc("Ann and Tom met her mother .")
    mother = {"anaphor": [4, 6], "antecedent": [2, 3], "score": 0.9}
    her = {"anaphor": [4, 5], "antecedent": [0, 1], "score": 0.6}
    doc.spans["coref_clusters_1"] = SpanGroup(doc, spans=[], attrs={"links": [mother, her]})
    assert doc[4]._.antecedent.text == "Ann"
    assert doc[5]._.antecedent is None
    assert [anaphor.text for anaphor, _, _ in doc._.coref_links] == ["her", "her mother"]
    doc.spans["coref_clusters_1"] = SpanGroup(doc, spans=[], attrs={"links": [mother]})
    assert (doc[4]._.antecedent, doc[4]._.antecedent_score) == (None, 0.0)


def test_a_pronoun_of_two_tokens(nlp):
    doc = Doc(nlp.vocab, words=list("小明和小红说他们来"), spaces=[False] * 9)
    links = [{"anaphor": [6, 8], "antecedent": [0, 5], "score": 0.5}]
    doc.spans["coref_clusters_1"] = SpanGroup(doc, spans=[], attrs={"links": links})
    assert [doc[i]._.antecedent_score for i in range(5, 9)] == [0.0, 0.5, 0.5, 0.0]


def test_registering_again_is_silent(recwarn):
    register_extensions()
    importlib.reload(extensions).register_extensions()
    importlib.reload(polarity)
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]


def test_another_packages_attribute_is_left_alone(nlp):
    theirs = Doc.remove_extension("resolved_text")
    try:
        Doc.set_extension("resolved_text", default="theirs")
        with pytest.warns(UserWarning, match=r"Doc\._\.resolved_text is registered by another"):
            register_extensions()
        assert linked_doc(nlp)._.resolved_text == "theirs"
    finally:
        Doc.remove_extension("resolved_text")
        Doc.set_extension("resolved_text", getter=theirs[2])


def sentiment_doc(nlp, text, weights, mass=0.8, scale=0.4):
    doc = nlp.make_doc(text)
    assert len(doc) == len(weights)
    doc.user_data["lstm_sentiment"] = {"weights": weights, "mass": mass, "scale": scale}
    return doc


def test_sentiment_of_tokens_and_spans(nlp):
    doc = sentiment_doc(nlp, "A good film, a bad end.", [0, 0.4, 0.1, 0, 0, -0.4, 0.05, 0])
    assert doc[1]._.sentiment_weight == 0.4
    good, bad = polarity.span_sentiment(doc[0:3]), polarity.span_sentiment(doc[4:7])
    assert 0.1 < good <= 0.8
    assert -0.8 <= bad < -0.1
    assert polarity.span_sentiment(doc[3:4]) == 0.0
    assert polarity.span_sentiment(doc[2:2]) == 0.0


def test_sentiment_data_that_does_not_fit(nlp):
    doc = sentiment_doc(nlp, "A good film.", [0, 0.4, 0.1, 0])
    part = doc[1:3].as_doc(copy_user_data=True)
    assert [token._.sentiment_weight for token in part] == [0.0, 0.0]
    assert polarity.span_sentiment(part[:]) == 0.0
    assert part._.entity_sentiment == []
    assert nlp.make_doc("A film.")[0]._.sentiment_weight == 0.0


def test_entity_sentiment_by_clusters(nlp):
    text = "Ann smiled happily. Bob wept. She danced."
    doc = sentiment_doc(nlp, text, [0, 0.2, 0.3, 0, 0, -0.4, 0, 0, 0.2, 0])
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[7:8]]
    doc.spans["coref_clusters_2"] = SpanGroup(doc, spans=[doc[4:5]], attrs={"links": []})
    doc.spans["coref_clusters_3"] = [doc[7:8]]
    ann, bob = doc._.entity_sentiment
    assert (ann["name"], ann["mentions"]) == ("Ann", [[0, 1], [7, 8]])
    assert (bob["name"], bob["mentions"]) == ("Bob", [[4, 5]])
    assert ann["sentiment"] > 0.2
    assert bob["sentiment"] < -0.2
    wanted = polarity.span_sentiment(doc[0:4]) + polarity.span_sentiment(doc[7:10])
    assert ann["sentiment"] == pytest.approx(wanted / 2)


def test_entity_sentiment_by_entities(nlp):
    doc = sentiment_doc(nlp, "Ann smiled. Bob wept. Ann won.", [0, 0.5, 0, 0, -0.5, 0, 0, 0.5, 0])
    doc.ents = [Span(doc, i, i + 1, label="PERSON") for i in (0, 3, 6)]
    ann, bob = doc._.entity_sentiment
    assert ann["mentions"] == [[0, 1], [6, 7]]
    assert bob["sentiment"] < 0 < ann["sentiment"]
    assert sentiment_doc(nlp, "Hm.", [0.1, 0.0])._.entity_sentiment == []


def test_tokens_have_every_attribute(nlp):
    for name in ("antecedent", "antecedent_score", "sentiment_weight"):
        assert Token.has_extension(name)
