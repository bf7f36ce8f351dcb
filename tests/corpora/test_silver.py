"""Silver pairs: the right labels after one person's gender was turned, or where models agree."""

from itertools import pairwise

import pytest

from spacy_lstm.corpora.passages import Sizes, subject_gender
from spacy_lstm.corpora.self_training import AgreedSilver
from spacy_lstm.corpora.silver import Document, GenderSilver, count_words
from spacy_lstm.errors import LstmError

from .silver_lists import RIVALS, TEXT, read_lists

# Of the pronouns of TEXT in order: whether each stands for the first person, Alice Hill.
TRUTH = [True, False, False, True, False]
FORMS = {"M": {"he", "him", "his"}, "F": {"she", "her", "hers"}}


def documents(*texts):
    return [Document(f"text/{number}", [text]) for number, text in enumerate(texts)]


@pytest.fixture
def make(tmp_path, nlp):
    lists = read_lists(tmp_path)

    def run(*texts, **options):
        corpus = documents(*(texts or [TEXT]))
        maker = GenderSilver(lists, count_words(corpus, lists), **options)
        return list(maker.docs(corpus, nlp)), maker.report

    return run


def pairs_of(doc):
    return [doc.spans[f"coref_pairs_{number}"] for number in range(1, len(doc.spans) + 1)]


@pytest.mark.parametrize("seed", range(6))
def test_labels_are_those_that_gender_told(make, seed):
    (doc,), report = make(seed=seed, per_text=9, nearest_share=1.0)
    gender = pairs_of(doc)[0].attrs["gender"]
    found = sorted(pairs_of(doc), key=lambda group: group[0].start)
    assert [group[0].text.lower() in FORMS[gender] for group in found] == [True] * 5
    assert [bool(group.attrs["labels"][0]) for group in found] == TRUTH
    assert all(sum(group.attrs["labels"]) == 1 for group in found)
    assert {group.attrs["source"] for group in found} == {"silver"}
    assert found[0].attrs["id"].startswith("text/0/0/")
    # Nothing of the other gender is left.
    assert not FORMS["M" if gender == "F" else "F"] & {word.lower_ for word in doc}
    assert (report.passages, report.pairs, report.first) == (1, 5, 2)


def test_one_name_is_turned_and_the_other_stays(make):
    texts = set()
    for seed in range(8):
        (doc,), _ = make(seed=seed, nearest_share=1.0, surname_share=0.0)
        first, second = sorted(list(pairs_of(doc)[0])[1:], key=lambda span: span.start)
        assert first.text.endswith("Hill")
        assert second.text.endswith("Brown")
        assert ("Alice" in doc.text) != ("Peter" in doc.text)
        texts.add(doc.text)
    assert len(texts) > 2


def test_surnames_are_swapped_for_others_of_the_corpus(make):
    corpus = [TEXT, "There was Mary Moss. " * 6]
    docs = [make(*corpus, seed=seed, surname_share=1.0)[0][0] for seed in range(4)]
    assert all(doc.text.count("Moss") >= 1 for doc in docs)


def test_without_another_name_the_old_one_stays(make):
    corpus = [TEXT + " There Mary Moss sang.", "There was Mary Moss. " * 6]
    assert "Moss" not in make(*corpus, surname_share=1.0)[0][0].text[:100]


def test_the_same_seed_gives_the_same(make):
    runs = [make(seed=3)[0][0] for _ in range(2)]
    assert runs[0].to_bytes() == runs[1].to_bytes()


def test_hard_pronouns_come_first(make):
    for seed in range(4):
        (doc,), report = make(seed=seed, per_text=2, nearest_share=0.0)
        assert (report.nearest, report.pairs) == (0, 2)
        starts = [group[0].start for group in pairs_of(doc)]
        assert all(one < other for one, other in pairwise(starts))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Brown kept", "Frank Moss kept"),  # a second man
        ("that he seldom", "that Rare seldom"),  # someone unknown
        ("wrote to", "and her father wrote to"),  # a man without a name
        ("every week", "every week (he or she)"),
    ],
)
def test_passages_in_which_gender_tells_too_little(make, old, new):
    first, rest = TEXT.split(". ", 1)
    text = f"{first}. {rest}".replace(old, new)
    docs, _ = make(text, sizes=Sizes(core=30), nearest_share=1.0)
    assert docs == []


def test_a_pronoun_before_any_name_may_mean_someone_else(make):
    docs, _ = make("She sang. " + TEXT, nearest_share=1.0, per_text=9)
    assert [doc.text.startswith("She sang") for doc in docs] == [False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_text": 0}, "0 pronouns a text: expected 1 or more"),
        ({"nearest_share": 2.0}, "nearest share is 2.0: expected a number from 0 to 1"),
        ({"surname_share": -1.0}, "surname share is -1.0: expected"),
    ],
)
def test_settings_out_of_range(make, options, message):
    with pytest.raises(LstmError, match=message):
        make(**options)


def test_gender_of_a_page():
    assert (
        subject_gender(["Kim Hill (born 1900) is a smith. She forges. Her work, she says."]) == "F"
    )
    assert subject_gender(["Kim Hill was a smith. He forged. His work, he said."]) == "M"
    assert subject_gender(["Kim Hill was a smith. He met her. She saw him."]) is None
    assert subject_gender(["A tale. He came. He saw. He left."]) is None


def agreed(tmp_path, nlp, answers, texts=(RIVALS,), **options):
    """answers: per model what it gives for every pair."""
    lists = read_lists(tmp_path)
    judges = [
        lambda docs, answer=answer: [[answer] * len(doc.spans) for doc in docs]
        for answer in answers
    ]
    maker = AgreedSilver(lists, count_words(documents(*texts), lists), judges, **options)
    return list(maker.docs(documents(*texts), nlp)), maker.report


def test_models_that_agree_give_the_labels(tmp_path, nlp):
    (doc,), report = agreed(tmp_path, nlp, [[0.9, 0.1, 0.0], [0.8, 0.1, 0.1]])
    (pair,) = pairs_of(doc)
    assert pair.attrs["labels"] == [1, 0]
    assert pair.attrs["probabilities"] == [0.85, 0.1, 0.05]
    assert pair.attrs["gender"] == "M"
    assert doc.text == RIVALS
    assert (report.passages, report.pairs, report.neither) == (1, 1, 0)


@pytest.mark.parametrize(
    "answers",
    [
        [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]],  # no agreement
        [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]],  # no confidence
        [[0.0, 0.0, 1.0]],  # neither, over its share
    ],
)
def test_what_is_not_agreed_on_is_left_out(tmp_path, nlp, answers):
    assert agreed(tmp_path, nlp, answers)[0] == []


def test_neither_has_a_share(tmp_path, nlp):
    docs, report = agreed(tmp_path, nlp, [[0.0, 0.1, 0.9]], [RIVALS] * 3, neither_share=1.0)
    assert [pairs_of(doc)[0].attrs["labels"] for doc in docs] == [[0, 0]] * 3
    assert report.neither == 3


def test_no_models_and_no_probability(tmp_path, nlp):
    with pytest.raises(LstmError, match="no model to label with"):
        agreed(tmp_path, nlp, [])
    with pytest.raises(LstmError, match=r"expected numbers from 0 to 1"):
        agreed(tmp_path, nlp, [[1.0, 0.0, 0.0]], min_probability=2.0)
