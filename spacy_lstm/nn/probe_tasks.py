"""Four tasks that need a memory, of any distance: what has to be known at the end is read at the
start, and nothing later tells it.

Their data is generated as it is needed, from a `torch.Generator`. Time comes first in every
tensor. A *distance* is the number of steps from what has to be kept to the first answer.
"""

from collections.abc import Callable
from math import log
from random import Random
from typing import Final, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

__all__ = ["MIN_DISTANCE", "TASKS", "TOLERANCE", "VOCABULARY", "Batch", "Task", "make_clause"]

MIN_DISTANCE: Final = 5
"""The nearest distance that every task knows."""

TOLERANCE: Final = 0.08
"""How far a sum may be off: 0.04 of Hochreiter & Schmidhuber (1997), whose targets are a quarter
as large and whose values lie between -1 and 1, in our units."""

_COPIED: Final = 5
_COPY_ALPHABET: Final = 8
_RECALL_ALPHABET: Final = 10


class Batch(NamedTuple):
    """Sequences of one length and what has to be answered at their end."""

    X: Tensor
    """What is read. *Shape:* ``(steps, batch, input_width)``, float32"""
    Y: Tensor
    """The right answers of the last steps: classes (int64), or sums (float32). *Shape:*
    ``(answers, batch)``"""


class Task(NamedTuple):
    """A task, and how to make sequences of it."""

    input_width: int
    output_width: int
    """Classes to choose from; 1 where the answer is a number."""
    chance: float
    """Share of answers that are right without any memory."""
    make: Callable[[int, int, Generator], Batch]
    """From distance, sequences and generator to a batch."""

    @property
    def is_sum(self) -> bool:
        """Whether the answer is a number."""
        return self.output_width == 1

    @property
    def baseline_loss(self) -> float:
        """The loss without any memory: of sums the variance of two values' sum, else the entropy
        of the classes in nats."""
        return 1 / 6 if self.is_sum else log(self.output_width)


def make_copy(distance: int, sequences: int, generator: Generator) -> Batch:
    """Five symbols of eight, blanks, a cue: then the five in their order (after Hochreiter &
    Schmidhuber 1997, task 2, in the form of Arjovsky et al. 2016). Each symbol is asked for
    `distance` steps after it was read."""
    symbols = torch.randint(_COPY_ALPHABET, (_COPIED, sequences), generator=generator)
    read = torch.full((distance + _COPIED, sequences), _COPY_ALPHABET)
    read[:_COPIED] = symbols
    read[distance] = _COPY_ALPHABET + 1
    return Batch(one_hot(read, _COPY_ALPHABET + 2).float(), symbols)


def make_recall(distance: int, sequences: int, generator: Generator) -> Batch:
    """Random tokens of ten, then a question mark: the first token is asked for. The others look
    just like it."""
    tokens = torch.randint(_RECALL_ALPHABET, (distance + 1, sequences), generator=generator)
    first = tokens[:1].clone()
    tokens[distance] = _RECALL_ALPHABET
    return Batch(one_hot(tokens, _RECALL_ALPHABET + 1).float(), first)


def make_adding(distance: int, sequences: int, generator: Generator) -> Batch:
    """Pairs of a value between 0 and 1 and a mark: the sum of the two marked values is asked for
    (Hochreiter & Schmidhuber 1997, task 4). One mark lies in a first stretch of a tenth of
    `distance`, before which `distance` is not counted, the other after it in the first half."""
    lead = max(1, distance // 10)
    steps = distance + lead
    values = torch.rand((steps, sequences), generator=generator)
    marks = torch.zeros(steps, sequences)
    first = torch.randint(lead, (1, sequences), generator=generator)
    second = torch.randint(lead, steps // 2, (1, sequences), generator=generator)
    marks.scatter_(0, first, 1.0).scatter_(0, second, 1.0)
    return Batch(torch.stack([values, marks], dim=2), (values * marks).sum(0, keepdim=True))


_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "the": ("the",),
    "which": ("which",),
    "singular": ("cat", "fish", "bird", "horse", "girl", "teacher", "tree", "boat"),
    "plural": ("cats", "snakes", "birds", "horses", "girls", "teachers", "trees", "boats"),
    # In the past, so that no verb of a clause tells a number.
    "verb": ("ate", "saw", "chased", "found", "followed", "carried"),
    "preposition": ("near", "behind", "under", "with", "beside"),
    "adjective": ("old", "small", "grey", "quiet", "hungry", "strange"),
}
VOCABULARY: Final = tuple(word for words in _WORDS.values() for word in words)
"""The words of the agreement task; a word's place is its class in ``X``."""

_KINDS: Final = tuple(_WORDS)
_SIZES: Final = torch.tensor([len(words) for words in _WORDS.values()])
_STARTS: Final = torch.cumsum(_SIZES, 0) - _SIZES
_NOUNS: Final = ("singular", "plural")


def make_clause(length: int, chance: Random) -> list[str]:
    """Kinds of the words of a relative clause, which goes on with further nouns and clauses until
    it has `length` words, at least 4: "which ate the old fish behind the birds". Every noun has
    either number as often."""
    kinds = ["which", "verb"]
    while True:
        room = length - len(kinds) - 2
        adjectives = min(chance.randrange(2), room)
        if room - adjectives < 3:  # too few for a further noun with its link and article
            adjectives = room
        kinds += ["the", *["adjective"] * adjectives, chance.choice(_NOUNS)]
        if len(kinds) == length:
            return kinds
        is_clause = length - len(kinds) >= 4 and chance.random() < 0.5
        kinds += ["which", "verb"] if is_clause else ["preposition"]


def make_agreement(distance: int, sequences: int, generator: Generator) -> Batch:
    """A subject and a relative clause of `distance` words: "the cat which ate the fish" has to go
    on with *is* (0), "the cats which ate the fish" with *are* (1). The clause's nouns have
    either number, so that counting them or copying the last one is right half of the time."""
    chance = Random(int(torch.randint(2**62, (1,), generator=generator)))
    number = torch.randint(2, (1, sequences), generator=generator)
    rows = [
        ["the", _NOUNS[subject], *make_clause(distance, chance)] for subject in number[0].tolist()
    ]
    kinds = torch.tensor([[_KINDS.index(kind) for kind in row] for row in rows]).T
    drawn = torch.rand(kinds.shape, generator=generator, dtype=torch.float64)
    words = _STARTS[kinds] + (drawn * _SIZES[kinds]).long()
    return Batch(one_hot(words, len(VOCABULARY)).float(), number)


TASKS: Final[dict[str, Task]] = {
    "copy": Task(_COPY_ALPHABET + 2, _COPY_ALPHABET, 1 / _COPY_ALPHABET, make_copy),
    # Always saying the mean, 1, is within the tolerance so often: the sum of two values has a
    # triangular distribution.
    "adding": Task(2, 1, 1 - (1 - TOLERANCE) ** 2, make_adding),
    "recall": Task(_RECALL_ALPHABET + 1, _RECALL_ALPHABET, 1 / _RECALL_ALPHABET, make_recall),
    "agreement": Task(len(VOCABULARY), 2, 1 / 2, make_agreement),
}
"""The tasks by name."""
