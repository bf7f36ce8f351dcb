import threading

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin, Span, SpanGroup
from spacy.training import Example
from thinc.api import Adam

from spacy_lstm import LstmError

# Clusters as (first token, last token + 1).
TEXTS = [
    ("Alice is happy. She smiles.", [[(0, 1), (4, 5)]], []),
    ("Tom lost the key. Ann found it.", [[(2, 4), (7, 8)]], [(0, 1), (5, 6)]),
    ("Maria called. Her brother answered.", [[(0, 1), (3, 4)]], [(3, 5)]),
    ("When he woke, Paul ate.", [[(1, 2), (4, 5)]], []),
    ("The rain fell. Nobody came.", [], [(0, 2)]),
]
PAIR = ("Eve met Zoe. Zoe said she left.", (6, 7), [(0, 1), (4, 5)], [0, 1])
MODEL = {
    "tok2vec": {
        "@architectures": "spacy_lstm.BiLSTMTok2Vec.v1",
        "width": 32,
        "width_factor": 0.5,
        "rows": 500,
    },
    "hidden_width": 16,
    "mention_width": 16,
    "max_width": 4,
}


def make_nlp(**config):
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_lstm.Coref.v1", **MODEL}
    nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": model, **config})
    return nlp


def make_examples(nlp):
    examples = []
    for text, clusters, singletons in TEXTS:
        doc = nlp.make_doc(text)
        for number, spans in enumerate(clusters, start=1):
            doc.spans[f"coref_clusters_{number}"] = [doc[a:b] for a, b in spans]
        every = sorted({*singletons, *(span for spans in clusters for span in spans)})
        doc.spans["coref_mentions"] = SpanGroup(
            doc, attrs={"source": "test", "exhaustive": True}, spans=[doc[a:b] for a, b in every]
        )
        examples.append(Example(nlp.make_doc(text), doc))
    text, pronoun, candidates, labels = PAIR
    doc = nlp.make_doc(text)
    spans = [doc[a:b] for a, b in (pronoun, *candidates)]
    attrs = {"labels": labels, "source": "test", "id": "1", "gender": "F"}
    doc.spans["coref_pairs_1"] = SpanGroup(doc, attrs=attrs, spans=spans)
    examples.append(Example(nlp.make_doc(text), doc))
    return examples


def clusters_of(doc):
    groups = {key: group for key, group in doc.spans.items() if key.startswith("coref_clusters")}
    return {key: [(span.start, span.end) for span in group] for key, group in groups.items()}


def train(nlp, examples, steps=120):
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    history = []
    for _ in range(steps):
        history.append(nlp.update(examples, sgd=optimizer, drop=0.0)["lstm_coref"])
    return history


@pytest.fixture(scope="module")
def trained():
    spacy.util.fix_random_seed(0)
    nlp = make_nlp()
    history = train(nlp, make_examples(nlp))
    return nlp, history


def test_overfits(trained):
    nlp, history = trained
    assert history[-1] < 0.05 * history[0]
    for text, clusters, _ in TEXTS:
        doc = nlp(text)
        found = list(clusters_of(doc).values())
        assert sorted(found) == sorted(clusters), text
    scores = nlp.evaluate(make_examples(nlp))
    for key in ("conll_f", "coref_f", "mention_f", "pronoun_f", "gap_f", "gap_given_f"):
        assert scores[key] == 1.0, key


def test_links_and_extensions(trained):
    nlp, _ = trained
    doc = nlp("Alice is happy. She smiles.")
    (group,) = doc.spans.values()
    assert group.name == "coref_clusters_1"
    (link,) = group.attrs["links"]
    assert link["anaphor"] == [4, 5]
    assert link["antecedent"] == [0, 1]
    assert doc[4]._.antecedent.text == "Alice"
    assert doc[4]._.antecedent_score == pytest.approx(link["score"])
    assert 0.5 < link["score"] <= 1
    assert doc[0]._.antecedent is None
    assert doc[0]._.antecedent_score == 0.0
    assert doc._.resolved_text == "Alice is happy. Alice smiles."
    ((anaphor, antecedent, score),) = doc._.coref_links
    assert (anaphor.text, antecedent.text, score) == ("She", "Alice", link["score"])


def test_cataphora(trained):
    doc = trained[0]("When he woke, Paul ate.")
    assert doc[1]._.antecedent.text == "Paul"


