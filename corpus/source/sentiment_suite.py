"""The behavioural suite of sentiment: frames, filled reproducibly, become cases.

``2 both | The {filmpart} is {-film}, but I <loved the/hated the> {film}.``

- A line is ``count [kind] labels | text``; lines stand under headings ``== class``. Labels are
  neg, neu, pos or several of them, each of which is right: ``pos/neu``.
- ``both`` is a frame written for pos, and its mirror image for neg, `count` texts of each: ``{+x}``
  is a word of the list *good_x* and ``{-x}`` one of *bad_x*, which the mirror exchanges; of
  ``<a/b>`` it takes the second.
- ``{film}`` is a word of the list *film*, ``{film2}`` another; ``{Film}`` begins with a capital,
  ``{FILM}`` is all capitals. ``(a|b)`` is a choice; ``a/an`` agrees with what follows.

The kind makes groups, in which each text is compared with the first:

- ``vary``: one group of `count` texts that differ in the words of ``{@name}``, ``{@city}`` ...
- ``same``: `count` groups of variants, which stand after each other: ``one => another``
- ``more``: likewise, and the first is the plainest: the others must not be less extreme
"""

import random
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .markup import read_records
from .templates import Vocabulary

# How far the score, in [-1, 1], of a text may be from that of the first of its group.
TOLERANCES = {"vary": 0.2, "same": 0.4, "more": 0.05}

_LABELS = {"neg": "NEGATIVE", "neu": "NEUTRAL", "pos": "POSITIVE"}
_DIRECTIONS = {"neg": "down", "pos": "up"}
_SLOT = re.compile(r"\{([+@-]?)([A-Za-z_]+)(\d?)\}")
_CHOICE = re.compile(r"\(([^()|]*\|[^()]*)\)")
_SIDES = re.compile(r"<([^<>/]+)/([^<>/]+)>")
_ARTICLE = re.compile(r"\b([Aa])/an (?=((?!use)[aeiou])?)", re.IGNORECASE)
_VARIANT = " => "

Case = dict[str, object]
Slot = tuple[str, str, str]  # sign, list, number


@dataclass(frozen=True)
class Frame:
    """One line of the source."""

    kind: str  # the class
    count: int
    group: str  # vary, same, more or nothing
    labels: tuple[str, ...]  # neg, neu, pos
    mirrored: bool
    text: str


def read_frames(lines: Sequence[str]) -> list[Frame]:
    """The frames under their headings, mirror images after what they mirror.

    Raises ValueError on a kind or a label that there is not, and where nothing is more extreme.
    """
    frames = []
    heading = ""
    for line in lines:
        if line.startswith("== "):
            heading = line[3:].strip()
            continue
        for head, text in read_records([line], 2):
            count, *group, names = head.split()
            if group not in ([], *([kind] for kind in TOLERANCES)):
                raise ValueError(f"no kind {' '.join(group)!r} of a frame: {line!r}")
            for labels in ("pos", "neg") if names == "both" else (names,):
                known = tuple(labels.split("/"))
                if not set(known) <= set(_LABELS):
                    raise ValueError(f"no label {names!r}: {line!r}")
                if group == ["more"] and labels not in _DIRECTIONS:
                    raise ValueError(f"nothing is more {names!r} than another text: {line!r}")
                mirrored = names == "both" and labels == "neg"
                frames.append(Frame(heading, int(count), "".join(group), known, mirrored, text))
    return frames


