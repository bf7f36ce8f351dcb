import tracemalloc
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_lstm.errors import LstmError
from spacy_lstm.pretraining import text as text_module
from spacy_lstm.pretraining.text import TokenText, chunk_starts, stored_text

from .toy import make_encoder, read_whole, toy_documents, write_text


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


def describe(texts: Sequence[str]) -> npt.NDArray[np.int32]:
    return np.array([[len(text), text[0].isupper()] for text in texts], dtype=np.int32)


def documents_of(*lengths: int) -> TokenText:
    starts = np.cumsum([0, *lengths])
    ints = np.zeros(1, dtype=np.int32)
    return TokenText(np.zeros(starts[-1], dtype=np.int32), starts, ints.reshape(1, 1), ints)


def test_tokens_types_and_output_words(nlp: Language) -> None:
    documents = [["The cat sees the dog.", "The end"], ["a cat"]]
    text = read_whole(documents, nlp, describe=describe, vocabulary=2)
    assert text.starts.tolist() == [0, 8, 10]
    words = ["The", "cat", "sees", "the", "dog", ".", "The", "end", "a", "cat"]
    assert text.features[text.tokens].tolist() == describe(words).tolist()
    # "The" and "the" are two types and one output word, the most frequent; "cat" is the other.
    ranks = {"the": 0, "cat": 1}
    assert text.words[text.tokens].tolist() == [ranks.get(word.lower(), -1) for word in words]
    assert len(text.features) == len(text.words) == len(set(words))


@pytest.mark.parametrize("documents", [[], iter(())])
def test_text_without_words(nlp: Language, documents: list[list[str]]) -> None:
    with pytest.raises(LstmError, match="the text has no words: expected files with a paragraph"):
        read_whole(documents, nlp, describe=describe, vocabulary=9)


def test_a_line_may_be_longer_than_a_parser_would_take(nlp: Language) -> None:
    nlp.max_length = 10
    text = read_whole([["one two three four"]], nlp, describe=describe, vocabulary=9)
    assert len(text.tokens) == 4


def test_memory_does_not_grow_with_the_tokens(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "_ZONE", 20_000)
    line = " ".join(f"w{number % 50}" for number in range(500))
    file = tmp_path / "raw.txt"
    peaks = []
    for documents in (40, 400):
        file.write_text("\n\n".join([line] * documents))
        tracemalloc.start()
        try:
            text = read_stored(file, tmp_path, nlp)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert len(text.tokens) == 500 * documents
        assert text.tokens.nbytes == 4 * len(text.tokens)
    # What a document takes is told by its start and its end, however many tokens it has.
    assert peaks[1] - peaks[0] < 360 * 100


def test_further_words_are_forgotten_by_the_pipeline(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "_ZONE", 100)
    monkeypatch.setattr(text_module, "_REMEMBERED", len(nlp.vocab) + 50)
    documents = [[f"word{number} here"] for number in range(300)]
    text = read_whole(documents, nlp, describe=describe, vocabulary=9)
    assert len(text.features) == 301
    assert "word7" in nlp.vocab.strings
    assert "word70" not in nlp.vocab.strings