def test_pipe_is_call(trained):
    nlp, _ = trained
    texts = [text for text, _, _ in TEXTS] * 3 + ["", " ", "she"]
    piped = [clusters_of(doc) for doc in nlp.pipe(texts, batch_size=4)]
    assert piped == [clusters_of(nlp(text)) for text in texts]


def test_n_process(trained):
    nlp, _ = trained
    texts = [text for text, _, _ in TEXTS] * 2
    docs = list(nlp.pipe(texts, n_process=2, batch_size=3))
    assert [clusters_of(doc) for doc in docs] == [clusters_of(nlp(text)) for text in texts]
    assert docs[0][4]._.antecedent.text == "Alice"


def test_threads(trained):
    nlp, _ = trained
    expected = [clusters_of(nlp(text)) for text, _, _ in TEXTS]
    found = {}

    def work(number):
        found[number] = [clusters_of(nlp(text)) for text, _, _ in TEXTS]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), expected)


def test_round_trips(trained, tmp_path):
    nlp, _ = trained
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    fresh = make_nlp()
    fresh.initialize(lambda: make_examples(fresh))
    text = "Tom lost the key. Ann found it."
    expected = clusters_of(nlp(text))
    assert clusters_of(fresh(text)) != expected
    assert clusters_of(loaded(text)) == expected
    assert clusters_of(fresh.from_bytes(nlp.to_bytes())(text)) == expected
    before = nlp.get_pipe("lstm_coref").model.to_bytes()
    assert loaded.get_pipe("lstm_coref").model.to_bytes() == before


def test_results_survive_docbin(trained):
    nlp, _ = trained
    data = DocBin(docs=[nlp("Alice is happy. She smiles.")]).to_bytes()
    (doc,) = DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab)
    assert doc[4]._.antecedent.text == "Alice"
    assert doc._.resolved_text == "Alice is happy. Alice smiles."


def test_a_second_run_replaces_the_clusters_of_the_first(trained):
    nlp, _ = trained
    doc = nlp("Alice is happy. She smiles.")
    doc.spans["coref_clusters_7"] = [doc[0:1]]
    doc.spans["coref_clusters_mine"] = [doc[0:1]]
    assert set(nlp.get_pipe("lstm_coref")(doc).spans) == {
        "coref_clusters_1",
        "coref_clusters_mine",
    }


def test_score_candidates(trained):
    nlp, _ = trained
    pipe = nlp.get_pipe("lstm_coref")
    doc = nlp.make_doc("Tom lost the key. Ann found it.")
    p = pipe.score_candidates(doc, doc[7:8], [doc[0:1], doc[2:4], doc[5:6]])
    assert sum(p) == pytest.approx(1.0)
    assert p[1] > 0.8
    assert all(0 <= value <= 1 for value in p)
    assert pipe.score_candidates(doc, doc[7:8], []) == [1.0]
    with pytest.raises(LstmError, match="spans of the document itself"):
        pipe.score_candidates(doc, nlp.make_doc("it")[0:1], [])


def test_given_candidates_are_weighed_in_batches_as_one_by_one(trained):
    nlp, _ = trained
    pipe = nlp.get_pipe("lstm_coref")
    examples = []
    for text, spans in [
        ("Tom lost the key. Ann found it.", [(7, 8), (0, 1), (2, 4), (5, 6)]),
        ("", []),
        ("Nobody is asked about here.", []),
        ("Ann met Tom. She smiled.", [(4, 5), (0, 1), (2, 3)]),
    ]:
        doc, reference = nlp.make_doc(text), nlp.make_doc(text)
        if spans:
            group = SpanGroup(
                reference,
                spans=[reference[start:end] for start, end in spans],
                attrs={"labels": [0] * (len(spans) - 1)},
            )
            reference.spans["coref_pairs_1"] = group
        examples.append(Example(doc, reference))
    first, *empty, last = pipe.score_given(examples)
    assert empty == [[], []]
    for example, found in ((examples[0], first), (examples[3], last)):
        anaphor, *candidates = example.reference.spans["coref_pairs_1"]
        doc = example.predicted
        spans = [doc[span.start : span.end] for span in candidates]
        alone = pipe.score_candidates(doc, doc[anaphor.start : anaphor.end], spans)
        assert found == [pytest.approx(alone, abs=1e-5)]


