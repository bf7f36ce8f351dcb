"""Documents with other genders, names and pronouns, token for token."""

import random

import pytest
import spacy
from spacy.tokens import Doc, DocBin, SpanGroup
from spacy.util import registry

from spacy_lstm.corpora.mixture import create_mixture_reader
from spacy_lstm.corpora.swaps import KINDS, GenderSwaps, create_gender_swaps
from spacy_lstm.errors import LstmError

from .silver_lists import read_lists, write_lists

NLP = spacy.blank("en")


@pytest.fixture
def lists(tmp_path):
    return read_lists(tmp_path)


@pytest.fixture
def swaps(lists):
    return GenderSwaps(lists, {})


def make_doc(text, *clusters, pair=None, gender="M", exhaustive=False):
    """A document whose mentions are given as words, each time the next that is found."""
    doc = NLP.make_doc(text)
    for number, words in enumerate(clusters, start=1):
        spans, position = [], 0
        for word in words:
            start = doc.text.index(word, position)
            spans.append(doc.char_span(start, start + len(word)))
            position = start + 1
        assert None not in spans
        key = f"coref_clusters_{number}"
        doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"number": number})
    if clusters or exhaustive:
        spans = [span for key in list(doc.spans) for span in doc.spans[key]]
        attrs = {"source": "x", "exhaustive": exhaustive}
        doc.spans["coref_mentions"] = SpanGroup(
            doc, name="coref_mentions", spans=spans, attrs=attrs
        )
    if pair:
        spans = [doc[i : i + 1] for i in pair]
        attrs = {"labels": [1, 0], "gender": gender}
        doc.spans["coref_pairs_1"] = SpanGroup(doc, name="coref_pairs_1", spans=spans, attrs=attrs)
    doc.user_data["spacy_lstm"] = {"id": "x/1"}
    return doc


def swapped(swaps, doc, kind, seed=0):
    return swaps.swap(doc, kind, random.Random(seed))


def spans_of(doc):
    return {key: [(s.start, s.end) for s in group] for key, group in doc.spans.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He saw her. SHE saw him, too.", "She saw him. HE saw her, too."),
        ("Her hat is hers; this is his.", "His hat is his; this is hers."),
        ("Mrs. Hill saw it herself.", "Mr. Hill saw it himself."),
        ("He lost his\nold hat, sir.", "She lost her\nold hat, madam."),
        ("M. Dupont thanked God and his wife.", "M. Dupont thanked God and her husband."),
        ("The King met Stephen King and his son.", "The Queen met Stephen King and her daughter."),
        (
            "Yes, Sir, said the men of Warner Brothers.",
            "Yes, Madam, said the women of Warner Brothers.",
        ),
        ("Her mistress was a Spider-Man fan, ma'am.", "His master was a Spider-Man fan, sir."),
    ],
)
def test_flip_turns_all_gender_words(swaps, text, expected):
    doc = make_doc(text, exhaustive=True)
    doc.spans["coref_clusters_1"] = SpanGroup(doc, spans=[doc[0:1]])
    assert swapped(swaps, doc, "flip").text == expected


def test_flip_turns_first_names_everywhere(swaps, lists):
    text = "Alice Hill met John. Alice told John's wife that ALICE knew Hill."
    doc = make_doc(text, ["Alice Hill", "Alice"])
    new = swapped(swaps, doc, "flip")
    words = [token.text for token in new]
    assert lists.genders[words[0]] == "M"
    assert lists.genders[words[3]] == "F"
    expected = text.replace("Alice", words[0]).replace("John", words[3])
    expected = expected.replace("ALICE", words[0].upper()).replace("wife", "husband")
    assert new.text == expected


def test_a_drawn_name_is_new_to_the_document(swaps):
    doc = make_doc("Alice, Mary and Ruth met Clara. Virginia Hill wrote.", ["Alice"])
    for seed in range(8):
        first = {token.text for token in swapped(swaps, doc, "names", seed)}
        assert not first & {"Mary", "Ruth"} or first >= {"Mary", "Ruth"}
    # All five women's names are taken.
    assert swapped(swaps, doc, "names") is doc


