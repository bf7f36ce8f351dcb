"""What a batch of annotated documents says about mentions and antecedents."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import LstmError
from .candidates import Mentions
from .mentions import Span
from .syntax import SyntaxTargets

__all__ = ["PARTIAL_SOURCES", "CorefTargets", "PairTarget", "check_pair"]

PARTIAL_SOURCES: Final = frozenset({"litbank"})
"""Guidelines that mark only some kinds of things: a pronoun without a mark may still refer."""


def check_pair(name: str, spans: int, labels: int) -> None:
    """Refuse a group of a pronoun and its candidates that has not one label a candidate.

    name: of the span group.
    spans, labels: how many it has.
    """
    if not spans or labels != spans - 1:
        raise LstmError(
            f"Span group {name!r} has {spans} spans and {labels} labels, expected the pronoun, "
            "its candidates and one label a candidate; write the data again with `spacy-lstm "
            "prepare`."
        )


class PairTarget(NamedTuple):
    """One pronoun with candidates that are known to be its antecedent or not. Offsets are
    tokens of the batch."""

    pronoun: Span
    candidates: list[Span]
    labels: list[bool]


class CorefTargets(NamedTuple):
    """Gold annotation of a batch, in tokens of the batch."""

    spans: npt.NDArray[np.int64]
    """Gold mentions of the fully annotated documents. *Shape:* ``(gold, 2)``"""
    cluster: npt.NDArray[np.int64]
    """Number of the cluster of each, unique in the batch. *Shape:* ``(gold,)``"""
    annotated: npt.NDArray[np.bool_]
    """Whether a document is fully annotated. *Shape:* ``(documents,)``"""
    exhaustive: npt.NDArray[np.bool_]
    """Whether the mentions outside of all clusters are marked too. *Shape:* ``(documents,)``"""
    unmarked: npt.NDArray[np.bool_]
    """Whether a pronoun without a gold mention says nothing, because the guideline leaves out
    whole classes of things. *Shape:* ``(documents,)``"""
    pairs: list[PairTarget]
    syntax: SyntaxTargets | None = None
    """Trees, where documents of the batch have them."""

    @property
    def paired_spans(self) -> npt.NDArray[np.int64]:
        """Pronouns and candidates of the pairs. *Shape:* ``(spans, 2)``"""
        paired = [span for pair in self.pairs for span in (pair.pronoun, *pair.candidates)]
        return np.array(paired, dtype=np.int64).reshape(-1, 2)

    @property
    def all_spans(self) -> npt.NDArray[np.int64]:
        """The spans that must be among the mentions considered. *Shape:* ``(spans, 2)``"""
        return np.concatenate([self.spans, self.paired_spans])

    def clusters_of(self, mentions: Mentions) -> npt.NDArray[np.int64]:
        """Gold cluster of each mention considered, -1 for none. *Shape:* ``(mentions,)``"""
        width = int(mentions.end.max(initial=0)) + 1
        keys = mentions.start * width + mentions.end
        gold = self.spans[:, 0] * width + self.spans[:, 1]
        order = np.argsort(gold)
        place = np.searchsorted(gold[order], keys)
        found = np.full(len(keys), -1, dtype=np.int64)
        hits = np.flatnonzero(place < len(gold))
        hits = hits[gold[order][place[hits]] == keys[hits]]
        found[hits] = self.cluster[order][place[hits]]
        return found
