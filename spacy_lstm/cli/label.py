"""`spacy-lstm label`: raw texts → texts with the probabilities that trained models give them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..corpora.docs import checked_text, with_line_breaks
from ..corpora.files import file_format, read_documents
from ..corpora.skipped import UnusableRowError
from ..corpora.units import UNITS, Sample, read_units, text_digest
from ..errors import LstmError
from .files import write_rows
from .machine import limit_threads
from .models import DEFAULT_MODEL, JsonOption, load_for
from .prepare import assignments
from .reporting import only_json, print_json

__all__ = ["label", "label_cli"]

# Texts that each model gets at once.
_BATCH = 2_000
# The rest is noise, and makes the files longer.
_DIGITS = 5

Row = dict[str, Any]


class _Bounds(NamedTuple):
    """What may be labelled."""

    min_words: int
    max_words: int
    characters: int

    def hold(self, text: str) -> bool:
        words = len(text.split())
        longest = self.max_words or words
        return self.min_words <= words <= longest and len(text) <= self.characters


class _Teachers:
    """Pipelines whose probabilities are averaged, of the labels that all of them know."""

    def __init__(self, models: Sequence[str | Path]) -> None:
        if not models:
            raise LstmError("no models: give the name or folder of one or more")
        loaded = [load_for(model, "lstm_sentiment") for model in models]
        self.nlps: list[Language] = [nlp for nlp, _ in loaded]
        self.lang = str(self.nlps[0].lang)
        self.labels = tuple(
            label
            for label in loaded[0][1].labels
            if all(label in pipe.labels for _, pipe in loaded)
        )
        if len(self.labels) < 2:
            known = [
                f"{model} knows the labels {', '.join(pipe.labels)}"
                for model, (_, pipe) in zip(models, loaded, strict=True)
            ]
            raise LstmError(f"{'; '.join(known)}: give models that share two labels or more")

    def rows(self, texts: Iterable[str]) -> Iterator[Row]:
        """Each text with the mean of what the models say, in order."""
        stream = iter(texts)
        while batch := list(islice(stream, _BATCH)):
            # Texts of like length go through a model together, which is half as fast again.
            order = sorted(range(len(batch)), key=lambda place: len(batch[place]))
            by_length = [batch[place] for place in order]
            votes = (nlp.pipe(by_length, batch_size=_BATCH) for nlp in self.nlps)
            means = dict(zip(order, map(self._mean, zip(*votes, strict=True)), strict=True))
            for place, text in enumerate(batch):
                yield {"text": text, "probabilities": means[place]}

    def _mean(self, docs: Sequence[Doc]) -> dict[str, float]:
        votes = [self._vote(doc) for doc in docs]
        return {
            label: round(sum(shares) / len(docs), _DIGITS)
            for label, *shares in zip(self.labels, *votes, strict=True)
        }

    def _vote(self, doc: Doc) -> list[float]:
        """One model's probabilities, if nothing but the shared labels can be."""
        values = [doc.cats[label] for label in self.labels]
        total = sum(values)
        return [value / total if total else 1 / len(values) for value in values]


