"""`spacy-lstm serve`: the explorer page and the JSON API."""

from typing import Annotated

import typer

from .. import serving
from .machine import limit_threads
from .models import DEFAULT_MODEL

__all__ = ["serve_cli"]

_USUAL = serving.Limits()


def serve_cli(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A bundle's name, a pipeline's folder or package, or NAME=FOLDER; repeatable.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0: all of this machine's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    max_chars: Annotated[
        int, typer.Option(min=1, help="Characters that a request may send.")
    ] = _USUAL.max_chars,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds until a request is given up.")
    ] = _USUAL.timeout,
) -> None:
    """Serve a page that shows links, sentiment, gates and attention as one types; a JSON API."""
    limit_threads()
    serving.serve(
        model or [DEFAULT_MODEL],
        host=host,
        port=port,
        limits=serving.Limits(max_chars=max_chars, timeout=timeout),
        ready=lambda url: print(f"{url} shows the explorer; Ctrl-C stops it", flush=True),
    )
