"""Pronoun resolution and sentiment for spaCy with a bidirectional LSTM.

Importing this package stays light: what `__all__` names is imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import LstmError

if TYPE_CHECKING:
    from .pretrained import load
    from .tracing import Trace, trace
    from .viz import render

__version__ = "0.1.0"
__all__ = ["LstmError", "Trace", "__version__", "load", "render", "trace"]

_LAZY = {
    "Trace": "spacy_lstm.tracing",
    "load": "spacy_lstm.pretrained",
    "render": "spacy_lstm.viz",
    "trace": "spacy_lstm.tracing",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
