"""Datasets by hub name, local folder, file or glob → sources of plain rows.

The only importer of `datasets`. Whatever is local is read without a look at the network.
"""

import glob
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from ..errors import LstmError
from .files import TABLE_FORMATS, TEXT_FORMATS, Row, file_format, read_rows

__all__ = [
    "DatasetTable",
    "RowSource",
    "is_saved_dataset",
    "open_sources",
    "open_table",
    "split_files",
]

_FORMATS = ", ".join((*TEXT_FORMATS, *TABLE_FORMATS))
_SPLIT_ALIASES = {"dev": "validation", "val": "validation", "valid": "validation"}
_PROBE_SECONDS = 10.0


@dataclass(frozen=True)
class RowSource:
    """Rows that can be read again and again.

    Attributes:
        name: the dataset or file, for messages.
        open_rows: seed → rows from the first; a seed may change the order of remote shards.
        class_names: column → names of its classes, where the dataset declares them.
        local: whether reading all of it merely to look at it is cheap.
    """

    name: str
    open_rows: Callable[[int | None], Iterator[Row]]
    class_names: dict[str, list[str]] = field(default_factory=dict)
    local: bool = True


@dataclass(frozen=True)
class DatasetTable:
    """A dataset whose rows can be read in any order, as Arrow tables.

    Attributes:
        name: of the dataset, for messages.
        fingerprint: changes when its content does.
        rows: how many there are.
        row_bytes: of a row in memory, on average.
        data: the dataset itself, in Arrow format.
    """

    name: str
    fingerprint: str
    rows: int
    row_bytes: float
    data: Any

    def read(self, start: int, stop: int) -> Any:
        """Rows as a `pyarrow.Table`."""
        return self.data[start:stop]


def open_table(
    path: str | Path,
    *,
    name: str | None = None,
    split: str | None = None,
    revision: str | None = None,
) -> DatasetTable:
    """A dataset that `save_to_disk` wrote, or one of the hub, which is stored locally first.

    Args:
        path: a folder, or a name on the hub.
        name: configuration, for the hub.
        split: may be left out where there is only one.
        revision: for the hub.
    """
    label = str(path)
    if Path(path).is_dir():
        with _quiet(), _local_only():
            loaded = _loaded(label, lambda: datasets.load_from_disk(label))
    elif _looks_local(label):
        raise LstmError(f"no such file or folder: {label}: check the path")
    else:
        loaded = _load_from_hub(label, name, revision, streaming=False)
    data = _one_split(label, loaded, split)
    rows = len(data)
    size = data.data.nbytes / rows if rows else 1.0
    return DatasetTable(label, str(data._fingerprint), rows, size, data.with_format("arrow"))


def is_saved_dataset(folder: Path) -> bool:
    """Whether `datasets.save_to_disk` wrote this folder."""
    return any((folder / name).exists() for name in ("state.json", "dataset_dict.json"))


def split_files(folder: Path, *, name: str | None = None, split: str | None = None) -> list[Path]:
    """The files of one split of a dataset's folder.

    Args:
        folder: with data files, and perhaps a card that tells their splits.
        name: configuration.
        split: may be left out where there is only one.
    """
    _, _, files = _find_split(folder, name, split)
    return files


def open_sources(
    path: str | Path,
    *,
    name: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    streaming: bool = False,
) -> list[RowSource]:
    """Find a dataset: what exists locally comes first, then the hub.

    Args:
        path: a file, a glob, a dataset folder, or a name on the hub.
        name: configuration, for folders and the hub.
        split: for folders and the hub; may be left out where there is only one.
        revision: for the hub.
        streaming: read from the hub without storing the dataset.
    """
    text = str(path)
    local = Path(text).expanduser()
    if local.is_dir():
        return _folder_sources(local, name, split)
    if local.exists():
        _refuse_for_files(text, name, split)
        return [_file_source(local)]
    if glob.has_magic(text):
        _refuse_for_files(text, name, split)
        # Path.glob takes no absolute pattern.
        found = sorted(glob.glob(str(local), recursive=True))  # noqa: PTH207
        if not found:
            raise LstmError(f"no file matches {text}: give an existing file, folder or glob")
        return [_file_source(Path(item)) for item in found]
    if _looks_local(text):
        raise LstmError(f"no such file or folder: {text}: check the path")
    return [_hub_source(text, name, split, revision, streaming)]


def _looks_local(text: str) -> bool:
    return (
        file_format(text) is not None
        or text.startswith(("/", "./", "../", "~"))
        or "\\" in text
        or text.count("/") > 1
        or not text.strip()
    )


def _refuse_for_files(text: str, name: str | None, split: str | None) -> None:
    for option, value in (("config name", name), ("split", split)):
        if value is not None:
            raise LstmError(
                f"{text} is a file and has no {option} ({value!r} was given): leave it out, "
                "or give the dataset's folder or hub name"
            )


def _file_source(path: Path) -> RowSource:
    kind = file_format(path)
    if kind is None:
        raise LstmError(f"{path}: unknown format; expected {_FORMATS} (or .gz, .bz2, .xz of it)")
    if kind in TABLE_FORMATS:
        with _quiet(), _local_only():
            try:
                table = datasets.load_dataset(
                    kind, data_files={"train": [str(path)]}, split="train", streaming=True
                )
            except Exception as error:
                raise _unloadable(str(path), error) from error
        return _dataset_source(str(path), table, local=True)
    return RowSource(path.name, lambda _seed: read_rows(path))


