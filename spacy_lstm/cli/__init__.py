"""The command line: `spacy-lstm`, `python -m spacy_lstm` and `python -m spacy lstm`."""

import signal
from typing import NoReturn

from .app import app

__all__ = ["app", "main"]


def main() -> None:
    """The console script."""
    # A polite kill is an interruption: whatever is half-written is tidied away, as for Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    app(prog_name="spacy-lstm")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