def test_the_pronouns_of_a_cluster_know_the_gender_better(swaps, lists):
    doc = make_doc("John lost her hat. Kim lost his hat.", ["John", "her"], ["Kim", "his"])
    new = swapped(swaps, doc, "flip")
    assert lists.genders[new[0].text] == "M"
    assert new[0].text != "John"
    # The lists do not know Kim's gender: the name stays.
    assert new[1:].text == "lost his hat. Kim lost her hat."


def test_the_pronoun_of_a_pair_knows_it_too(swaps, lists):
    doc = make_doc("John met Peter and lost her hat.", pair=(5, 0, 2), gender="F")
    new = swapped(swaps, doc, "flip")
    assert lists.genders[new[0].text] == "M"
    assert lists.genders[new[2].text] == "F"
    assert new[3:].text == "and lost his hat."
    assert new.spans["coref_pairs_1"].attrs == {"labels": [1, 0], "gender": "M"}
    assert doc.spans["coref_pairs_1"].attrs["gender"] == "F"


@pytest.mark.parametrize(
    "text",
    [
        "He was in Virginia, and Virginia Beach was cold.",
        "He saw Frank College and the Peter.",
        "Will he come to St. John, Rare?",
        "He saw Nat King Hill and Hugo-Boris.",
        "He told JOHN of John College.",
    ],
)
def test_what_is_no_first_name_stays(swaps, text):
    pronoun = "He" if text.startswith("He") else "he"
    doc = make_doc(text, [pronoun])
    expected = text.replace(pronoun, {"He": "She", "he": "she"}[pronoun], 1)
    assert swapped(swaps, doc, "flip").text == expected


def test_surnames_and_middle_names(swaps, lists):
    doc = make_doc("Mary Ruth Hill met Henry Peter, Sir John and Mr. Peter. Dear Boris!", ["Boris"])
    words = [token.text for token in swapped(swaps, doc, "flip")]
    genders = [lists.genders.get(word) for word in words]
    assert genders[:2] == ["M", "M"]
    assert words[2:6] == ["Hill", "met", "Henry", "Peter"]
    assert words[7] == "Dame"
    assert genders[8] == "F"
    assert words[10:13] == ["Mrs.", "Peter", "."]
    assert genders[14] == "F"


def test_where_all_mentions_are_known_a_name_is_in_one(swaps):
    doc = make_doc("Frank and he saw John.", ["he"], ["John"], exhaustive=True)
    assert swapped(swaps, doc, "flip")[:4].text == "Frank and she saw"
    doc = make_doc("Frank and Frank Hill saw him.", ["Frank Hill", "him"], exhaustive=True)
    new = swapped(swaps, doc, "flip")
    assert new[0].text == new[2].text != "Frank"
    doc = make_doc("Frank and he saw John.", ["he"], ["John"])
    assert swapped(swaps, doc, "flip")[0].text != "Frank"


def test_unify_leaves_one_gender(swaps, lists):
    doc = make_doc("John saw Mary. He gave her his hat.", ["John", "He", "his"], ["Mary", "her"])
    texts = {swapped(swaps, doc, "unify", seed).text for seed in range(30)}
    for text in texts:
        first, second = text.split()[0], text.split()[2].rstrip(".")
        assert lists.genders[first] == lists.genders[second]
        if second == "Mary":
            assert text == f"{first} saw Mary. She gave her her hat."
        else:
            assert text == f"John saw {second}. He gave him his hat."
    assert len({text.split()[0] == "John" for text in texts}) == 2


def test_unify_passes_over_a_document_with_one_side(swaps):
    doc = make_doc("He came.", ["He"])
    results = [swapped(swaps, doc, "unify", seed) for seed in range(20)]
    assert {result.text for result in results} == {"He came.", "She came."}
    assert all(result is doc for result in results if result.text == "He came.")
    pair = make_doc("He met Ann.", pair=(0, 2, 2))
    genders = {
        (result.text, result.spans["coref_pairs_1"].attrs["gender"])
        for result in (swapped(swaps, pair, "unify", seed) for seed in range(20))
    }
    assert genders == {("He met Ann.", "M"), ("She met Ann.", "F")}


