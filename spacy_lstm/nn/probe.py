"""How far RNN, GRU and LSTM remember: one small network per task and cell, trained on growing
distances, and the gradient that reaches back over each of them.

What is measured is accuracy on sequences never trained on, and the *gradient norm*: of the loss of
the first answer with respect to the state of the cell (hidden, and for an LSTM cell state, too)
`distance` steps before. The loss is that of wrong answers, since a task that is solved has a loss,
and so a gradient, near 0 however well the gradient passes (Bengio et al. 1994 and Pascanu
et al. 2013 look at the same derivative of a late state by an early one).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from random import Random
from time import process_time
from typing import Final, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from .encoder import CELLS, open_forget_gates
from .probe_tasks import TASKS, TOLERANCE, Batch, Task

__all__ = ["MemoryProbe", "ProbeResult", "gradient_norm", "run_probe"]

# Adam's rate, the best of 0.001, 0.003 and 0.01 for each cell at distances of 10 to 50.
_RATES: Final = {"rnn": 0.003, "gru": 0.01, "lstm": 0.01}
# The nearest distance gets more updates: there the task is learnt, later ones only lengthen it.
_FIRST_SHARE: Final = 3
_BATCH: Final = 16
_CHECK_EVERY: Final = 25
_CHECK_SEQUENCES: Final = 128
_TEST_SEQUENCES: Final = 512
_GRADIENT_SEQUENCES: Final = 32
_SOLVED: Final = 0.99


class ProbeResult(NamedTuple):
    """What a cell did on a task at a distance."""

    task: str
    cell: str
    distance: int
    accuracy: float
    """Share of right answers; of sums: of those within `TOLERANCE`."""
    loss: float
    """Mean cross entropy in nats; of sums the mean squared error."""
    gradient_before: float
    """Median gradient norm before any training."""
    gradient: float
    """Median gradient norm after the training at this distance."""
    updates: int
    seconds: float
    """Of a core, for the training at this distance, after a warm-up that is not counted."""
    parameters: int
    recurrent_parameters: int
    """Those of the cell alone."""


class MemoryProbe(nn.Module):
    """A recurrent layer and a linear one that reads the answers off its last states.

    cell: a name of `CELLS`. An LSTM's forget gates begin open, as in `BiLSTMEncoder`.
    """

    def __init__(self, *, cell: str, input_width: int, width: int, output_width: int) -> None:
        super().__init__()
        self.recurrent: nn.RNNBase = CELLS[cell](input_width, width)
        self.output = nn.Linear(width, output_width)
        if cell == "lstm":
            open_forget_gates(self.recurrent)

    def forward(self, X: Tensor, answers: int) -> Tensor:
        """Answers of the last steps.

        X: *Shape:* ``(steps, batch, input_width)``
        RETURNS: *Shape:* ``(answers, batch, output_width)``
        """
        H: Tensor = self.recurrent(X)[0]
        Z: Tensor = self.output(H[len(H) - answers :])
        return Z


def run_probe(
    task: str,
    cell: str,
    distances: Sequence[int],
    *,
    width: int,
    steps: int,
    seed: int,
    fresh: bool = False,
) -> Iterator[ProbeResult]:
    """Train a cell on a task, from the nearest distance to the farthest, and measure it at each.

    Each distance goes on from the weights of the one before, and ends early once 99 % of the
    answers are right. The same arguments give the same numbers, but for `seconds`, on one machine;
    all runs in one thread, since at these sizes a second one only waits.

    task, cell: names of `TASKS` and `CELLS`.
    distances: in ascending order, each at least `MIN_DISTANCE`.
    width: units of the cell.
    steps: updates at most per distance; the first one may have three times as many.
    fresh: whether every distance begins with new weights instead, and with the larger budget.
    """
    chosen = TASKS[task]
    model = _build(chosen, cell, width, seed)
    start = deepcopy(model)
    data = _generator(seed, "train", 0)
    _warm_up(model, chosen, distances[0])
    for i, distance in enumerate(distances):
        if fresh:
            model = deepcopy(start)
        started = process_time()
        budget = steps * (_FIRST_SHARE if fresh or i == 0 else 1)
        with _one_thread():
            updates = _train(model, chosen, distance, _RATES[cell], budget, data, seed)
            seconds = process_time() - started
            test = chosen.make(distance, _TEST_SEQUENCES, _generator(seed, "test", distance))
            accuracy, loss = _measure(model, chosen, test)
            before = gradient_norm(start, chosen, distance, seed)
            after = gradient_norm(model, chosen, distance, seed)
        yield ProbeResult(
            task=task,
            cell=cell,
            distance=distance,
            accuracy=accuracy,
            loss=loss,
            gradient_before=before,
            gradient=after,
            updates=updates,
            seconds=seconds,
            parameters=_count(model),
            recurrent_parameters=_count(model.recurrent),
        )


def gradient_norm(model: MemoryProbe, task: Task, distance: int, seed: int) -> float:
    """Median over sequences of the gradient norm that this module is about.

    It is computed in float64: a gradient that vanishes is soon below what float32 can hold.
    """
    generator = _generator(seed, "gradient", distance)
    X, Y = task.make(distance, _GRADIENT_SEQUENCES, generator)
    Y = _wrong_answers(Y, task, generator)
    model = deepcopy(model).double()
    X = X.double()
    begun = len(X) - len(Y) - distance + 1
    first_answer = len(X) - len(Y) + 1
    with torch.no_grad():
        _, found = model.recurrent(X[:begun])
    state = [part.requires_grad_() for part in (found if isinstance(found, tuple) else (found,))]
    H, _ = model.recurrent(X[begun:first_answer], tuple(state) if len(state) > 1 else state[0])
    loss = _loss(model.output(H[-1:]), Y[:1], task) * _GRADIENT_SEQUENCES
    gradients = torch.cat(torch.autograd.grad(loss, state), dim=2)
    return float(gradients.norm(dim=2).median())


def _wrong_answers(Y: Tensor, task: Task, generator: Generator) -> Tensor:
    """Any of the other classes, or the sum of another sequence."""
    if task.is_sum:
        return Y.roll(1, dims=1)
    return (Y + torch.randint(1, task.output_width, Y.shape, generator=generator)) % (
        task.output_width
    )


def _build(task: Task, cell: str, width: int, seed: int) -> MemoryProbe:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MemoryProbe(
            cell=cell,
            input_width=task.input_width,
            width=width,
            output_width=task.output_width,
        )


def _generator(seed: int, use: str, distance: int) -> Generator:
    """Random numbers of their own for each use, so that no test is part of a training."""
    return Generator().manual_seed(Random(f"{seed} {use} {distance}").getrandbits(63))


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _train(
    model: MemoryProbe,
    task: Task,
    distance: int,
    rate: float,
    budget: int,
    data: Generator,
    seed: int,
) -> int:
    """Train until it is solved or the budget is spent; the best weights seen are kept. Gives the
    number of updates."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    held = task.make(distance, _CHECK_SEQUENCES, _generator(seed, "check", distance))
    best, weights = float("inf"), deepcopy(model.state_dict())
    for update in range(budget + 1):
        if update % _CHECK_EVERY == 0 or update == budget:
            accuracy, loss = _measure(model, task, held)
            if loss < best:
                best, weights = loss, deepcopy(model.state_dict())
            if accuracy >= _SOLVED or update == budget:
                break
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - 0.9 * update / budget)
        X, Y = task.make(distance, _BATCH, data)
        optimizer.zero_grad()
        torch.autograd.backward(_loss(model(X, len(Y)), Y, task))
        # Exploding gradients are met as Pascanu et al. (2013) do; only vanishing ones are left.
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.load_state_dict(weights)
    return update


def _warm_up(model: MemoryProbe, task: Task, distance: int) -> None:
    """Let a copy learn, so that no training's time has in it what only the first of a process
    waits for: torch loads its optimizers when they are first asked for."""
    with _one_thread():
        _train(deepcopy(model), task, distance, 0.001, 2, Generator().manual_seed(0), 0)


def _measure(model: MemoryProbe, task: Task, batch: Batch) -> tuple[float, float]:
    """Accuracy and loss."""
    with torch.no_grad():
        Z = model(batch.X, len(batch.Y))
        right = (
            (Z.squeeze(2) - batch.Y).abs() <= TOLERANCE
            if task.is_sum
            else Z.argmax(dim=2) == batch.Y
        )
        return float(right.float().mean()), float(_loss(Z, batch.Y, task))


def _loss(Z: Tensor, Y: Tensor, task: Task) -> Tensor:
    if task.is_sum:
        return mse_loss(Z.squeeze(2), Y.to(Z.dtype))
    return cross_entropy(Z.flatten(0, 1), Y.flatten())


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
