"""The parts of a text that an encoder read for themselves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Window", "check_windows", "kept_steps"]


class Window(NamedTuple):
    """A part of a text that was read for itself: the memory starts empty at its first token (for
    the backward direction, at its last one). All four are numbers of tokens of the text."""

    start: int
    end: int
    kept_from: int
    """The results of the tokens from here on …"""
    kept_to: int
    """… to before here are taken from this window; around them it only gives context."""


def kept_steps(windows: Sequence[Window]) -> slice | npt.NDArray[np.int64]:
    """The steps, of those of all windows, that give each token's results."""
    if len(windows) == 1:
        return slice(None)
    parts, first = [np.zeros(0, dtype=np.int64)], 0
    for window in windows:
        parts.append(np.arange(window.kept_from, window.kept_to) - window.start + first)
        first += window.end - window.start
    return np.concatenate(parts)


def check_windows(windows: Sequence[Window], tokens: Sequence[str], offsets: Sequence[int]) -> None:
    """Each token has an offset, and its results from one window.

    Raises ValueError otherwise.
    """
    if len(offsets) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens have {len(offsets)} offsets")
    done = 0
    for start, end, kept_from, kept_to in windows:
        if not 0 <= start <= kept_from == done <= kept_to <= end <= len(tokens):
            raise ValueError(f"the windows do not follow one another over {len(tokens)} tokens")
        done = kept_to
    if done != len(tokens):
        raise ValueError(f"the windows hold {done} of {len(tokens)} tokens")