def test_what_is_read_does_not_depend_on_when_words_are_forgotten(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    monkeypatch.setattr(text_module, "_REMEMBERED", 0)
    for characters in (1, 300, 10**6):
        monkeypatch.setattr(text_module, "_ZONE", characters)
        text = read_whole(toy_documents(), nlp, describe=describe, vocabulary=9)
        texts.append(text.fingerprint())
    assert texts[0] == texts[1] == texts[2]


def read_stored(file: Path, folder: Path, nlp: Language, vocabulary: int = 9) -> TokenText:
    encoder = make_encoder()
    encoder.initialize()
    return stored_text([file], folder, nlp, encoder, vocabulary=vocabulary)


def test_text_is_tokenized_once(
    nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    first = read_stored(file, tmp_path, nlp)
    monkeypatch.setattr(text_module, "read_text", None)
    second = read_stored(file, tmp_path, nlp)
    assert first.fingerprint() == second.fingerprint()
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert capsys.readouterr().err == ""


def test_another_text_or_vocabulary_is_tokenized_anew(nlp: Language, tmp_path: Path) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    first = read_stored(file, tmp_path, nlp)
    fewer = read_stored(file, tmp_path, nlp, vocabulary=3)
    assert (first.words.max(), fewer.words.max()) == (8, 2)
    write_text(file, toy_documents(count=3))
    assert len(read_stored(file, tmp_path, nlp).tokens) < len(first.tokens)
    assert len(list(tmp_path.glob("text-*.npz"))) == 3


def test_text_whose_tokens_are_gone_is_tokenized_anew(nlp: Language, tmp_path: Path) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    first = read_stored(file, tmp_path, nlp).fingerprint()
    (tokens,) = tmp_path.glob("text-*.bin")
    tokens.unlink()
    assert read_stored(file, tmp_path, nlp).fingerprint() == first


@pytest.mark.parametrize("suffix", ["npz", "bin"])
@pytest.mark.parametrize("keep", [0, 100, -40])
def test_damaged_stored_text(nlp: Language, tmp_path: Path, keep: int, suffix: str) -> None:
    file = write_text(tmp_path / "raw.txt", toy_documents())
    read_stored(file, tmp_path, nlp)
    (stored,) = tmp_path.glob(f"text-*.{suffix}")
    stored.write_bytes(stored.read_bytes()[:keep])
    with pytest.raises(LstmError, match=r"cannot be read .* delete it to make it anew") as error:
        read_stored(file, tmp_path, nlp)
    assert "\n" not in str(error.value)


def test_chunks_lie_in_documents_and_do_not_overlap() -> None:
    # Documents 0 and 200 are kept apart.
    lengths = [10 + number % 7 for number in range(230)]
    text = documents_of(*lengths)
    kept = set(range(10)) | set(range(text.starts[200], text.starts[201]))
    for held_out in (True, False):
        starts = chunk_starts(text, 4, held_out=held_out, rng=np.random.default_rng(1))
        covered = (starts[:, None] + np.arange(4)).ravel()
        assert len(set(covered.tolist())) == len(covered)
        assert all((place in kept) == held_out for place in covered.tolist())
        ends = np.searchsorted(text.starts, [starts, starts + 3], side="right")
        np.testing.assert_array_equal(*ends)
    assert len(starts) == sum(n // 4 for i, n in enumerate(lengths) if i % 200)
    again = chunk_starts(text, 4, held_out=False, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(starts, again)
    other = chunk_starts(text, 4, held_out=False, rng=np.random.default_rng(2))
    assert set(starts.tolist()) != set(other.tolist())
    assert len(starts) == len(other)


@pytest.mark.parametrize(
    ("lengths", "held_out", "message"),
    [
        ((3, 9, 9), True, "none of the 1 documents kept apart to measure by has 8 tokens"),
        ((9, 7, 7), False, "none of the 2 documents to learn from has 8 tokens"),
        (
            (90,),
            False,
            r"none of the 0 documents to learn from has 8 tokens: .* \(the text has 1, a blank",
        ),
    ],
)
def test_text_too_short(lengths: tuple[int, ...], held_out: bool, message: str) -> None:
    with pytest.raises(LstmError, match=message):
        chunk_starts(documents_of(*lengths), 8, held_out=held_out, rng=np.random.default_rng(0))


def test_prepared_documents_are_text_too(nlp: Language, tmp_path: Path) -> None:
    texts = ["The cat sees\nthe dog.", " \n ", "A cat."]
    DocBin(docs=[nlp.make_doc(text) for text in texts]).to_disk(tmp_path / "a.spacy")
    text = stored_text(
        [tmp_path / "a.spacy"], tmp_path, nlp, make_encoder().initialize(), vocabulary=9
    )
    # The line break is between paragraphs, no token.
    assert text.starts.tolist() == [0, 6, 9]


@pytest.mark.parametrize("content", [b"", b"no documents", zlib.compress(b"no documents")])
def test_damaged_documents(nlp: Language, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.spacy").write_bytes(content)
    with pytest.raises(LstmError, match=r"a\.spacy cannot be read as documents of spaCy: make it"):
        stored_text(
            [tmp_path / "a.spacy"], tmp_path, nlp, make_encoder().initialize(), vocabulary=9
        )
