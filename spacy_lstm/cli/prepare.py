"""`spacy-lstm prepare`: a Hugging Face dataset or files → `.spacy` files."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.tokens import Doc, DocBin
from tqdm import tqdm

from ..corpora.trees import is_treebank, read_trees
from ..errors import LstmError
from .files import write_doc_bin

__all__ = ["assignments", "prepare", "prepare_cli"]

_SUFFIX = ".spacy"


def prepare(
    sources: Sequence[str | Path],
    output: str | Path,
    *,
    lang: str = "en",
    shard_size: int = 0,
    progress: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Convert datasets to DocBins that `spacy.Corpus.v1` reads.

    Args:
        sources: hub names, dataset folders, files or globs.
        output: a `.spacy` file, or with `shard_size` a folder.
        lang: language of the blank pipeline that tokenizes.
        shard_size: documents a file, for sets too large for one.
        progress: show a bar on a terminal.
        **options: the reader's, see `spacy_lstm.corpora.readers.HuggingFaceCorpus`.
    Returns:
        a plain summary: documents, tokens, output, rows, excluded, cut_spans, skipped
        (reason → count) and skipped_ids (reason → first row ids).
    """
    # `datasets` takes a second to import, which no other command should pay.
    from ..corpora.readers import HuggingFaceCorpus  # noqa: PLC0415

    target = Path(output)
    _check_target(target, shard_size)
    if all(is_treebank(source) for source in sources):
        return _prepare_trees([Path(source) for source in sources], target)
    corpus = HuggingFaceCorpus(list(sources), **options)
    try:
        nlp = spacy.blank(lang)
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise LstmError(f"no language {lang!r} ({reason}): give a spaCy code: en, zh") from error
    counts = {"documents": 0, "tokens": 0}
    bar = tqdm(corpus.docs(nlp, log=False), unit=" docs", disable=None if progress else True)
    docs = _counted(bar, counts)
    if shard_size:
        _write_shards(docs, target, shard_size)
    else:
        _write_file(docs, target)
    skipped = corpus.skipped
    return {
        **counts,
        "output": str(target),
        "rows": skipped.seen,
        "excluded": skipped.excluded,
        "cut_spans": skipped.cut_spans,
        "skipped": skipped.counts,
        "skipped_ids": skipped.first_ids,
    }


def _prepare_trees(files: Sequence[Path], target: Path) -> dict[str, Any]:
    counts = {"documents": 0, "tokens": 0}
    _write_file(_counted((doc for file in files for doc in read_trees(file)), counts), target)
    rows = counts["documents"]
    return {
        **counts,
        "output": str(target),
        "rows": rows,
        "excluded": 0,
        "cut_spans": 0,
        "skipped": {},
        "skipped_ids": {},
    }


def _check_target(target: Path, shard_size: int) -> None:
    if shard_size < 0:
        raise LstmError(f"shard size is {shard_size}: expected 0 (one file) or more")
    if not shard_size and target.suffix != _SUFFIX:
        raise LstmError(f"output {target} has to end in {_SUFFIX} (or give a shard size)")
    if not shard_size and target.is_dir():
        raise LstmError(f"output {target} is a folder: give a file name")
    if shard_size and target.exists():
        others = not target.is_dir() or any(path.suffix != _SUFFIX for path in target.iterdir())
        if others:
            raise LstmError(f"output {target} holds other things than shards: give a new folder")


def _counted(docs: Iterable[Doc], counts: dict[str, int]) -> Iterator[Doc]:
    for doc in docs:
        counts["documents"] += 1
        counts["tokens"] += len(doc)
        yield doc


def _write_file(docs: Iterable[Doc], target: Path) -> None:
    # Filled first: a mistake in the data leaves no trace on the disk.
    write_doc_bin(target, DocBin(docs=docs, store_user_data=True))


def _write_shards(docs: Iterator[Doc], target: Path, shard_size: int) -> None:
    beside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for number, first in enumerate(docs):
            # One after the other, each forgotten when it is packed.
            shard = chain([first], islice(docs, shard_size - 1))
            _write_file(shard, beside / f"part-{number:05d}{_SUFFIX}")
        if target.exists():
            shutil.rmtree(target)
        beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def assignments(option: str, items: Sequence[str]) -> dict[str, str]:
    """`A=B` words of a repeatable option."""
    pairs = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not (key and equals and value):
            raise LstmError(f"{option} {item!r}: expected NAME=VALUE")
        pairs[key] = value
    return pairs


def _printed(summary: Mapping[str, Any]) -> str:
    lines = [f"{summary['documents']} documents, {summary['tokens']} tokens → {summary['output']}"]
    if summary["excluded"]:
        lines.append(f"excluded by the filter: {summary['excluded']} rows")
    if summary["cut_spans"]:
        lines.append(f"lost where documents were split: {summary['cut_spans']} spans")
    for reason, count in summary["skipped"].items():
        ids = ", ".join(summary["skipped_ids"][reason])
        lines.append(f"skipped: {count} × {reason} (first: {ids})")
    return "\n".join(lines)


def prepare_cli(
    sources: Annotated[
        list[str], typer.Argument(help="Hub names, dataset folders, files or globs.")
    ],
    output: Annotated[Path, typer.Argument(help="The .spacy file, or with --shard-size a folder.")],
    kind: Annotated[str, typer.Option(help="auto, clusters, pairs, gap or text.")] = "auto",
    name: Annotated[str | None, typer.Option(help="Configuration of the dataset.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision on the hub.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, repeatable: text=sentence."),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="VALUE=LABEL, repeatable: 0=NEGATIVE."),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the texts.")] = "en",
    limit: Annotated[int, typer.Option(help="At most this many rows; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the shuffling.")] = 0,
    shuffle_buffer: Annotated[
        int, typer.Option(help="Shuffle through a buffer of this many rows; 0: keep order.")
    ] = 0,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Do not store a hub dataset.")
    ] = False,
    max_length: Annotated[
        int, typer.Option(help="Split documents with clusters into pieces of N tokens.")
    ] = 0,
    mentions: Annotated[
        str | None,
        typer.Option(help="File of the same documents with further mentions."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE,VALUE, repeatable: meta.genre=essay,fiction."),
    ] = None,
    shard_size: Annotated[int, typer.Option(help="Documents a file; 0: one file.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Turn Hugging Face datasets or files into .spacy files for training and evaluation."""
    filters = assignments("--exclude", exclude or [])
    summary = prepare(
        sources,
        output,
        lang=lang,
        shard_size=shard_size,
        progress=True,
        kind=kind,
        name=name,
        split=split,
        revision=revision,
        columns=assignments("--columns", columns or []),
        labels=assignments("--labels", labels or []),
        limit=limit,
        seed=seed,
        shuffle_buffer=shuffle_buffer,
        streaming=streaming,
        max_length=max_length,
        mentions=mentions,
        exclude={key: value.split(",") for key, value in filters.items()},
    )
    print(json.dumps(summary, ensure_ascii=False) if as_json else _printed(summary))
