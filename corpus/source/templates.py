"""Templates: texts with slots for people and words, filled at random but reproducibly.

``A=f B=A | {A} gave {B:his} [the {tool}] <back|away>.``

- ``{A}`` is a person of the cast, marked as a mention (``{A:last}``, ``{A:full}``, ``{A:title}``
  for other forms of the name); ``{A:he}``, ``{A:Him}``, ``{A:his}`` ... is a pronoun, marked too;
  ``{A:was}``, ``{A:man}``, ``{A:son}`` ... is a word that agrees with the person, not marked.
- ``{tool}`` is a word of the list *tool*; the same slot gives the same word, ``{tool2}`` another.
- ``<a|b>`` is a choice. ``a/an`` agrees with what follows.

The cast gives each person a gender: f, m, n (singular *they*), x (a new pronoun such as *xe*),
? (f or m), another person's letter (the same gender) or ``!A`` (the opposite one).

A split uses only its own part of the names and the word lists, except for lists that are shared.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SPLITS = ("train", "dev", "test")

# Parts of a list in turn: four entries for training, one for development, one for the test.
_DEAL = ("train", "train", "train", "train", "dev", "test")
_SLOT = re.compile(r"\{([A-Za-z_]+?)(\d?)(?::([^{}]+))?\}")
_CHOICE = re.compile(r"<([^<>]*)>")
_ARTICLE = re.compile(r"\b([Aa])/an (?=(?:\[(?:\d+ )?)*([A-Za-z]))")


@dataclass(frozen=True)
class Template:
    """A text with slots. `key` is what the data file states of its rows (phenomenon, label)."""

    split: str
    key: str
    cast: str
    text: str


@dataclass(frozen=True)
class Person:
    """One of the cast: the forms of the name, and the words that agree with the gender."""

    names: Mapping[str, str]
    words: Mapping[str, str]
    label: int


@dataclass
class Vocabulary:
    """Word lists, names by gender, and the agreement table of a language."""

    words: dict[str, list[str]]
    shared: set[str]
    agreement: dict[str, dict[str, str]]
    # The forms of `agreement` that are mentions: pronouns.
    pronouns: set[str]
    new_pronouns: list[str] = field(default_factory=list)

    def of(self, name: str, split: str) -> list[str]:
        """The words of a list that a split may use. Raises ValueError on an unknown list."""
        if name not in self.words:
            raise ValueError(f"no word list {name!r}; there are {', '.join(sorted(self.words))}")
        entries = self.words[name]
        if name in self.shared:
            return entries
        return [w for i, w in enumerate(entries) if _DEAL[i % len(_DEAL)] == split]


def read_vocabulary(words: str, agreement: str) -> Vocabulary:
    """Read the two tables: ``list: word, word`` (``list*`` is shared) and the agreement of genders.

    The first row of the agreement table names the genders, the others are one word each; a row
    whose first cell ends in ``@`` is a pronoun.
    """
    lists: dict[str, list[str]] = {}
    shared: set[str] = set()
    for line in words.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, entries = line.split(":", 1)
        if name.endswith("*"):
            shared.add(name.rstrip("*"))
        lists.setdefault(name.rstrip("*"), []).extend(w.strip() for w in entries.split(","))
    rows = [line.split() for line in agreement.splitlines() if line.strip()]
    genders = rows[0]
    table: dict[str, dict[str, str]] = {gender: {} for gender in genders}
    pronouns: set[str] = set()
    for key, *cells in rows[1:]:
        form = key.rstrip("@")
        for gender, cell in zip(genders, cells, strict=True):
            table[gender][form] = cell.replace("_", " ")
            table[gender][form.capitalize()] = cell[0].upper() + cell[1:].replace("_", " ")
        if key.endswith("@"):
            pronouns |= {form, form.capitalize()}
    new = [gender for gender in genders if gender not in ("f", "m", "n")]
    return Vocabulary(lists, shared, table, pronouns, new)


class Filler:
    """Fills templates for one split with one random generator."""

    def __init__(self, vocabulary: Vocabulary, split: str, rng: random.Random) -> None:
        self.vocabulary = vocabulary
        self.split = split
        self.rng = rng

    def fill(self, template: Template) -> str:
        """One text of the template, as markup."""
        text = template.text
        while choice := _CHOICE.search(text):
            pick = self.rng.choice(choice[1].split("|"))
            text = text[: choice.start()] + pick + text[choice.end() :]
        cast = self._cast(template.cast)
        drawn: dict[tuple[str, str], str] = {}

        def replace(match: re.Match[str]) -> str:
            name, number, form = match.groups()
            if name in cast:
                return self._person(cast[name], form)
            if (name, number) not in drawn:
                taken = {word for (other, _), word in drawn.items() if other == name}
                pool = [w for w in self.vocabulary.of(name, self.split) if w not in taken]
                drawn[name, number] = self.rng.choice(pool)
            word = drawn[name, number]
            return word[0].upper() + word[1:] if form == "Up" else word

        return _ARTICLE.sub(_article, _SLOT.sub(replace, text))

    def _person(self, person: Person, form: str | None) -> str:
        if form is not None and form not in person.names:
            if form not in person.words:
                raise ValueError(f"no form {form!r} of a person")
            word = person.words[form]
            return f"[{person.label} {word}]" if form in self.vocabulary.pronouns else word
        return f"[{person.label} {person.names[form or 'first']}]"

    def _cast(self, cast: str) -> dict[str, Person]:
        genders: dict[str, str] = {}
        people: dict[str, Person] = {}
        firsts: set[str] = set()
        for i, part in enumerate(cast.split()):
            letter, gender = part.split("=")
            genders[letter] = gender = self._gender(gender, genders)
            kind = gender if gender in ("f", "m") else "n"
            pool = self.vocabulary.of(f"name_{kind}", self.split)
            first = self.rng.choice([name for name in pool if name not in firsts])
            firsts.add(first)
            last = self.rng.choice(self.vocabulary.of("surname", self.split))
            people[letter] = Person(
                self._names(first, last, kind), self.vocabulary.agreement[gender], 11 + i
            )
        return people

    def _gender(self, gender: str, genders: Mapping[str, str]) -> str:
        if gender == "?":
            return self.rng.choice("fm")
        if gender == "x":
            return self.rng.choice(self.vocabulary.new_pronouns)
        if gender.startswith("!"):
            return {"f": "m", "m": "f"}[genders[gender[1:]]]
        return genders.get(gender, gender)

    def _names(self, first: str, last: str, kind: str) -> dict[str, str]:
        title = self.rng.choice(self.vocabulary.of(f"title_{kind}", self.split))
        if title.startswith("+"):  # a title after the name, as in Chinese
            return {"first": last + first, "given": first, "title": last + title[1:]}
        full = f"{first} {last}"
        return {"first": first, "last": last, "full": full, "title": f"{title} {last}"}


def _article(match: re.Match[str]) -> str:
    return f"{match[1]}{'n' if match[2].lower() in 'aeiou' else ''} "


def generate(
    templates: Sequence[Template], vocabulary: Vocabulary, split: str, count: int, seed: str
) -> list[tuple[Template, str]]:
    """`count` different texts of the split's templates, taken in turn.

    Raises ValueError where the templates cannot give that many.
    """
    filler = Filler(vocabulary, split, random.Random(f"{seed} {split}"))
    mine = [template for template in templates if template.split == split]
    made: dict[str, Template] = {}
    for attempt in range(60 * count):
        template = mine[attempt % len(mine)]
        made.setdefault(filler.fill(template), template)
        if len(made) == count:
            return [(template, text) for text, template in made.items()]
    raise ValueError(f"only {len(made)} of {count} texts from {len(mine)} {split} templates")
