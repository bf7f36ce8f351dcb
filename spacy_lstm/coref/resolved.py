"""The text with third-person pronouns replaced by what they stand for, and the way back.

A replacement has to read as English or Chinese would be written: *his* becomes "Alice's",
"they're" becomes "Tom and Ann are", a dog that *it* names becomes "the dog". A pronoun stays
where no wording is safe: reflexives, first and second person, a pronoun inside its own
antecedent, antecedents that name no one in particular ("every boy"), verbs that might not
agree.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .english import agree_with_singular, clitic_verb, her_is_object
from .mentions import Pronoun, Span, find_pronoun
from .phrases import (
    Phrase,
    Role,
    Word,
    chinese_phrase,
    english_phrase,
    is_cjk,
    possessive,
    starts_sentence,
)

__all__ = ["Link", "ResolvedText", "Segment", "Word", "resolve_text"]

Link = tuple[Span, Span, float]
"""(anaphor, antecedent, probability), spans in tokens."""

Segment = tuple[int, int, int, int]
"""(start, end in the resolved text, start, end in the source), all in characters."""

_POSSESSIVES = frozenset({"possessive", "possessive_determiner"})


class ResolvedText(NamedTuple):
    """A text with pronouns replaced.

    text: the new text.
    offsets: segments in order that cover both texts without gaps. In an unchanged segment both
        ranges are equally long and map character by character; a changed one maps as a whole.
    """

    text: str
    offsets: list[Segment]


class _Edit(NamedTuple):
    end: int
    text: str


class _Anaphor(NamedTuple):
    span: Span
    antecedent: Span
    pronoun: Pronoun
    text: str
    role: Role


def resolve_text(
    words: Sequence[Word], links: Sequence[Link], *, max_words: int = 10
) -> ResolvedText:
    """Replace the third-person pronouns of a text by their antecedents.

    words: the tokens of the whole text; texts and white space joined are the source text.
    links: (anaphor, antecedent, probability) by token offsets; of two links for one anaphor the
        more probable counts, and links outside of the text or from other words are passed over.
    max_words: longer antecedents are cut to their core, up to their first post-modifier.
    """
    resolver = _Resolver(words, links, max_words)
    return _assemble(words, resolver.edits())


class _Resolver:
    """Words the replacements of one text."""

    def __init__(self, words: Sequence[Word], links: Sequence[Link], max_words: int) -> None:
        self.words = words
        self.max_words = max_words
        self.anaphors = _read_anaphors(words, links)
        texts = [word.text for word in words]
        self.lowercase_words = {text for text in texts if text == text.lower()}
        curly = any("’" in text for text in texts) and not any("'" in text for text in texts)
        self.apostrophe = "’" if curly else "'"

    def edits(self) -> dict[int, _Edit]:
        """New texts by the index of the first token that they replace."""
        edits: dict[int, _Edit] = {}
        verbs: dict[int, _Edit] = {}
        for anaphor in self.anaphors.values():
            phrase = self._phrase(anaphor, expand=True)
            if phrase is None:
                continue
            verb_edits = self._verb_edits(anaphor, phrase)
            if verb_edits is None:
                continue
            text = self._inflected(anaphor, phrase)
            start, end = anaphor.span
            edits[start] = _Edit(end, _capitalise(text) if anaphor.text[0].isupper() else text)
            verbs.update(verb_edits)
        return {**verbs, **edits}

    def _phrase(self, anaphor: _Anaphor, expand: bool) -> Phrase | None:
        start, end = anaphor.antecedent
        words = self._expanded(anaphor) if expand else list(self.words[start:end])
        if is_cjk(anaphor.text):
            return chinese_phrase(words, max_words=self.max_words)
        return english_phrase(
            words,
            role=anaphor.role,
            at_start=starts_sentence(self.words, start),
            person=anaphor.pronoun.family in {"he", "she"},
            pronoun_is_plural=anaphor.pronoun.number != "sing",
            lowercase_words=self.lowercase_words,
            max_words=self.max_words,
        )

    def _expanded(self, outer: _Anaphor) -> list[Word]:
        """The antecedent's words with the pronouns in it replaced: "his wife" → "John's wife".

        One step deep, and never by a phrase that itself holds the outer pronoun, so that two
        phrases which point at each other come to an end.
        """
        start, end = outer.antecedent
        expanded: list[Word] = []
        while start < end:
            inner = self.anaphors.get(start)
            phrase = None
            if inner and inner.span[1] <= end and not _overlap(inner.antecedent, outer.span):
                phrase = self._phrase(inner, expand=False)
            if inner and phrase and not _overlap(inner.antecedent, outer.antecedent):
                last = self.words[inner.span[1] - 1]
                expanded.append(Word(self._inflected(inner, phrase), last.whitespace))
                start = inner.span[1]
            else:
                expanded.append(self.words[start])
                start += 1
        return expanded

    def _inflected(self, anaphor: _Anaphor, phrase: Phrase) -> str:
        if anaphor.role == "possessive":
            return possessive(phrase, self.apostrophe)
        return phrase.text

    def _verb_edits(self, anaphor: _Anaphor, phrase: Phrase) -> dict[int, _Edit] | None:
        """The changes to a replaced subject's verb; None if it could not be made to agree."""
        start, end = anaphor.span
        if "subject" not in anaphor.pronoun.form or is_cjk(anaphor.text):
            return {}
        clitic = clitic_verb(self.words, end, not phrase.plural)
        if clitic is not None:
            gap = "" if self.words[end - 1].whitespace else " "
            return {end: _Edit(end + 1, gap + clitic)}
        if anaphor.pronoun.family != "they" or phrase.plural:
            return {}
        verbs = agree_with_singular(self.words, start)
        return None if verbs is None else {i: _Edit(i + 1, verb) for i, verb in verbs.items()}


