"""Files where fsspec finds them: on this machine, in an object store, on the web.

Nothing is ever seen half-written: it is written under another name beside, then moved.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

import fsspec
from fsspec.core import url_to_fs

from ..errors import LstmError

__all__ = ["Folder", "find_place", "is_url", "reporting", "split_url"]

_PARTIAL: Final = ".partial"
_READERS: Final = 16


def is_url(text: str) -> bool:
    """Whether this names a place by its protocol, as fsspec has them."""
    return "://" in text or "::" in text


def find_place(url: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path in it.

    Raises LstmError for a protocol that is unknown, or whose package is missing.
    """
    try:
        system, path = url_to_fs(url if is_url(url) else str(Path(url).expanduser().absolute()))
    except ImportError as error:
        raise LstmError(f"{url}: {error}: install the package that it names") from error
    except (ValueError, OSError) as error:
        known = "a path, or a URL that fsspec knows, such as s3:// or gs://"
        raise LstmError(f"{url}: {error}: expected {known}") from error
    return system, str(path)


def split_url(url: str) -> tuple[str, str]:
    """The place that a file or folder lies in, with what separates the two, and its name."""
    head, slash, name = url.rstrip("/").rpartition("/")
    return head + slash, name


@contextmanager
def reporting(url: str, doing: str) -> Iterator[None]:
    """Tell what goes wrong with a file in one line.

    doing: "read" or "write".
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        mend = "choose another place" if doing == "write" else "check that it is there"
        raise LstmError(f"cannot {doing} {url}: {why}: {mend}") from error


class Folder:
    """A folder, there or not yet.

    url: a path or a URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") or url
        self.system, self.path = find_place(self.url)

    @property
    def full_url(self) -> str:
        """What it is called wherever one looks from."""
        return self.url if is_url(self.url) else self.path

    def within(self, name: str) -> str:
        """The path of something in here."""
        return f"{self.path}/{name}"

    def write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """Write a file as a whole.

        name: may have folders in it, which are made.
        content: all of it, or one piece after another.
        """
        final = self.within(name)
        parent, leaf = split_url(final)
        beside = f"{parent}.{leaf}.{uuid4().hex}{_PARTIAL}"
        with reporting(f"{self.url}/{name}", "write"):
            self.system.makedirs(parent, exist_ok=True)
            try:
                with self.system.open(beside, "wb") as stream:
                    for piece in (content,) if isinstance(content, bytes) else content:
                        stream.write(piece)
                    _settle(stream)
                self.system.mv(beside, final)
            except BaseException:
                if self.system.exists(beside):
                    self.system.rm(beside)
                raise

    def read(self, name: str) -> bytes | None:
        """All of a file; None where there is none."""
        with reporting(f"{self.url}/{name}", "read"):
            try:
                content: bytes = self.system.cat_file(self.within(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return content

    def read_all(self, names: list[str]) -> list[bytes]:
        """Small files, which are there, several at a time: in an object store each is a wait."""
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self.read, names))
        return [content for content in found if content is not None]

    def names(self, folder: str = "") -> list[str]:
        """The names of what a folder in here holds, half-written files aside; none where it is
        missing."""
        return [name for name in self._listed(folder) if not _is_partial(name)]

    def remove(self, name: str = "") -> None:
        """Remove a file or a folder of this one, or all of it."""
        path = self.within(name) if name else self.path
        with reporting(f"{self.url}/{name}".rstrip("/"), "write"):
            if self.system.exists(path):
                self.system.rm(path, recursive=True)

    def sweep(self, name: str = "") -> None:
        """Remove what killed processes left half-written of a file in here, or of all."""
        for each in self._listed(""):
            if _is_partial(each) and each.startswith(f".{name}"):
                self.remove(each)

    def _listed(self, folder: str) -> list[str]:
        path = self.within(folder) if folder else self.path
        self.system.invalidate_cache()
        with reporting(self.url, "read"):
            try:
                found = self.system.ls(path, detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(split_url(str(each))[1] for each in found)


def _is_partial(name: str) -> bool:
    return name.startswith(".") and name.endswith(_PARTIAL)


def _settle(stream: IO[bytes]) -> None:
    """Have a local file reach the disk, so that a power cut cannot leave a name without content."""
    stream.flush()
    if isinstance(stream, fsspec.implementations.local.LocalFileOpener):
        os.fsync(stream.fileno())