class FrameFiller:
    """Fills one frame; words once drawn for a varied text stay, but for those of ``{@x}``."""

    def __init__(self, frame: Frame, vocabulary: Vocabulary, seed: str) -> None:
        self.frame = frame
        self.vocabulary = vocabulary
        self.rng = random.Random(f"{seed}/{frame.kind}/{frame.mirrored}/{frame.text}")

    def groups(self) -> Iterator[list[str]]:
        """The texts that belong together: one, where the frame makes no groups.

        Raises ValueError where the frame has not enough different texts in it.
        """
        if self.frame.group == "vary":
            yield self._varied()
            return
        made: list[list[str]] = []
        seen: set[str] = set()
        for _ in range(30 * self.frame.count):
            texts = self._fill(self._choose(), {}, set()).split(_VARIANT)
            if seen.isdisjoint(texts):
                made.append(texts)
                seen.update(texts)
            if len(made) == self.frame.count:
                yield from made
                return
        raise ValueError(
            f"only {len(made)} of {self.frame.count} texts from the frame {self.frame.text!r}"
        )

    def _varied(self) -> list[str]:
        text = self._choose()
        kept: dict[Slot, str] = {}
        taken: set[str] = set()
        texts = []
        for _ in range(self.frame.count):
            texts.append(self._fill(text, kept, taken))
            taken |= {word for (sign, _, _), word in kept.items() if sign == "@"}
            kept = {slot: word for slot, word in kept.items() if slot[0] != "@"}
        return texts

    def _choose(self) -> str:
        """The frame's text for one side, with its choices made."""
        side = 2 if self.frame.mirrored else 1
        text = _SIDES.sub(lambda sides: sides[side], self.frame.text)
        return _CHOICE.sub(lambda choice: self.rng.choice(choice[1].split("|")), text)

    def _fill(self, text: str, drawn: dict[Slot, str], taken: AbstractSet[str]) -> str:
        def replace(slot: re.Match[str]) -> str:
            sign, written, number = slot.groups()
            key = (sign, written.lower(), number)
            if key not in drawn:
                drawn[key] = self._pick(sign, key[1], taken | set(drawn.values()))
            if len(written) > 1 and written.isupper():
                return drawn[key].upper()
            first = drawn[key][0]
            return (first.upper() if written[0].isupper() else first) + drawn[key][1:]

        return _ARTICLE.sub(_article, _SLOT.sub(replace, text))

    def _pick(self, sign: str, name: str, taken: AbstractSet[str]) -> str:
        listed = name
        if sign in ("+", "-"):
            good = (sign == "+") != self.frame.mirrored
            listed = f"{'good' if good else 'bad'}_{name}"
        left = [word for word in self.vocabulary.of(listed, "train") if word not in taken]
        if not left:
            raise ValueError(f"the list {listed!r} has no word left")
        return self.rng.choice(left)


def _article(match: re.Match[str]) -> str:
    return f"{match[1]}n " if match[2] else f"{match[1]} "


def make_sentiment_cases(name: str, frames: Sequence[Frame], vocabulary: Vocabulary) -> list[Case]:
    """All cases of the suite. Raises ValueError where a text is made twice, or stands alone in a
    group."""
    cases: list[Case] = []
    numbers: dict[str, int] = {}
    groups: dict[str, int] = {}
    seen: set[str] = set()
    for frame in frames:
        for texts in FrameFiller(frame, vocabulary, name).groups():
            base = ""
            if frame.group and len(texts) < 2:
                raise ValueError(f"a group of one text: {texts[0]!r}")
            if frame.group:
                groups[frame.kind] = groups.get(frame.kind, 0) + 1
            for text in texts:
                if text in seen:
                    raise ValueError(f"the same text twice: {text!r}")
                seen.add(text)
                numbers[frame.kind] = numbers.get(frame.kind, 0) + 1
                case: Case = {
                    "id": f"{name}/{frame.kind}_{numbers[frame.kind]:03}",
                    "class": frame.kind,
                    "text": text,
                    "labels": [_LABELS[label] for label in frame.labels],
                }
                if frame.group:
                    case["group"] = f"{frame.kind}_g{groups[frame.kind]:02}"
                    case |= _compared(frame, base) if base else {}
                    base = base or str(case["id"])
                cases.append(case)
    return cases


def _compared(frame: Frame, base: str) -> Case:
    """The fields of a case that is compared with the first of its group."""
    fields: Case = {"base": base, "tolerance": TOLERANCES[frame.group]}
    if frame.group == "more":
        fields["direction"] = _DIRECTIONS[frame.labels[0]]
    return fields
