"""Which texts are too close to those of a test to be trained on."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence


def word_triples(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of three words."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def close_to(texts: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a text is one of `texts` or shares half of its word triples with one."""
    whole = {text.lower() for text in texts}
    triples = [word_triples(text) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in enumerate(triples):
        for triple in found:
            holders[triple].append(number)

    def is_close(text: str) -> bool:
        mine = word_triples(text)
        shared = Counter(number for triple in mine for number in holders.get(triple, ()))
        return text.lower() in whole or any(
            count / len(mine | triples[number]) >= 0.5 for number, count in shared.items()
        )

    return is_close
