"""The registered reader: datasets by hub name, folder or file → spaCy Examples."""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..coref.groups import CLUSTER_PREFIX, MENTIONS_KEY
from ..errors import LstmError
from .clusters import ClusterConverter, MentionIndex
from .fields import Fields, Row, is_excluded, row_columns
from .labelled_text import TextConverter, class_label_map, default_label_map
from .loading import RowSource, open_sources
from .pairs import GapConverter, PairConverter
from .pieces import split_doc
from .skipped import SkippedRows, UnusableRowError

__all__ = ["KINDS", "HuggingFaceCorpus", "create_huggingface_reader", "read_source", "read_texts"]

logger = logging.getLogger("spacy_lstm")

T = TypeVar("T")
Converter = ClusterConverter | PairConverter | GapConverter | TextConverter

_CONVERTERS: dict[str, type[Converter]] = {
    "clusters": ClusterConverter,
    "pairs": PairConverter,
    "gap": GapConverter,
    "text": TextConverter,
}
KINDS = ("auto", *_CONVERTERS)
# What the rows of kind "text" may have as well.
_SOFT_FORM = ("text", "probabilities")
# Rows looked at to learn a source's columns: optional ones may be missing from the first.
_PEEK = 20


def create_huggingface_reader(
    path: str | list[str] | None,
    name: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    kind: str = "auto",
    columns: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    streaming: bool = False,
    shuffle_buffer: int = 0,
    seed: int = 0,
    limit: int = 0,
    max_length: int = 0,
    mentions: str | None = None,
    exclude: dict[str, list[str]] | None = None,
    exhaustive: bool | None = None,
    span_cluster_prefix: str = CLUSTER_PREFIX,
) -> Callable[[Language], Iterator[Example]]:
    """Registered as `spacy_lstm.HuggingFaceCorpus.v1`; the arguments are HuggingFaceCorpus's.

    Raises LstmError for a `path` of null, as it stands in configs that expect the command
    line to fill it.
    """
    if not path:
        raise LstmError(
            "the reader's path is null: give a hub name, a folder or a file, for example "
            "--paths.train FILE"
        )
    return HuggingFaceCorpus(
        path,
        name=name,
        split=split,
        revision=revision,
        kind=kind,
        columns=columns,
        labels=labels,
        streaming=streaming,
        shuffle_buffer=shuffle_buffer,
        seed=seed,
        limit=limit,
        max_length=max_length,
        mentions=mentions,
        exclude=exclude,
        exhaustive=exhaustive,
        span_cluster_prefix=span_cluster_prefix,
    )


