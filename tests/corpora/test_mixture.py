from collections import Counter

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_lstm.corpora.mixture import create_mixture_reader
from spacy_lstm.corpora.spelling_noise import create_spelling_noise
from spacy_lstm.errors import LstmError


@pytest.fixture
def folder(tmp_path):
    nlp = spacy.blank("en")
    for name, count in (("many", 6), ("few", 10)):
        docs = [nlp(f"{name} {i}") for i in range(count)]
        DocBin(docs=docs).to_disk(tmp_path / f"{name}.spacy")
    return tmp_path


def texts(reader):
    return [example.reference.text for example in reader(spacy.blank("en"))]


def test_all_of_all_files(folder):
    reader = create_mixture_reader(str(folder))
    first, second = texts(reader), texts(reader)
    expected = [f"few {i}" for i in range(10)] + [f"many {i}" for i in range(6)]
    assert sorted(first) == sorted(second) == expected
    assert first != second
    assert first == texts(create_mixture_reader(str(folder)))


def test_one_file(folder):
    found = texts(create_mixture_reader(str(folder / "many.spacy"), shares={"many": 0.5}))
    assert len(found) == 3


def test_several_paths_are_one_mixture(folder, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    DocBin(docs=[spacy.blank("en")("taught")]).to_disk(more / "taught.spacy")
    paths = [str(folder / "many.spacy"), str(more)]
    found = texts(create_mixture_reader(paths, shares={"many": 0.5, "taught": 2}))
    assert sorted(found)[3:] == ["taught", "taught"]
    assert all(text.startswith("many") for text in sorted(found)[:3])


def test_a_share_goes_round(folder):
    reader = create_mixture_reader(str(folder), shares={"few": 0.2})
    epochs = [texts(reader) for _ in range(6)]
    drawn = [[text for text in epoch if text.startswith("few")] for epoch in epochs]
    assert [len(epoch) for epoch in epochs] == [2 + 6] * 6
    assert sorted(text for part in drawn[:5] for text in part) == sorted(
        f"few {i}" for i in range(10)
    )
    assert sorted(drawn[5]) == sorted(drawn[0])
    assert epochs[0] == texts(create_mixture_reader(str(folder), shares={"few": 0.2}))
    other = texts(create_mixture_reader(str(folder), shares={"few": 0.2}, seed=1))
    assert epochs[0] != other


def test_a_file_is_read_once_a_vocabulary(folder):
    reader = create_mixture_reader(str(folder / "few.spacy"))
    nlp = spacy.blank("en")
    first = {example.text: example for example in reader(nlp)}
    DocBin(docs=[nlp("other")]).to_disk(folder / "few.spacy")
    assert {example.text: example for example in reader(nlp)} == first
    assert texts(reader) == ["other"]


def test_mistakes(folder, tmp_path):
    with pytest.raises(LstmError, match="path is null"):
        create_mixture_reader(None)
    with pytest.raises(LstmError, match="path is null"):
        create_mixture_reader([])
    few = str(folder / "few.spacy")
    with pytest.raises(LstmError, match=r"few\.spacy and .*few\.spacy have one name"):
        texts(create_mixture_reader([few, str(folder)]))
    with pytest.raises(LstmError, match="share of few is 0: expected over 0"):
        create_mixture_reader(str(folder), shares={"few": 0})
    with pytest.raises(
        LstmError, match=r"share is given for gap: expected the files of .*few, many"
    ):
        texts(create_mixture_reader(str(folder), shares={"gap": 0.5}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(LstmError, match=r"no \.spacy files in"):
        texts(create_mixture_reader(str(tmp_path / "empty")))


def test_a_share_over_one_repeats(folder):
    reader = create_mixture_reader(str(folder), shares={"few": 2, "many": 1.5})
    epochs = [Counter(texts(reader)) for _ in range(2)]
    for epoch in epochs:
        assert all(epoch[f"few {i}"] == 2 for i in range(10))
        assert sorted(epoch[f"many {i}"] for i in range(6)) == [1, 1, 1, 2, 2, 2]
    assert {(epochs[0] + epochs[1])[f"many {i}"] for i in range(6)} == {3}


@pytest.fixture
def long(tmp_path):
    """Texts with labels, one of them long, and a long one with clusters."""
    nlp = spacy.blank("en")
    docs = [nlp(" ".join(f"w{i}" for i in range(30))), nlp("short it is"), nlp("x " * 30)]
    for doc in docs[:2]:
        doc.cats = {"POSITIVE": 0.75, "NEGATIVE": 0.25}
    path = tmp_path / "long.spacy"
    DocBin(docs=docs).to_disk(path)
    return str(path)


def passages(reader, epochs):
    nlp = spacy.blank("en")
    examples = [list(reader(nlp)) for _ in range(epochs)]
    for epoch in examples:
        assert sorted(example.reference.cats.get("POSITIVE", 0) for example in epoch) == [
            0,
            0.75,
            0.75,
        ]
        assert all(example.predicted.text == example.reference.text for example in epoch)
        assert all(example.predicted is not example.reference for example in epoch)
        assert not any(example.predicted.cats for example in epoch)
    return [{example.reference.text for example in epoch} for epoch in examples]


def test_another_passage_of_a_long_text_in_each_epoch(long):
    found = passages(create_mixture_reader(long, max_length=10), 60)
    starts = []
    for epoch in found:
        assert {"short it is", "x " * 30} < epoch
        (passage,) = epoch - {"short it is", "x " * 30}
        first = int(passage.split()[0][1:])
        assert passage.split() == [f"w{i}" for i in range(first, first + 10)]
        starts.append(first)
    # 31 places to draw, six of which are the start and six the end.
    assert starts.count(0) > 4
    assert starts.count(20) > 4
    assert len(set(starts)) > 10
    assert found == passages(create_mixture_reader(long, max_length=10), 60)
    assert found != passages(create_mixture_reader(long, max_length=10, seed=1), 60)


def test_texts_are_whole_without_a_length_and_up_to_it(long):
    whole = {" ".join(f"w{i}" for i in range(30)), "short it is", "x " * 30}
    for length in (0, 30):
        assert passages(create_mixture_reader(long, max_length=length), 1) == [whole]


def test_swaps_come_before_the_passage(long):
    def upper(doc, rng):
        changed = Doc(doc.vocab, words=[token.text.upper() for token in doc])
        changed.cats = doc.cats
        return changed

    (epoch,) = passages(create_mixture_reader(long, max_length=4, swaps=upper), 1)
    assert all(text == text.upper() for text in epoch)
    assert sorted(len(text.split()) for text in epoch) == [3, 4, 30]


def test_which_swap_is_drawn_does_not_tell_the_passage(tmp_path):
    def upper(doc, rng):
        if rng.random() >= 0.5:
            return doc
        changed = Doc(doc.vocab, words=[token.text.upper() for token in doc])
        changed.cats = doc.cats
        return changed

    nlp = spacy.blank("en")
    docs = [nlp(" ".join(f"w{i}" for i in range(100))) for _ in range(100)]
    for doc in docs:
        doc.cats = {"POSITIVE": 1.0}
    DocBin(docs=docs).to_disk(tmp_path / "long.spacy")
    found = texts(create_mixture_reader(str(tmp_path), max_length=10, swaps=upper))
    later = [text.isupper() for text in found if int(text.split()[0][1:]) > 45]
    assert 0.2 < sum(later) / len(later) < 0.8


def test_files_without_documents(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    DocBin().to_disk(empty / "none.spacy")
    reader = create_mixture_reader([str(folder), str(empty)], shares={"none": 0.5})
    assert len(texts(reader)) == 16
    with pytest.raises(LstmError, match=r"no documents in .*none\.spacy: give files with some"):
        texts(create_mixture_reader(str(empty)))


def test_wrong_numbers(folder):
    with pytest.raises(LstmError, match=r"max_length is -1: expected 0 \(whole texts\) or more"):
        create_mixture_reader(str(folder), max_length=-1)
    with pytest.raises(LstmError, match="share of few is inf: expected over 0, such as"):
        create_mixture_reader(str(folder), shares={"few": float("inf")})


def test_what_rows_said_stays_but_for_labelled_texts(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp("a"), nlp("b")]
    docs[0].cats = {"POSITIVE": 1.0}
    for doc in docs:
        doc.user_data["spacy_lstm"] = {"id": doc.text}
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "texts.spacy")
    DocBin(docs=docs).to_disk(tmp_path / "bare.spacy")
    reader = create_mixture_reader(str(tmp_path))
    found = Counter(str(example.reference.user_data) for example in reader(nlp))
    assert found == {"{}": 3, "{'spacy_lstm': {'id': 'b'}}": 1}


def test_annotation_beside_a_label_stays(tmp_path):
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["It", "works"], pos=["PRON", "VERB"])
    doc.cats = {"POSITIVE": 1.0}
    spans = nlp("It works")
    spans.cats = {"NEGATIVE": 1.0}
    spans.spans["coref_clusters_1"] = [spans[:1]]
    DocBin(docs=[doc, spans]).to_disk(tmp_path / "more.spacy")
    examples = {}
    for example in create_mixture_reader(str(tmp_path))(spacy.blank("en")):
        examples[min(example.reference.cats)] = example.reference
    assert [token.pos_ for token in examples["POSITIVE"]] == ["PRON", "VERB"]
    assert len(examples["NEGATIVE"].spans["coref_clusters_1"]) == 1


def test_clusters_beside_a_label_stay_whole(tmp_path):
    nlp = spacy.blank("en")
    doc = nlp("It works and I like it")
    doc.cats = {"POSITIVE": 1.0}
    doc.spans["coref_clusters_1"] = [doc[:1], doc[5:]]
    DocBin(docs=[doc]).to_disk(tmp_path / "both.spacy")
    noise = create_spelling_noise(lower=0, upper=0, stretch=0.5, slip=0.5)
    reader = create_mixture_reader(str(tmp_path), max_length=3, swaps=noise)
    (example,) = reader(spacy.blank("en"))
    assert example.reference.text == doc.text
    assert len(example.reference.spans["coref_clusters_1"]) == 2


def test_labelled_texts_of_odd_shape(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp(text) for text in ("", " ", "don't", "a\n\nb  c", "猫 é")]
    for doc in docs:
        doc.cats = {"POSITIVE": 1.0}
    unknown = Doc(nlp.vocab, words=["no", "spaces"])
    unknown.cats = {"POSITIVE": 0.5}
    DocBin(docs=[*docs, unknown]).to_disk(tmp_path / "odd.spacy")
    reader = create_mixture_reader(str(tmp_path))
    for _ in range(2):
        found = {example.reference.text: example for example in reader(spacy.blank("en"))}
        assert found.keys() == {doc.text for doc in [*docs, unknown]}
        assert all(found[doc.text].reference.cats == doc.cats for doc in [*docs, unknown])
        assert [token.text for token in found["don't"].predicted] == ["do", "n't"]
