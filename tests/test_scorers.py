import pickle
import re

import pytest
import spacy
from spacy.tokens import Doc, DocBin, SpanGroup
from spacy.training import Example

from spacy_lstm.errors import LstmError
from spacy_lstm.scorers import make_coref_scorer, score_coref, score_sentiment

NLP = spacy.blank("en")
TEXT = "👩‍🚀 Alice Smith met Bob. She greeted him, and it rained. When he left, Carl wept."
METRICS = ("muc", "b_cubed", "ceafe", "coref", "mention")


def at(words):
    return re.search(rf"\b{re.escape(words)}\b", TEXT).span()


def by_characters(text):
    """The same text in another tokenization: a token a character."""
    return Doc(NLP.vocab, words=list(text), spaces=[False] * len(text))


def put(doc, name, mentions, **attrs):
    """A span group over the first occurrence of each of the mentions in TEXT."""
    spans = [doc.char_span(*at(mention)) for mention in mentions]
    assert None not in spans
    doc.spans[name] = SpanGroup(doc, name=name, spans=spans, attrs=attrs)
    return doc


def link(doc, anaphor, antecedent):
    spans = {"anaphor": doc.char_span(*at(anaphor)), "antecedent": doc.char_span(*at(antecedent))}
    return {end: [span.start, span.end] for end, span in spans.items()} | {"score": 0.9}


def gold(make_doc=NLP.make_doc):
    doc = make_doc(TEXT)
    put(doc, "coref_clusters_1", ["Alice Smith", "She"])
    put(doc, "coref_clusters_2", ["Bob", "him"])
    put(doc, "coref_mentions", ["Alice Smith", "She", "Bob", "him", "Carl"], source="test")
    return doc


def pairs(make_doc=NLP.make_doc):
    doc = make_doc(TEXT)
    put(doc, "coref_pairs_1", ["She", "Alice Smith", "Carl"], labels=[1, 0], gender="F")
    put(doc, "coref_pairs_2", ["him", "Alice Smith", "Bob"], labels=[0, 1], gender=None)
    return doc


def predict(make_doc=NLP.make_doc):
    """She is right, him wrong."""
    doc = make_doc(TEXT)
    links = [link(doc, "She", "Alice Smith"), link(doc, "him", "Alice Smith")]
    return put(doc, "coref_clusters_1", ["Alice Smith", "She", "him"], links=links)


@pytest.mark.parametrize("make_reference", [NLP.make_doc, by_characters])
@pytest.mark.parametrize("make_predicted", [NLP.make_doc, by_characters])
def test_figures_do_not_depend_on_tokens(make_reference, make_predicted):
    scores = score_coref([Example(predict(make_predicted), gold(make_reference))])
    assert scores["mention_p"] == 1.0
    assert scores["mention_r"] == pytest.approx(3 / 4)
    assert scores["muc_f"] == pytest.approx(2 * 1 / 2 * 1 / 2)
    assert scores["b_cubed_r"] == pytest.approx((2 * 1 + 1 / 2) / 4)
    assert scores["coref_r"] == pytest.approx(2 / 4)
    assert scores["coref_p"] == pytest.approx(1 / 3)
    three = [scores[f"{metric}_f"] for metric in ("muc", "b_cubed", "ceafe")]
    assert scores["conll_f"] == pytest.approx(sum(three) / 3)
    assert scores["pronoun_accuracy"] == scores["pronoun_r"] == scores["pronoun_p"] == 0.5
    assert scores["pronoun_f"] == 0.5
    assert scores["pronoun_per_class"]["she"]["accuracy"] == 1.0
    assert scores["pronoun_per_class"]["he"] == {
        "accuracy": 0.0,
        "link_accuracy": 0.0,
        "p": 0.0,
        "r": 0.0,
        "f": 0.0,
        "n": 1.0,
    }


