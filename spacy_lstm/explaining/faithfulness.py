"""Whether the words that an explanation puts first are those that the answer hangs on.

The words of a text are taken out in the order of their weights, and the probability of the answer
that the whole text got is followed (Samek et al. 2017). A faithful order makes it fall early, and
further than words at random do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import LstmError

__all__ = [
    "BY_SHARE",
    "BY_WORDS",
    "RANDOM",
    "Answer",
    "Faithfulness",
    "MethodFigures",
    "measure_faithfulness",
]

RANDOM: Final = "random"
"""The name of what every method is compared with."""
BY_SHARE: Final = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Parts of a text's words that are taken out."""
BY_WORDS: Final = tuple(range(1, 11))
"""The same as numbers of words."""
# Random orders of one text; their mean is what is compared with.
_ORDERS: Final = 5


class Answer(NamedTuple):
    """An answer that a model gave to a text, and how each method explains it."""

    weights: Mapping[str, npt.NDArray[np.float64]]
    """Method → what each token brought to the answer. *Shape:* ``(tokens,)``"""
    removable: Sequence[int]
    """The tokens that may be taken out."""
    ask: Callable[[Sequence[Sequence[int]]], Sequence[float]]
    """Gives the probability of the same answer to some parts of the text: the tokens that are left
    of each."""


class MethodFigures(NamedTuple):
    """What a method reached."""

    area: float
    """Mean over the answers of the area over the curve: the mean fall of the probability over the
    steps, that of no step, 0, included."""
    standard_error: float
    above_random: float
    """How much larger it is than that of random words, answer by answer."""
    above_random_error: float
    """The standard error of this."""
    curve: list[float]
    """The mean fall after each step."""


class Faithfulness(NamedTuple):
    """What all methods reached on the same answers."""

    answers: int
    steps: list[float]
    """Numbers of words that were taken out; below 1, parts of the words."""
    methods: dict[str, MethodFigures]
    """The random one among them."""
    best: str
    """The method with the largest area."""


def measure_faithfulness(
    answers: Iterable[Answer], *, steps: Sequence[float] = BY_SHARE, seed: int = 0
) -> Faithfulness:
    """Measure every method on the same answers.

    answers: with weights by the same methods. One with no more than one removable token is left
        out.
    steps: how many words are taken out at each step, rising: numbers of words, or below 1 parts of
        them. One word at least goes, and one that may go stays.
    seed: of the random orders.

    Raises LstmError where there is no answer to measure, and for steps that do not rise.
    """
    if not steps or steps[0] <= 0 or any(b <= a for a, b in pairwise(steps)):
        raise LstmError(f"steps {list(steps)}: expected numbers above 0 that rise")
    rng = np.random.default_rng(seed)
    falls: dict[str, list[npt.NDArray[np.float64]]] = {}
    for answer in answers:
        if len(answer.removable) > 1:
            for method, curve in _follow(answer, steps, rng).items():
                falls.setdefault(method, []).append(curve)
    if not falls:
        raise LstmError("no answer to measure: expected texts of two words or more")
    base = _areas(falls[RANDOM])
    methods = {name: _summarize(curves, base) for name, curves in falls.items()}
    named = {name: figures.area for name, figures in methods.items() if name != RANDOM}
    best = max(named, key=named.__getitem__, default=RANDOM)
    return Faithfulness(len(base), list(steps), methods, best)


def _follow(
    answer: Answer, steps: Sequence[float], rng: np.random.Generator
) -> dict[str, npt.NDArray[np.float64]]:
    """By method how far the probability has fallen after each step. *Shape:* ``(steps,)``"""
    removable = np.asarray(answer.removable)
    counts = [_count(step, len(removable)) for step in steps]
    orders = {
        name: [removable[np.argsort(-weights[removable], kind="stable")]]
        for name, weights in answer.weights.items()
    }
    orders[RANDOM] = [rng.permutation(removable) for _ in range(_ORDERS)]
    tokens = np.arange(max(len(weights) for weights in answer.weights.values()))
    parts = [tokens]
    for lists in orders.values():
        parts += [np.setdiff1d(tokens, order[:count]) for order in lists for count in counts]
    probabilities = np.asarray(answer.ask([part.tolist() for part in parts]), dtype=np.float64)
    falls = (probabilities[0] - probabilities[1:]).reshape(-1, len(steps))
    curves, first = {}, 0
    for name, lists in orders.items():
        curves[name] = falls[first : first + len(lists)].mean(axis=0)
        first += len(lists)
    return curves


def _count(step: float, words: int) -> int:
    count = step * words if step < 1 else step
    return min(max(1, round(count)), words - 1)


def _areas(curves: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    stacked = np.stack(curves)
    return np.asarray(stacked.sum(axis=1) / (stacked.shape[1] + 1))


def _summarize(
    curves: Sequence[npt.NDArray[np.float64]], base: npt.NDArray[np.float64]
) -> MethodFigures:
    areas = _areas(curves)
    return MethodFigures(
        area=float(areas.mean()),
        standard_error=_standard_error(areas),
        above_random=float((areas - base).mean()),
        above_random_error=_standard_error(areas - base),
        curve=np.stack(curves).mean(axis=0).tolist(),
    )


def _standard_error(values: npt.NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
