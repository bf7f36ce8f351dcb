"""Numbers and pictures as text that a page can carry."""

import struct
import zlib
from base64 import b64encode
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["NEGATIVE", "POSITIVE", "pack", "paint", "png_address"]

# The two colours of `style.css`; the picture's paper shines through, so that it is right in light
# and dark.
POSITIVE: Final = (0, 114, 178)
NEGATIVE: Final = (213, 94, 0)

_LEVELS: Final = 65535
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def pack(values: npt.NDArray[Any], low: float, high: float) -> str:
    """Numbers between two bounds as 16 bits each, little-endian, in base64."""
    scaled = (np.nan_to_num(values).astype(np.float64) - low) * (_LEVELS / (high - low))
    return b64encode(np.rint(scaled).clip(0, _LEVELS).astype("<u2").tobytes()).decode()


def paint(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Numbers from -1 to 1 as colours: the further from 0, the less the paper shines through.

    values: *Shape:* ``(rows, columns)``
    RETURNS: red, green, blue and opacity. *Shape:* ``(rows, columns, 4)``
    """
    bounded = np.nan_to_num(values).clip(-1, 1)
    colours = np.where(bounded[..., None] < 0, NEGATIVE, POSITIVE)
    opacity = np.rint(255 * np.abs(bounded))[..., None]
    return np.concatenate([colours, opacity], axis=-1).astype(np.uint8)


def png_address(colours: npt.NDArray[np.uint8]) -> str:
    """A picture as a `data:` address of a PNG file (RFC 2083, 8 bits, with opacity).

    colours: *Shape:* ``(rows, columns, 4)``
    """
    height, width, _ = colours.shape
    # Each row begins with the number of its filter; 0 is none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), colours.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    content = b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )
    return f"data:image/png;base64,{b64encode(content).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
