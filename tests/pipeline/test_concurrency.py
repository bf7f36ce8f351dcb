"""The bundle's answers are the same in batches, processes, threads and memory zones."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

import spacy_lstm
from spacy_lstm.benchmarking.texts import make_texts

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy_lstm.load("en_lstm_sm")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """From nothing to longer than any window."""
    source = make_texts(3)
    lengths = [1, 3, 8, 20, 20, 40, 90, 90, 130, 255, 256, 257, 300, 600]
    return ["", "  ", "She", *(source.take(length, 1)[0] for length in lengths)]


def read(doc: Doc) -> Answer:
    """All that both components say, as plain data."""
    return {
        "clusters": [
            [(span.start, span.end) for span in group]
            for key, group in doc.spans.items()
            if key.startswith("coref_clusters")
        ],
        "links": [((a.start, a.end), (b.start, b.end)) for a, b, _ in doc._.coref_links],
        "probabilities": [score for _, _, score in doc._.coref_links] + list(doc.cats.values()),
        "weights": [token._.sentiment_weight for token in doc],
    }


def check(found: list[Answer], expected: list[Answer]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one["clusters"] == other["clusters"]
        assert one["links"] == other["links"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)
        assert one["weights"] == pytest.approx(other["weights"], abs=1e-5)


@pytest.fixture(scope="module")
def expected(nlp: Language, texts: list[str]) -> list[Answer]:
    """One by one."""
    answers = [read(nlp(text)) for text in texts]
    assert sum(len(answer["links"]) for answer in answers) > 50
    return answers


@pytest.mark.parametrize("size", [2, 5, 100])
def test_batches(nlp: Language, texts: list[str], expected: list[Answer], size: int) -> None:
    check([read(doc) for doc in nlp.pipe(texts, batch_size=size)], expected)
    backwards = [read(doc) for doc in nlp.pipe(texts[::-1], batch_size=size)]
    check(backwards[::-1], expected)


def test_two_processes(nlp: Language, texts: list[str], expected: list[Answer]) -> None:
    check([read(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=4)], expected)


def test_many_threads_learn_the_same_words_at_once(
    texts: list[str], expected: list[Answer]
) -> None:
    # Nothing is known yet, neither to the tables of words nor to spaCy's own.
    nlp = spacy_lstm.load("en_lstm_sm")
    rounds = [texts[number:] + texts[:number] for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(
            threads.map(lambda turn: [read(doc) for doc in nlp.pipe(turn, batch_size=3)], rounds)
        )
    for number, answers in enumerate(found):
        check(answers, expected[number:] + expected[:number])


def test_memory_zones_free_words_that_are_known_all_the_same(
    texts: list[str], expected: list[Answer]
) -> None:
    nlp = spacy_lstm.load("en_lstm_sm")
    found = []
    for _ in range(2):
        with nlp.memory_zone():
            # What is read out is plain data and survives; the documents do not.
            found.append(copy.deepcopy([read(doc) for doc in nlp.pipe(texts)]))
            used = {token.orth_ for text in texts for token in nlp.make_doc(text)}
        # spaCy has forgotten the strings; our tables go by their hashes, which mean the same word.
        assert sum(word in nlp.vocab.strings for word in used) < len(used) / 2
        check(found[-1], expected)
    check([read(nlp(text)) for text in texts], expected)


def test_a_zone_frees_nothing_that_a_component_needs(expected: list[Answer]) -> None:
    nlp = spacy_lstm.load("en_lstm_sm")
    with nlp.memory_zone():
        inside = read(nlp("Brindleford met Alice. She liked him."))
    check([read(nlp("Brindleford met Alice. She liked him."))], [inside])
    assert inside["links"]
    assert nlp.get_pipe("lstm_sentiment").labels == ("NEGATIVE", "NEUTRAL", "POSITIVE")
