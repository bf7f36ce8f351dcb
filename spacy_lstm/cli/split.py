"""`spacy-lstm split`: a dataset's rows → a file to train on and one to develop on."""

import json
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from ..corpora.files import TEXT_FORMATS, file_format, read_rows
from ..errors import LstmError
from .files import write_atomically
from .models import JsonOption
from .reporting import print_json

__all__ = ["split", "split_cli"]

Row = Mapping[str, Any]


def split(
    source: str | Path,
    train: str | Path,
    dev: str | Path,
    *,
    share: float = 0.1,
    seed: int = 1,
    text: str = "text",
    name: str | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Hold a share of a dataset's rows out, drawn by a seed: the same rows on every machine.

    Of n rows `random.Random(seed).sample(range(n), floor(n · share))` are held out. Both files
    keep the source's order. A row whose text is equal to that of a held one goes into neither,
    so that what is developed on was never trained on. Classes are written by the names that the
    dataset declares.

    Args:
        source: JSONL, JSON, CSV or TSV, plain or compressed; or a dataset folder or hub name.
        train, dev: the files to write, .jsonl; dev has the rows held out.
        share: of the rows, between 0 and 1.
        seed: of the draw.
        text: the column by which rows are told to be equal.
        name, split: configuration and split, for folders and hub names.
    Returns:
        rows read, train and dev written, duplicates left out, and both paths.
    """
    paths = Path(train), Path(dev)
    _check(Path(source), paths, share)
    rows = _read(source, name, split)
    # As decimals: in binary 100 rows by 0.29 are fewer than 29.
    size = int(len(rows) * Fraction(str(share)))
    if not size:
        raise LstmError(f"{source}: a share of {share} is none of its {len(rows)} rows: give more")
    held = set(random.Random(seed).sample(range(len(rows)), size))
    for number, row in enumerate(rows, start=1):
        if text not in row:
            raise LstmError(f"{source} row {number}: no column {text!r}: name it with --text")
    dev_rows = [row for number, row in enumerate(rows) if number in held]
    # By their JSON, for a column may hold what has no hash.
    held_texts = {_to_json(row[text]) for row in dev_rows}
    train_rows = [row for row in rows if _to_json(row[text]) not in held_texts]
    if not train_rows:
        raise LstmError(f"{source}: every row's {text!r} is among the held ones: lower the share")
    for path, part in zip(paths, (train_rows, dev_rows), strict=True):
        write_atomically(path, "".join(f"{_to_json(row)}\n" for row in part))
    return {
        "rows": len(rows),
        "train": len(train_rows),
        "dev": len(dev_rows),
        "duplicates": len(rows) - len(train_rows) - len(dev_rows),
        "outputs": [str(path) for path in paths],
    }


def _to_json(value: Any) -> str:
    # Tables hold dates and decimals too.
    return json.dumps(value, ensure_ascii=False, default=str)


def _check(source: Path, outputs: Sequence[Path], share: float) -> None:
    if not 0 < share < 1:
        raise LstmError(f"share is {share}: expected more than 0 and less than 1")
    for output in outputs:
        if output.suffix != ".jsonl" or output.is_dir():
            raise LstmError(f"output {output} has to be a file whose name ends in .jsonl")
    if len({path.resolve() for path in (source, *outputs)}) < 3:
        raise LstmError(f"{source}, {outputs[0]} and {outputs[1]} have to be three files")


def _read(source: str | Path, name: str | None, split: str | None) -> list[Row]:
    if name is None and split is None and file_format(source) in TEXT_FORMATS:
        return list(read_rows(Path(source)))
    # `datasets` takes a second to import, which a file need not pay.
    from ..corpora.readers import read_source  # noqa: PLC0415

    return list(read_source(source, name=name, split=split))


def _printed(summary: Mapping[str, Any]) -> str:
    train, dev = summary["outputs"]
    left_out = f", {summary['duplicates']} equal to those left out" if summary["duplicates"] else ""
    return f"{summary['train']} rows → {train}, {summary['dev']} rows → {dev}{left_out}"


def split_cli(
    source: Annotated[str, typer.Argument(help="File of rows, dataset folder or hub name.")],
    train: Annotated[Path, typer.Argument(help="The .jsonl file to train on.")],
    dev: Annotated[Path, typer.Argument(help="The .jsonl file with the rows held out.")],
    share: Annotated[float, typer.Option(help="Share of the rows that is held out.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 1,
    text: Annotated[str, typer.Option(help="Column by which rows are told to be equal.")] = "text",
    name: Annotated[str | None, typer.Option(help="Configuration of the dataset.")] = None,
    part: Annotated[str | None, typer.Option("--split", help="Split of the dataset.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a share of a dataset's rows out; no text of theirs stays in the rest."""
    summary = split(source, train, dev, share=share, seed=seed, text=text, name=name, split=part)
    if as_json:
        print_json(summary)
    else:
        print(_printed(summary))
