"""What is checked before a request is read, and what every answer's head says."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SECURITY_HEADERS", "Guard"]

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class Guard:
    """ASGI middleware: refuses strange hosts, bodies that are too large or not JSON, and puts
    `SECURITY_HEADERS` on every answer.

    A page of another site may have its own name lead to this machine (DNS rebinding); the name
    in the request's head then gives it away.

    hosts: names that requests may use; None for any.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None, max_bytes: int) -> None:
        self._app = app
        self._hosts = hosts
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, self._count(receive), send_with_headers)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and _host(headers.get("host", "")) not in self._hosts:
            expected = ", ".join(self._hosts)
            return _error(400, f"unknown host in the request: expected one of {expected}")
        if scope["method"] != "POST":
            return None
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _error(415, "expected a body of the type application/json")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._max_bytes:
            return _error(413, self._too_large())
        return None

    def _count(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return receive_counted

    def _too_large(self) -> str:
        return f"the body is too large: expected at most {self._max_bytes} bytes"


def _host(header: str) -> str:
    """The name without the port; of an IPv6 address, with its brackets."""
    name, colon, port = header.rpartition(":")
    return (name if colon and port.isdecimal() else header).lower()


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)
