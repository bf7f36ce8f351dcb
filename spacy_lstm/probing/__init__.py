"""Memory curves of RNN, GRU and LSTM as plain data: which runs there are, and their results."""

from collections.abc import Sequence
from typing import Any, Final

from tqdm import tqdm

from ..errors import LstmError
from ..nn.probe import run_probe
from ..nn.probe_tasks import MIN_DISTANCE, TASKS

__all__ = ["CELL_NAMES", "DISTANCES", "STEPS", "TASK_NAMES", "WIDTH", "probe_memory"]

TASK_NAMES: Final = tuple(TASKS)
CELL_NAMES: Final = ("rnn", "gru", "lstm")
DISTANCES: Final = (10, 20, 50, 100, 200, 500)
WIDTH: Final = 32
STEPS: Final = 1000


def probe_memory(
    tasks: Sequence[str] = TASK_NAMES,
    cells: Sequence[str] = CELL_NAMES,
    distances: Sequence[int] = DISTANCES,
    *,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    fresh: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Train every cell on every task, and measure it at every distance.

    tasks: of `TASK_NAMES`.
    cells: of `CELL_NAMES`.
    distances: steps to remember over, each at least 5, in any order.
    width: units of every cell.
    steps: updates at most at a distance; three times as many at the nearest.
    seed: the same gives the same numbers, but for seconds, on one machine.
    fresh: whether each distance begins with new weights, rather than with those of the nearer one.
    RETURNS: `settings`; `tasks`, name → `chance` (accuracy without memory), `baseline_loss` and
        `is_sum`; `results`, a list of the fields of `ProbeResult`.

    Raises LstmError for an unknown name, a list without members and a number that is too small.
    """
    tasks = _chosen("task", tasks, TASK_NAMES)
    cells = _chosen("cell", cells, CELL_NAMES)
    distances = sorted(set(distances))
    _at_least("distance", min(distances, default=0), MIN_DISTANCE)
    _at_least("width", width, 1)
    _at_least("steps", steps, 1)
    _at_least("seed", seed, 0)
    results = []
    total = len(tasks) * len(cells) * len(distances)
    with tqdm(total=total, disable=not show_progress, unit="distance") as progress:
        for task in tasks:
            for cell in cells:
                progress.set_description(f"{task}, {cell}")
                for result in run_probe(
                    task, cell, distances, width=width, steps=steps, seed=seed, fresh=fresh
                ):
                    results.append(result._asdict())
                    progress.update()
    return {
        "settings": {"width": width, "steps": steps, "seed": seed, "fresh": fresh},
        "tasks": {
            name: {
                "chance": TASKS[name].chance,
                "baseline_loss": TASKS[name].baseline_loss,
                "is_sum": TASKS[name].is_sum,
            }
            for name in tasks
        },
        "results": results,
    }


def _chosen(what: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names, each once."""
    if not names:
        raise LstmError(f"no {what} to probe: give one or more of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise LstmError(f"unknown {what} {name!r}: choose of {', '.join(known)}")
    return list(dict.fromkeys(names))


def _at_least(what: str, value: int, least: int) -> None:
    if value < least:
        raise LstmError(f"{what} is {value}: expected {least} or more")