class HuggingFaceCorpus:
    """A dataset as Examples; every call reads it again from the start.

    Args:
        path: hub name, dataset folder, file or glob, or a list of them, read in this order.
            Files are JSONL, JSON, CSV, TSV, Parquet or Arrow, the text forms also as .gz,
            .bz2 or .xz.
        name, split, revision: configuration, split and revision, for hub and folders.
        kind: "clusters", "pairs", "gap" (GAP's own TSV), "text" (text and label, or
            text and probabilities, an object of label → number), or "auto": by the columns.
        columns: our field → their column, where the names differ; dots go into objects.
        labels: label value → our label; null: the dataset's class names or the default maps
            for two, three and five labels.
        streaming: read a hub dataset without storing it. Local data is always streamed.
        shuffle_buffer: shuffle through a buffer of this many rows; 0 keeps the order.
        seed: of the shuffling; each epoch (each call) has its own order, the same in every
            run.
        limit: at most this many rows that can be used, the same in every epoch; 0: all.
        max_length: split documents with clusters into pieces of at most this many tokens at
            sentence or paragraph bounds; 0 leaves them whole. Texts with labels always stay
            whole: `spacy_lstm.MixedCorpus.v1` crops them.
        mentions: file with the same documents (found by id) whose mentions, singletons
            included, are added to `coref_mentions`.
        exclude: field (dotted for nested ones) → values; rows that have one are left out.
        exhaustive: whether singletons are marked, where neither row nor source tells.
        span_cluster_prefix: key of the clusters' span groups.

    Attributes:
        skipped: what the latest (maybe unfinished) pass left out.
    """

    def __init__(
        self,
        path: str | Path | Sequence[str | Path],
        *,
        name: str | None = None,
        split: str | None = None,
        revision: str | None = None,
        kind: str = "auto",
        columns: Mapping[str, str] | None = None,
        labels: Mapping[Any, str] | None = None,
        streaming: bool = False,
        shuffle_buffer: int = 0,
        seed: int = 0,
        limit: int = 0,
        max_length: int = 0,
        mentions: str | Path | None = None,
        exclude: Mapping[str, Sequence[Any]] | None = None,
        exhaustive: bool | None = None,
        span_cluster_prefix: str = CLUSTER_PREFIX,
    ) -> None:
        if kind not in KINDS:
            raise LstmError(f"unknown kind {kind!r}: expected one of {', '.join(KINDS)}")
        sizes = {"shuffle_buffer": shuffle_buffer, "limit": limit, "max_length": max_length}
        for option, value in sizes.items():
            if value < 0:
                raise LstmError(f"{option} is {value}: expected 0 (off) or more")
        self._paths = [path] if isinstance(path, str | Path) else list(path)
        self._where = {
            "name": name,
            "split": split,
            "revision": revision,
            "streaming": streaming,
        }
        self._kind = kind
        self._fields = Fields(columns)
        self._labels = labels
        self._shuffle_buffer = shuffle_buffer
        self._seed = seed
        self._limit = limit
        self._max_length = max_length
        self._mentions = mentions
        self._exclude = dict(exclude or {})
        self._exhaustive = exhaustive
        self._prefix = span_cluster_prefix
        self._opened: list[tuple[RowSource, Converter]] | None = None
        self._epoch = 0
        self._reported = False
        self.skipped = SkippedRows()

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """The Examples of one epoch: predicted has the pipeline's tokens, reference the gold."""
        for reference in self.docs(nlp):
            yield Example(nlp.make_doc(reference.text), reference)

    def docs(self, nlp: Language, *, log: bool = True) -> Iterator[Doc]:
        """The reference Docs of one epoch.

        log: whether to log what was left out; a caller that shows `skipped` itself need not.

        Raises LstmError if no row can be used, naming the main reason.
        """
        epoch, self._epoch = self._epoch, self._epoch + 1
        skipped = self.skipped = SkippedRows()
        docs = self._row_docs(nlp, epoch, skipped)
        if self._limit:
            docs = islice(docs, self._limit)
            if epoch:
                docs = _shuffled(docs, self._shuffle_buffer, self._random(epoch))
        count = 0
        for doc in docs:
            count += 1
            pieces, cut = split_doc(doc, self._piece_length(doc), self._prefix)
            skipped.cut_spans += cut
            yield from pieces
        if not count:
            raise LstmError(self._nothing_usable(skipped))
        if log:
            self._report(skipped)

    def _piece_length(self, doc: Doc) -> int:
        return self._max_length if MENTIONS_KEY in doc.spans else 0

    def _random(self, epoch: int) -> random.Random:
        return random.Random(f"{self._seed}/{epoch}")

    def _row_docs(self, nlp: Language, epoch: int, skipped: SkippedRows) -> Iterator[Doc]:
        # With a limit every epoch has to see the same rows, so the first order stays.
        rng = self._random(0 if self._limit else epoch)
        rows = _shuffled(self._rows(rng), self._shuffle_buffer, rng)
        for row, row_id, converter in rows:
            skipped.seen += 1
            if is_excluded(row, self._exclude):
                skipped.excluded += 1
                continue
            try:
                yield converter(nlp, row, row_id)
            except UnusableRowError as reason:
                skipped.add(str(reason), row_id)

    def _rows(self, rng: random.Random) -> Iterator[tuple[Row, str, Converter]]:
        shard_seed = rng.randrange(2**31) if self._shuffle_buffer else None
        for source, converter in self._sources():
            id_field = "ID" if isinstance(converter, GapConverter) else "id"
            for number, row in enumerate(source.open_rows(shard_seed), start=1):
                row_id = self._fields.get(row, id_field)
                yield row, str(row_id or f"{source.name} row {number}"), converter

    def _sources(self) -> list[tuple[RowSource, Converter]]:
        """The opened sources with their converters, made at the first use and kept."""
        if self._opened is None:
            mentions = self._mention_index()
            self._opened = [
                (source, self._converter(source, mentions))
                for path in self._paths
                for source in open_sources(path, **self._where)  # type: ignore[arg-type]
            ]
        return self._opened

    def _mention_index(self) -> MentionIndex | None:
        if self._mentions is None:
            return None
        rows = (row for source in open_sources(self._mentions) for row in source.open_rows(None))
        return MentionIndex(str(self._mentions), rows, self._fields)

    def _converter(self, source: RowSource, mentions: MentionIndex | None) -> Converter:
        first = _first_rows(source)
        kind = self._detected_kind(source, first) if self._kind == "auto" else self._kind
        soft = kind == "text" and self._is_soft(first)
        required = _SOFT_FORM if soft else _CONVERTERS[kind].required
        self._fields.require(source.name, first, required)
        if kind == "clusters":
            return ClusterConverter(self._fields, self._prefix, mentions, self._exhaustive)
        if kind == "pairs":
            return PairConverter(self._fields)
        if kind == "gap":
            return GapConverter(self._fields)
        names = source.class_names.get(self._fields.column("label"))
        labels = {} if soft and not self._labels else self._label_map(source, names)
        return TextConverter(self._fields, labels, names)

    def _is_soft(self, first: Sequence[Row]) -> bool:
        """Whether the texts have probabilities, and none a label."""
        has = self._fields.has
        return has(first, "probabilities") and not has(first, "label")

    def _detected_kind(self, source: RowSource, first: Sequence[Row]) -> str:
        for kind, converter in _CONVERTERS.items():
            if all(self._fields.has(first, name) for name in converter.required):
                return kind
        if all(self._fields.has(first, name) for name in _SOFT_FORM):
            return "text"
        raise LstmError(
            f"{source.name}: its columns ({', '.join(row_columns(first))}) are no form that is "
            "known: map them by columns (text=…, label=… or text, clusters or text, pronoun, "
            "candidates), or name the kind"
        )

    def _label_map(self, source: RowSource, names: list[str] | None) -> Mapping[Any, str]:
        if self._labels:
            return self._labels
        if names:
            return class_label_map(source.name, names)
        if not source.local:
            raise LstmError(
                f"{source.name}: a stream does not tell its labels beforehand: give a label "
                "map such as 0=NEGATIVE, 1=POSITIVE"
            )
        values = (
            self._fields.get(row, "label")
            for row in source.open_rows(None)
            if not is_excluded(row, self._exclude)
        )
        return default_label_map(source.name, values)

    def _title(self) -> str:
        return ", ".join(str(path) for path in self._paths)

    def _nothing_usable(self, skipped: SkippedRows) -> str:
        if not skipped.counts:
            return (
                f"{self._title()}: the exclude filter leaves none of its {skipped.seen} rows: "
                "loosen it"
            )
        return (
            f"{self._title()}: none of its {skipped.seen} rows can be used: "
            f"{skipped.reasons()[0]}: mend the data, or the column and label maps"
        )

    def _report(self, skipped: SkippedRows) -> None:
        """Once in a reader's life: further epochs read the same rows."""
        summary = skipped.summary()
        if summary and not self._reported:
            self._reported = True
            logger.warning("%s: %s", self._title(), summary)


