"""Trees written by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from spacy_lstm.coref.clauses import Tree, find_clauses
from spacy_lstm.coref.syntax import RELATIONS, TAGS


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


@pytest.fixture(scope="session")
def clauses_of() -> Callable[[Tree], list[int]]:
    """Finds the clauses of a tree as of one that was stored."""

    def find(tree: Tree) -> list[int]:
        columns = [
            [TAGS[tag] for tag in tree.tags],
            [RELATIONS[relation] for relation in tree.relations],
            [head - i for i, head in enumerate(tree.heads)],
        ]
        found: list[int] = find_clauses(np.array(columns, dtype=np.int8).T).tolist()
        return found

    return find