def test_the_gold_itself_scores_one():
    scores = score_coref([Example(gold(), gold(by_characters))])
    assert {scores[f"{metric}_{value}"] for metric in METRICS for value in "prf"} == {1.0}
    # without links, the nearest antecedent in the cluster is taken
    assert scores["pronoun_accuracy"] == scores["pronoun_f"] == 1.0


def test_nothing_predicted():
    scores = score_coref([Example(NLP.make_doc(TEXT), gold())])
    assert scores["conll_f"] == scores["mention_r"] == scores["pronoun_accuracy"] == 0.0


def test_a_document_without_gold_clusters_makes_every_prediction_wrong():
    annotated = put(NLP.make_doc(TEXT), "coref_mentions", ["Alice Smith", "Bob"])
    examples = [Example(gold(), gold()), Example(predict(), annotated)]
    scores = score_coref(examples)
    assert scores["mention_p"] == pytest.approx(4 / 7)
    assert scores["mention_r"] == 1.0


def test_pairs_and_clusters_stay_apart():
    scores = score_coref([Example(predict(), pairs())])
    cluster_keys = [f"{metric}_{value}" for metric in METRICS for value in "prf"]
    assert {scores[key] for key in [*cluster_keys, "conll_f", "pronoun_f"]} == {None}
    assert scores["gap_f"] == pytest.approx(2 * (1 / 2) * (1 / 2))
    assert scores["gap_f_feminine"] == 1.0
    # the record without a gender takes that of its pronoun
    assert scores["gap_f_masculine"] == 0.0
    assert scores["gap_accuracy"] == 0.5
    assert scores["gap_given_f"] is None
    scores = score_coref([Example(predict(), gold())])
    assert scores["gap_f"] is None
    assert scores["gap_accuracy"] is None
    both = score_coref([Example(predict(), gold()), Example(predict(), pairs())])
    assert both["conll_f"] == scores["conll_f"]
    assert both["gap_accuracy"] == 0.5


def test_given_candidates():
    examples = [Example(predict(), gold()), Example(predict(), pairs())]
    given = [[], [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]]]
    scores = score_coref(examples, given=given)
    assert scores["gap_given_accuracy"] == 0.5
    assert scores["gap_given_f"] == 0.5
    assert scores["gap_given_f_masculine"] == 1.0
    assert scores["gap_given_f_feminine"] == 0.0
    assert scores["gap_given_bias"] == 0.0


def test_chosen_candidates_are_calibrated():
    examples = [Example(predict(), gold()), Example(predict(), pairs())]
    given = [[], [[0.1, 0.7, 0.2], [0.05, 0.85, 0.1]]]
    scores = score_coref(examples, given=given)
    # wrong with 0.7, right with 0.85
    assert scores["gap_given_ece"] == pytest.approx((0.7 + 0.15) / 2)
    assert [row["n"] for row in scores["gap_given_reliability"]] == [1, 1]
    scores = score_coref(examples)
    assert scores["gap_given_ece"] is scores["gap_given_reliability"] is None


def test_right_clusters_of_pronouns():
    """She is right; him, in her cluster, is neither led to Bob nor to a pronoun that means him."""
    scores = score_coref([Example(predict(), gold())])
    assert scores["pronoun_link_accuracy"] == 0.5
    assert scores["pronoun_per_class"]["she"]["link_accuracy"] == 1.0
    astray = put(NLP.make_doc(TEXT), "coref_clusters_1", ["Carl", "She", "him", "he"])
    reference = put(NLP.make_doc(TEXT), "coref_clusters_1", ["Bob", "him", "he"])
    scores = score_coref([Example(astray, reference)])
    assert scores["pronoun_accuracy"] == 0.0
    assert scores["pronoun_link_accuracy"] == 0.5


