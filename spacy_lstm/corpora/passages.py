"""Passages of raw text in which named persons and the pronouns *he* and *she* meet.

A passage is some consecutive sentences of a paragraph, as in GAP's snippets.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..coref.gender_swap import Gender, gendered_nouns
from ..coref.mentions import Span
from .persons import NO_PERSON, PERSON, UNCLEAR, Person, PersonFinder, Run

__all__ = ["Passage", "PassageFinder", "PronounAt", "Sizes", "pronoun_gender", "subject_gender"]

_PRONOUNS: Final = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.IGNORECASE)
_MASCULINE: Final = frozenset(["he", "him", "his", "himself"])
_SENTENCE_END: Final = re.compile(r"[.!?…][\"”’)\]]*\s+(?=[\"“‘(\[]*[^\W_a-z])")
_ABBREVIATION: Final = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Lt|Col|Gen|Capt|Sgt|Fr|Sr|Jr|St|Mt|Ft|No|vs|Sen"
    r"|Rep|Gov|Maj|Adm|Vol|cf|ca|c|Mme|Mlle|Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec|Inc|Ltd|Co"
    r"|al|etc|approx|Op|op|pp|ed|eds))\.$"
)
# Lists, tables, remnants of markup, and what would not fit the other gender.
_UNFIT: Final = re.compile(
    r"[|*•{}<>=\[\]_]|;.*;.*;|(?<!\w)['‘](?!s\b)"
    # William "Bill" Smith
    r"|[\"“(][^\W\d_a-z]\w*[\"”)] (?=[^\W\d_a-z])"
    r"|\b(?:[Pp]regnan\w*|gave birth|womb|maiden name|[Hh]e or she|his or her|him or her|s/he"
    r"|the (?:child|baby|infant))\b"
)
_SPEAKER: Final = re.compile(
    r"(?<!War )\bI\b|\b(?:[Yy]ou|[Yy]our|[Yy]ours|[Mm]e|[Mm]y|[Mm]ine|[Ww]e|us"
    r"|[Oo]ur|[Oo]urs|[Mm]yself|[Tt]hou|[Tt]hee|[Tt]hy)\b"
)
_PREDICATE: Final = re.compile(
    r"(?:\b(?:is|was|as|became|become|be|been|being|remained)|,)\s+(?:an?|the)\s+"
    r"(?:[^\W\d_][\w-]*,?\s+){0,4}\Z"
)
# Sentences before a passage in which a person of the same gender may still be who is meant.
_CONTEXT: Final = 6


class PronounAt(NamedTuple):
    """A form of *he* or *she*, in characters."""

    start: int
    end: int
    gender: Gender


class _Noun(NamedTuple):
    start: int
    gender: Gender


@dataclass(frozen=True)
class _Sentence:
    """One sentence; all offsets are those of its paragraph."""

    start: int
    end: int
    words: int
    paragraph: int
    runs: list[Run]
    pronouns: list[PronounAt]
    nouns: list[_Noun]
    fit: bool

    @property
    def clear(self) -> bool:
        """Whether it is known of each name whether it is a person's."""
        return self.fit and all(run.verdict != UNCLEAR for run in self.runs)


class Sizes(NamedTuple):
    """Words of a passage.

    core: that its part with the pronouns has at least.
    shortest, longest: of the whole passage.
    """

    core: int = 15
    shortest: int = 40
    longest: int = 130


class Passage(NamedTuple):
    """A text with its named persons, in characters of the text.

    mentions: of all named persons, those behind the core included.
    pronouns: of the core.
    """

    text: str
    mentions: list[Run]
    pronouns: list[PronounAt]


def pronoun_gender(pronoun: str) -> Gender:
    """The gender of a form of *he* or *she*."""
    return "M" if pronoun.lower() in _MASCULINE else "F"


def subject_gender(paragraphs: Sequence[str]) -> Gender | None:
    """The gender of the person that a page is about, from its pronouns; None where it opens
    unlike a page about a person, or the pronouns do not agree."""
    if not re.match(r"[^.(]{3,60}?(?: \(|,? (?:is|was|were)\b)", paragraphs[0]):
        return None
    counts = {"M": 0, "F": 0}
    for text in paragraphs:
        for word in _PRONOUNS.findall(text):
            counts[pronoun_gender(word)] += 1
    if counts["M"] >= max(3, 4 * counts["F"]):
        return "M"
    return "F" if counts["F"] >= max(3, 4 * counts["M"]) else None


