"""Pronoun resolution and sentiment for spaCy with a bidirectional LSTM.

Importing this package stays light: what `__all__` names is imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import LstmError

if TYPE_CHECKING:
    from .explaining import Explanation, explain
    from .pretrained import load
    from .tracing import Trace, trace
    from .viz import render

__version__ = "0.1.0"
__all__ = [
    "Explanation",
    "LstmError",
    "Trace",
    "__version__",
    "explain",
    "load",
    "render",
    "trace",
]

_LAZY = {
    "Explanation": "spacy_lstm.explaining",
    "Trace": "spacy_lstm.tracing",
    "explain": "spacy_lstm.explaining",
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
