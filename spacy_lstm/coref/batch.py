"""What `spacy_lstm.Coref.v1` takes: between the component and its model."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["CorefInput"]


class CorefInput(NamedTuple):
    """Documents, and what the component wants scored in them."""

    docs: list[Any]
    """The documents; nothing on this floor looks into them."""
    spans: npt.NDArray[np.int64]
    """Mentions that have to be considered: token offsets in the batch. *Shape:* ``(n, 2)``"""
    detect: bool = True
    """Whether the model looks for mentions itself."""
    guidelines: tuple[str | None, ...] = ()
    """The annotation guideline of each document, where one is to be followed."""
    max_distance: int = 0
    """Words between a mention and its candidates at most; 0 for no limit."""
