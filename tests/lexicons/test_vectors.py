import gzip

import numpy as np
import pytest

from spacy_lstm.errors import LstmError
from spacy_lstm.lexicons.hashing import hash_word
from spacy_lstm.lexicons.vectors import create_word_vectors, quantize

ROWS = {"The": [0.5, -1.0, 0.25], "cat": [0.0, 0.0, 0.0], "café": [3.0, 1.5, -0.1]}


def write_npz(path, arrays=None):
    words = np.frombuffer("\n".join(ROWS).encode("utf8"), dtype=np.uint8)
    vectors = np.array(list(ROWS.values()), dtype=np.float16)
    np.savez(path, **(arrays or {"words": words, "vectors": vectors}))


def write_text(path, header=""):
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in ROWS.items()]
    raw = (header + "\n".join(lines) + "\n").encode("utf8")
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def check(vectors, words=("the", "cat", "café")):
    assert vectors.words == list(words)
    assert vectors.codes.dtype == np.int8
    expected = np.array(list(ROWS.values()))[: len(words)]
    np.testing.assert_allclose(vectors.codes * vectors.scales, expected, atol=3.0 / 127)


def test_npz(tmp_path):
    write_npz(tmp_path / "v.npz")
    check(create_word_vectors(str(tmp_path / "v.npz"))())


@pytest.mark.parametrize("header", ["", "3 3\n"])
@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz"])
def test_text(tmp_path, name, header):
    write_text(tmp_path / name, header)
    check(create_word_vectors(str(tmp_path / name))())


def test_limit_and_words_that_differ_in_case_only(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("The 1 2\nthe 3 4\ncat 5 6\ndog 7 8\n", encoding="utf8")
    vectors = create_word_vectors(str(path), limit=2)()
    assert vectors.words == ["the", "cat"]
    np.testing.assert_allclose(vectors.codes * vectors.scales, [[1, 2], [5, 6]], rtol=0.02)


def test_the_file_is_read_at_initialization_only(tmp_path):
    load = create_word_vectors(str(tmp_path / "none.npz"))
    with pytest.raises(LstmError, match=r"No word vectors at .*none\.npz"):
        load()


def test_bad_files(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("the 1 2\ncat 1\n", encoding="utf8")
    with pytest.raises(LstmError, match=r"v\.txt, line 2: expected a word and 2 numbers"):
        create_word_vectors(str(path))()
    path.write_text("the 1 x\n", encoding="utf8")
    with pytest.raises(LstmError, match="line 1: expected a word and 2 numbers, got 'the 1 x'"):
        create_word_vectors(str(path))()
    path.write_text("", encoding="utf8")
    with pytest.raises(LstmError, match="holds no word vectors"):
        create_word_vectors(str(path))()
    write_npz(tmp_path / "v.npz", {"a": np.zeros(2)})
    with pytest.raises(LstmError, match="holds the arrays a: expected words and vectors"):
        create_word_vectors(str(tmp_path / "v.npz"))()
    with pytest.raises(LstmError, match="limit = 0"):
        create_word_vectors("v.npz", limit=0)


def test_quantize_keeps_the_largest_number():
    vectors = np.array([[1000.0, -3.0], [1e-9, 0.0]], dtype="f")
    table = quantize(["a", "b"], vectors)
    assert table.codes[0].tolist() == [127, 0]
    np.testing.assert_allclose((table.codes * table.scales)[0, 0], 1000, rtol=1e-3)
    assert np.isfinite(table.codes * table.scales).all()


def test_hashes_are_the_same_everywhere():
    assert hash_word("cat") == 3429664268601861939
    assert hash_word("\ud800") != hash_word("\ud801")


def test_none_is_no_vectors():
    assert create_word_vectors(None) is None