def test_names_draws_surnames_of_earlier_documents(swaps, lists):
    doc = make_doc("Mrs. Hill met Alice. The Hills were brown, and Mr. Brown left.", ["Alice"])
    new = swapped(swaps, doc, "names")
    assert lists.genders[new[3].text] == "F"
    assert new.text == doc.text.replace("Alice", new[3].text)
    swapped(swaps, make_doc("Mr. Stone and Dr. Green spoke.", ["Mr. Stone"]), "names")
    new = swapped(swaps, doc, "names")
    surname = new[1].text
    assert surname in {"Stone", "Green", "Brown"} - {"Brown"}
    expected = f"Mrs. {surname} met {new[3]}. The {surname}s were brown, and Mr. Brown left."
    assert new.text == expected


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        ("Ann says she is his boss.", "Ann she", "Ann says they are his boss."),
        (
            "He never was late. HIS hat is his.",
            "He HIS his",
            "They never were late. THEIR hat is theirs.",
        ),
        (
            "Ann thinks she's had it and she's late.",
            "Ann she she",
            "Ann thinks they've had it and they're late.",
        ),
        ("Was he here? Does n't she know?", "he", "Were they here? Does n't she know?"),
        (
            "He goes, he tries, he always watches him.",
            "He he he",
            "They go, they try, they always watch him.",
        ),
        (
            "I saw her with her hat, and he does n't.",
            "her her",
            "I saw them with their hat, and he does n't.",
        ),
        ("She perhaps knew. She alone has it.", "She She", "They perhaps knew. They alone has it."),
    ],
)
def test_they(swaps, text, mentions, expected):
    doc = make_doc(text, mentions.split())
    assert swapped(swaps, doc, "they").text == expected


def test_they_and_neo_reflexives(swaps):
    doc = make_doc("She saw herself.", ["She", "herself"])
    they = {swapped(swaps, doc, "they", seed).text for seed in range(20)}
    assert they == {"They saw themself.", "They saw themselves."}


def test_neo(swaps):
    text = "He is here; I gave him his hat. It is his, he said to himself."
    doc = make_doc(text, ["He", "him", "his", "his", "he", "himself"])
    assert {swapped(swaps, doc, "neo", seed).text for seed in range(30)} == {
        "Xe is here; I gave xem xyr hat. It is xyrs, xe said to xemself.",
        "Ze is here; I gave zir zir hat. It is zirs, ze said to zirself.",
        "Ze is here; I gave hir hir hat. It is hirs, ze said to hirself.",
    }


@pytest.mark.parametrize("kind", ["they", "neo"])
def test_one_person_alone_gets_new_pronouns(swaps, kind):
    doc = make_doc("He met her. I am he.", ["her"], ["He", "I", "he"])
    new = swapped(swaps, doc, kind)
    assert new[2].text in {"them", "xem", "zir", "hir"}
    assert new[:2].text == "He met"
    assert new[3:].text == doc[3:].text
    both = make_doc("He met her.", ["He", "her"])
    assert swapped(swaps, both, kind) is both
    pair = make_doc("He met her.", ["her"], pair=(2, 0, 0))
    assert swapped(swaps, pair, kind) is pair