class PassageFinder:
    """Finds passages in the documents of a corpus.

    Args:
        sizes: of the passages.
        rng: draws their lengths.
    """

    def __init__(self, sizes: Sizes, rng: random.Random) -> None:
        self._sizes = sizes
        self._rng = rng

    def opposed(self, paragraphs: Sequence[str], finder: PersonFinder) -> Iterator[Passage]:
        """Passages with exactly one man and one woman named, so that gender alone tells whom
        each pronoun stands for."""
        sentences = _sentences(paragraphs, finder.find(paragraphs))
        i = 0
        while i < len(sentences):
            j = self._core_end(sentences, i, finder.subject)
            end = self._end(sentences, i, j) if j else None
            if j and end:
                text = paragraphs[sentences[i].paragraph]
                yield _passage(text, sentences[i:end], sentences[j - 1].end)
            i = j or i + 1

    def rivals(self, paragraphs: Sequence[str], finder: PersonFinder) -> Iterator[Passage]:
        """Passages with two persons of one gender or more, and pronouns of that gender, so that
        gender tells too little. Names that may be anyone's are allowed."""
        sentences = _sentences(paragraphs, finder.find(paragraphs))
        i = 0
        while i < len(sentences):
            end = self._end(sentences, i, i + 1) if sentences[i].fit else None
            passage = self._rival_passage(paragraphs, sentences[i:end]) if end else None
            if passage is not None:
                yield passage
            i = end if end and passage else i + 1

    @staticmethod
    def _rival_passage(paragraphs: Sequence[str], part: list[_Sentence]) -> Passage | None:
        found = _passage(paragraphs[part[0].paragraph], part, part[-1].end)
        people = {run.person for run in found.mentions}
        count = Counter(person.gender for person in people if person)
        pronouns = [pronoun for pronoun in found.pronouns if count[pronoun.gender] > 1]
        return found._replace(pronouns=pronouns) if pronouns else None

    def _core_end(
        self, sentences: list[_Sentence], first: int, subject: Person | None
    ) -> int | None:
        """The end of the longest part, from a sentence on, with the two persons and no other."""
        people: dict[Gender, Person] = {}
        loose: set[Gender] = set()
        words, found = 0, None
        for j in range(first, len(sentences)):
            sentence = sentences[j]
            words += sentence.words
            if words > self._sizes.longest or sentence.paragraph != sentences[first].paragraph:
                break
            if not sentence.clear or not _joins(sentence, people, loose):
                break
            if words >= self._sizes.core and len(people) == 2:
                part = sentences[first : j + 1]
                if not _context_agrees(sentences, first, j + 1, people, subject):
                    break
                if any(item.pronouns for item in part):
                    found = j + 1
        return found

    def _end(self, sentences: list[_Sentence], first: int, end: int) -> int | None:
        """The end of the passage around a core; None where its paragraph is too short."""
        target = self._rng.randint(self._sizes.shortest, self._sizes.longest)
        words = sum(sentence.words for sentence in sentences[first:end])
        while words < target and end < len(sentences):
            sentence = sentences[end]
            too_long = words + sentence.words > self._sizes.longest
            if too_long or not sentence.fit or sentence.paragraph != sentences[first].paragraph:
                break
            words += sentence.words
            end += 1
        return end if words >= self._sizes.shortest else None


def _joins(sentence: _Sentence, people: dict[Gender, Person], loose: set[Gender]) -> bool:
    """Add a sentence's persons; False where a pronoun of it may stand for another one.

    people: of the passage so far, by gender.
    loose: genders of the person nouns so far that may stand for someone else.
    """
    for run in sentence.runs:
        if run.person and people.setdefault(run.person.gender, run.person) != run.person:
            return False
    for pronoun in sentence.pronouns:
        nouns = (noun for noun in sentence.nouns if noun.start < pronoun.start)
        if pronoun.gender in loose | {noun.gender for noun in nouns}:
            return False
    loose.update(noun.gender for noun in sentence.nouns)
    return True


def _context_agrees(
    sentences: list[_Sentence],
    first: int,
    end: int,
    people: dict[Gender, Person],
    subject: Person | None,
) -> bool:
    """Whether the pronouns mean the passage's persons, by what stands before it."""
    context = sentences[max(0, first - _CONTEXT) : first]
    part = sentences[first:end]
    for gender, person in people.items():
        if subject and subject.gender == gender and subject != person:
            return False
        if person == subject:
            continue
        named = [
            run.person
            for sentence in context
            for run in sentence.runs
            if run.person and run.person.gender == gender
        ]
        if (named and named[-1] != person and subject is None) or _starts_early(part, person):
            return False
    return True


