"""Processes that train together, each on its share of every batch.

`torchrun` starts them and tells each by the environment which it is. Gradients are added up by
torch.distributed: in main memory (gloo) or, where the weights are on GPUs, between those (nccl).
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import LstmError

__all__ = ["ALONE", "Ranks", "count_processes", "join_ranks"]

# For all to come together, and for one message.
_JOINING: Final = timedelta(minutes=5)
# The first process may read text for hours while the others wait. Where it dies, its connections
# close, and nobody waits any longer.
_PATIENCE: Final = timedelta(days=7)


class Ranks(NamedTuple):
    """Which of the processes this one is. Of one alone, nothing is exchanged."""

    rank: int = 0
    size: int = 1
    patient: Any = None
    """The torch.distributed group in which they wait for one another."""

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and shows progress."""
        return self.rank == 0

    def share(self, batch: Any) -> Any:
        """This process's part of an array, of which every process has one of like size."""
        return np.array_split(batch, self.size)[self.rank]

    def wait(self) -> None:
        """Go on when all have come here, however long that takes."""
        if self.size > 1:
            with _told_in_one_line():
                dist.barrier(self.patient)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes. They are sent as one, since each
        message costs as much as thousands of numbers do.

        tensors: of one type, on one device, in every process of the same shapes.
        """
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _told_in_one_line():
            dist.all_reduce(flat)
        _spread(flat, tensors)

    def copy_first(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by the first process's; arguments as in `add_up`."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _told_in_one_line():
            dist.broadcast(flat, 0)
        _spread(flat, tensors)

    def check_same(self, what: str, value: object) -> None:
        """Raise LstmError in all processes unless all have a value that prints the same."""
        digest = int.from_bytes(sha256(repr(value).encode()).digest()[:7], "little")
        seen = torch.zeros(self.size, dtype=torch.int64)
        seen[self.rank] = digest
        self.add_up([seen])
        others = [rank for rank, other in enumerate(seen.tolist()) if other != seen[0]]
        if others:
            raise LstmError(
                f"process {others[0]} has another {what} than process 0: start all with the same "
                "arguments, and give an output folder that all of them share"
            )


ALONE: Final = Ranks()


def count_processes() -> int:
    """How many processes a launcher such as `torchrun` started together; 1 without one."""
    return int(os.environ.get("WORLD_SIZE") or 1)


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Meet the other processes that the same launcher started, for the time of a block.

    Raises LstmError where torch cannot exchange anything, or the others do not come; and within
    the block, where one of them ends.
    """
    if count_processes() == 1:
        yield ALONE
        return
    if not dist.is_available():
        raise LstmError(
            f"{count_processes()} processes cannot exchange gradients: this build of torch has no "
            "torch.distributed; start one process, without torchrun"
        )
    try:
        dist.init_process_group(timeout=_JOINING)
        patient = dist.new_group(backend="gloo", timeout=_PATIENCE)
    except (ValueError, RuntimeError) as error:
        raise LstmError(
            f"{count_processes()} processes cannot exchange gradients "
            f"({str(error).partition(chr(10))[0]}): start them with torchrun, or one without it"
        ) from error
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size(), patient)
    finally:
        dist.destroy_process_group()


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LstmError(
            "another process of this run has ended or cannot be reached: its own message says why; "
            "start all again, and they go on from the last checkpoint"
        ) from error


def _spread(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    parts = torch.split(flat, [tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))
