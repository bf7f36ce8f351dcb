"""Silver data that models label: passages with two persons of one gender, whom only a model can
tell apart, where several models agree with confidence.

What they are sure of teaches them little, and a new model what they know together: mean
probabilities are kept beside the labels, for training that takes them as targets.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from ..coref.groups import PAIRS_PREFIX, numbered_keys
from ..errors import LstmError
from .docs import add_group
from .passages import Passage, PassageFinder, PronounAt, Sizes, subject_gender
from .persons import NameLists, Person, PersonFinder, Run, WordCounts
from .silver import Document, SilverPair, SilverReport, pair_doc

__all__ = ["AgreedSilver", "Judge"]

Judge = Callable[[list[Doc]], list[list[list[float]]]]
"""Documents with pairs → per document and pair the probability of each candidate and, last, of
neither."""

_BATCH: Final = 256
_SIZES: Final = Sizes()


class AgreedSilver:
    """Passages with rivals of one gender, with the labels on which models agree.

    Args:
        lists: names and titles.
        counts: of the corpus.
        judges: the models.
        seed: of all that is drawn.
        sizes: words of a passage.
        per_text: pronouns of a passage at most.
        min_probability: that the models' mean gives the winner at least.
        neither_share: share of kept pronouns that stand for neither candidate, at most.
    """

    def __init__(
        self,
        lists: NameLists,
        counts: WordCounts,
        judges: Sequence[Judge],
        *,
        seed: int = 0,
        sizes: Sizes = _SIZES,
        per_text: int = 1,
        min_probability: float = 0.8,
        neither_share: float = 0.1,
    ) -> None:
        if not judges:
            raise LstmError("no model to label with: expected one or more")
        if not 0 <= min_probability <= 1 or not 0 <= neither_share <= 1:
            raise LstmError(
                f"minimal probability {min_probability} and share of neither {neither_share}: "
                "expected numbers from 0 to 1"
            )
        self._lists = lists
        self._counts = counts
        self._judges = judges
        self._rng = random.Random(seed)
        self._finder = PassageFinder(sizes, self._rng)
        self._per_text = per_text
        self._min_probability = min_probability
        self._neither_share = neither_share
        self.report = SilverReport()

    def docs(self, documents: Iterable[Document], nlp: Language) -> Iterator[Doc]:
        """The passages of a corpus as reference documents with `coref_pairs_1` and so on."""
        unlabelled = self._unlabelled(documents, nlp)
        while batch := list(islice(unlabelled, _BATCH)):
            verdicts = [judge(batch) for judge in self._judges]
            for i, doc in enumerate(batch):
                probabilities = np.array([verdict[i] for verdict in verdicts])
                if self._label(doc, probabilities):
                    yield doc

    def _unlabelled(self, documents: Iterable[Document], nlp: Language) -> Iterator[Doc]:
        for document in documents:
            people = PersonFinder(self._lists, self._counts, subject_gender(document.paragraphs))
            for number, passage in enumerate(self._finder.rivals(document.paragraphs, people)):
                chosen = self._rng.sample(
                    passage.pronouns, min(self._per_text, len(passage.pronouns))
                )
                pairs = [_rival_pair(passage, pronoun) for pronoun in sorted(chosen)]
                doc = pair_doc(nlp, passage.text, pairs, f"{document.name}/{number}")
                if doc is not None:
                    yield doc

    def _label(
        self, doc: Doc, probabilities: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"
    ) -> bool:
        """Keep the pairs on which the models agree; False where there is none.

        probabilities: *Shape:* ``(models, pairs, 3)``
        """
        groups: list[SpanGroup] = [
            doc.spans.pop(key) for _, key in numbered_keys(list(doc.spans), PAIRS_PREFIX)
        ]
        kept = 0
        for number, group in enumerate(groups):
            mean = probabilities[:, number].mean(axis=0)
            winner = int(mean.argmax())
            agreed = (probabilities[:, number].argmax(axis=1) == winner).all()
            if not agreed or mean[winner] < self._min_probability:
                continue
            allowed = self._neither_share * (self.report.pairs + 1)
            if winner == 2 and self.report.neither + 1 > allowed:
                continue
            kept += 1
            labels = [int(winner == 0), int(winner == 1)]
            attrs = {**group.attrs, "labels": labels, "probabilities": mean.round(4).tolist()}
            add_group(doc, f"{PAIRS_PREFIX}_{kept}", list(group), attrs)
            self._count(doc, group, (labels[0], labels[1]))
        self.report.passages += kept > 0
        return kept > 0

    def _count(self, doc: Doc, group: SpanGroup, labels: tuple[int, int]) -> None:
        pronoun, first, second = ((span.start_char, span.end_char) for span in group)
        self.report.add(doc.text, SilverPair(pronoun, (first, second), labels))


def _rival_pair(passage: Passage, pronoun: PronounAt) -> SilverPair:
    """A pronoun with the two persons of its gender that are named nearest, before it if they
    are: of each the last mention before the pronoun, or the first one after it."""
    nearest: dict[Person, Run] = {}
    for run in passage.mentions:
        person = run.person
        if person is None or person.gender != pronoun.gender:
            continue
        if run.start < pronoun.start or person not in nearest:
            nearest[person] = run
    runs = sorted(
        nearest.values(),
        key=lambda run: (run.start > pronoun.start, abs(run.start - pronoun.start)),
    )
    first, second = sorted((run.start, run.end) for run in runs[:2])
    return SilverPair((pronoun.start, pronoun.end), (first, second), (0, 0))
