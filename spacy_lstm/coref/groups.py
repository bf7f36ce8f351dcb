"""The keys under which a document holds coreference, and what its data row said of it."""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["CLUSTER_PREFIX", "MENTIONS_KEY", "PAIRS_PREFIX", "ROW_DATA", "numbered_keys"]

CLUSTER_PREFIX: Final = "coref_clusters"
"""Of clusters, gold and predicted, where a config says nothing else."""
MENTIONS_KEY: Final = "coref_mentions"
"""Of all gold mentions, singletons included."""
PAIRS_PREFIX: Final = "coref_pairs"
"""Of gold pair data: a pronoun, then its candidates."""
ROW_DATA: Final = "spacy_lstm"
"""In `doc.user_data` of gold documents: the row's id, source, speakers, meta and so on."""


def numbered_keys(keys: Iterable[str], prefix: str) -> list[tuple[int, str]]:
    """The keys `prefix_1`, `prefix_2`, … after their numbers, in the order of these."""
    pattern = re.compile(re.escape(prefix) + r"_([0-9]+)")
    found = ((pattern.fullmatch(key), key) for key in keys)
    return sorted((int(match[1]), key) for match, key in found if match)
