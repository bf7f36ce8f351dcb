"""`spacy-lstm annotate`: links, clusters, resolved text and sentiment for many documents."""

import sys
from typing import Annotated

import typer

from .. import bulk
from ..errors import LstmError
from .machine import usable_cores
from .models import DEFAULT_MODEL, JsonOption, ModelOption, PrecisionOption
from .reporting import only_json, print_json

__all__ = ["annotate_cli"]

_MEGABYTE = 1_000_000


def annotate_cli(
    source: Annotated[
        str,
        typer.Argument(
            help="A JSONL, CSV or Parquet file, a folder, glob or URL of such, or a dataset."
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(help="A .jsonl, .csv (.gz) or .parquet file, or a folder; path or URL."),
    ],
    model: ModelOption = DEFAULT_MODEL,
    precision: PrecisionOption = None,
    text_field: Annotated[str, typer.Option(help="The column with the text.")] = "text",
    id_field: Annotated[
        str | None, typer.Option(help="The column that tells rows apart, in the error file.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", "-c", help="Add only this column; repeatable (docs/annotate.md)."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Keep only this column of the source; repeatable.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Leave out this column of the source; repeatable.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put before the names of added columns.")] = "",
    format: Annotated[
        str | None, typer.Option(help="Of a folder: parquet (usual), jsonl or csv.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option(help="zstd, snappy, gzip or none for Parquet; else gzip or none.")
    ] = None,
    max_words: Annotated[
        int, typer.Option(min=0, help="Longer texts go to the error file; 0: none.")
    ] = 0,
    max_chars: Annotated[
        int, typer.Option(min=0, help="The same in characters; 0: the pipeline's max_length.")
    ] = 0,
    name: Annotated[str | None, typer.Option(help="The dataset's configuration.")] = None,
    split: Annotated[str | None, typer.Option(help="The dataset's split.")] = None,
    revision: Annotated[str | None, typer.Option(help="The dataset's revision.")] = None,
    engine: Annotated[str, typer.Option(help="local (processes) or ray.")] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="As many as cores, usually.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster; else RAY_ADDRESS, or this machine.")
    ] = None,
    part_mb: Annotated[
        float, typer.Option(min=0.001, help="Megabytes that are annotated and written as a whole.")
    ] = bulk.DEFAULT_PART_BYTES / _MEGABYTE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another run's output.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if any row failed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add links, clusters, resolved text and sentiment to the rows of a dataset.

    Started again after a kill, it goes on where it was.
    """
    options = bulk.Options(
        model=model,
        precision=precision,
        text_field=text_field,
        id_field=id_field,
        columns=_tuple(column),
        keep=_tuple(keep),
        drop=tuple(drop or ()),
        prefix=prefix,
        format=format,
        compression=compression,
        max_words=max_words,
        max_chars=max_chars,
        part_bytes=round(part_mb * _MEGABYTE),
        name=name,
        split=split,
        revision=revision,
    )
    with only_json(as_json):
        found = bulk.annotate(
            source,
            output,
            options,
            engine=engine,
            workers=workers or usable_cores(),
            address=ray_address,
            overwrite=overwrite,
            progress=True,
        )
    if as_json:
        print_json(found)
    else:
        print(
            f"{found['output']}: {found['rows']:,} rows, {found['words']:,} words, "
            f"{found['words_per_second']:,} words/s"
        )
    if found["errors"]:
        told = f"{found['errors']:,} rows could not be annotated: see {found['errors_file']}"
        if strict:
            raise LstmError(told)
        print(f"⚠ {told}", file=sys.stderr)


def _tuple(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None
