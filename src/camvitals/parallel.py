"""Many jobs at once, on all cores; one that fails or dies does not stop the others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Generic, TypeVar

from camvitals.records import InputError

Job = TypeVar("Job")
Result = TypeVar("Result")
Note = Callable[[float], None]
Outcomes = Generator[tuple[int, Result | InputError], None, None]
POLL_S = 0.25
STARTED = 1e-6
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
AHEAD = 2  # jobs per process that are handed out: one at work, one waiting


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job, Note], Result],
    *,
    name: Callable[[Job], str] = str,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Outcomes[Result]:
    """Yield (index of the job, its result or what was wrong with it) as they are done.

    work: called with a job, and with `note`, which it should tell now and then what share of the
        job is done (0–1): that is where it stops when nobody waits for it any more. An InputError
        that it raises is the outcome of its job; any other error is told as a fault of camvitals.
    name: what a job is called in messages.
    workers: processes at a time; None means one a core. One worker is this process itself.
    progress: called a few times a second with the jobs done so far, shares included.
    Only a few jobs for each process are handed out, and their results kept, at a time. Jobs, work
    and results go to other processes: functions of modules, no closures. Those processes import the
    calling script anew: call this under `if __name__ == "__main__":` there.
    Raises InputError for workers < 1.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers needs a whole number >= 1 but got {workers}; leave it out")
    pool = _Jobs(jobs, work, name, progress or (lambda _: None))
    count = min(workers or cores(), len(jobs))
    return pool.in_turn() if count <= 1 else pool.in_parallel(count)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_of(count: float, expected: float | None) -> float:
    """What share of the expected is done, 0–1; 0 when nobody knows what to expect."""
    return min(1.0, count / expected) if expected else 0.0


@dataclass(frozen=True, slots=True)
class _Jobs(Generic[Job, Result]):
    """What is to be done and how, and whom to tell."""

    jobs: Sequence[Job]
    work: Callable[[Job, Note], Result]
    name: Callable[[Job], str]
    progress: Callable[[float], None]

    def in_turn(self) -> Outcomes[Result]:
        """One after the other, here."""
        for index, job in enumerate(self.jobs):
            yield index, _outcome(self.work, job, self.name(job), self._told(index))
            self.progress(index + 1)

    def _told(self, index: int) -> Note:
        return lambda share: self.progress(index + min(1.0, share))

    def in_parallel(self, workers: int) -> Outcomes[Result]:
        """In several processes. One that dies takes the others of its pool along, so that whatever
        was begun is tried again by itself, to see whose fault it was, and the rest together.
        """
        context = get_context("spawn")
        shares: MutableSequence[float] = context.Array("d", len(self.jobs) + 1, lock=False)
        left = dict.fromkeys(range(len(self.jobs)))
        while left:
            handed_out: list[int] = []
            chosen = _noted(left, handed_out)
            for index, outcome in self._attempt(chosen, workers, context, shares):
                del left[index]
                yield index, outcome
            lost = [index for index in handed_out if index in left]
            for index in [i for i in lost if shares[i] > 0] or lost:
                alone = dict(self._attempt([index], 1, context, shares))
                del left[index]
                yield index, alone[index] if index in alone else _died(self.name(self.jobs[index]))

    def _attempt(
        self, chosen: Iterable[int], workers: int, context: Any, shares: MutableSequence[float]
    ) -> Outcomes[Result]:
        """What of the chosen is done before all are or a process dies."""
        shares[-1] = 0
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_share_with, initargs=(shares,)
        )
        index_of: dict[Future[Result | InputError], int] = {}
        ahead = iter(chosen)
        try:
            while True:
                with suppress(BrokenProcessPool), _interrupts_held(), _one_thread_each():
                    while len(index_of) < AHEAD * workers and (index := next(ahead, -1)) >= 0:
                        index_of[self._submitted(pool, index)] = index
                if not index_of:
                    break
                done, _ = wait(index_of, timeout=POLL_S, return_when=FIRST_COMPLETED)
                self.progress(sum(shares[:-1]))
                for future in done:
                    index, fault = index_of.pop(future), future.exception()
                    if isinstance(fault, BrokenProcessPool):
                        ahead = iter(())
                    elif fault is None:
                        yield index, future.result()
                    else:  # the job or its result cannot be sent
                        yield index, _fault(self.name(self.jobs[index]), fault)
        finally:
            shares[-1] = 1
            pool.shutdown(cancel_futures=True)

    def _submitted(self, pool: ProcessPoolExecutor, index: int) -> Future[Result | InputError]:
        job = self.jobs[index]
        shared: Callable[..., Result | InputError] = _work_shared
        return pool.submit(shared, self.work, job, self.name(job), index)


def _noted(indices: Iterable[int], into: list[int]) -> Iterator[int]:
    """The indices as they were at first, each noted as it is taken."""
    for index in list(indices):
        into.append(index)
        yield index


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started in here never see Ctrl-C, which is for the one that started them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started in here do their matrix products in one thread, as they are one a core.

    With more, threads of one process wait for those of another, ten times longer than they work.
    """
    chosen = {name: "1" for name in THREADS if name not in os.environ}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name in chosen:
            os.environ.pop(name, None)


# In a worker: what share of each job is done, and last whether to stop. One for all processes.
_shares: MutableSequence[float] = []


def _share_with(shares: MutableSequence[float]) -> None:
    global _shares  # noqa: PLW0603 - the only way to hand shared memory to a pool
    _shares = shares
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Not outlive a parent that was killed: nobody would ever give it work or stop it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Stopped(BaseException):
    """Nobody waits for the answer any more."""


def _work_shared(
    work: Callable[[Job, Note], Result], job: Job, name: str, index: int
) -> Result | InputError:
    def note(share: float) -> None:
        if _shares[-1]:
            raise _Stopped
        _shares[index] = min(1.0, max(STARTED, share))

    _shares[index] = STARTED
    outcome = _outcome(work, job, name, note)
    _shares[index] = 1.0
    return outcome


def _outcome(
    work: Callable[[Job, Note], Result], job: Job, name: str, note: Note
) -> Result | InputError:
    try:
        return work(job, note)
    except InputError as error:
        return error
    except Exception as error:
        return _fault(name, error)


def _fault(name: str, error: BaseException) -> InputError:
    fault = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(
        f"{name} could not be finished ({fault}); this is a fault of camvitals: try it by itself "
        "for the details, and report it"
    )


def _died(name: str) -> InputError:
    return InputError(
        f"{name} was not finished: its process died, perhaps for want of memory; "
        "try it by itself, or fewer at a time"
    )