def _read_anaphors(words: Sequence[Word], links: Sequence[Link]) -> dict[int, _Anaphor]:
    """The replaceable anaphors by their first token, in text order, without overlaps."""
    best: dict[Span, Link] = {}
    for link in sorted(links, key=lambda link: -link[2]):
        best.setdefault(link[0], link)
    anaphors: dict[int, _Anaphor] = {}
    last_end = 0
    for span, antecedent, _ in sorted(best.values()):
        if not (_is_within(span, words) and _is_within(antecedent, words)):
            continue
        if span[0] < last_end or _overlap(span, antecedent):
            continue
        anaphor = _read_anaphor(words, span, antecedent)
        if anaphor is not None:
            anaphors[span[0]] = anaphor
            last_end = span[1]
    return anaphors


def _read_anaphor(words: Sequence[Word], span: Span, antecedent: Span) -> _Anaphor | None:
    # A tokenizer may split a pronoun (他 们), but one with white space inside is two words.
    if any(word.whitespace for word in words[span[0] : span[1] - 1]):
        return None
    text = "".join(word.text for word in words[span[0] : span[1]])
    pronoun = find_pronoun(text)
    if pronoun is None or pronoun.person != 3 or pronoun.family == "other":
        return None
    if "reflexive" in pronoun.form:
        return None
    role: Role = "plain"
    if pronoun.form <= _POSSESSIVES:
        role = "possessive"
    elif pronoun.form & _POSSESSIVES and not is_cjk(text):
        role = "plain" if her_is_object(words, span[1] - 1) else "possessive"
    return _Anaphor(span, antecedent, pronoun, text, role)


def _is_within(span: Span, words: Sequence[Word]) -> bool:
    return 0 <= span[0] < span[1] <= len(words)


def _overlap(left: Span, right: Span) -> bool:
    return left[0] < right[1] and right[0] < left[1]


def _capitalise(text: str) -> str:
    # "iPhone" keeps its own spelling at the start of a sentence.
    first_word = text.split()[0]
    return text if first_word != first_word.lower() else text[0].upper() + text[1:]


def _assemble(words: Sequence[Word], edits: Mapping[int, _Edit]) -> ResolvedText:
    """Join the words, edited where told, and keep account of both texts' offsets."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word.text) + len(word.whitespace))
    source = "".join(word.text + word.whitespace for word in words)
    pieces: list[str] = []
    offsets: list[Segment] = []
    done = length = 0

    def add(piece: str, source_end: int) -> None:
        nonlocal done, length
        if piece or source_end > done:
            pieces.append(piece)
            offsets.append((length, length + len(piece), done, source_end))
            done, length = source_end, length + len(piece)

    for start, edit in sorted(edits.items()):
        add(source[done : starts[start]], starts[start])
        add(edit.text, starts[edit.end - 1] + len(words[edit.end - 1].text))
    add(source[done:], len(source))
    return ResolvedText("".join(pieces), offsets)
