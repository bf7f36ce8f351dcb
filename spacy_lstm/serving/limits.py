"""How much one request may ask for."""

import math
from dataclasses import dataclass

from ..errors import LstmError

__all__ = ["Limits"]

# JSON may write a character outside of the basic plane as two escapes of six bytes.
_BYTES_PER_CHARACTER = 12
_BYTES_BESIDE_TEXT = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server takes on; all of it must be positive.

    max_chars: characters of a request, its texts together.
    max_texts: texts of a request.
    max_tokens: tokens of a text to trace, whose answer has a number for each token and unit.
    max_explained: tokens of a text to explain, which takes some 10 seconds at the default.
    timeout: seconds until a request is given up. Work that has begun ends later, unheard.
    parallel: requests worked on at once.
    waiting: further requests that may wait for their turn.
    """

    max_chars: int = 20_000
    max_texts: int = 64
    max_tokens: int = 400
    max_explained: int = 1_000
    timeout: float = 30.0
    parallel: int = 2
    waiting: int = 32

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            kinds, wanted = ((int, float), "finite") if name == "timeout" else ((int,), "whole")
            if type(value) not in kinds or not 0 < value < math.inf:
                raise LstmError(f"{name} = {value!r}: expected a {wanted} number above 0")

    @property
    def max_bytes(self) -> int:
        """Bytes of a request's body: enough for `max_chars`, however they are written."""
        return _BYTES_PER_CHARACTER * self.max_chars + _BYTES_BESIDE_TEXT
