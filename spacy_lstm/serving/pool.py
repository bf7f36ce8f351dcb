"""A bounded number of workers, and an end to waiting for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from .limits import Limits

__all__ = ["BusyError", "LateError", "WorkPool"]

T = TypeVar("T")


class BusyError(Exception):
    """Too many wait already, or the turn did not come in time."""


class LateError(Exception):
    """The work had begun, and was not done in time."""


class WorkPool:
    """Runs functions in threads, as many at once as the limits say."""

    def __init__(self, limits: Limits) -> None:
        self._timeout = limits.timeout
        self._room = limits.parallel + limits.waiting
        self._taken = 0
        self._lock = Lock()
        self._executor = ThreadPoolExecutor(limits.parallel, thread_name_prefix="spacy-lstm")

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """The function's result. Raises `BusyError`, `LateError`, or what the function raises."""
        with self._lock:
            if self._taken >= self._room:
                raise BusyError
            self._taken += 1
        future = self._executor.submit(function, *args)
        future.add_done_callback(self._leave)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout)
        except asyncio.TimeoutError:
            raise (BusyError if future.cancel() else LateError) from None

    def _leave(self, _: "Future[Any]") -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Begin nothing new."""
        self._executor.shutdown(wait=False, cancel_futures=True)
