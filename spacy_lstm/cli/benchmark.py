"""`spacy-lstm benchmark`: how fast, how large, and beside what."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..benchmarking import run_benchmark
from ..errors import LstmError
from ..viz.speed import can_draw, draw_benchmark
from .files import write_atomically
from .models import DEFAULT_MODEL, JsonOption, ModelOption, PrecisionOption
from .reporting import format_table, only_json, print_json, to_plain

__all__ = ["benchmark", "benchmark_cli", "format_benchmark"]


def benchmark(
    model: str | Path = DEFAULT_MODEL,
    *,
    texts: str | Path | None = None,
    quick: bool = False,
    threads: Sequence[int] = (),
    cpu: bool = False,
    precision: str | None = None,
    output: str | Path | None = None,
    plot: bool = False,
    tell: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Measure speed, memory and start-up of a pipeline beside the encoders of others.

    Args:
        model: a bundle's name, a pipeline's folder or package.
        texts: a .txt or .jsonl file to measure on; None for texts made for it.
        quick: few and short texts, to see that it runs.
        threads: numbers of threads; 1 and 2 if there are none, 1 with `cpu`.
        cpu: count CPU time, on a busy machine.
        precision: "single" or "bfloat16"; None for what the pipeline's config says.
        output: folder for `benchmark.json`.
        plot: whether to draw `benchmark.svg` and `benchmark.png` there, too.
        tell: called with what is done next.
    Returns:
        what `benchmarking.run_benchmark` gives, and outputs, the files written.
    """
    # Told before minutes of measuring, not after.
    if output is not None and Path(output).is_file():
        raise LstmError(f"output {output} is a file: give a folder")
    if plot and output is None:
        raise LstmError("a plot needs a place: give --output FOLDER with --plot")
    if plot and not can_draw():
        raise LstmError("drawing needs matplotlib: pip install 'spacy-lstm[plots]'")
    threads = threads or ((1,) if cpu else (1, 2))
    result = run_benchmark(
        model, texts=texts, quick=quick, threads=threads, cpu=cpu, precision=precision, tell=tell
    )
    outputs = [] if output is None else _write(result, Path(output), plot=plot)
    return {**result, "outputs": outputs}


def _write(result: Mapping[str, Any], folder: Path, *, plot: bool) -> list[str]:
    plain = to_plain(result)
    files: dict[str, str | bytes] = {"benchmark.json": json.dumps(plain, indent=1) + "\n"}
    if plot:
        files["benchmark.svg"] = draw_benchmark(plain, "svg")
        files["benchmark.png"] = draw_benchmark(plain, "png")
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [str(folder / name) for name in files]


def format_benchmark(result: Mapping[str, Any]) -> str:
    """Tables for people."""
    machine = result["machine"]
    lines = [
        f"{result['model']} on {machine['cores']} × {machine['processor']}, torch "
        f"{machine['torch']}, spaCy {machine['spacy']}; {result['clock']}",
        f"texts: {result['texts']}; words are spaCy's tokens",
        "",
        _format_speed(result),
        "",
        "words a second of the others",
        format_table(
            ["threads", "documents", "peer", "words/s"],
            [
                [str(row["threads"]), row["length"], row["peer"], f"{row['words_per_second']:,.0f}"]
                for row in result["peer_speed"]
            ],
        ),
        "",
        "share of the time, by stage (one thread)",
        _format_stages(result["stages"]),
        "",
        f"nlp(text) of {result['latency'][0]['words'] if result['latency'] else 0} words: ms",
        format_table(
            ["components", "median", "95 %"],
            [
                [row["components"], f"{row['median']:.2f}", f"{row['p95']:.2f}"]
                for row in result["latency"]
            ],
        ),
        "",
        "fresh processes: seconds to start, megabytes",
        _format_processes(result["processes"]),
    ]
    for row in result["growth"]:
        ratio = f"{row['book_to_article']:.2f}"
        lines.append(f"{row['components']}: a word of a book takes {ratio} × that of an article")
    return "\n".join(lines)


def _format_speed(result: Mapping[str, Any]) -> str:
    rows = [
        [
            str(row["threads"]),
            row["length"],
            row["components"],
            f"{row['words_per_second']:,.0f}",
            f"{row['space_words_per_second']:,.0f}",
            *(f"{row['ratios'][peer]:.2f}" for peer in result["peers"]),
        ]
        for row in result["speed"]
    ]
    names = ["threads", "documents", "components", "words/s", "by white space"]
    return format_table([*names, *(f"× {peer}" for peer in result["peers"])], rows)


def _format_stages(stages: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in stages for name in row["shares"]))
    rows = [
        [
            row["length"],
            row["components"],
            *(f"{row['shares'][name]:.1%}" if name in row["shares"] else "-" for name in names),
        ]
        for row in stages
    ]
    return format_table(["documents", "components", *names], rows)


def _format_processes(processes: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for row in processes:
        parts = [row[f"{part}_seconds"] for part in ("import", "load", "first", "start")]
        long = [
            f"{document['words']:,} words: {_megabytes(document['extra_megabytes'])} more, "
            f"{document['seconds'] / document['words'] * 1e6:.1f} µs a word"
            for document in row["documents"]
        ]
        base = _megabytes(row["base_megabytes"])
        rows.append([row["components"], *(f"{part:.2f}" for part in parts), base, "; ".join(long)])
    names = ["components", "import", "load", "first result", "all", "memory", "long documents"]
    return format_table(names, rows)


def _megabytes(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} MB"


def benchmark_cli(
    model: ModelOption = DEFAULT_MODEL,
    texts: Annotated[
        Path | None,
        typer.Option(help="Measure on these: a .txt, a paragraph a line, or a .jsonl with text."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few and short texts, to see that it runs.")
    ] = False,
    threads: Annotated[
        list[int] | None, typer.Option("--threads", help="1 and 2 if left out; repeatable.")
    ] = None,
    cpu: Annotated[
        bool, typer.Option("--cpu", help="CPU time of one thread, for busy machines.")
    ] = False,
    precision: PrecisionOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for benchmark.json.")
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw benchmark.svg and .png into that folder.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure speed, memory and start-up beside other encoders: minutes."""

    def tell(step: str) -> None:
        print(step, file=sys.stderr)

    with only_json(as_json):
        result = benchmark(
            model,
            texts=texts,
            quick=quick,
            threads=threads or (),
            cpu=cpu,
            precision=precision,
            output=output,
            plot=plot,
            tell=tell if sys.stderr.isatty() else lambda step: None,
        )
    if as_json:
        print_json(result)
    else:
        print("\n".join([format_benchmark(result), *(["", *result["outputs"]] if output else [])]))