def test_probabilities_of_links():
    """Two links with 0.9, one of them right."""
    scores = score_coref([Example(predict(), gold())])
    assert scores["link_ece"] == pytest.approx(0.4)
    assert scores["link_cluster_ece"] == pytest.approx(0.4)
    assert scores["link_reliability"] == [
        {"from": 13 / 15, "to": 14 / 15, "n": 2, "probability": 0.9, "accuracy": 0.5}
    ]
    assert scores["link_precision_at_half"] == 1.0
    assert {(row["n"], row["p"], row["r"]) for row in scores["link_thresholds"]} == {(2, 0.5, 0.5)}
    # without probabilities there is nothing to calibrate
    scores = score_coref([Example(gold(), gold())])
    names = ("ece", "cluster_ece", "reliability", "precision_at_half", "thresholds")
    assert {scores[f"link_{name}"] for name in names} == {None}


def test_the_cluster_of_a_link_may_be_right_while_its_antecedent_is_not():
    links = [link(put(NLP.make_doc(TEXT), "x", ["he"]), "he", "Carl")]
    predicted = put(NLP.make_doc(TEXT), "coref_clusters_1", ["him", "he", "Carl"], links=links)
    reference = put(NLP.make_doc(TEXT), "coref_clusters_1", ["Bob", "him", "he"])
    scores = score_coref([Example(predicted, reference)])
    assert scores["link_ece"] == pytest.approx(0.9)
    assert scores["link_cluster_ece"] == pytest.approx(0.1)


@pytest.mark.parametrize(("source", "links"), [("litbank", None), ("gum", 1), (None, 1)])
def test_an_unmarked_pronoun_is_an_error_only_where_all_are_marked(source, links):
    predicted = put(NLP.make_doc(TEXT), "coref_clusters_1", ["Bob", "it"])
    predicted.spans["coref_clusters_1"].attrs["links"] = [link(predicted, "it", "Bob")]
    reference = put(NLP.make_doc(TEXT), "coref_mentions", ["Bob"], source=source)
    scores = score_coref([Example(predicted, reference)], considered=[[]])
    reliability = scores["link_reliability"]
    assert (reliability and sum(row["n"] for row in reliability)) == links
    assert [error.kind for error in scores["errors"]] == ["over-resolved"] * (links or 0)
    assert scores["pronoun_accuracy"] is None


def test_stereotypes_come_from_the_datas_meta():
    def example(stereotype):
        reference = pairs()
        reference.user_data["spacy_lstm"] = {"meta": {"stereotype": stereotype}}
        return Example(predict(), reference)

    examples = [example("pro"), example("anti"), example("other"), Example(predict(), pairs())]
    given = [
        [[0.8, 0.1, 0.1]] * 2,
        [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]],
        *([[[0.2, 0.2, 0.6]] * 2] * 2),
    ]
    scores = score_coref(examples, given=given)
    assert [scores[f"winobias_{side}"] for side in ("pro", "anti", "gap")] == [0.5, 0.5, 0.0]
    assert [scores[f"winobias_given_{side}"] for side in ("pro", "anti", "gap")] == [0.5, 1.0, -0.5]
    assert score_coref([Example(predict(), pairs())])["winobias_gap"] is None


def test_errors_are_told_where_the_mentions_are_known():
    reference = pairs()
    reference.spans["coref_pairs_2"].attrs.update(source="gap", id="gap/7")
    documents = [gold(), reference]
    documents[0].user_data["spacy_lstm"] = {"id": "test/1"}
    examples = [Example(predict(), document) for document in documents]
    considered = [[at("Alice Smith"), at("Bob")], [at("Alice Smith")]]
    given = [[], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]]
    scores = score_coref(examples, considered=considered, given=given)
    first, second = scores["errors"]
    assert (first.document, first.source, first.kind) == ("test/1", "test", "wrong candidate")
    assert (second.document, second.source, second.kind) == ("gap/7", "gap", "mention missed")
    assert second.remarks == ("right if given",)
    for error in (first, second):
        assert (error.text, error.pronoun) == (TEXT, at("him"))
        assert (error.gold, error.guess) == (at("Bob"), at("Alice Smith"))
        assert error.probability == 0.9
    assert "errors" not in score_coref(examples, given=given)
    with pytest.raises(ValueError, match="considered has 1 lists for 2 examples"):
        score_coref(examples, considered=[[]])


