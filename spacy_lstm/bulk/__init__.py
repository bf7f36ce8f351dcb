"""Annotating many documents, on one machine or on a cluster: `spacy-lstm annotate`.

What is heavy here (Arrow, datasets) is imported when something of `__all__` is first used, so that
a command line without it stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .options import DEFAULT_PART_BYTES, Options

if TYPE_CHECKING:
    from .running import annotate

__all__ = ["DEFAULT_PART_BYTES", "Options", "annotate"]


def __getattr__(name: str) -> Any:
    if name != "annotate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.running"), name)


def __dir__() -> list[str]:
    return __all__
