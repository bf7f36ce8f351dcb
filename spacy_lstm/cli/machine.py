"""What the machine offers."""

import os
from pathlib import Path

__all__ = ["usable_cores"]

_SMT = Path("/sys/devices/system/cpu/smt/active")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(smt: Path = _SMT, quota: Path = _QUOTA) -> int:
    """Physical cores that this process may use: hyperthreads do not multiply matrices.

    Args:
        smt: file that holds 1 where two hyperthreads share a core.
        quota: file with a container's share: microseconds of CPU time in so many of the clock.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    if smt.is_file() and smt.read_text().strip() == "1":
        count = max(1, count // 2)
    if quota.is_file():
        used, period = quota.read_text().split()
        if used != "max":
            count = min(count, max(1, int(used) // int(period)))
    return count
