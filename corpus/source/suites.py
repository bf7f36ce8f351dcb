"""Behavioural suites: frames, filled reproducibly, become cases with one pronoun to resolve each.

``3 A=? B=!A | {A} lent {B} a saw. <A He> wanted it back in (May|June).``

- A line is ``plan cast | text``; lines stand under headings ``== class``. ``\\n`` and ``\\t`` are a
  line break and a tab.
- The plan: ``3`` makes three texts; ``names*6`` makes a group of six that differ in the names
  alone; ``swap*2`` makes two groups, each of a text and its twin with all genders swapped;
  ``upper`` or ``lower`` after the plan sets the whole text in capitals or small letters.
- The cast gives each person a gender, as in templates.py: f, m, n, a new pronoun, ``?``, another
  person's letter (the same gender) or ``!A`` (the opposite one); F and M are women and men with
  names that tell no gender.
- ``{A}`` is a person, marked as a mention (``{A:full}``, ``{A:last}``, ``{A:title}`` for other
  forms of the name); ``{A:he}``, ``{A:brother}`` ... is a word that agrees, not marked.
- ``{tool}`` is a word of the list *tool*, ``{tool2}`` another; ``(a|b)`` is a choice;
  ``{fill:50}`` stands for sentences of about fifty words that name nobody.
- ``[K the kettle]`` is a mention of whatever the letters stand for; mentions nest.
- ``<A he>`` is a pronoun under test, and every mention of A is a right answer. ``<- it>`` has no
  antecedent. A text with several of them makes several cases.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .markup import read_records
from .templates import Vocabulary

_SLOT = re.compile(r"\{([A-Za-z_]+?)(\d?)(?::([^{}]+))?\}")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_TESTED = re.compile(r"<([A-Z]\w*|-) ([^<>]+)>")
_PIECE = re.compile(r"\[([A-Z]\w*) |(\])|<([A-Z]\w*|-) ([^<>]+)>|[^\[\]<>]+")
_CASES = {"upper": str.upper, "lower": str.lower}
# The name lists that the members of a group draw from in turn: common, rare, words like others.
_POOLS = ("name", "rare", "word")
_SWAPPED = {"f": "m", "m": "f"}

Case = dict[str, object]
Cast = dict[str, str]  # letter → gender


@dataclass(frozen=True)
class Frame:
    """One line of the source."""

    group: str  # the class
    plan: str
    case: str  # upper, lower or nothing
    cast: tuple[str, ...]
    text: str


def read_frames(lines: Sequence[str]) -> list[Frame]:
    """The frames under their headings."""
    frames = []
    heading = ""
    for line in lines:
        if line.startswith("== "):
            heading = line[3:].strip()
            continue
        for spec, text in read_records([line], 2):
            words = spec.split()
            cast = tuple(word for word in words if "=" in word)
            case = next((word for word in words if word in _CASES), "")
            plain = text.replace("\\n", "\n").replace("\\t", "\t")
            frames.append(Frame(heading, words[0], case, cast, plain))
    return frames


class SuiteFiller:
    """Fills one frame; the words of a group are drawn once, its names for each member."""

    def __init__(self, vocabulary: Vocabulary, fillers: Sequence[str], seed: str) -> None:
        self.vocabulary = vocabulary
        self.fillers = fillers
        self.rng = random.Random(seed)
        self.used: set[str] = set()

    def words(self, text: str) -> str:
        """The text with its choices, word slots and filling sentences drawn."""
        while choice := _CHOICE.search(text):
            pick = self.rng.choice(choice[1].split("|"))
            text = text[: choice.start()] + pick + text[choice.end() :]
        drawn: dict[tuple[str, str], str] = {}

        def replace(slot: re.Match[str]) -> str:
            name, number, form = slot.groups()
            if name == "fill":
                return self._filling(int(form))
            if name.isupper():
                return slot[0]
            if (name, number) not in drawn:
                taken = {word for (other, _), word in drawn.items() if other == name}
                drawn[name, number] = self._pick(name, taken)
            return drawn[name, number]

        return _SLOT.sub(replace, text)

    def genders(self, cast: Sequence[str]) -> Cast:
        """The gender of each letter."""
        found: Cast = {}
        for part in cast:
            letter, gender = part.split("=")
            if gender == "?":
                gender = self.rng.choice("fm")
            elif gender.startswith("!"):
                gender = _SWAPPED[found[gender[1:]]]
            found[letter] = found.get(gender, gender)
        return found

    def people(self, text: str, cast: Cast, member: int = 0) -> str:
        """The text with names, and with words that agree; only brackets are left in it."""
        names: dict[str, dict[str, str]] = {}
        for letter, gender in cast.items():
            kind = gender if gender in _SWAPPED else "n"
            pool = f"{_POOLS[member % len(_POOLS)] if kind != 'n' else 'name'}_{kind}"
            first, last = self._pick(pool, self.used), self._pick("surname", self.used)
            self.used |= {first, last}
            title = f"{self._pick(f'title_{kind}', set())} {last}"
            names[letter] = {"": first, "last": last, "full": f"{first} {last}", "title": title}

        def replace(slot: re.Match[str]) -> str:
            letter, _, form = slot.groups()
            if (form or "") in names[letter]:
                return f"[{letter} {names[letter][form or '']}]"
            return self._agreeing(cast[letter].lower(), form)

        def inflect(tested: re.Match[str]) -> str:
            letter, word = tested.groups()
            if letter in cast and word.lower() in self.vocabulary.pronouns:
                word = self._agreeing(cast[letter].lower(), word)
            return f"<{letter} {word}>"

        return _TESTED.sub(inflect, _SLOT.sub(replace, text))

    def _agreeing(self, gender: str, form: str) -> str:
        words = self.vocabulary.agreement[gender]
        if form not in words:
            raise ValueError(f"no form {form!r} of a person")
        return words[form]

    def _pick(self, name: str, taken: set[str]) -> str:
        left = [word for word in self.vocabulary.of(name, "train") if word not in taken]
        if not left:
            raise ValueError(f"the list {name!r} has no word left")
        return self.rng.choice(left)

    def _filling(self, length: int) -> str:
        """Different sentences of together at least `length` words, and few more."""
        left = self.rng.sample(self.fillers, len(self.fillers))
        chosen: list[str] = []
        count = 0
        while count < length:
            fitting = (s for s in left if count + len(s.split()) <= length + 3)
            sentence = next(fitting, min(left, key=len))
            left.remove(sentence)
            chosen.append(sentence)
            count += len(sentence.split())
        return " ".join(chosen)


def read_marked(markup: str) -> list[tuple[str, dict[str, int], list[dict[str, int]]]]:
    """The text, the place of the pronoun and its answers, for every pronoun under test.

    Raises ValueError on unbalanced brackets, on a pronoun without any mention to stand for, and
    where nothing is tested.
    """
    text = ""
    stack: list[tuple[str, int]] = []
    mentions: dict[str, list[dict[str, int]]] = {}
    tested: list[tuple[str, dict[str, int]]] = []
    for piece in _PIECE.finditer(markup):
        opened, closed, letter, pronoun = piece.groups()
        if opened:
            stack.append((opened, len(text)))
        elif closed:
            if not stack:
                raise ValueError(f"a bracket closes that never opened: {markup!r}")
            name, start = stack.pop()
            mentions.setdefault(name, []).append({"start": start, "end": len(text)})
        elif letter:
            tested.append((letter, {"start": len(text), "end": len(text) + len(pronoun)}))
            text += pronoun
        else:
            text += piece[0]
    if stack:
        raise ValueError(f"a bracket never closes: {markup!r}")
    if not tested:
        raise ValueError(f"nothing is tested in: {markup!r}")
    lost = [letter for letter, _ in tested if letter != "-" and letter not in mentions]
    if lost:
        raise ValueError(f"{lost[0]} is never mentioned in: {markup!r}")
    ordered = {name: sorted(spans, key=lambda s: s["start"]) for name, spans in mentions.items()}
    return [(text, place, ordered.get(letter, [])) for letter, place in tested]


def fill_frame(
    frame: Frame, vocabulary: Vocabulary, fillers: Sequence[str], seed: str
) -> Iterator[tuple[int, str]]:
    """The markup of every text of a frame, each with the number of its group (0: no group)."""
    filler = SuiteFiller(vocabulary, fillers, f"{seed}/{frame.group}/{frame.text}")
    kind, _, number = frame.plan.partition("*")
    for group, markup in _PLANS.get(kind, _apart)(filler, frame, int(number or kind)):
        yield group, _recase(markup, frame.case)


def _apart(filler: SuiteFiller, frame: Frame, count: int) -> Iterator[tuple[int, str]]:
    def draw() -> str:
        return filler.people(filler.words(frame.text), filler.genders(frame.cast))

    return ((0, text) for text in _different(draw, count, frame))


def _renamed(filler: SuiteFiller, frame: Frame, count: int) -> Iterator[tuple[int, str]]:
    words, cast = filler.words(frame.text), filler.genders(frame.cast)
    return ((1, filler.people(words, cast, member)) for member in range(count))


def _swapped(filler: SuiteFiller, frame: Frame, count: int) -> Iterator[tuple[int, str]]:
    def draw() -> str:
        return filler.words(frame.text)

    for group, words in enumerate(_different(draw, count, frame), 1):
        cast = filler.genders(frame.cast)
        twin = {letter: _SWAPPED[gender] for letter, gender in cast.items()}
        yield group, filler.people(words, cast)
        yield group, filler.people(words, twin)


_PLANS = {"names": _renamed, "swap": _swapped}


def _different(draw: Callable[[], str], count: int, frame: Frame) -> list[str]:
    """So many different draws. Raises ValueError where the frame has not enough in it."""
    made: list[str] = []
    for _ in range(20 * count):
        text = draw()
        if text not in made:
            made.append(text)
        if len(made) == count:
            return made
    raise ValueError(f"only {len(made)} of {count} texts from the frame {frame.text!r}")


def _recase(markup: str, case: str) -> str:
    """All capitals or all small letters, but for the letters of the markup."""
    if not case:
        return markup
    parts = re.split(r"([\[<](?:[A-Z]\w*|-) )", markup)
    return "".join(part if i % 2 else _CASES[case](part) for i, part in enumerate(parts))


def make_cases(
    name: str, frames: Sequence[Frame], vocabulary: Vocabulary, fillers: Sequence[str]
) -> list[Case]:
    """All cases of a suite. Raises ValueError where a frame makes the same text twice."""
    cases: list[Case] = []
    numbers: dict[str, int] = {}
    groups: dict[str, int] = {}
    seen: set[str] = set()
    for frame in frames:
        known: dict[tuple[int, int], str] = {}
        for group, markup in fill_frame(frame, vocabulary, fillers, name):
            marked = read_marked(markup)
            if marked[0][0] in seen:
                raise ValueError(f"the same text twice: {marked[0][0]!r}")
            seen.add(marked[0][0])
            for which, (text, pronoun, answer) in enumerate(marked):
                numbers[frame.group] = numbers.get(frame.group, 0) + 1
                case: Case = {
                    "id": f"{name}/{frame.group}_{numbers[frame.group]:03}",
                    "class": frame.group,
                    "text": text,
                    "pronoun": pronoun,
                    "answer": answer,
                }
                if group:
                    if (group, which) not in known:
                        groups[frame.group] = groups.get(frame.group, 0) + 1
                        known[group, which] = f"{frame.group}_g{groups[frame.group]:02}"
                    case["group"] = known[group, which]
                cases.append(case)
    return cases


def count_table(cases: Sequence[Mapping[str, object]]) -> str:
    """Cases and groups of every class, as a table."""
    rows = ["| class | cases | groups |", "| --- | ---: | ---: |"]
    for kind in dict.fromkeys(str(case["class"]) for case in cases):
        members = [case for case in cases if case["class"] == kind]
        groups = {case["group"] for case in members if "group" in case}
        rows.append(f"| {kind} | {len(members)} | {len(groups) or ''} |")
    groups = {case["group"] for case in cases if "group" in case}
    rows.append(f"| all | {len(cases)} | {len(groups)} |")
    return "\n".join(rows) + "\n"