def test_given_must_fit_the_examples():
    example = Example(predict(), pairs())
    with pytest.raises(ValueError, match="2 lists for 1 examples"):
        score_coref([example], given=[[], []])
    with pytest.raises(ValueError, match=r"given has \[3\] probabilities .* need \[3, 3\]"):
        score_coref([example], given=[[[0.1, 0.2, 0.7]]])


def test_pair_groups_must_be_whole():
    reference = put(NLP.make_doc(TEXT), "coref_pairs_1", ["She", "Bob"], labels=[1, 0])
    with pytest.raises(LstmError, match="'coref_pairs_1' has 2 spans and 2 labels"):
        score_coref([Example(predict(), reference)])


def test_singletons():
    """Carl, a gold mention in no cluster, is one."""
    assert score_coref([Example(gold(), gold())])["mention_f"] == 1.0
    scores = score_coref([Example(gold(), gold())], singletons=True)
    assert scores["mention_r"] == pytest.approx(4 / 5)
    predicted = put(gold(), "coref_clusters_3", ["Carl"])
    assert score_coref([Example(predicted, gold())])["mention_f"] == 1.0
    assert score_coref([Example(predicted, gold())], singletons=True)["coref_f"] == 1.0


def test_only_digits_after_the_prefix_make_a_cluster():
    reference = gold()
    put(reference, "coref_clusters_old", ["Carl", "She"])
    put(reference, "coref_clusters_extra_1", ["Carl", "She"])
    assert score_coref([Example(gold(), reference)])["mention_f"] == 1.0


def test_another_prefix():
    scorer = make_coref_scorer(span_cluster_prefix="people")
    reference = put(NLP.make_doc(TEXT), "people_10", ["Bob", "him"])
    predicted = put(NLP.make_doc(TEXT), "people_1", ["Bob", "him"])
    assert scorer([Example(predicted, reference)])["conll_f"] == 1.0
    assert scorer([Example(predicted, gold())], labels=())["mention_p"] == 0.0


def test_scores_survive_docbin():
    docs = list(
        DocBin()
        .from_bytes(DocBin(docs=[predict(), pairs(), gold()]).to_bytes())
        .get_docs(NLP.vocab)
    )
    stored = [Example(docs[0], docs[1]), Example(docs[0], docs[2])]
    fresh = [Example(predict(), pairs()), Example(predict(), gold())]
    assert score_coref(stored) == score_coref(fresh)


def test_no_examples():
    assert set(score_coref([]).values()) == {None}
    assert set(score_sentiment([]).values()) == {None}


@pytest.mark.parametrize("name", ["coref", "sentiment"])
def test_registered_and_picklable(name):
    make_scorer = spacy.registry.scorers.get(f"spacy_lstm.{name}_scorer.v1")
    scorer = pickle.loads(pickle.dumps(make_scorer()))
    assert scorer([]) == make_scorer()([])


def rated(predicted, reference):
    example = Example(NLP.make_doc("Fine."), NLP.make_doc("Fine."))
    example.predicted.cats, example.reference.cats = predicted, reference
    return example


POSITIVE, NEGATIVE = {"NEGATIVE": 0.0, "POSITIVE": 1.0}, {"NEGATIVE": 1.0, "POSITIVE": 0.0}


def test_degrees_count_on_their_sides_where_the_data_has_none():
    guess = {"VERY_NEGATIVE": 0.1, "NEGATIVE": 0.3, "POSITIVE": 0.25, "VERY_POSITIVE": 0.35}
    coarse = {"POSITIVE": 1.0, "NEGATIVE": 0.0}
    assert score_sentiment([rated(guess, coarse)])["reliability"][0]["probability"] == 0.6
    fine = {**dict.fromkeys(guess, 0.0), "VERY_POSITIVE": 1.0}
    assert score_sentiment([rated(guess, fine)])["reliability"][0]["probability"] == 0.35