def test_batched_probabilities_equal_single_ones(trained):
    pipe = trained[0].get_pipe("lstm_coref")
    docs = [trained[0].make_doc(text) for text, _, _ in TEXTS]
    together = pipe.predict(docs)
    alone = [pipe.predict([doc])[0] for doc in docs]
    for left, right in zip(together, alone, strict=True):
        assert left.clusters == right.clusters
        for one, other in zip(left.links, right.links, strict=True):
            np.testing.assert_allclose([k.score for k in one], [k.score for k in other], atol=1e-5)


def test_settings(trained, tmp_path):
    nlp, _ = trained
    nlp.to_disk(tmp_path)
    text = "Maria called. Her brother answered."

    def load(**settings):
        overrides = {f"components.lstm_coref.{key}": value for key, value in settings.items()}
        return spacy.load(tmp_path, config=overrides)

    assert clusters_of(load()(text))
    assert not clusters_of(load(threshold=1.0)(text))
    assert not clusters_of(load(max_distance=2)(text))
    assert list(load(span_cluster_prefix="x")(text).spans) == ["x_1"]
    assert clusters_of(load(link="pronouns")(text))


def test_scores_follow_the_prefix(trained):
    nlp = make_nlp(span_cluster_prefix="people")
    nlp.get_pipe("lstm_coref").from_bytes(trained[0].get_pipe("lstm_coref").to_bytes())
    examples = make_examples(nlp)
    for example in examples:
        spans = example.reference.spans
        for key in [key for key in spans if key.startswith("coref_clusters")]:
            spans[key.replace("coref_clusters", "people")] = spans.pop(key)
    scores = nlp.evaluate(examples)
    assert (scores["conll_f"], scores["pronoun_f"]) == (1.0, 1.0)
    scorer = {"@scorers": "spacy_lstm.coref_scorer.v1", "span_cluster_prefix": "coref_clusters"}
    nlp.get_pipe("lstm_coref").scorer = spacy.registry.resolve({"scorer": scorer})["scorer"]
    assert nlp.evaluate(examples)["conll_f"] == 0.0


def test_a_gold_document_may_be_the_predicted_one(trained):
    nlp, _ = trained
    gold = make_examples(nlp)[0].reference
    expected = clusters_of(gold)
    example = Example(gold, gold)
    assert nlp.evaluate([example])["conll_f"] == 1.0
    assert clusters_of(gold) == expected
    assert nlp.get_pipe("lstm_coref").update([example], drop=0.0)["lstm_coref"] > 0


def test_two_components_of_other_prefixes(trained):
    nlp = make_nlp()
    data = trained[0].get_pipe("lstm_coref").to_bytes()
    model = {"@architectures": "spacy_lstm.Coref.v1", **MODEL}
    config = {"pretrained": None, "model": model, "span_cluster_prefix": "b", "link": "pronouns"}
    nlp.add_pipe("lstm_coref", name="second", config=config)
    for name in nlp.pipe_names:
        nlp.get_pipe(name).from_bytes(data)
    doc = nlp("Alice is happy. She smiles.")
    assert set(doc.spans) == {"coref_clusters_1", "b_1"}
    assert doc._.resolved_text == "Alice is happy. Alice smiles."


def test_sourced_and_frozen(trained, tmp_path):
    other = spacy.blank("en")
    other.add_pipe("lstm_coref", source=trained[0])
    expected = [clusters_of(trained[0](text)) for text, _, _ in TEXTS]
    assert [clusters_of(other(text)) for text, _, _ in TEXTS] == expected
    other.to_disk(tmp_path)
    assert [clusters_of(spacy.load(tmp_path)(text)) for text, _, _ in TEXTS] == expected
    before = other.get_pipe("lstm_coref").to_bytes()
    with other.select_pipes(disable="lstm_coref"):
        optimizer = other.initialize()
        other.update(make_examples(other), sgd=optimizer, exclude=["lstm_coref"])
    assert other.get_pipe("lstm_coref").to_bytes() == before


def test_memory_zone(trained):
    nlp, _ = trained
    expected = clusters_of(nlp("Alice is happy. She smiles."))
    for number in range(3):
        with nlp.memory_zone():
            doc = nlp(f"Zyx{number} met Wvu{number}. Alice is happy. She smiles.")
            assert doc._.coref_links
    assert clusters_of(nlp("Alice is happy. She smiles.")) == expected


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"link": "names"}, "link = 'names'.*pronouns, all"),
        ({"threshold": 1.5}, "threshold = 1.5.*from 0 to 1"),
        ({"max_distance": 0}, "max_distance = 0.*1 or more"),
        ({"span_cluster_prefix": ""}, "span_cluster_prefix.*empty"),
    ],
)
def test_mistaken_settings(config, message):
    with pytest.raises(LstmError, match=message):
        make_nlp(**config)


