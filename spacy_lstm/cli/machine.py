"""What the machine offers."""

import os
from collections.abc import Callable
from multiprocessing import parent_process
from pathlib import Path

import torch
from thinc.api import require_gpu
from thinc.compat import has_cupy_gpu

from ..errors import LstmError

__all__ = ["choose_device", "limit_threads", "usable_cores"]

_SMT = Path("/sys/devices/system/cpu/smt/active")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def _load() -> float:
    """How many processes want a core, over the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def usable_cores(smt: Path = _SMT, quota: Path = _QUOTA, load: Callable[[], float] = _load) -> int:
    """Free physical cores that this process may use: hyperthreads do not multiply matrices.

    Cores that others keep busy are left to them: threads that wait for one another at every
    small step of an LSTM, and one of them without a core, took more than ten times as long as
    a single thread.

    Args:
        smt: file that holds 1 where two hyperthreads share a core.
        quota: file with a container's share: microseconds of CPU time in so many of the clock.
        load: gives the number of processes that want a core.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    if smt.is_file() and smt.read_text().strip() == "1":
        count = max(1, count // 2)
    count = max(1, count - round(load()))
    if quota.is_file():
        used, period = quota.read_text().split()
        if used != "max":
            count = min(count, max(1, int(used) // int(period)))
    return count


def limit_threads() -> None:
    """Let torch use the free cores, unless OMP_NUM_THREADS already says how many. A process that
    another one started keeps what it has: after a fork more than one thread may never answer."""
    if "OMP_NUM_THREADS" not in os.environ and parent_process() is None:
        torch.set_num_threads(usable_cores())


def choose_device(gpu_id: int | None) -> int:
    """Set threads or GPU; the number that spaCy wants, -1 for the CPU.

    Args:
        gpu_id: which GPU, -1 for none, None to take one if thinc can use it: of several processes
            that `torchrun` started, each its own.
    """
    limit_threads()
    if gpu_id is None:
        gpu_id = int(os.environ.get("LOCAL_RANK") or 0) if has_cupy_gpu else -1
    if gpu_id >= 0:
        try:
            require_gpu(gpu_id)
        except ValueError as error:
            raise LstmError(f"no GPU {gpu_id} ({error}): leave out --gpu-id") from error
    return gpu_id