def read_source(
    path: str | Path, *, name: str | None = None, split: str | None = None
) -> Iterator[Row]:
    """The plain rows of a dataset, folder, file or glob; the options are HuggingFaceCorpus's.

    Classes come by their names where the dataset declares them: the numbers alone would be read
    in the usual order."""
    for source in open_sources(path, name=name, split=split):
        for row in source.open_rows(None):
            yield _with_names(row, source.class_names)


def _with_names(row: Row, class_names: Mapping[str, Sequence[str]]) -> Row:
    named = {
        column: names[row[column]]
        for column, names in class_names.items()
        # -1 stands for no label.
        if isinstance(row.get(column), int) and 0 <= row[column] < len(names)
    }
    return {**row, **named}


def read_texts(
    path: str | Path,
    *,
    name: str | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """What a dataset's rows have as text, usable or not; the options are HuggingFaceCorpus's."""
    fields = Fields(columns)
    for source in open_sources(path, name=name, split=split):
        fields.require(source.name, _first_rows(source), ("text",))
        for row in source.open_rows(None):
            yield fields.get(row, "text")


def _first_rows(source: RowSource) -> list[Row]:
    first: list[Row] = list(islice(source.open_rows(None), _PEEK))
    if not first:
        raise LstmError(f"{source.name}: no rows in it")
    return first


def _shuffled(items: Iterable[T], size: int, rng: random.Random) -> Iterator[T]:
    """The items in a random order as far as a buffer of `size` allows; 0 keeps the order."""
    if not size:
        yield from items
        return
    buffer: list[T] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = rng.randrange(size)
        buffer[place], item = item, buffer[place]
        yield item
    rng.shuffle(buffer)
    yield from buffer
