import numpy as np
from spacy.strings import StringStore

from spacy_lstm.pretraining.types import TypeTable


def test_types_are_numbered_as_they_come_and_ranked_by_their_forms() -> None:
    strings = StringStore()
    table = TypeTable(lambda texts: np.array([[len(t), t[0].isupper()] for t in texts], np.int32))

    def number(*words: str) -> list[int]:
        orths = np.array([strings.add(word) for word in words], dtype=np.uint64)
        return table.number(orths, strings).tolist()

    first = number("a", "The", "a", "cat")
    assert first[0] == first[2]
    assert sorted(set(first)) == [0, 1, 2]
    second = number("the", "cat", "the")
    assert second == [3, first[3], 3]
    features, words = table.finish(2)
    assert features[first].tolist() == [[1, 0], [3, 1], [1, 0], [3, 0]]
    # "The" and "the" came three times together; "a" and "cat" twice, and one of them before.
    assert words[first[1]] == words[3] == 0
    assert sorted(words[[first[0], first[3]]].tolist()) == [-1, 1]


def test_more_types_than_there_was_room_for() -> None:
    strings = StringStore()
    table = TypeTable(lambda texts: np.array([[len(text)] for text in texts], np.int32))
    orths = np.array([strings.add(f"w{number}") for number in range(3000)], dtype=np.uint64)
    for part in np.split(orths, 6):
        table.number(part, strings)
    table.number(orths[2990:], strings)
    features, words = table.finish(10)
    assert features.shape == (3000, 1)
    types = table.number(orths, strings)
    assert features[types, 0].tolist() == [len(f"w{number}") for number in range(3000)]
    assert sorted(words[types[2990:]].tolist()) == list(range(10))
    assert set(words[types[:2990]].tolist()) == {-1}