def label(
    texts: Sequence[str | Path],
    output: str | Path,
    *,
    models: Sequence[str | Path] = (DEFAULT_MODEL,),
    unit: str = "paragraph",
    min_words: int = 1,
    max_words: int = 0,
    limit: int = 0,
    seed: int = 0,
    balance: bool = False,
    name: str | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Write what trained models think of raw texts, for a smaller one to learn from.

    A row is `{"text", "probabilities": {label: number}}`, with the mean over the models, in the
    order of the texts; equal texts make one row. Training reads such files as they are, beside
    files with labels. Beside the batch in work, memory holds what is drawn, and without a limit
    or with balance a number for each different unit.

    Args:
        texts: files of raw text, plain or compressed (.gz, .bz2, .xz): a paragraph a line, a
            blank line between documents; or files of rows, dataset folders and hub names, each
            row a document.
        output: a .jsonl or .jsonl.gz file.
        models: pipelines with `lstm_sentiment`. Where their labels differ, rows have those that all
            of them know, two at least.
        unit: what makes a row: "sentence", "paragraph" or "document".
        min_words, max_words: of a unit, by white space; a maximum of 0 is none.
        limit: so many units at most, drawn at random; 0 for all.
        seed: of the draw.
        balance: draw as many units of each label that the models find most probable; all units
            are looked at for it. Where a label has too few, there are fewer rows.
        name, split: configuration and split, for folders and hub names.
        columns: {"text": column}, for rows.
        progress: show a bar on a terminal.
    Returns:
        output, rows, units (read), left_out (by the number of words or over nlp.max_length),
        unusable (rows without a text) and labels (label → rows for which it is most probable).
    """
    target = Path(output)
    _check(texts, target, unit, min_words, max_words, limit, balance)
    limit_threads()
    teachers = _Teachers(models)
    longest = min(nlp.max_length for nlp in teachers.nlps)
    bounds = _Bounds(min_words, max_words, longest)
    counts: Counter[str] = Counter(units=0, left_out=0, unusable=0)
    rows_of = _RowReader(counts, name, split, columns)
    documents = (paragraphs for text in texts for paragraphs in rows_of.documents(text))
    read = read_units(documents, unit, lang=teachers.lang)
    bar = tqdm(read, unit=" units", disable=None if progress else True)
    units = _kept(bar, bounds, counts)
    if balance:
        rows = _balanced(teachers, _distinct(units), limit, seed)
    else:
        rows = teachers.rows(_drawn(units, limit, seed) if limit else _distinct(units))
    found: Counter[str] = Counter(dict.fromkeys(teachers.labels, 0))
    write_rows(target, _counted(rows, found, counts, bounds))
    return {"output": str(target), "rows": found.total(), **counts, "labels": dict(found)}


def _check(
    texts: Sequence[str | Path],
    target: Path,
    unit: str,
    min_words: int,
    max_words: int,
    limit: int,
    balance: bool,
) -> None:
    if not texts:
        raise LstmError("no texts: give one file or more")
    if not target.name.endswith((".jsonl", ".jsonl.gz")) or target.is_dir():
        raise LstmError(f"output {target} has to be a file whose name ends in .jsonl or .jsonl.gz")
    if target.resolve() in {Path(text).resolve() for text in texts}:
        raise LstmError(f"output {target} is one of the texts: give another name")
    if unit not in UNITS:
        raise LstmError(f"unknown unit {unit!r}: expected one of {', '.join(UNITS)}")
    if min_words < 1:
        raise LstmError(f"min_words is {min_words}: expected 1 or more")
    if max_words and max_words < min_words:
        raise LstmError(
            f"max_words is {max_words}: expected 0 (no bound) or at least min_words ({min_words})"
        )
    if limit < 0:
        raise LstmError(f"limit is {limit}: expected 0 (all) or more")
    if balance and not limit:
        raise LstmError("balance needs a limit: say how many rows there shall be")


class _RowReader:
    """Documents of raw text, and of the rows of datasets."""

    def __init__(
        self,
        counts: Counter[str],
        name: str | None,
        split: str | None,
        columns: Mapping[str, str] | None,
    ) -> None:
        self._counts = counts
        self._options: Row = {"name": name, "split": split, "columns": columns}

    def documents(self, source: str | Path) -> Iterator[list[str]]:
        """The paragraphs of each document."""
        path = Path(source)
        if path.suffix == ".spacy":
            raise LstmError(f"{source} holds documents: give the texts that it was made of")
        raw = ".txt" in path.suffixes or (path.is_file() and file_format(path) is None)
        if raw:
            given = [option for option, value in self._options.items() if value]
            if given:
                raise LstmError(f"{source} is raw text: leave out --{given[0]}")
            yield from read_documents(path)
            return
        # `datasets` takes a second to import, which raw text need not pay.
        from ..corpora.readers import read_texts  # noqa: PLC0415

        for value in read_texts(source, **self._options):
            try:
                text = with_line_breaks(checked_text(value))
            except UnusableRowError:
                self._counts["unusable"] += 1
                continue
            yield [line.strip() for line in text.split("\n") if line.strip()]


def _kept(units: Iterable[str], bounds: _Bounds, counts: Counter[str]) -> Iterator[str]:
    for text in units:
        counts["units"] += 1
        if bounds.hold(text):
            yield text
        else:
            counts["left_out"] += 1


def _distinct(units: Iterable[str]) -> Iterator[str]:
    seen = set()
    for text in units:
        digest = text_digest(text)
        if digest not in seen:
            seen.add(digest)
            yield text


# Both draw when the first row is asked for: by then it is known that the output can be written.
def _drawn(units: Iterable[str], limit: int, seed: int) -> Iterator[str]:
    sample = Sample[str](limit, seed)
    for text in units:
        sample.offer(text, text)
    yield from (text for _, text in sample.items())


def _balanced(teachers: _Teachers, units: Iterable[str], limit: int, seed: int) -> Iterator[Row]:
    """As many rows of each label, in the order of the texts."""
    each = limit // len(teachers.labels)
    if not each:
        raise LstmError(
            f"limit is {limit}: expected at least {len(teachers.labels)}, one for each label"
        )
    samples = {label: Sample[tuple[int, Row]](each, seed) for label in teachers.labels}
    for place, row in enumerate(teachers.rows(units)):
        samples[_best(row)].offer(row["text"], (place, row))
    kept = [pair for sample in samples.values() for _, pair in sample.items()]
    yield from (row for _, row in sorted(kept, key=lambda pair: pair[0]))


def _best(row: Row) -> str:
    probabilities: dict[str, float] = row["probabilities"]
    return max(probabilities, key=probabilities.__getitem__)


def _counted(
    rows: Iterable[Row], found: Counter[str], counts: Counter[str], bounds: _Bounds
) -> Iterator[Row]:
    for row in rows:
        found[_best(row)] += 1
        yield row
    # Raised while the file is written beside, so that none is left behind.
    if not counts["units"]:
        raise LstmError("no text in what was given: expected paragraphs, or rows with a text")
    if not found.total():
        words = f"{bounds.min_words} to {bounds.max_words or 'any number of'} words"
        raise LstmError(
            f"none of the {counts['units']} units has {words}: loosen --min-words and "
            "--max-words, or give more text"
        )


def _printed(summary: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{label} {count}" for label, count in summary["labels"].items())
    lines = [
        f"{summary['rows']} rows → {summary['output']}, of {summary['units']} units read",
        f"most probable: {labels}",
    ]
    if summary["left_out"]:
        lines.append(f"left out for their length: {summary['left_out']} units")
    if summary["unusable"]:
        lines.append(f"skipped: {summary['unusable']} rows without a text")
    return "\n".join(lines)


def label_cli(
    texts: Annotated[
        list[str],
        typer.Argument(help="Raw text (a paragraph a line), files of rows, folders or hub names."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .jsonl or .jsonl.gz file.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A bundle's name, a pipeline's folder; repeatable."),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What makes a row: sentence, paragraph or document.")
    ] = "paragraph",
    min_words: Annotated[int, typer.Option(help="Words of a unit, at least.")] = 1,
    max_words: Annotated[int, typer.Option(help="Words of a unit, at most; 0: any.")] = 0,
    limit: Annotated[int, typer.Option(help="Draw at most this many units; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    balance: Annotated[
        bool, typer.Option("--balance", help="Draw as many units of each label.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Configuration of the dataset.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    columns: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN: text=sentence.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Label raw texts with the mean probabilities of models, for a smaller one to learn from."""
    with only_json(as_json):
        summary = label(
            texts,
            output,
            models=model or [DEFAULT_MODEL],
            unit=unit,
            min_words=min_words,
            max_words=max_words,
            limit=limit,
            seed=seed,
            balance=balance,
            name=name,
            split=split,
            columns=assignments("--columns", columns or []),
            progress=True,
        )
    if as_json:
        print_json(summary)
    else:
        print(_printed(summary))