def _starts_early(sentences: list[_Sentence], person: Person) -> bool:
    """Whether a pronoun that may be a person's comes before the first of the person's names."""
    named = min(run.start for item in sentences for run in item.runs if run.person == person)
    return any(
        pronoun.gender == person.gender and pronoun.start < named
        for item in sentences
        for pronoun in item.pronouns
    )


def _passage(text: str, part: Sequence[_Sentence], core_end: int) -> Passage:
    start, end = part[0].start, part[-1].end
    mentions = [
        run._replace(start=run.start - start, end=run.end - start)
        for sentence in part
        for run in sentence.runs
        if run.verdict == PERSON
    ]
    pronouns = [
        pronoun._replace(start=pronoun.start - start, end=pronoun.end - start)
        for sentence in part
        for pronoun in sentence.pronouns
        if pronoun.start < core_end
    ]
    return Passage(text[start:end], mentions, pronouns)


def _sentences(paragraphs: Sequence[str], runs: Sequence[list[Run]]) -> list[_Sentence]:
    found = []
    for number, (text, inside) in enumerate(zip(paragraphs, runs, strict=True)):
        quotes = _quoted(text)
        # Nouns take time, and count only where a passage may be.
        with_nouns = {run.person.gender for run in inside if run.person} == {"M", "F"}
        at = 0
        for start, end in _sentence_bounds(text):
            stop = at
            while stop < len(inside) and inside[stop].start < end:
                stop += 1
            within = inside[at:stop]
            nouns = _loose_nouns(text, (start, end), within) if with_nouns else []
            found.append(_read_sentence(text, (start, end), number, within, nouns, quotes))
            at = stop
    return found


def _sentence_bounds(text: str) -> Iterator[Span]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text, max(0, match.start() - 8), match.start() + 1):
            continue
        yield start, match.start() + len(match.group().rstrip())
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _quoted(text: str) -> list[Span] | None:
    """What stands in double quotes, None where they do not pair."""
    marks = [match.start() for match in re.finditer(r"[\"“”]", text)]
    if len(marks) % 2:
        return None
    return list(zip(marks[::2], marks[1::2], strict=True))


def _read_sentence(
    text: str,
    bounds: Span,
    paragraph: int,
    runs: list[Run],
    nouns: list[_Noun],
    quotes: list[Span] | None,
) -> _Sentence:
    start, end = bounds
    pronouns = [
        PronounAt(match.start(), match.end(), pronoun_gender(match.group()))
        for match in _PRONOUNS.finditer(text, start, end)
    ]
    persons = [run for run in runs if run.verdict != NO_PERSON]
    fit = quotes is not None and not _UNFIT.search(text, start, end)
    if fit and quotes is not None:
        # A speaker may say "I", but he or she in a speech may be anyone.
        starts = [item.start for item in persons] + [item.start for item in pronouns]
        fit = not any(_quoting(quotes, position) for position in starts) and all(
            _quoting(quotes, match.start()) for match in _SPEAKER.finditer(text, start, end)
        )
    return _Sentence(
        start=start,
        end=end,
        words=text.count(" ", start, end) + 1,
        paragraph=paragraph,
        runs=persons,
        pronouns=pronouns,
        nouns=nouns,
        fit=fit,
    )


def _quoting(quotes: Sequence[Span], position: int) -> bool:
    return any(start < position < end for start, end in quotes)


_PLURALS: Final = frozenset(
    word for gender in ("M", "F") for word in gendered_nouns(gender) if word.endswith("s")
) | {"men", "women", "gentlemen", "businessmen", "businesswomen"} - {"princess", "duchess"}
_SINGULAR_NOUNS: Final[dict[str, Gender]] = {
    **dict.fromkeys(gendered_nouns("M") - _PLURALS, "M"),
    **{word: "F" for word in gendered_nouns("F") if word not in _PLURALS or word.endswith("ss")},
}
_NOUN: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(_SINGULAR_NOUNS, key=len, reverse=True))})\b", re.IGNORECASE
)


def _loose_nouns(text: str, bounds: Span, runs: Sequence[Run]) -> list[_Noun]:
    """Person nouns that may stand for someone who is not named: neither before a name ("his
    wife Mary") nor said of a person ("was an actress")."""
    found = []
    for match in _NOUN.finditer(text, *bounds):
        gender = _SINGULAR_NOUNS[match.group().lower()]
        if any(run.start <= match.start() < run.end for run in runs):
            continue
        named = any(
            run.person and run.person.gender == gender and text[match.end() : run.start] in _JOINTS
            for run in runs
        )
        if not named and not _PREDICATE.search(text, max(0, match.start() - 70), match.start()):
            found.append(_Noun(match.start(), gender))
    return found


_JOINTS: Final = frozenset({" ", ", "})
