"""Texts to measure on."""

import gzip
import json
from pathlib import Path

import pytest
import spacy

from spacy_lstm.benchmarking.texts import make_texts, read_texts
from spacy_lstm.errors import LstmError


def count(texts: list[str]) -> list[int]:
    nlp = spacy.blank("en")
    return [len(nlp.make_doc(text)) for text in texts]


@pytest.mark.parametrize("words", [1, 20, 90, 500])
def test_made_texts_have_the_words_that_are_asked_for(words: int) -> None:
    found = make_texts(1).take(words, 10)
    assert len(found) == 10
    assert all(abs(size - words) <= 2 for size in count(found))


def test_no_text_comes_twice_and_a_seed_gives_the_same() -> None:
    source = make_texts(1)
    found = source.take(20, 50) + source.take(90, 20)
    assert len(set(found)) == 70
    again = make_texts(1)
    assert again.take(20, 50) + again.take(90, 20) == found
    assert make_texts(2).take(20, 50) != found[:50]
    assert "seed 1" in source.description


def test_new_words_keep_coming_as_in_real_texts() -> None:
    source = make_texts(0)
    seen: set[str] = set()
    new = []
    for _ in range(10):
        (text,) = source.take(5_000, 1)
        words = set(text.split())
        new.append(len(words - seen))
        seen |= words
    # Books and encyclopedias bring 300 to 900 in 5,000 words, after tens of thousands.
    assert all(300 < number < 1_500 for number in new[2:])
    assert new[-1] < new[0]


def test_sentences_are_filled_in() -> None:
    (text,) = make_texts(0).take(20_000, 1)
    assert "{" not in text
    assert "}" not in text
    assert " she " in text
    assert " his " in text
    sentences = [sentence.strip(' "”') for sentence in text.split(". ")]
    assert sum(sentence[:1].isupper() for sentence in sentences) > 0.95 * len(sentences)


def test_files(tmp_path: Path) -> None:
    lines = ["One two three four.", "", "Five six,  seven eight."]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    source = read_texts(tmp_path / "a.txt")
    assert source.take(3, 3) == ["One two three", "four. Five", "six, seven"]
    # What is left does not suffice.
    assert source.take(3, 3) == []
    assert source.description == str(tmp_path / "a.txt")
    rows = "".join(json.dumps({"text": line, "other": 1}) + "\n" for line in lines if line)
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(rows)
    assert read_texts(tmp_path / "a.jsonl.gz").take(5, 2) == [
        "One two three four.",
        "Five six, seven eight",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text", r"a\.csv: expected a \.txt or a \.jsonl"),
        ("missing.txt", None, r"missing\.txt: there is no such file"),
        ("a.jsonl", "{", r"a\.jsonl, line 1: .*expected JSON"),
        ("a.jsonl", '{"text": "a"}\n{"body": "a"}', r'line 2: expected an object with a "text"'),
        ("a.jsonl", "[1]", r"line 1: expected an object"),
    ],
)
def test_mistaken_files(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(LstmError, match=message):
        read_texts(tmp_path / name).take(5, 1)
