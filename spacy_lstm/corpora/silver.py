"""Silver data: pronouns whose antecedent is known without annotation, from raw text.

Where one man and one woman are named, gender tells whom each *he* and *she* stands for. With one
of the two turned into the other gender, name, pronouns, nouns and all, it tells no more, and what
is left to learn from is what pronouns between two names of one gender have: syntax, roles,
topic, sense.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from ..coref.gender_swap import Edit, Gender, apply_edits, swap_words
from ..coref.groups import PAIRS_PREFIX
from ..coref.mentions import Span
from ..errors import LstmError
from .docs import add_group, char_span, set_row_data
from .passages import Passage, PassageFinder, PronounAt, Sizes, pronoun_gender, subject_gender
from .persons import NameLists, Person, PersonFinder, Run, WordCounts

__all__ = [
    "SOURCE",
    "Document",
    "GenderSilver",
    "SilverPair",
    "SilverReport",
    "count_words",
    "find_pair",
]

SOURCE: Final = "silver"
# How often a surname has to be seen to be drawn.
_SURNAME_COUNT: Final = 5
# Draws until the lists are taken to have no other name.
_DRAWS: Final = 50
_SIZES: Final = Sizes()


class Document(NamedTuple):
    """The paragraphs of one document of the corpus, and a name for it."""

    name: str
    paragraphs: list[str]


class SilverPair(NamedTuple):
    """A pronoun with two candidates in text order, in characters."""

    pronoun: Span
    candidates: tuple[Span, Span]
    labels: tuple[int, int]


@dataclass
class SilverReport:
    """What was written, so that a look at it shows whether the data lean to one side.

    Attributes:
        passages: number of them.
        pairs: number of pronouns.
        nearest: pronouns whose antecedent is the nearer of the names before them.
        first: pronouns whose antecedent comes first of the two candidates.
        after: pronouns whose antecedent is named only after them.
        neither: pronouns that stand for none of the two.
        pronouns: number by lower-case form.
    """

    passages: int = 0
    pairs: int = 0
    nearest: int = 0
    first: int = 0
    after: int = 0
    neither: int = 0
    pronouns: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, pair: SilverPair) -> None:
        """Count one pronoun."""
        self.pairs += 1
        self.nearest += is_nearest(pair)
        self.first += pair.labels == (1, 0)
        antecedent = _antecedent(pair)
        self.neither += antecedent is None
        self.after += antecedent is not None and antecedent > pair.pronoun
        self.pronouns[text[slice(*pair.pronoun)].lower()] += 1


def _antecedent(pair: SilverPair) -> Span | None:
    return pair.candidates[pair.labels.index(1)] if 1 in pair.labels else None


def is_nearest(pair: SilverPair) -> bool:
    """Whether the antecedent is the last name before the pronoun, which is easy to guess."""
    before = [span for span in pair.candidates if span < pair.pronoun]
    return bool(before) and max(before) == _antecedent(pair)


def count_words(documents: Iterable[Document], lists: NameLists) -> WordCounts:
    """How a corpus uses its words: the first of two readings."""
    counts = WordCounts()
    for document in documents:
        for text in document.paragraphs:
            counts.add(text, lists)
    return counts


class GenderSilver:
    """Passages with one man and one woman, one of whom is turned into the other gender.

    Args:
        lists: names and titles.
        counts: of the corpus.
        seed: of all that is drawn.
        sizes: words of a passage.
        per_text: pronouns of a passage at most; those whose antecedent is not the nearest name
            come first.
        nearest_share: the share of pronouns whose antecedent is the nearest name before them is
            kept at this, as far as the text has enough others.
        surname_share: how often the turned person gets another surname, too.
    """

    def __init__(
        self,
        lists: NameLists,
        counts: WordCounts,
        *,
        seed: int = 0,
        sizes: Sizes = _SIZES,
        per_text: int = 2,
        nearest_share: float = 0.45,
        surname_share: float = 0.3,
    ) -> None:
        if per_text < 1:
            raise LstmError(f"{per_text} pronouns a text: expected 1 or more")
        for name, share in (("nearest", nearest_share), ("surname", surname_share)):
            if not 0 <= share <= 1:
                raise LstmError(f"{name} share is {share}: expected a number from 0 to 1")
        self._lists = lists
        self._counts = counts
        self._rng = random.Random(seed)
        self._finder = PassageFinder(sizes, self._rng)
        self._per_text = per_text
        self._nearest_share = nearest_share
        self._surname_share = surname_share
        self._surnames = sorted(
            name
            for name, count in counts.surnames.items()
            if count >= _SURNAME_COUNT
            and name not in lists.genders
            and not counts.is_common(name)
            and not counts.is_place(name)
        )
        self.report = SilverReport()

    def docs(self, documents: Iterable[Document], nlp: Language) -> Iterator[Doc]:
        """The passages of a corpus as reference documents with `coref_pairs_1` and so on."""
        for document in documents:
            people = PersonFinder(self._lists, self._counts, subject_gender(document.paragraphs))
            for number, passage in enumerate(self._finder.opposed(document.paragraphs, people)):
                doc = self._doc(passage, nlp, f"{document.name}/{number}")
                if doc is not None:
                    yield doc

    def _doc(self, passage: Passage, nlp: Language, row_id: str) -> Doc | None:
        turned: Gender = self._rng.choice(("M", "F"))
        edits = self._edits(passage, turned)
        pairs = self._chosen([find_pair(passage, pronoun) for pronoun in passage.pronouns])
        if edits is None or not pairs:
            return None
        spans = [(run.start, run.end) for run in passage.mentions]
        spans += [span for pair in pairs for span in (pair.pronoun, *pair.candidates)]
        text, moved = apply_edits(passage.text, edits, spans)
        if not _names_differ(passage.mentions, [text[start:end] for start, end in moved]):
            return None
        at = iter(moved[len(passage.mentions) :])
        pairs = [SilverPair(next(at), (next(at), next(at)), pair.labels) for pair in pairs]
        doc = pair_doc(nlp, text, pairs, row_id)
        if doc is not None:
            self.report.passages += 1
            for pair in pairs:
                self.report.add(text, pair)
        return doc

    def _chosen(self, pairs: list[SilverPair]) -> list[SilverPair]:
        """Some pronouns of a passage, in text order, the hard ones first."""
        self._rng.shuffle(pairs)
        chosen = [pair for pair in pairs if not is_nearest(pair)][: self._per_text]
        report = self.report
        for pair in (pair for pair in pairs if is_nearest(pair)):
            count = len(chosen) + 1
            nearest = report.nearest + sum(map(is_nearest, chosen)) + 1
            if count > self._per_text or nearest > self._nearest_share * (report.pairs + count):
                break
            chosen.append(pair)
        return sorted(chosen)

    def _edits(self, passage: Passage, turned: Gender) -> list[Edit] | None:
        """What turns the persons of a gender, with all their words, into the other one; None
        where a name of theirs also stands for something else."""
        people = {run.person for run in passage.mentions if run.person}
        names: dict[Person, dict[str, str]] = {}
        for person in sorted(people, key=lambda person: person.number):
            if person.gender == turned:
                new_names = self._new_names(passage, person, names.values())
                if new_names is None:
                    return None
                names[person] = new_names
        edits, kept = [], []
        for run in passage.mentions:
            new = names.get(run.person, {}) if run.person else {}
            for word, (start, end) in _words(run):
                if word.rstrip(".") not in self._lists.titles:
                    kept.append((start, end))
                if word in new:
                    edits.append(Edit(start, end, new[word]))
        replaced = Counter(passage.text[edit.start : edit.end] for edit in edits)
        for word, count in replaced.items():
            if len(re.findall(rf"\b{re.escape(word)}\b", passage.text)) != count:
                return None
        return sorted([*edits, *swap_words(passage.text, turned, kept)])

    def _new_names(
        self, passage: Passage, person: Person, taken: Iterable[dict[str, str]]
    ) -> dict[str, str] | None:
        """New names by old ones, None where the lists have too few. Middle names that tell the
        old gender are replaced, too."""
        gender = person.gender
        other: Gender = "F" if gender == "M" else "M"
        old = {person.first} if person.first else set()
        for run in passage.mentions:
            if run.person == person and len(run.words) > 1 and person.first:
                given = run.words[:-1] if person.last else run.words
                old |= {
                    word
                    for word in given
                    if self._lists.genders.get(word) == gender
                    and word.rstrip(".") not in self._lists.titles
                }
        used = {name for names in taken for name in names.values()}
        names: dict[str, str] = {}
        for word in sorted(old - {person.last}):
            new = self._unused(lambda: self._lists.draw(other, self._rng), passage, used)
            if new is None:
                return None
            names[word] = new
        last = person.last
        if last and self._surnames and self._rng.random() < self._surname_share:
            surname = self._unused(lambda: self._rng.choice(self._surnames), passage, used)
            names[last] = surname or last
        return names

    @staticmethod
    def _unused(draw: Callable[[], str], passage: Passage, used: set[str]) -> str | None:
        """A name that the passage does not have yet, None where none is found."""
        for _ in range(_DRAWS):
            name = draw()
            if name not in passage.text and name not in used:
                used.add(name)
                return name
        return None


def _words(run: Run) -> Iterator[tuple[str, Span]]:
    """The words of a run and where they are."""
    position = run.start
    for word in run.words:
        yield word, (position, position + len(word))
        position += len(word) + 1


def pair_doc(nlp: Language, text: str, pairs: Sequence[SilverPair], row_id: str) -> Doc | None:
    """The reference document of a passage, None where the tokenizer cuts a pronoun otherwise."""
    doc = nlp.make_doc(text)
    for number, pair in enumerate(pairs, start=1):
        spans = [char_span(doc, *span) for span in (pair.pronoun, *pair.candidates)]
        word = text[slice(*pair.pronoun)]
        if spans[0].text != word:
            return None
        attrs = {
            "labels": list(pair.labels),
            "source": SOURCE,
            "id": f"{row_id}/{number}",
            "gender": pronoun_gender(word),
        }
        add_group(doc, f"{PAIRS_PREFIX}_{number}", spans, attrs)
    set_row_data(doc, id=row_id, source=SOURCE)
    return doc


def find_pair(passage: Passage, pronoun: PronounAt) -> SilverPair:
    """A pronoun of a passage with two persons: of each the last mention before the pronoun, or
    the first one after it. The antecedent is the one of the pronoun's gender."""
    nearest: dict[Person, Run] = {}
    for run in passage.mentions:
        if run.person is None or (len(nearest) == 2 and run.person not in nearest):
            continue
        if run.start < pronoun.start or run.person not in nearest:
            nearest[run.person] = run
    first, second = sorted(nearest.items(), key=lambda item: item[1].start)
    is_first = int(first[0].gender == pronoun.gender)
    return SilverPair(
        (pronoun.start, pronoun.end),
        ((first[1].start, first[1].end), (second[1].start, second[1].end)),
        (is_first, 1 - is_first),
    )


def _names_differ(mentions: Sequence[Run], texts: Sequence[str]) -> bool:
    """Whether no two persons have come to share a name."""
    owners: dict[str, Person | None] = {}
    pairs = zip(mentions, texts, strict=False)
    return all(owners.setdefault(text, run.person) == run.person for run, text in pairs)
