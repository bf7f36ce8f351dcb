"""The entry point that puts the commands under `python -m spacy lstm`.

spaCy imports what the group `spacy_cli` names and calls none of it: importing is enough.
"""

from spacy.cli._util import app as spacy_app

from .app import app

__all__ = ["register"]

_NAME = "lstm"


def register() -> None:
    """Add the commands to spaCy's own, once."""
    if all(group.name != _NAME for group in spacy_app.registered_groups):
        spacy_app.add_typer(app, name=_NAME)


register()