def test_sentiment_by_hand():
    guess = {"NEGATIVE": 0.1, "NEUTRAL": 0.2, "POSITIVE": 0.7}
    neutral = {"NEGATIVE": 0.0, "NEUTRAL": 1.0, "POSITIVE": 0.0}
    examples = [
        rated(guess, {"NEGATIVE": 0.0, "NEUTRAL": 0.0, "POSITIVE": 1.0}),
        rated(guess, neutral),
        rated({"NEGATIVE": 0.1, "NEUTRAL": 0.6, "POSITIVE": 0.3}, neutral),
    ]
    scores = score_sentiment(examples, labels=("NEGATIVE",), threshold=0.5)
    assert scores["accuracy"] == scores["cats_micro_f"] == pytest.approx(2 / 3)
    assert scores["cats_f_per_type"]["POSITIVE"] == {
        "p": 0.5,
        "r": 1.0,
        "f": pytest.approx(2 / 3),
    }
    # What tweets are compared by: the mean of the labels' recalls.
    assert scores["cats_macro_r"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert scores["cats_score"] == scores["cats_macro_f"]
    assert scores["cats_macro_f"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_binary_data_asks_for_one_of_two():
    guess = {"NEGATIVE": 0.3, "NEUTRAL": 0.6, "POSITIVE": 0.1}
    scores = score_sentiment([rated(guess, NEGATIVE), rated(guess, POSITIVE)])
    assert scores["accuracy"] == 0.5
    # As probable as it is among the two.
    (row,) = scores["reliability"]
    assert (row["n"], row["probability"], row["accuracy"]) == (2, pytest.approx(0.75), 0.5)
    assert scores["ece"] == pytest.approx(0.25)
    assert set(scores["cats_f_per_type"]) == {"NEGATIVE", "POSITIVE"}


def test_calibration_of_three_labels():
    sure = {"NEGATIVE": 0.0, "NEUTRAL": 0.0, "POSITIVE": 1.0}
    unsure = {"NEGATIVE": 0.4, "NEUTRAL": 0.35, "POSITIVE": 0.25}
    nothing = dict.fromkeys(sure, 0.0)  # what is too unlikely for a float
    scores = score_sentiment([rated(sure, sure), rated(unsure, sure)])
    assert scores["ece"] == pytest.approx((0.0 + 0.4) / 2)
    assert [row["probability"] for row in scores["reliability"]] == [0.4, 1.0]
    assert score_sentiment([rated(nothing, sure)])["ece"] == pytest.approx(1 / 3)


def test_a_positive_label_sets_the_score():
    examples = [rated(POSITIVE, POSITIVE), rated(NEGATIVE, NEGATIVE), rated(POSITIVE, NEGATIVE)]
    scores = score_sentiment(examples, positive_label="POSITIVE")
    assert scores["cats_score"] == pytest.approx(2 / 3)
    assert scores["cats_score_desc"] == "F (POSITIVE)"


@pytest.mark.parametrize("reference", [POSITIVE, NEGATIVE])
def test_a_missing_prediction_is_wrong(reference):
    scores = score_sentiment([rated({}, reference), rated(POSITIVE, POSITIVE)])
    assert scores["accuracy"] == 0.5


def test_a_reference_that_names_the_true_label_only():
    examples = [rated(NEGATIVE, {"POSITIVE": 1.0}), rated(NEGATIVE, {"NEGATIVE": 1.0})]
    assert score_sentiment(examples)["accuracy"] == 0.5


def test_references_without_a_true_label_do_not_count():
    scores = score_sentiment([rated(POSITIVE, {}), rated(POSITIVE, dict.fromkeys(POSITIVE, 0.0))])
    assert set(scores.values()) == {None}
    assert score_sentiment([rated(POSITIVE, {}), rated(NEGATIVE, POSITIVE)])["accuracy"] == 0.0
