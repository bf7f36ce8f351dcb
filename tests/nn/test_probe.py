"""The memory tasks' labels by hand, and cells that learn them."""

import math
import subprocess
import sys
from itertools import pairwise
from random import Random

import pytest
import torch
from torch import Generator, nn

from spacy_lstm.nn.encoder import CELLS
from spacy_lstm.nn.probe import MemoryProbe, ProbeResult, gradient_norm, run_probe
from spacy_lstm.nn.probe_tasks import (
    MIN_DISTANCE,
    TASKS,
    TOLERANCE,
    VOCABULARY,
    Batch,
    make_clause,
)

SEQUENCES = 64


def make(task: str, distance: int, seed: int = 0) -> Batch:
    return TASKS[task].make(distance, SEQUENCES, Generator().manual_seed(seed))


def read(X: torch.Tensor) -> list[list[int]]:
    """The tokens of one-hot sequences."""
    assert X.sum(2).eq(1).all()
    return X.argmax(2).T.tolist()


@pytest.mark.parametrize("distance", [MIN_DISTANCE, 6, 23])
@pytest.mark.parametrize("name", TASKS)
def test_shapes(name: str, distance: int) -> None:
    task = TASKS[name]
    X, Y = make(name, distance)
    assert X.shape[1:] == (SEQUENCES, task.input_width)
    assert X.dtype == torch.float32
    assert len(X) >= distance + len(Y)
    assert Y.shape[1:] == (SEQUENCES,)
    again, other = make(name, distance), make(name, distance, seed=1)
    assert torch.equal(X, again.X)
    assert torch.equal(Y, again.Y)
    assert not torch.equal(Y, other.Y)


@pytest.mark.parametrize("distance", [5, 9, 40])
def test_copy_asks_for_every_symbol_after_the_distance(distance: int) -> None:
    X, Y = make("copy", distance)
    for tokens, asked in zip(read(X), Y.T.tolist(), strict=True):
        assert tokens[:5] == asked
        blanks = [8] * (distance - 5)
        assert tokens[5:] == [*blanks, 9, *[8] * 4]
        assert max(asked) < 8


@pytest.mark.parametrize("distance", [5, 30])
def test_recall_asks_for_the_first_token(distance: int) -> None:
    X, Y = make("recall", distance)
    rows = read(X)
    assert [row[0] for row in rows] == Y[0].tolist()
    assert {row[distance] for row in rows} == {10}
    assert {token for row in rows for token in row[1:distance]} == set(range(10))
    assert {len(row) for row in rows} == {distance + 1}


@pytest.mark.parametrize(("distance", "lead"), [(5, 1), (10, 1), (60, 6)])
def test_adding_asks_for_the_sum_of_the_marked(distance: int, lead: int) -> None:
    X, Y = make("adding", distance)
    steps = distance + lead
    assert len(X) == steps
    for i in range(SEQUENCES):
        marked = [step for step in range(steps) if X[step, i, 1] == 1]
        first, second = marked
        assert first < lead <= second < steps // 2
        assert float(Y[0, i]) == pytest.approx(float(X[first, i, 0] + X[second, i, 0]))
    assert X[..., 0].min() >= 0
    assert X[..., 0].max() < 1


def test_what_is_right_without_memory() -> None:
    sums = TASKS["adding"].make(20, 20_000, Generator().manual_seed(0)).Y
    within = (sums - 1).abs() <= TOLERANCE
    assert float(within.float().mean()) == pytest.approx(TASKS["adding"].chance, abs=0.01)
    assert float(sums.var()) == pytest.approx(TASKS["adding"].baseline_loss, abs=0.005)
    assert TASKS["copy"].baseline_loss == pytest.approx(math.log(8))
    for name in ("copy", "recall", "agreement"):
        answers = TASKS[name].make(20, 4000, Generator().manual_seed(0)).Y[0]
        often = answers.bincount().max() / len(answers)
        assert float(often) == pytest.approx(TASKS[name].chance, abs=0.03)


# Read off the words, not off what made them.
SINGULAR = {"cat", "fish", "bird", "horse", "girl", "teacher", "tree", "boat"}
PLURAL = {"cats", "snakes", "birds", "horses", "girls", "teachers", "trees", "boats"}


@pytest.mark.parametrize("distance", [5, 6, 7, 8, 9, 50])
def test_agreement_is_with_the_subject_only(distance: int) -> None:
    X, Y = make("agreement", distance)
    last_is_right = []
    for tokens, answer in zip(read(X), Y[0].tolist(), strict=True):
        words = [VOCABULARY[token] for token in tokens]
        assert words[0] == "the"
        assert words[1] in (PLURAL if answer else SINGULAR)
        assert words[2] == "which"
        assert len(words) == 2 + distance
        assert words[-1] in SINGULAR | PLURAL
        last_is_right.append((words[-1] in PLURAL) == bool(answer))
    # Nobody gets far who agrees with the nearest noun.
    assert 0.25 < sum(last_is_right) / SEQUENCES < 0.75


@pytest.mark.parametrize("length", range(4, 30))
def test_clauses_are_grammatical(length: int) -> None:
    follows = {
        "which": {"verb"},
        "verb": {"the"},
        "preposition": {"the"},
        "the": {"adjective", "singular", "plural"},
        "adjective": {"adjective", "singular", "plural"},
        "singular": {"which", "preposition"},
        "plural": {"which", "preposition"},
    }
    for seed in range(20):
        kinds = make_clause(length, Random(seed))
        assert len(kinds) == length
        assert kinds[:2] == ["which", "verb"]
        assert kinds[-1] in {"singular", "plural"}
        assert all(second in follows[first] for first, second in pairwise(kinds))


