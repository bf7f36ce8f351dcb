"""Reference documents with other names, genders or pronouns than they were annotated with.

What a pronoun stands for does not change when a whole text changes its genders, or when all its
persons come to have one. Trained on such texts, a model learns no gender by name, and where
gender tells nothing it has to look at all the rest.

Every edit puts one token in the place of one, so that spans stay where they are.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from spacy.tokens import Doc, Span, SpanGroup

from ..coref.gender_swap import Gender, cased_like, gendered_nouns, swap_word
from ..coref.groups import PAIRS_PREFIX
from ..coref.mentions import find_pronoun
from ..coref.phrases import Word, starts_sentence, word_set
from ..coref.pronoun_sets import NEO_SETS, THEY_SETS, PronounSet, replace_pronouns
from ..errors import LstmError
from .coref_tokens import CorefTokens
from .edit_kinds import EditKinds
from .name_tokens import NameTokens, find_name_tokens
from .persons import NameLists

__all__ = ["KINDS", "GenderSwaps", "create_gender_swaps"]

KINDS: Final = ("flip", "unify", "names", "they", "neo")

_GENDERS: Final[tuple[Gender, Gender]] = ("M", "F")
_NOUNS: Final = gendered_nouns("M") | gendered_nouns("F")
_OTHER: Final[dict[Gender, Gender]] = {"M": "F", "F": "M"}
# Initials, and the god of those who have one only.
_KEPT: Final = frozenset(["M", "M.", "God"])
# Surnames and parts of other names as often as titles.
_RANKS: Final = word_set(
    "King Queen Prince Princess Duke Duchess Baron Baroness Earl Abbot Abbess Monk Nun "
    "Emperor Empress"
)
# In fiction a servant's mistress is not her lover.
_OLD_USE: Final = {"mistress": "master", "ma'am": "sir", "ma’am": "sir"}
_DETERMINERS: Final = word_set("the a an my your his her our their this that")
# Draws until the lists are taken to have no other name.
_DRAWS: Final = 20
_POOL: Final = 4000


def create_gender_swaps(
    paths: Sequence[str] | None,
    flip: float = 0.0,
    unify: float = 0.0,
    names: float = 0.0,
    they: float = 0.0,
    neo: float = 0.0,
    clear_share: float = 0.98,
    min_bearers: int = 1000,
) -> "GenderSwaps | None":
    """Registered as `spacy_lstm.GenderSwaps.v1`: the argument `swaps` of `MixedCorpus`.

    At most one kind of edit is drawn for a document; the rest stays as it is.

    paths: a table of first names with counts by sex, then lists of titles and words of
        organizations, as `spacy_lstm.GenderLexicon.v1` takes them. None for no swaps, as in
        `--paths.genders null`.
    flip: probability that all gender words and first names of a document change sides.
    unify: that those of one side do, so that one gender is left.
    names: that persons get other first names of the same gender, and other surnames.
    they: that one person with *he* or *she* gets *they*, *them*, *their*.
    neo: that one gets *xe* or *ze* with their forms.
    clear_share: share of a first name's bearers from which on it has their gender.
    min_bearers: how many bearers it needs for that.
    """
    if paths is None:
        return None
    if not paths:
        raise LstmError("no paths of name lists: give a table of first names, then word lists")
    lists = NameLists(
        Path(paths[0]),
        [Path(path) for path in paths[1:]],
        clear_share=clear_share,
        min_bearers=min_bearers,
    )
    shares = {"flip": flip, "unify": unify, "names": names, "they": they, "neo": neo}
    return GenderSwaps(lists, shares)


class GenderSwaps:
    """Draws a kind of edit for each document and makes it.

    Surnames are drawn from those of the documents seen before; all else depends on the document
    and the random numbers alone.

    Args:
        lists: names and titles.
        shares: probability of each of `KINDS`; 0 where it is missing.
    """

    def __init__(self, lists: NameLists, shares: Mapping[str, float]) -> None:
        self._kinds = EditKinds(KINDS, shares, what="swaps", number="probability")
        self._lists = lists
        # A dict keeps the order of what was seen, and with it what is drawn.
        self._surnames: dict[str, None] = {}

    def __call__(self, doc: Doc, rng: random.Random) -> Doc:
        """The document itself where nothing is drawn or nothing can change, else an edited copy.

        Treebanks and documents without coreference stay as they are.
        """
        kind = self._kinds.draw(rng)
        return doc if kind is None else self.swap(doc, kind, rng)

    def swap(self, doc: Doc, kind: str, rng: random.Random) -> Doc:
        """One kind of edit, see `KINDS`."""
        source = CorefTokens(doc)
        if doc.has_annotation("DEP") or not (source.mentions or source.pairs):
            return doc
        turned: tuple[Gender, ...] = ()
        if kind in {"they", "neo"}:
            sets = THEY_SETS if kind == "they" else NEO_SETS
            edits = _with_other_pronouns(source, sets, rng)
        elif kind == "names":
            edits = self._renamed(source, rng)
        else:
            turned = ("M", "F") if kind == "flip" else (rng.choice(_GENDERS),)
            edits = self._turned(source, turned, rng)
        return _edited(doc, edits, turned) if edits else doc

    def _turned(
        self, source: CorefTokens, turned: Sequence[Gender], rng: random.Random
    ) -> dict[int, str]:
        """Gender words and first names of the genders `turned`, in the other one."""
        found = self._names(source)
        edits: dict[int, str] = {}
        new_names = _NewNames(source, rng)
        for name, (tokens, gender) in found.first.items():
            if gender and gender in turned and name in self._lists.genders:
                draw = partial(self._lists.draw, _OTHER[gender], rng)
                edits.update(new_names.replace(tokens, draw))
        named = {token for name in found.first.values() for token in name.tokens}
        named.update(token for tokens in found.last.values() for token in tokens)
        for i, token in enumerate(source.word_tokens):
            if token not in named:
                for gender in turned:
                    new = self._turned_word(source.words, i, gender)
                    if new is not None:
                        edits[token] = new
        return edits

    def _turned_word(self, words: Sequence[Word], i: int, gender: Gender) -> str | None:
        text = words[i].text
        if text in _KEPT:
            return None
        if gender == "F" and text.lower() in _OLD_USE:
            return cased_like(text, _OLD_USE[text.lower()])
        if not text.istitle() or find_pronoun(text):
            return swap_word(words, i, gender)
        before = words[i - 1] if i else Word("")
        after = words[i + 1].text if i + 1 < len(words) else ""
        in_name = before.text[:1].isupper() and not starts_sentence(words, i - 1)
        if text in _RANKS:
            named = not in_name and after in self._lists.genders
            if not named and before.text.lower() not in _DETERMINERS:
                return None
            turned = swap_word([Word(text.lower())], 0, gender)
            return turned and turned.capitalize()
        if text == "Sir" and not after[:1].isupper():
            return "Madam" if gender == "M" else None
        # Warner Brothers, Spider-Man
        in_name = in_name or (before.text == "-" and not before.whitespace)
        if in_name and text.rstrip(".") not in self._lists.titles:
            return None
        return swap_word(words, i, gender)

    def _renamed(self, source: CorefTokens, rng: random.Random) -> dict[int, str]:
        """Other first names of the same gender, and other surnames."""
        pool = list(self._surnames)
        found = self._names(source)
        edits: dict[int, str] = {}
        new_names = _NewNames(source, rng)
        for name, (tokens, gender) in found.first.items():
            if gender and name in self._lists.genders:
                draw = partial(self._lists.draw, gender, rng)
                edits.update(new_names.replace(tokens, draw))
        lowered = {text for text in source.texts if text.islower()}
        for name, tokens in found.last.items():
            if pool and self._is_surname(name) and name.lower() not in lowered:
                draw = partial(rng.choice, pool)
                edits.update(new_names.replace(tokens, draw, plural=name + "s"))
        return edits

    def _names(self, source: CorefTokens) -> NameTokens:
        found = find_name_tokens(source, self._lists)
        for name in found.last:
            if len(self._surnames) < _POOL and self._is_surname(name):
                self._surnames[name] = None
        return found

    def _is_surname(self, name: str) -> bool:
        lists = self._lists
        other = name in lists.genders or name in lists.titles or name.lower() in _NOUNS
        return len(name) > 2 and name.isalpha() and name.istitle() and not other


class _NewNames:
    """Draws names that a document does not have yet."""

    def __init__(self, source: CorefTokens, rng: random.Random) -> None:
        self._texts = source.texts
        self._taken = set(source.texts)
        self._rng = rng

    def replace(
        self, tokens: Sequence[int], draw: Callable[[], str], plural: str | None = None
    ) -> Iterator[tuple[int, str]]:
        """One drawn name in the place of each of the tokens; nothing where no new one is drawn.

        plural: of the old name, as in "the Elliots".
        """
        new = next((name for name in (draw() for _ in range(_DRAWS)) if self._is_new(name)), None)
        if new is None:
            return
        self._taken.add(new)
        for token in tokens:
            text = self._texts[token]
            yield token, cased_like(text, new) + ("." if text.endswith(".") else "")
        for token, text in enumerate(self._texts) if plural in self._taken else ():
            if text == plural:
                yield token, new + "s"

    def _is_new(self, name: str) -> bool:
        return name not in self._taken


def _with_other_pronouns(
    source: CorefTokens, sets: Sequence[PronounSet], rng: random.Random
) -> dict[int, str]:
    """The pronouns of one person in another set; none where pairs ask for a pronoun."""
    persons = [] if source.pairs else list(source.persons())
    if not persons:
        return {}
    word_at = {token: i for i, token in enumerate(source.word_tokens)}
    at = [word_at[token] for token in rng.choice(persons)]
    edits = replace_pronouns(source.words, at, rng.choice(sets))
    return {source.word_tokens[i]: new for i, new in edits}


def _edited(doc: Doc, edits: Mapping[int, str], turned: Sequence[Gender]) -> Doc:
    """A copy of a document with some tokens replaced.

    turned: genders that were replaced by the other, which pairs are told.
    """
    new = Doc(
        doc.vocab,
        words=[edits.get(token.i, token.text) for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        sent_starts=(
            [token.is_sent_start for token in doc] if doc.has_annotation("SENT_START") else None
        ),
        user_data=dict(doc.user_data),
    )
    for key, group in doc.spans.items():
        attrs = dict(group.attrs)
        if key.startswith(PAIRS_PREFIX) and attrs.get("gender") in turned:
            attrs["gender"] = _OTHER[attrs["gender"]]
        spans = [Span(new, span.start, span.end, span.label, span_id=span.id) for span in group]
        new.spans[key] = SpanGroup(new, name=group.name, attrs=attrs, spans=spans)
    return new