def test_mistaken_model():
    model = {"@architectures": "spacy_lstm.Coref.v1", **MODEL, "max_width": 0}
    with pytest.raises(LstmError, match="max_width = 0"):
        make_nlp(model=model)


@pytest.mark.parametrize(("drawn", "unmarked"), [(0.0, False), (1.0, True)])
def test_pronouns_without_a_mark_are_unknown_unless_the_guideline_is_told(
    monkeypatch, drawn, unmarked
):
    nlp = make_nlp(
        model={"@architectures": "spacy_lstm.Coref.v1", **MODEL, "guidelines": ["litbank"]}
    )
    nlp.initialize(lambda: make_examples(nlp))
    doc = nlp.make_doc("It rained.")
    attrs = {"source": "litbank", "exhaustive": True}
    doc.spans["coref_mentions"] = SpanGroup(doc, attrs=attrs, spans=[])
    pipe = nlp.get_pipe("lstm_coref")
    seen, loss = [], pipe.model.attrs["loss"]

    def spy(output, targets):
        seen.append(targets.unmarked.tolist())
        return loss(output, targets)

    monkeypatch.setitem(pipe.model.attrs, "loss", spy)
    monkeypatch.setattr("spacy_lstm.pipeline.coref.random", lambda: drawn)
    pipe.update([Example(nlp.make_doc(doc.text), doc)])
    assert seen == [[unmarked]]


def test_guidelines(trained):
    model = {"@architectures": "spacy_lstm.Coref.v1", **MODEL, "guidelines": ["test", "other"]}
    nlp = make_nlp(model=model, guideline="test")
    train(nlp, make_examples(nlp), steps=3)
    assert nlp("Alice is happy.").text
    nlp.get_pipe("lstm_coref").guideline = "litbank"
    with pytest.raises(LstmError, match=r"guideline = 'litbank'.*\(test, other\), or null"):
        nlp("Alice is happy.")
    with pytest.raises(LstmError, match=r"guideline = 'test' in lstm_coref.*\(none\)"):
        make_nlp(guideline="test").initialize(lambda: make_examples(trained[0]))


def test_nothing_to_initialize_from():
    nlp = make_nlp()
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    with pytest.raises(LstmError, match="training data is empty"):
        nlp.initialize(lambda: [empty])


def test_without_weights():
    with pytest.raises(LstmError, match="no weights yet"):
        make_nlp()("She left.")


def test_unannotated_examples_teach_nothing(trained):
    nlp, _ = trained
    pipe = nlp.get_pipe("lstm_coref")
    before = pipe.model.to_bytes()
    example = Example(nlp.make_doc("Ann left."), nlp.make_doc("Ann left."))
    assert pipe.update([example], sgd=nlp.create_optimizer())["lstm_coref"] == 0.0
    assert pipe.model.to_bytes() == before


@pytest.mark.parametrize(
    ("count", "attrs", "message"),
    [
        (3, {"labels": [1]}, "'coref_pairs' has 3 spans and 1 labels"),
        (2, {}, "has 2 spans and 0 labels, expected the pronoun, its candidates"),
        (0, {"labels": []}, "has 0 spans and 0 labels"),
    ],
)
def test_pairs_without_a_label_each(trained, count, attrs, message):
    nlp, _ = trained
    doc = nlp.make_doc("Eve met Zoe . She left")
    doc.spans["coref_pairs_1"] = SpanGroup(doc, attrs=attrs, spans=[doc[4:5]] * count)
    with pytest.raises(LstmError, match=message):
        nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=False)


