import pytest
import spacy
from spacy.tokens import DocBin

from spacy_lstm.corpora.mixture import create_mixture_reader
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
    with pytest.raises(LstmError, match="share of few is 0: expected over 0"):
        create_mixture_reader(str(folder), shares={"few": 0})
    with pytest.raises(
        LstmError, match=r"share is given for gap: expected the files of .*few, many"
    ):
        texts(create_mixture_reader(str(folder), shares={"gap": 0.5}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(LstmError, match=r"no \.spacy files in"):
        texts(create_mixture_reader(str(tmp_path / "empty")))
