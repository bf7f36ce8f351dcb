import pytest

from spacy_lstm.batching import batch_by_tokens, run_by_length

TEXTS = ["ccc", "", "a", "dddddddd", "bb", "ee", ""]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_batches_are_in_order_and_bounded(limit):
    batches = list(batch_by_tokens(TEXTS, limit))
    assert [text for batch in batches for text in batch] == TEXTS
    assert all(len(batch) == 1 or sum(map(len, batch)) <= limit for batch in batches)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_results_are_in_the_order_of_the_texts(limit):
    seen = []

    def run(batch):
        seen.append(batch)
        return [text.upper() for text in batch]

    assert run_by_length(run, iter(TEXTS), limit) == [text.upper() for text in TEXTS]
    lengths = [len(text) for batch in seen for text in batch]
    assert lengths == sorted(lengths)
    assert run_by_length(run, [], limit) == []
