"""The local engine: worker processes, each with a pipeline and one part at a time.

A worker that dies takes nothing with it: another one takes its place and its part.
"""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from signal import SIG_IGN, SIGINT, signal
from typing import Final, cast

from ..errors import LstmError
from .annotating import Annotator
from .job import Done, Job
from .parts import Part

__all__ = ["run_here", "run_local"]

_CONTEXT: Final = get_context("spawn")
_READY: Final = "ready"
# So many in a row may die before they have begun.
_STILLBORN: Final = 3
# A worker of its own has a core of its own.
_THREADS: Final = "OMP_NUM_THREADS"


def run_here(job: Job, parts: Iterable[Part]) -> Iterator[Done]:
    """Annotate in this process, without others."""
    annotator = Annotator(job)
    return (annotator.annotate(part) for part in parts)


def run_local(job: Job, parts: Iterable[Part], workers: int) -> Iterator[Done]:
    """Annotate in so many processes.

    parts: the next one is only asked for when a worker has time for it.
    RETURNS: the parts as they get done, in no order.

    Raises LstmError where a worker cannot load the pipeline, or cannot write.
    """
    waiting = iter(parts)
    again: deque[Part] = deque()
    crew: list[_Worker] = []
    stillborn = 0
    try:
        while True:
            idle = [worker for worker in crew if worker.part is None]
            while idle or len(crew) < workers:
                part = again.popleft() if again else next(waiting, None)
                if part is None:
                    break
                if idle:
                    idle.pop().give(part)
                else:
                    crew.append(_Worker(job, part))
            busy = {worker.pipe: worker for worker in crew if worker.part is not None}
            if not busy:
                return
            for pipe in connection.wait(list(busy)):
                worker = busy[cast(Connection, pipe)]
                try:
                    done = worker.take()
                except (EOFError, ConnectionError):
                    crew.remove(worker)
                    again.append(worker.bury())
                    stillborn += not worker.ready
                    if stillborn > _STILLBORN:
                        raise LstmError(
                            f"workers end, the last with status {worker.process.exitcode}, while "
                            f"they load {job.options.model}: is there memory for {workers}? try "
                            "fewer"
                        ) from None
                    continue
                stillborn = 0
                if done is not None:
                    yield done
    finally:
        for worker in crew:
            worker.dismiss()


class _Worker:
    """A process at work, from the side of the one that directs it.

    part: what it is to do first.
    """

    def __init__(self, job: Job, part: Part) -> None:
        self.part: Part | None = part
        self.job = job
        self.ready = False
        self.pipe, other = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_work, args=(job, other), daemon=True)
        with _one_thread():
            self.process.start()
        other.close()

    def give(self, part: Part) -> None:
        """Have it do a part."""
        self.part = part
        # Of one that has just died this is noticed when its answer is waited for.
        with suppress(ConnectionError):
            self.pipe.send(part)

    def take(self) -> Done | None:
        """What it has to say: a part that is done, or None as it is ready to begin.

        Raises EOFError or ConnectionError where it died, and what it raised itself.
        """
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Done):
            self.part = None
            return answer
        self.ready = True
        assert self.part is not None
        self.give(self.part)
        return None

    def bury(self) -> Part:
        """The part that it leaves."""
        self.dismiss()
        assert self.part is not None
        return self.part

    def dismiss(self) -> None:
        """End it."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()


@contextmanager
def _one_thread() -> Iterator[None]:
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _work(job: Job, pipe: Connection) -> None:
    """The life of a worker."""
    # Ctrl-C reaches all processes of a terminal; the one that directs them ends them.
    signal(SIGINT, SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        annotator = Annotator(job, owns_process=True)
        pipe.send(_READY)
        while True:
            pipe.send(annotator.annotate(pipe.recv()))
    except EOFError:
        return
    except Exception as error:
        # An exception of another package might not survive the way through the pipe.
        kept = (
            error
            if isinstance(error, LstmError)
            else RuntimeError(f"{type(error).__name__}: {error}")
        )
        with suppress(OSError):
            pipe.send(kept)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
