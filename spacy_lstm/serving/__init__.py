"""The explorer page and the JSON API: `spacy-lstm serve`.

Only this room knows the web framework, which the extra `serve` brings. It is imported when
something of `__all__` is first used, so that a command line without it stays whole and quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import LstmError
from .library import Library
from .limits import Limits

if TYPE_CHECKING:
    from .app import create_app
    from .running import serve

__all__ = ["Library", "Limits", "create_app", "serve"]

_LAZY = {"create_app": "spacy_lstm.serving.app", "serve": "spacy_lstm.serving.running"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_LAZY[name]), name)
    except ModuleNotFoundError as error:
        raise LstmError(
            f"the server needs {error.name}, which is not installed: "
            "pip install 'spacy-lstm[serve]'"
        ) from error


def __dir__() -> list[str]:
    return __all__
