"""Annotating many documents: plan, engine, bookkeeping."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tqdm import tqdm

from .. import __version__
from ..errors import LstmError
from ..pretrained import load_pipeline
from .columns import Column, choose_columns
from .job import Done, Job, peak_memory
from .layout import Layout, State, digest_folder
from .local import run_here, run_local
from .options import Options
from .planning import plan_columns
from .sources import cut, find_sources

__all__ = ["ENGINES", "annotate"]

ENGINES: Final = ("local", "ray")


def annotate(
    source: str | Path,
    output: str | Path,
    options: Options,
    *,
    engine: str = "local",
    workers: int = 1,
    address: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Add links, clusters, resolved text and sentiment to the rows of a dataset.

    Rows keep their order. Killed at any moment and called again with the same arguments, it goes
    on from the parts that are written, and the output is what it would have been. Memory holds
    a part for each worker, whatever the size of the input.

    Args:
        source: a JSONL, CSV or Parquet file (the first two also compressed), a folder, glob or
            fsspec URL of such, a folder that `datasets` wrote, or a dataset's name on the hub.
        output: a file (.jsonl, .csv, also .gz, .parquet), or a folder for a file for each part;
            a path or an fsspec URL.
        options: what is added and how; another run with others does not go on here.
        engine: "local", with processes, or "ray".
        workers: so many at a time; with the local engine, 0 for none but this process.
        address: of a Ray cluster; None: the one that RAY_ADDRESS names, or one on this machine.
        overwrite: replace an output that belongs to other options or another input.
        progress: show a bar on a terminal.
    Returns:
        output, errors_file (None without errors), rows, words and errors of all of the output,
        parts and those of them that were there before, and of this run seconds, words_per_second
        and peak_memory, in bytes, of the largest process.

    Raises LstmError for what cannot be read, written or asked for; a row that cannot be annotated
    stands in the file of errors with its reason.
    """
    if engine not in ENGINES:
        raise LstmError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
    if workers < (0 if engine == "local" else 1):
        raise LstmError(f"{workers} workers for the engine {engine}: expected 1 or more")
    start = time.perf_counter()
    if Path(options.model, "config.cfg").is_file():
        # Workers may look from another folder.
        options = replace(options, model=str(Path(options.model).absolute()))
    layout = Layout.plan(str(output), options)
    sources = find_sources(str(source), options)
    columns, model = _look_at_pipeline(options)
    fields, form = plan_columns(sources, columns, layout, options)
    identity = {
        "version": __version__,
        "options": options.describe(),
        "model": model,
        "sources": [[each.url, each.size, each.stamp] for each in sources],
        "schema": None if form.schema is None else form.schema.to_string().split("\n"),
    }
    state = State(layout, identity)
    before = state.begin(overwrite)
    if before is not None:
        return _report(layout, before, 0, 0, time.perf_counter() - start, 0)
    job = Job(
        run=uuid4().hex,
        options=options,
        sources=tuple(sources),
        fields=fields,
        form=form,
        shards=state.shards.full_url,
        work=state.work.full_url,
        headed=not layout.single,
    )
    done = state.finished()
    there = len(done)
    now = _run(job, frozenset(done), engine, workers, address)
    memory = words = 0
    with tqdm(
        initial=sum(each.rows + each.errors for each in done.values()),
        unit=" rows",
        disable=None if progress else True,
    ) as bar:
        for each in now:
            done[each.key] = each
            memory, words = max(memory, each.memory), words + each.words
            bar.update(each.rows + each.errors)
    counts = {
        "parts": len(done),
        **{
            name: sum(getattr(each, name) for each in done.values())
            for name in ("rows", "words", "errors")
        },
    }
    state.complete(job, done, counts)
    return _report(layout, counts, there, words, time.perf_counter() - start, memory)


def _run(
    job: Job, finished: frozenset[str], engine: str, workers: int, address: str | None
) -> Iterator[Done]:
    if engine == "ray":
        return _load_ray()(job, finished, workers, address)
    parts = (part for part in cut(job.sources, job.options.part_bytes) if part.key not in finished)
    return run_local(job, parts, workers) if workers else run_here(job, parts)


def _load_ray() -> Callable[..., Iterator[Done]]:
    try:
        cluster = import_module(f"{__package__}.cluster")
    except ModuleNotFoundError as error:
        raise LstmError(
            f"the engine ray needs {error.name}, which is not installed: "
            "pip install 'spacy-lstm[ray]'"
        ) from error
    run: Callable[..., Iterator[Done]] = cluster.run_ray
    return run


def _report(
    layout: Layout, counts: Mapping[str, Any], there: int, words: int, seconds: float, memory: int
) -> dict[str, Any]:
    return {
        "output": layout.output,
        "errors_file": layout.errors if counts["errors"] else None,
        **counts,
        "parts_before": there if words or not counts["parts"] else counts["parts"],
        "seconds": round(seconds, 3),
        "words_per_second": round(words / seconds) if seconds else 0,
        "peak_memory": max(memory, peak_memory()),
    }


def _look_at_pipeline(options: Options) -> tuple[list[Column], str]:
    """What the pipeline adds, and a checksum of its files."""
    nlp = load_pipeline(options.model, precision=options.precision)
    return choose_columns(nlp, options.columns, options.prefix), digest_folder(Path(nlp.path))