def _folder_sources(folder: Path, name: str | None, split: str | None) -> list[RowSource]:
    label = str(folder)
    if is_saved_dataset(folder):
        with _quiet(), _local_only():
            loaded = _loaded(label, lambda: datasets.load_from_disk(label))
            return [_dataset_source(label, _one_split(label, loaded, split), local=True)]
    builder, chosen, paths = _find_split(folder, name, split)
    if all(file_format(path) in TEXT_FORMATS for path in paths):
        # The files themselves do not tell what the card says of their classes.
        names = _class_names(builder.info.features)
        return [replace(_file_source(path), class_names=names) for path in paths]
    with _quiet(), _local_only():
        stream = _loaded(
            label,
            lambda: datasets.load_dataset(label, name=name, split=chosen, streaming=True),
        )
    return [_dataset_source(f"{label} ({chosen})", stream, local=True)]


def _find_split(folder: Path, name: str | None, split: str | None) -> tuple[Any, str, list[Path]]:
    """The builder of a folder's dataset, the split that is meant, and its files."""
    label = str(folder)
    with _quiet(), _local_only():
        builder = _loaded(label, lambda: datasets.load_dataset_builder(label, name=name))
    files = {str(key): value for key, value in (builder.config.data_files or {}).items()}
    chosen = _chosen_split(label, list(files), split)
    return builder, chosen, [Path(item) for item in files[chosen]]


def _hub_source(
    path: str, name: str | None, split: str | None, revision: str | None, streaming: bool
) -> RowSource:
    loaded = _load_from_hub(path, name, revision, streaming)
    return _dataset_source(path, _one_split(path, loaded, split), local=not streaming)


def _load_from_hub(path: str, name: str | None, revision: str | None, streaming: bool) -> Any:
    reachable = _hub_reachable(path, revision)
    try:
        with _quiet(), _local_only(not reachable):
            return _loaded(
                path,
                lambda: datasets.load_dataset(
                    path, name=name, revision=revision, streaming=streaming
                ),
            )
    except LstmError as error:
        if reachable:
            raise
        raise LstmError(
            f"{path}: no such local file or folder, and the hub cannot be reached nor is a copy "
            "of it cached: go online, or give the path of local data"
        ) from error


def _hub_reachable(path: str, revision: str | None) -> bool:
    """One short question to the hub, instead of the library's minute of retries.

    Raises LstmError where the hub answers that there is no such dataset.
    """
    try:
        huggingface_hub.HfApi().dataset_info(path, revision=revision, timeout=_PROBE_SECONDS)
    except (HfHubHTTPError, HFValidationError) as error:
        raise LstmError(
            f"{path}: no such local file or folder, and the hub does not give it: "
            f"{_first_line(error)}"
        ) from error
    except Exception:  # offline mode, no route, a time-out: each HTTP client has its own
        return False
    return True


def _loaded(label: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as error:
        raise _unloadable(label, error) from error


def _unloadable(label: str, error: Exception) -> LstmError:
    return LstmError(f"{label}: cannot be loaded: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__


def _one_split(label: str, loaded: Any, split: str | None) -> Any:
    if not isinstance(loaded, dict):
        if split is not None:
            raise LstmError(f"{label}: has no splits ({split!r} was given): leave it out")
        return loaded
    return loaded[_chosen_split(label, [str(key) for key in loaded], split)]


def _chosen_split(label: str, splits: Sequence[str], split: str | None) -> str:
    """The split by its name, `dev` and the like standing for `validation`."""
    if split is None and len(splits) == 1:
        return splits[0]
    if split is not None:
        for candidate in (split, _SPLIT_ALIASES.get(split, split)):
            if candidate in splits:
                return candidate
    got = "no split was given" if split is None else f"no split {split!r}"
    raise LstmError(f"{label}: {got}; expected one of: {', '.join(splits) or '(none)'}")


def _dataset_source(label: str, data: Any, *, local: bool) -> RowSource:
    """Rows of a loaded dataset, a table in storage or a stream."""

    def rows(seed: int | None) -> Iterator[Row]:
        streamed = isinstance(data, datasets.IterableDataset)
        # A buffer of one shuffles only the order of the shards; rows are shuffled elsewhere.
        ordered: Iterable[Row] = (
            data.shuffle(seed=seed, buffer_size=1) if streamed and seed is not None else data
        )
        iterator = iter(ordered)
        while True:
            try:
                row = next(iterator)
            except StopIteration:
                return
            except Exception as error:
                raise _unloadable(label, error) from error
            yield row

    return RowSource(label, rows, _class_names(data.features), local)


def _class_names(features: Mapping[str, Any] | None) -> dict[str, list[str]]:
    return {
        column: list(feature.names)
        for column, feature in (features or {}).items()
        if isinstance(feature, datasets.ClassLabel)
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The library's progress bars only on a terminal."""
    silence = not sys.stderr.isatty() and not datasets.utils.are_progress_bars_disabled()
    if silence:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if silence:
            datasets.enable_progress_bars()


@contextmanager
def _local_only(active: bool = True) -> Iterator[None]:
    """The libraries' offline mode for the time of one call: no look-up, no download count."""
    switches: tuple[Any, ...] = (datasets.config, huggingface_hub.constants) if active else ()
    before = [switch.HF_HUB_OFFLINE for switch in switches]
    for switch in switches:
        switch.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.HF_HUB_OFFLINE = value
