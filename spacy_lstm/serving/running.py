"""Loads the models, takes the port, and answers until it is stopped."""

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address

import uvicorn

from ..errors import LstmError
from .app import create_app
from .library import Library
from .limits import Limits

__all__ = ["serve"]

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
# Seconds that requests still have after a stop.
_GRACE = 3


def serve(
    models: Iterable[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the explorer page and the JSON API until interrupted.

    Where the address is one that only this machine reaches, requests must call it by such a
    name, too.

    models: what `Library.load` takes.
    port: 0 for any free one.
    ready: is told the page's address, once it can be asked for.

    Raises LstmError where the address cannot be had, and for models that cannot be loaded.
    """
    with _listen(host, port) as listening:
        library = Library.load(models)
        app = create_app(library, limits=limits, hosts=_LOCAL if _is_local(host) else None)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        # From here on connections wait until they are taken.
        listening.listen()
        ready(_url(host, listening.getsockname()[1]))
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            # That is how one stops it.
            return


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise LstmError(
            f"cannot listen on {host}, port {port} ({reason}): choose another --port or --host"
        ) from error
    return listening


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(host: str, port: int) -> str:
    # What stands for all addresses is none that one could go to.
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
