"""`spacy-lstm probe`: how far RNN, GRU and LSTM remember."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ..errors import LstmError
from ..probing import CELL_NAMES, DISTANCES, STEPS, TASK_NAMES, WIDTH, probe_memory
from ..viz.curves import can_draw, draw_probe
from .files import write_atomically
from .reporting import format_table, only_json, print_json, to_plain

__all__ = ["format_probe", "probe", "probe_cli"]

_HELD: Final = 0.9


def probe(
    tasks: Sequence[str] = TASK_NAMES,
    cells: Sequence[str] = CELL_NAMES,
    distances: Sequence[int] = DISTANCES,
    *,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    fresh: bool = False,
    output: str | Path | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train RNN, GRU and LSTM on tasks that need a memory, and measure how far it reaches.

    Args:
        tasks, cells, distances: what to run; all of them are documented in `docs/probe.md`.
        width: units of every cell.
        steps: updates at most at a distance; three times as many at the nearest.
        seed: the same gives the same numbers, but for seconds, on one machine.
        fresh: whether each distance begins with new weights, rather than the nearer one's.
        output: folder for `probe.json` and, where matplotlib is installed, `probe.svg` and
            `probe.png`.
    Returns:
        settings, tasks (name → chance, baseline_loss, is_sum), results (for each task, cell
        and distance: accuracy, loss, gradient_before, gradient, updates, seconds, parameters,
        recurrent_parameters) and outputs, the files written.
    """
    # Told before minutes of training, not after.
    if output is not None and Path(output).is_file():
        raise LstmError(f"output {output} is a file: give a folder")
    result = probe_memory(
        tasks,
        cells,
        distances,
        width=width,
        steps=steps,
        seed=seed,
        fresh=fresh,
        show_progress=show_progress,
    )
    outputs = [] if output is None else _write(result, Path(output))
    return {**result, "outputs": outputs}


def _write(result: Mapping[str, Any], folder: Path) -> list[str]:
    files: dict[str, str | bytes] = {"probe.json": json.dumps(to_plain(result), indent=1) + "\n"}
    if can_draw():
        files |= {"probe.svg": draw_probe(result, "svg"), "probe.png": draw_probe(result, "png")}
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [str(folder / name) for name in files]


def format_probe(result: Mapping[str, Any]) -> str:
    """Tables for people: of each task the accuracy, for sums the error, and the gradient norms by
    cell and distance; then weights, time and reach."""
    parts = []
    for name, task in result["tasks"].items():
        rows = [row for row in result["results"] if row["task"] == name]
        chance = f"{name}: share of right answers; guessing has {task['chance']:.2f}"
        parts += [chance, _by_distance(rows, "accuracy", "{:.2f}".format)]
        if task["is_sum"]:
            error = f"{name}: mean squared error; the variance is {task['baseline_loss']:.4f}"
            parts += [error, _by_distance(rows, "loss", "{:.4f}".format)]
        for key, when in (("gradient_before", "before"), ("gradient", "after")):
            title = f"{name}: gradient norm {when} training"
            parts += [title, _by_distance(rows, key, "{:.0e}".format)]
        parts += [f"{name}: what it takes", _costs(rows)]
    return "\n".join(part if i % 2 == 0 else part + "\n" for i, part in enumerate(parts)).rstrip()


def _cells(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    names = dict.fromkeys(row["cell"] for row in rows)
    return {name: [row for row in rows if row["cell"] == name] for name in names}


def _by_distance(rows: Sequence[Mapping[str, Any]], key: str, form: Callable[[float], str]) -> str:
    cells = _cells(rows)
    distances = [str(row["distance"]) for row in next(iter(cells.values()))]
    table = [[cell, *(form(row[key]) for row in mine)] for cell, mine in cells.items()]
    return format_table(["cell", *distances], table)


def _costs(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = _cells(rows)
    table = []
    for cell, mine in cells.items():
        reach = max((row["distance"] for row in mine if row["accuracy"] >= _HELD), default=0)
        table.append(
            [
                cell,
                f"{mine[0]['recurrent_parameters']:,}",
                f"{mine[0]['parameters']:,}",
                f"{sum(row['updates'] for row in mine):,}",
                f"{sum(row['seconds'] for row in mine):.1f}",
                str(reach or "-"),
            ]
        )
    held = f"{_HELD:.0%} right up to"
    return format_table(["cell", "weights", "with output", "updates", "seconds", held], table)


def probe_cli(
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help=f"{', '.join(TASK_NAMES)}; repeatable.")
    ] = None,
    cells: Annotated[
        list[str] | None, typer.Option("--cell", help=f"{', '.join(CELL_NAMES)}; repeatable.")
    ] = None,
    distances: Annotated[
        list[int] | None,
        typer.Option("--distance", help="Steps to remember over; repeatable."),
    ] = None,
    width: Annotated[int, typer.Option(help="Units of every cell.")] = WIDTH,
    steps: Annotated[int, typer.Option(help="Updates at most at a distance.")] = STEPS,
    seed: Annotated[int, typer.Option(help="The same gives the same numbers.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="New weights at every distance: much harder.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for probe.json and pictures.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train RNN, GRU and LSTM on tasks that need a memory: minutes for all of them."""
    with only_json(as_json):
        result = probe(
            tasks or TASK_NAMES,
            cells or CELL_NAMES,
            distances or DISTANCES,
            width=width,
            steps=steps,
            seed=seed,
            fresh=fresh,
            output=output,
            show_progress=sys.stderr.isatty(),
        )
    if as_json:
        print_json(result)
    else:
        print("\n".join([format_probe(result), *(["", *result["outputs"]] if output else [])]))
    if output and not can_draw():
        print("no pictures: pip install 'spacy-lstm[plots]' brings matplotlib", file=sys.stderr)
