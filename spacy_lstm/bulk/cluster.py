"""The Ray engine: the same work on the machines of a cluster. The only importer of ray.

Ray Data streams the parts of the plan to a pool of actors that hold a pipeline each. An actor
that dies is started anew, elsewhere if its machine is gone, and gets its part again; what it writes
is the same, and replaces what is there.
"""

import json
import logging
import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import ray
import ray.data

from ..errors import LstmError
from .annotating import Annotator
from .job import Done, Job
from .sources import cut_source

__all__ = ["run_ray"]

# Before anything of Ray starts: it would tell its makers of its use.
_USAGE: Final = "RAY_USAGE_STATS_ENABLED"
_KNOCK_SECONDS: Final = 10
# A block, which is what an actor gets at once, holds one part, however small.
_CONTEXT: Final[dict[str, Any]] = {"enable_progress_bars": False, "target_max_block_size": 1}


Batch = dict[str, Any]


def run_ray(
    job: Job, finished: frozenset[str], workers: int, address: str | None
) -> Iterator[Done]:
    """Annotate on a Ray cluster.

    finished: keys of parts that are there already.
    workers: actors, each with a core of its own.
    address: of the cluster; None: the one that RAY_ADDRESS names, or one on this machine.
    RETURNS: the parts as they get done, in no order.

    Raises LstmError where there is no such cluster, or where an actor cannot go on.
    """
    with _connected(workers, address):
        sources = [{"source": number} for number in range(len(job.sources))]
        plan = (
            ray.data.from_items(sources, override_num_blocks=len(sources))
            # Without a core to itself it waits for none, and is not joined with what comes after.
            .map_batches(
                _cut,
                fn_kwargs={"job": job, "finished": finished},
                batch_size=1,
                num_cpus=0,
                concurrency=min(workers, len(sources)),
            )
            .map_batches(
                _Actor,
                fn_constructor_kwargs={"job": job},
                batch_size=1,
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
            )
        )
        try:
            for row in plan.iter_rows():
                if row["fault"]:
                    raise LstmError(row["fault"])
                yield Done.from_json(row["done"])
        except ray.exceptions.RayError as error:
            raise LstmError(f"Ray: {_last_line(error)}") from error


def _cut(batch: Batch, job: Job, finished: frozenset[str]) -> Iterator[Batch]:
    for number in batch["source"].tolist():
        for part in cut_source(number, job.sources[number], job.options.part_bytes):
            if part.key not in finished:
                yield {"part": np.array([pickle.dumps(part)], dtype=object)}


class _Actor:
    """A worker of the cluster."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.annotator: Annotator | None = None

    def __call__(self, batch: Batch) -> Batch:
        """Do parts.

        What goes wrong is told, not raised: Ray would begin again and again.
        """
        try:
            self.annotator = self.annotator or Annotator(self.job, owns_process=True)
            found = [self.annotator.annotate(pickle.loads(part)) for part in batch["part"]]
        except LstmError as error:
            return {"done": [""], "fault": [str(error)]}
        except Exception as error:
            return {"done": [""], "fault": [f"{type(error).__name__}: {error}"]}
        return {
            "done": [json.dumps(vars(each)) for each in found],
            "fault": [""] * len(found),
        }


@contextmanager
def _connected(workers: int, address: str | None) -> Iterator[None]:
    """A connection to the cluster; one that was there before stays."""
    os.environ[_USAGE] = "0"
    own = not ray.is_initialized()
    if own:
        wanted = address or os.environ.get("RAY_ADDRESS")
        if wanted:
            _knock(wanted)
        local: dict[str, Any] = {} if wanted else {"num_cpus": workers, "include_dashboard": False}
        try:
            ray.init(
                address=wanted or "local", log_to_driver=False, logging_level=logging.ERROR, **local
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _unreachable(wanted or "this machine", error) from error
    context = ray.data.DataContext.get_current()
    before = {name: getattr(context, name) for name in _CONTEXT}
    logger = logging.getLogger("ray.data")
    level = logger.level
    for name, value in _CONTEXT.items():
        setattr(context, name, value)
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(context, name, value)
        logger.setLevel(level)
        if own:
            ray.shutdown()


def _knock(address: str) -> None:
    """Ray itself waits minutes for one that is not there.

    address: such as host:6379 or ray://host:10001; Ray's own words (auto) are left to it.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS).close()
        except OSError as error:
            raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> LstmError:
    return LstmError(
        f"no Ray cluster at {address}: {_last_line(error)}: give the address of a running one"
    )


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
