import gzip
import json

import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.lexicons.gender import create_gender_lexicon, read_gender_lexicon, read_name_counts

NAMES = (
    "name\tfemale_all\tmale_all\tfemale_1990\tmale_1990\tp_female\n"
    "Ada\t9000\t10\t50\t0\t0.999\nBob\t3\t8000\t0\t60\t0.001\n"
    "Kim\t5000\t4000\t20\t10\t0.56\nRare\t30\t0\t4\t0\t1.0\n"
)


def write(path, text):
    raw = text.encode("utf8")
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_columns_of_words_and_genders(tmp_path, suffix):
    path = write(tmp_path / f"g.tsv{suffix}", "gender\tword\nfem\tMother\nneut\tLtd\n\n")
    assert list(read_gender_lexicon(path)) == [("Mother", "fem"), ("Ltd", "neut")]


def test_counts_of_first_names(tmp_path):
    path = write(tmp_path / "names.tsv", NAMES)
    assert dict(read_gender_lexicon(path)) == {"Ada": "fem", "Bob": "masc", "Kim": "epicene"}


def test_word_lists(tmp_path):
    lists = {
        "title_male": ["Mr"],
        "title_female": ["Ms"],
        "job_neutral": ["nurse"],
        "org_names": ["Ltd"],
        "source": "somewhere",
        "other": ["x"],
    }
    path = write(tmp_path / "lists.json.gz", json.dumps(lists))
    expected = {"Mr": "masc", "Ms": "fem", "nurse": "epicene", "Ltd": "neut"}
    assert dict(read_gender_lexicon(path)) == expected


def test_the_first_file_wins(tmp_path):
    first = write(tmp_path / "a.tsv", "word\tgender\nKim\tfem\n")
    second = write(tmp_path / "b.tsv", NAMES)
    lexicon = create_gender_lexicon([str(first), str(second)])()
    assert lexicon == {"Kim": "fem", "Ada": "fem", "Bob": "masc"}


def test_missing_file(tmp_path):
    load = create_gender_lexicon([str(tmp_path / "none.tsv")])
    with pytest.raises(LstmError, match=r"No gender lexicon at .*none\.tsv"):
        load()


@pytest.mark.parametrize(("text", "shown"), [("a\tb\n1\t2\n", "a, b"), ("", r"\(none\)")])
def test_unknown_columns(tmp_path, text, shown):
    path = write(tmp_path / "odd.tsv", text)
    with pytest.raises(LstmError, match=f"has the columns {shown}: expected 'word'"):
        list(read_gender_lexicon(path))


def test_none_is_no_lexicon():
    assert create_gender_lexicon(None) is None


def test_counts_of_first_names_as_they_are(tmp_path):
    path = write(tmp_path / "names.tsv", NAMES)
    assert list(read_name_counts(path)) == [
        ("Ada", 0.999, 9000),
        ("Bob", 0.001, 8000),
        ("Kim", 0.56, 5000),
    ]
    with pytest.raises(LstmError, match="has the columns word, gender: expected 'name'"):
        list(read_name_counts(write(tmp_path / "words.tsv", "word\tgender\nMother\tfem\n")))
