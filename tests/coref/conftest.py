"""Trees written by hand."""

from collections.abc import Callable

import pytest

from spacy_lstm.coref.clauses import Tree


@pytest.fixture
def tree_of() -> Callable[[str], Tree]:
    """Reads words as ``she/PRON/nsubj>1``: word, tag, relation, and the place of the head."""

    def read(text: str) -> Tree:
        rows = [item.rsplit("/", 2) for item in text.split()]
        relations = [rest.partition(">") for _, _, rest in rows]
        return Tree(
            [word.lower() for word, _, _ in rows],
            [tag for _, tag, _ in rows],
            [relation for relation, _, _ in relations],
            [int(head) for _, _, head in relations],
        )

    return read
