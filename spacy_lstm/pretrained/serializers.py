"""Less time for a `Doc` on its way between processes.

srsly asks catalogue for its encoders and decoders whenever something is packed or unpacked, and
catalogue goes through all functions that were ever registered and through the entry points of the
environment: a tenth of a millisecond, once for each span group of a document on either side, which
is more than reading the document takes.
"""

from collections.abc import Callable
from typing import Any

import catalogue
from srsly import msgpack

__all__ = ["remember_serializers"]

Function = Callable[..., Any]
_Path = tuple[str, ...]


class _Remembered:
    """A registry's `get_all`, which asks again when something was registered since."""

    def __init__(self, registry: Any) -> None:
        self._ask: Callable[[], dict[str, Function]] = registry.get_all
        self._namespace = tuple(registry.namespace)
        self._known: tuple[int, dict[_Path, Function], dict[str, Function]] | None = None

    def __call__(self) -> dict[str, Function]:
        known = self._known
        if known is None or known[0] != len(catalogue.REGISTRY) or not _are_registered(known[1]):
            mine = {
                path: function
                for path, function in catalogue.REGISTRY.copy().items()
                if path[:-1] == self._namespace
            }
            self._known = known = len(catalogue.REGISTRY), mine, self._ask()
        return dict(known[2])


def _are_registered(functions: dict[_Path, Function]) -> bool:
    return all(catalogue.REGISTRY.get(path) is function for path, function in functions.items())


def remember_serializers() -> None:
    """Have srsly look up its encoders and decoders once in this process, and again only when
    something was registered since. What is packed stays the same."""
    for registry in (msgpack.msgpack_encoders, msgpack.msgpack_decoders):
        if not isinstance(registry.get_all, _Remembered):
            registry.get_all = _Remembered(registry)
