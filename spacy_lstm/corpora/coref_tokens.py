"""An annotated document as plain words, with what its annotation says of persons."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from spacy.tokens import Doc

from ..coref.gender_swap import Gender
from ..coref.groups import CLUSTER_PREFIX, MENTIONS_KEY, PAIRS_PREFIX, numbered_keys
from ..coref.mentions import Span, find_pronoun
from ..coref.phrases import Word

__all__ = ["CorefTokens"]

_FAMILY_GENDER: Final[dict[str, Gender]] = {"he": "M", "she": "F"}


class CorefTokens:
    """A document as plain words.

    Args:
        doc: with clusters, with pairs, or with none.

    Attributes:
        text: of the document.
        texts: of the tokens.
        clusters: spans in tokens.
        pairs: of each, the spans and the labels of the candidates.
        mentions: all spans that are known.
        exhaustive: whether no person is named outside of the mentions.
    """

    def __init__(self, doc: Doc) -> None:
        self._doc = doc
        self.text: str = doc.text
        self.texts: list[str] = [token.text for token in doc]
        self.clusters = [_bounds(doc, key) for _, key in numbered_keys(doc.spans, CLUSTER_PREFIX)]
        self.pairs = [
            (_bounds(doc, key), doc.spans[key].attrs["labels"])
            for _, key in numbered_keys(doc.spans, PAIRS_PREFIX)
        ]
        self.mentions = {span for cluster in self.clusters for span in cluster}
        self.exhaustive = False
        if MENTIONS_KEY in doc.spans:
            self.mentions.update(_bounds(doc, MENTIONS_KEY))
            self.exhaustive = bool(doc.spans[MENTIONS_KEY].attrs.get("exhaustive"))

    @cached_property
    def token_at(self) -> dict[int, int]:
        """Tokens by the character where they start."""
        return {token.idx: token.i for token in self._doc}

    @cached_property
    def word_tokens(self) -> list[int]:
        """The tokens that are no white space: which token each of `words` is."""
        return [i for i, text in enumerate(self.texts) if not text.isspace()]

    @cached_property
    def words(self) -> list[Word]:
        """The tokens that are no white space."""
        doc, texts = self._doc, self.texts
        # A line's end stands between two words as a space does.
        after = [*[text.isspace() for text in texts[1:]], False]
        return [
            Word(texts[i], " " if after[i] or doc[i].whitespace_ else "") for i in self.word_tokens
        ]

    @cached_property
    def genders(self) -> dict[Span, Gender]:
        """The gender of each mention whose cluster, or true pair, has pronouns of one gender."""
        found: dict[Span, Gender] = {}
        for cluster in self.clusters:
            genders = {_FAMILY_GENDER.get(family) for family in self._families(cluster)} - {None}
            if len(genders) == 1:
                gender = genders.pop()
                assert gender is not None  # taken out above
                found.update(dict.fromkeys(cluster, gender))
        for (pronoun, *candidates), labels in self.pairs:
            for family in self._families([pronoun]) & _FAMILY_GENDER.keys():
                true = [span for span, label in zip(candidates, labels, strict=True) if label]
                found.update(dict.fromkeys(true, _FAMILY_GENDER[family]))
        return found

    def persons(self) -> Iterator[list[int]]:
        """Of each cluster whose personal pronouns are all *he* or all *she*, their tokens."""
        for cluster in self.clusters:
            if self._families(cluster) in ({"he"}, {"she"}):
                yield [
                    start
                    for start, end in cluster
                    if end == start + 1 and find_pronoun(self.texts[start])
                ]

    def _families(self, spans: Sequence[Span]) -> set[str]:
        pronouns = [find_pronoun(self.texts[start]) for start, end in spans if end == start + 1]
        return {pronoun.family for pronoun in pronouns if pronoun}


def _bounds(doc: Doc, key: str) -> list[Span]:
    return [(span.start, span.end) for span in doc.spans[key]]
