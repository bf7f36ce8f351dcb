"""The forms in which a trace is saved: a head, which is plain data, and named arrays."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import LstmError

__all__ = [
    "FORMAT",
    "Arrays",
    "find_form",
    "pack_json",
    "pack_npz",
    "read_array",
    "refusing",
    "unpack_json",
    "unpack_npz",
]

Arrays = Mapping[str, npt.NDArray[Any]]

FORMAT: Final = "spacy_lstm.trace.v1"

# A damaged archive may ask for a method that there is not (NotImplementedError) or for a password
# (RuntimeError), JSON may be nested too deep (RecursionError); both are RuntimeErrors, too.
_MALFORMED: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    OverflowError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def refusing() -> Iterator[None]:
    """Raise LstmError for whatever a file's content that is no trace makes go wrong."""
    try:
        yield
    except _MALFORMED as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise LstmError(
            f"no trace that could be read ({what}): save it again with Trace.save"
        ) from error


def find_form(path: Path) -> str:
    """The end of a file's name: ".npz" or ".json". Raises LstmError for others."""
    if path.suffix not in (".npz", ".json"):
        raise LstmError(f"a trace in {path.name}: expected a name that ends in .npz or .json")
    return path.suffix


def pack_npz(head: Mapping[str, Any], arrays: Iterable[tuple[str, npt.NDArray[Any]]]) -> bytes:
    """The content of a .npz file: arrays as they are, all else as JSON in one of them."""
    stream = io.BytesIO()
    told = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    named: Any = dict(arrays)
    np.savez_compressed(stream, head=told, **named)
    return stream.getvalue()


def unpack_npz(content: bytes) -> tuple[Any, Arrays]:
    """Head and arrays of what `pack_npz` gave."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        return head, {name: arrays[name] for name in arrays.files}


def pack_json(head: Mapping[str, Any], arrays: Iterable[tuple[str, npt.NDArray[Any]]]) -> str:
    """One JSON object; floats as short as they can be told from their neighbours."""
    lists = {name: _to_lists(array) for name, array in arrays}
    return json.dumps({**head, "arrays": lists}, ensure_ascii=False)


def unpack_json(content: str | bytes) -> tuple[Any, Arrays]:
    """Head and arrays of what `pack_json` gave."""
    head = json.loads(content)
    return head, {
        name: np.array(lists, dtype=_dtype(name)) for name, lists in head["arrays"].items()
    }


def read_array(arrays: Arrays, name: str, shape: Sequence[int | None]) -> npt.NDArray[Any]:
    """An array of that shape, where None is any size.

    Raises KeyError and ValueError for what there is not.
    """
    array = arrays[name]
    # An empty list does not tell its further sizes.
    if array.size == 0 and array.ndim < len(shape):
        array = array.reshape([size or 0 for size in shape])
    fits = array.ndim == len(shape) and all(
        wanted in (None, got) for wanted, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != _dtype(name):
        raise ValueError(f"{name} has the shape {array.shape} of {array.dtype}")
    return array


def _dtype(name: str) -> type:
    return np.int64 if name.endswith(".keys") else np.float32


def _to_lists(array: npt.NDArray[Any]) -> Any:
    if array.dtype != np.float32:
        return array.tolist()
    # The shortest text that a single is read back from, and not that of the double it fits in.
    return array.astype("U32").astype(np.float64).tolist()