@pytest.mark.parametrize("kind", KINDS)
def test_all_but_the_words_is_kept(swaps, kind):
    swapped(swaps, make_doc("Mr. Stone left.", ["Mr. Stone"]), "names")
    doc = make_doc(
        "John Hill saw Mary.\n\nHe  gave her his hat.",
        ["John Hill", "He", "his"],
        ["Mary", "her"],
    )
    for token in doc:
        token.is_sent_start = token.text in {"John", "He"}
    before = doc.to_bytes()
    new = swapped(swaps, doc, kind)
    assert new.text != doc.text
    assert doc.to_bytes() == before
    assert spans_of(new) == spans_of(doc)
    assert {key: group.attrs for key, group in new.spans.items()} == {
        key: group.attrs for key, group in doc.spans.items()
    }
    assert new.user_data == doc.user_data
    assert [token.whitespace_ for token in new] == [token.whitespace_ for token in doc]
    assert [token.is_sent_start for token in new] == [token.is_sent_start for token in doc]
    assert new.to_bytes() == swapped(swaps, doc, kind).to_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_trees_and_documents_without_annotation_stay(swaps, kind):
    plain = NLP.make_doc("He saw Mary.")
    assert swapped(swaps, plain, kind) is plain
    tree = Doc(NLP.vocab, words=["He", "came"], heads=[1, 1], deps=["nsubj", "ROOT"])
    tree.spans["coref_clusters_1"] = SpanGroup(tree, spans=[tree[0:1]])
    assert swapped(swaps, tree, kind) is tree
    nothing = make_doc("It came.", ["It"])
    assert swapped(swaps, nothing, kind) is nothing


def test_shares(lists):
    doc = make_doc("He came.", ["He"])

    def count(**shares):
        swaps, rng = GenderSwaps(lists, shares), random.Random(0)
        found = [swaps(doc, rng).text for _ in range(400)]
        return found.count("She came."), found.count("They came."), found.count("He came.")

    assert count(flip=1.0) == (400, 0, 0)
    assert count() == (0, 0, 400)
    flipped, they, same = count(flip=0.25, they=0.5)
    assert 60 < flipped < 140
    assert 160 < they < 240
    assert flipped + they + same == 400


def test_the_mixture_draws_by_seed_epoch_and_position(tmp_path):
    names, words = write_lists(tmp_path)
    path = tmp_path / "docs.spacy"
    docs = [make_doc(f"He saw John {i} times.", ["He"]) for i in range(12)]
    docs.append(NLP.make_doc("He came."))
    DocBin(docs=docs, store_user_data=True).to_disk(path)

    def epochs(seed=0, flip=0.4, they=0.3):
        create = registry.misc.get("spacy_lstm.GenderSwaps.v1")
        swaps = create([str(names), str(words)], flip=flip, they=they)
        reader = create_mixture_reader(str(path), seed=seed, swaps=swaps)
        return [list(reader(spacy.blank("en"))) for _ in range(2)]

    def texts(found):
        return [[example.reference.text for example in epoch] for epoch in found]

    first = epochs()
    assert texts(first) == texts(epochs())
    assert texts(first) != texts(epochs(seed=1))
    assert sorted(texts(first)[0]) != sorted(texts(first)[1])
    openings = {text.split()[0] for epoch in texts(first) for text in epoch}
    assert openings == {"He", "She", "They"}
    for epoch in first:
        for example in epoch:
            assert example.predicted.text == example.reference.text
        assert "He came." in {example.reference.text for example in epoch}
    unchanged = texts(epochs(flip=0, they=0))
    assert sorted(unchanged[0]) == sorted(doc.text for doc in docs)


def test_mistakes(tmp_path, lists):
    assert create_gender_swaps(None, flip=0.5) is None
    with pytest.raises(LstmError, match="no paths of name lists: give a table"):
        create_gender_swaps([])
    with pytest.raises(LstmError, match=r"probability of flip is -0.1: expected a number from 0"):
        GenderSwaps(lists, {"flip": -0.1})
    with pytest.raises(LstmError, match=r"probability of neo is 1.5: expected a number from 0"):
        GenderSwaps(lists, {"neo": 1.5})
    with pytest.raises(LstmError, match=r"probabilities of swaps sum to 1.2: expected at most 1"):
        GenderSwaps(lists, {"flip": 0.6, "they": 0.6})
    with pytest.raises(LstmError, match="swaps of kind turn: expected flip, unify, names"):
        GenderSwaps(lists, {"turn": 0.1})
