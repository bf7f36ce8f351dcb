"""Where everything goes, and what of it is there already."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import LstmError
from .annotating import ATTEMPTS, DONE, ERRORS
from .job import Done, Job
from .options import COMPRESSIONS, FORMATS, Options
from .parts import parse_key, shard_name
from .storage import Folder, split_url
from .writing import join_shards

__all__ = ["Layout", "State", "digest_folder"]

_MANIFEST: Final = "manifest.json"
# Passed over by what reads folders of data: datasets, pyarrow, Spark.
_WORK: Final = "__annotate__"
_ENDINGS: Final = tuple(f".{format}{packed}" for format in FORMATS for packed in ("", ".gz"))


@dataclass(frozen=True)
class Layout:
    """The places of an output.

    output: as the user named it: a file, or a folder of shards.
    single: whether it is a file.
    format, compression: of it.
    """

    output: str
    single: bool
    format: str
    compression: str

    @classmethod
    def plan(cls, output: str, options: Options) -> "Layout":
        """Read what is wanted from the output's name and the options.

        Raises LstmError where they contradict each other.
        """
        output = output.rstrip("/")
        name = split_url(output)[1]
        if not name or name in {".", ".."}:
            raise LstmError(f"cannot write {output!r}: expected the name of a file or folder")
        ending = next((each for each in _ENDINGS if name.endswith(each)), None)
        _, format, packed = f"{ending or ''}..".split(".")[:3]
        if ending == ".parquet.gz":
            raise LstmError(f"{output}: Parquet is compressed inside: name it {output[:-3]}")
        if format and options.format not in (None, format):
            raise LstmError(f"{output} with the format {options.format}: make them agree")
        if packed and options.compression not in (None, "gzip"):
            raise LstmError(f"{output} with compression {options.compression}: make them agree")
        format = format or options.format or "parquet"
        compression = options.compression or ("gzip" if packed else COMPRESSIONS[format][0])
        if compression not in COMPRESSIONS[format]:
            expected = ", ".join(COMPRESSIONS[format])
            raise LstmError(f"compression {compression!r} of {format}: expected {expected}")
        return cls(output, ending is not None, format, compression)

    @property
    def work(self) -> str:
        """The folder of what is only needed until all is done."""
        return f"{self.output}.parts" if self.single else f"{self.output}/{_WORK}"

    @property
    def shards(self) -> str:
        """The folder of the shards."""
        return f"{self.work}/shards" if self.single else self.output

    @property
    def errors(self) -> str:
        """The file of rows that could not be annotated."""
        ending = next((each for each in _ENDINGS if self.output.endswith(each)), "")
        return f"{self.output.removesuffix(ending)}.errors.jsonl"


class State:
    """How far an output is.

    identity: what an output belongs to: options, model, input.
    """

    def __init__(self, layout: Layout, identity: Mapping[str, Any]) -> None:
        self.layout = layout
        # As it comes back from the file.
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))
        self.place, self.name = split_url(layout.output)
        self.parent = Folder(self.place or ".")
        self.work = Folder(layout.work)
        self.shards = Folder(layout.shards)

    def begin(self, overwrite: bool) -> dict[str, Any] | None:
        """Make ready to write, or to go on.

        overwrite: replace what another run has made here.
        RETURNS: the counts of an output that is complete already, None otherwise.

        Raises LstmError where something else is in the way.
        """
        self._check_kind()
        content = self.work.read(_MANIFEST)
        if content is None:
            self._make_room(overwrite)
        else:
            try:
                manifest = json.loads(content)
                differences = _differences(manifest["identity"], self.identity)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise LstmError(
                    f"{self.layout.work}/{_MANIFEST} is damaged: remove {self.layout.work}"
                ) from error
            if not differences:
                complete: dict[str, Any] | None = manifest["complete"]
                if complete is not None:
                    self._tidy()
                return complete
            if not overwrite:
                raise LstmError(
                    f"{self.layout.output} was begun otherwise ({'; '.join(differences)}): give "
                    "what it was begun with, another output, or overwrite it"
                )
            self._remove_ours()
        self._write_manifest(None)
        return None

    def _check_kind(self) -> None:
        system, path = self.parent.system, self.parent.within(self.name)
        there, expected = ("folder", "file") if self.layout.single else ("file", "folder")
        if system.exists(path) and system.isdir(path) == self.layout.single:
            raise LstmError(
                f"{self.layout.output} is a {there}, where a {expected} was to be written: choose "
                "another name"
            )

    def _make_room(self, overwrite: bool) -> None:
        if self.layout.single:
            if self.parent.system.exists(self.parent.within(self.name)) and not overwrite:
                raise LstmError(
                    f"{self.layout.output} exists: choose another name, or overwrite it"
                )
        elif self.shards.names():
            raise LstmError(
                f"{self.layout.output} is a folder with other things in it: choose a new one"
            )

    def _remove_ours(self) -> None:
        if not self.layout.single:
            for name in self.shards.names():
                if parse_key(name) is not None:
                    self.shards.remove(name)
        self._remove_work()

    def _remove_work(self) -> None:
        # The manifest goes last: as long as anything is there, it says what it belongs to.
        for name in self.work.names():
            if name != _MANIFEST:
                self.work.remove(name)
        self.work.remove()

    def _write_manifest(self, complete: Mapping[str, Any] | None) -> None:
        manifest = {"identity": self.identity, "complete": complete}
        self.work.write(_MANIFEST, json.dumps(manifest, indent=1).encode())

    def finished(self) -> dict[str, Done]:
        """The parts that are written, by key."""
        shards = {parse_key(name) for name in self.shards.names()}
        contents = self.work.read_all([f"{DONE}/{name}" for name in self.work.names(DONE)])
        found = [Done.from_json(content) for content in contents]
        return {done.key: done for done in found if not done.rows or parse_key(done.key) in shards}

    def complete(self, job: Job, done: Mapping[str, Done], counts: Mapping[str, Any]) -> None:
        """Put together what is one file, and remove what is needed no more."""
        keys = sorted(done, key=lambda key: parse_key(key) or (0, 0))
        if self.layout.single:
            filled = [key for key in keys if done[key].rows]
            pieces = join_shards(job.form, self._read_shards(job, filled))
            self.parent.write(self.name, pieces)
        errors = split_url(self.layout.errors)[1]
        if any(done[key].errors for key in keys):
            self.parent.write(errors, self._read_errors(done, keys))
        else:
            self.parent.remove(errors)
        for name in (self.name, errors):
            self.parent.sweep(f"{name}.")
        if self.layout.single:
            self._remove_work()
            return
        self._write_manifest(counts)
        self._tidy()

    def _tidy(self) -> None:
        """Remove from a folder that is complete what was needed on the way."""
        for folder in (DONE, ERRORS, ATTEMPTS):
            self.work.remove(folder)
        self.shards.sweep()

    def _read_shards(self, job: Job, keys: list[str]) -> Iterator[bytes]:
        for key in keys:
            content = self.shards.read(shard_name(key, job.form.ending))
            if content is None:
                raise LstmError(f"the part {key} of {self.layout.output} is gone: run again")
            yield content

    def _read_errors(self, done: Mapping[str, Done], keys: list[str]) -> Iterator[bytes]:
        for key in keys:
            if done[key].errors:
                yield self.work.read(f"{ERRORS}/{key}.jsonl") or b""


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new)
        elif old != new:
            found.append(f"{name} {_short(old)}, now {_short(new)}")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 80 else f"{text[:77]}…"


def digest_folder(folder: Path) -> str:
    """A checksum of all files of a folder, with their names."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()