def test_weights_of_the_cells_are_one_three_and_four_times_those_of_an_rnn() -> None:
    counts = {}
    for cell in CELLS:
        (result,) = run_probe("recall", cell, [5], width=7, steps=1, seed=0)
        counts[cell] = result.recurrent_parameters
        # Of both biases torch has two.
        gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
        assert result.recurrent_parameters == gates * 7 * (11 + 7 + 2)
        assert result.parameters - result.recurrent_parameters == 10 * (7 + 1)
    assert counts["gru"] == 3 * counts["rnn"]
    assert counts["lstm"] == 4 * counts["rnn"]


def test_forget_gates_begin_open() -> None:
    cell = MemoryProbe(cell="lstm", input_width=3, width=4, output_width=2).recurrent
    assert cell.bias_ih_l0[4:8].eq(1).all()
    assert cell.bias_ih_l0[:4].abs().max() <= 0.5


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_norm_is_the_derivative_by_the_state(cell: str) -> None:
    task, distance = TASKS["recall"], 6
    torch.manual_seed(0)
    model = MemoryProbe(cell=cell, input_width=11, width=5, output_width=10)
    norm = gradient_norm(model, task, distance, 0)
    # The state is moved by hand, one unit at a time, and the sequences stepped through one by one.
    double = MemoryProbe(cell=cell, input_width=11, width=5, output_width=10).double()
    double.load_state_dict(model.state_dict())
    seeded = Generator().manual_seed(Random(f"0 gradient {distance}").getrandbits(63))
    X, Y = task.make(distance, 32, seeded)
    wrong = (Y + torch.randint(1, 10, Y.shape, generator=seeded)) % 10
    assert not wrong.eq(Y).any()

    @torch.no_grad()
    def loss(state: torch.Tensor, i: int) -> float:
        parts = tuple(state.view(-1, 1, 1, 5))
        H, _ = double.recurrent(X[1:, i : i + 1].double(), parts if cell == "lstm" else parts[0])
        return float(nn.functional.cross_entropy(double.output(H[-1]), wrong[0, i : i + 1]))

    norms = []
    for i in range(32):
        with torch.no_grad():
            _, found = double.recurrent(X[:1, i : i + 1].double())
        state = torch.cat(found if cell == "lstm" else (found,)).flatten()
        slopes = []
        for unit in torch.eye(len(state), dtype=torch.float64) * 1e-6:
            slopes.append((loss(state + unit, i) - loss(state - unit, i)) / 2e-6)
        norms.append(torch.tensor(slopes).norm())
    assert norm == pytest.approx(float(torch.stack(norms).median()), rel=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_an_untrained_rnn_forgets_faster_than_an_lstm(task: str) -> None:
    torch.manual_seed(0)
    fades = {}
    for cell in ("rnn", "lstm"):
        known = TASKS[task]
        model = MemoryProbe(
            cell=cell, input_width=known.input_width, width=32, output_width=known.output_width
        )
        fades[cell] = gradient_norm(model, known, 50, 0) / gradient_norm(model, known, 10, 0)
    assert fades["rnn"] < 1e-3 * fades["lstm"] < 1e-4


def without_time(results: list[ProbeResult]) -> list[ProbeResult]:
    return [result._replace(seconds=0.0) for result in results]


def test_an_lstm_learns_to_recall_and_the_same_seed_is_the_same_run() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    runs = [
        without_time(list(run_probe("recall", "lstm", [5, 10], width=32, steps=250, seed=seed)))
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    near, far = runs[0]
    assert near.accuracy > 0.95
    assert near.loss < 0.3
    # It goes on from what it knows.
    assert 0 < near.updates <= 750
    assert far.accuracy > 0.95
    assert far.updates < near.updates
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_the_first_training_of_a_process_is_charged_no_warm_up() -> None:
    # The time is that of the process's own work: others on the machine do not add to it.
    program = (
        "from spacy_lstm.nn.probe import run_probe\n"
        "for _ in range(3):\n"
        "    (result,) = run_probe('recall', 'rnn', [5], width=32, steps=25, seed=0)\n"
        "    print(result.seconds)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, *later = map(float, ran.stdout.split())
    assert 0 < first < 4 * max(later)


@pytest.mark.parametrize(("task", "cell"), [("adding", "gru"), ("agreement", "rnn")])
def test_other_tasks_are_learnt(task: str, cell: str) -> None:
    (result,) = run_probe(task, cell, [5], width=32, steps=300, seed=0)
    assert result.accuracy > 0.9
    assert result.loss < 0.1 * TASKS[task].baseline_loss
    assert math.isfinite(result.gradient)


def test_fresh_weights_know_nothing_of_the_nearer_distance() -> None:
    (alone,) = run_probe("recall", "rnn", [8], width=8, steps=30, seed=0)
    kept, fresh = (
        list(run_probe("recall", "rnn", [5, 8], width=8, steps=30, seed=0, fresh=fresh))
        for fresh in (False, True)
    )
    assert without_time(kept[:1]) == without_time(fresh[:1])
    assert kept[1].updates == 30
    assert fresh[1].updates == alone.updates == 90
    assert fresh[1].gradient_before == kept[1].gradient_before == alone.gradient_before
    assert kept[1].loss != fresh[1].loss


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gated_cells_hold_a_sum_over_hundreds_of_steps_and_an_rnn_does_not(cell: str) -> None:
    distances = [10, 20, 50, 100, 200]
    *_, gated = run_probe("adding", cell, distances, width=32, steps=1000, seed=0)
    assert gated.accuracy > 0.9
    *_, simple = run_probe("adding", "rnn", distances[:3], width=32, steps=1000, seed=0)
    assert simple.accuracy < 0.3