@pytest.mark.parametrize(("text", "mentions"), [(" ", []), ("Go!", []), ("Rain fell.", [(0, 1)])])
def test_learns_from_documents_without_pairs(text, mentions):
    nlp = make_nlp()
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    doc = nlp.make_doc(text)
    attrs = {"source": "test", "exhaustive": True}
    spans = [doc[start:end] for start, end in mentions]
    doc.spans["coref_mentions"] = SpanGroup(doc, attrs=attrs, spans=spans)
    example = Example(nlp.make_doc(text), doc)
    losses = [nlp.update([example], sgd=optimizer)["lstm_coref"] for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    # White space is no mention for certain, so there is nothing to learn from it.
    assert losses[0] > losses[2] > 0 or (text.isspace() and losses == [0.0] * 3)


def test_get_loss(trained):
    nlp, _ = trained
    pipe = nlp.get_pipe("lstm_coref")
    examples = make_examples(nlp)
    scores, _ = pipe.model.begin_update(pipe._input([eg.predicted for eg in examples], _gold()))
    loss, gradients = pipe.get_loss(examples, scores)
    assert 0 < loss < 1
    assert gradients.pair_logits.shape == scores.pair_logits.shape


def _gold():
    nlp = spacy.blank("en")
    spans, offset = [], 0
    for text, clusters, singletons in TEXTS:
        spans += [(a + offset, b + offset) for c in clusters for a, b in c]
        spans += [(a + offset, b + offset) for a, b in singletons]
        offset += len(nlp.make_doc(text))
    spans += [(a + offset, b + offset) for a, b in (PAIR[1], *PAIR[2])]
    return np.array(spans)


def test_averages_reach_torch():
    spacy.util.fix_random_seed(1)
    other = make_nlp()
    examples = make_examples(other)
    other.initialize(lambda: examples)
    optimizer = Adam(0.005, use_averages=True)
    for _ in range(5):
        other.update(examples, sgd=optimizer)
    pipe = other.get_pipe("lstm_coref")
    # The same mentions whatever the weights say.
    asked = pipe._input([eg.predicted for eg in examples], _gold())._replace(detect=False)
    last = pipe.model.predict(asked).pair_logits
    with other.use_params(optimizer.averages):
        averaged = pipe.model.predict(asked).pair_logits
    again = pipe.model.predict(asked).pair_logits
    np.testing.assert_array_equal(last, again)
    finite = np.isfinite(last)
    assert np.abs(last[finite] - averaged[finite]).max() > 1e-4


@Language.component("mark_entities")
def mark_entities(doc):
    doc.ents = [Span(doc, 0, 1, label="PERSON")]
    return doc


def test_suggester_takes_the_place_of_the_detector(trained, tmp_path):
    trained[0].to_disk(tmp_path)
    suggester = {"@misc": "spacy_lstm.EntitySuggester.v1"}
    nlp = spacy.load(tmp_path, config={"components.lstm_coref.candidates": suggester})
    nlp.add_pipe("mark_entities", first=True)
    assert clusters_of(nlp("Alice is happy. She smiles.")) == {"coref_clusters_1": [(0, 1), (4, 5)]}
    # The key is no entity, so it cannot be what "it" refers to.
    assert not clusters_of(nlp("Tom lost the key. Ann found it."))


def test_noun_chunk_suggester():
    suggest = spacy.registry.misc.get("spacy_lstm.NounChunkSuggester.v1")()
    nlp = spacy.blank("en")
    doc = spacy.tokens.Doc(
        nlp.vocab,
        words=["the", "dog", "barks"],
        heads=[1, 2, 2],
        deps=["det", "nsubj", "ROOT"],
        pos=["DET", "NOUN", "VERB"],
        ents=["O", "O", "O"],
    )
    suggested = suggest([doc, nlp.make_doc("")[0:0].as_doc()])
    assert suggested.dataXd.tolist() == [[0, 2]]
    assert suggested.lengths.tolist() == [1, 0]


def test_listener_shares_an_encoder(tmp_path):
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": {**MODEL["tok2vec"], "shortcut": False}})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}
    model = {"@architectures": "spacy_lstm.Coref.v1", **MODEL, "tok2vec": listener}
    nlp.add_pipe("lstm_coref", config={"pretrained": None, "model": model})
    examples = make_examples(nlp)
    history = train(nlp, examples, steps=40)
    assert history[-1] < 0.5 * history[0]
    nlp.to_disk(tmp_path)
    text = "Tom lost the key. Ann found it."
    assert clusters_of(spacy.load(tmp_path)(text)) == clusters_of(nlp(text))
    pipe = nlp.get_pipe("lstm_coref")
    unread, read = nlp.make_doc(text), nlp(text)
    with pytest.raises(LstmError, match="an encoder that has not read this document"):
        pipe.score_candidates(unread, unread[7:8], [unread[2:4]])
    assert sum(pipe.score_candidates(read, read[7:8], [read[2:4]])) == pytest.approx(1)
