"""Many recordings at once, on all cores; one that cannot be read does not stop the others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from camvitals.pipeline import Settings, measure_people
from camvitals.records import InputError, Report

Outcome = tuple[Report, ...] | InputError
Outcomes = Generator[tuple[int, Outcome], None, None]
Progress = Callable[[float], None]
POLL_S = 0.25
STARTED = 1e-6


def measure_files(
    sources: Sequence[str | os.PathLike[str]],
    *,
    settings: Settings,
    fps: float | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Yield (index of the source, its reports or what was wrong with it) as they are done.

    jobs: processes at a time; None means one a core.   Raises InputError for jobs < 1.
    progress: called a few times a second with the files done so far, parts of files included.
    Sources of the same file name are named by their whole path in the reports. Several processes
    import the calling script anew: call this under `if __name__ == "__main__":` there.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    paths = tuple(os.fspath(source) for source in sources)
    names = _distinct_names(paths)
    work = _Work(paths, settings, fps, progress or (lambda _: None))
    workers = min(jobs or _cores(), len(paths))
    return _with_names(work.in_turn() if workers <= 1 else work.in_parallel(workers), names)


def _with_names(outcomes: Outcomes, names: list[str | None]) -> Outcomes:
    with closing(outcomes):
        for index, outcome in outcomes:
            yield index, _named(outcome, names[index])


def _distinct_names(sources: Sequence[str]) -> list[str | None]:
    """The whole path of each source whose file name another one has too, else None."""
    names = [Path(source).name for source in sources]
    return [
        source if names.count(name) > 1 and "://" not in source else None
        for source, name in zip(sources, names, strict=True)
    ]


def _named(outcome: Outcome, name: str | None) -> Outcome:
    if name is None or isinstance(outcome, InputError):
        return outcome
    return tuple(replace(r, source=replace(r.source, name=name)) for r in outcome)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be measured and how, and whom to tell."""

    sources: tuple[str, ...]
    settings: Settings
    fps: float | None
    progress: Progress

    def in_turn(self) -> Outcomes:
        """One after the other, here."""
        for index, source in enumerate(self.sources):
            yield index, _outcome(source, self.settings, self.fps, self._told(index))
            self.progress(index + 1)

    def _told(self, index: int) -> Callable[[int, int | None], None]:
        return lambda count, expected: self.progress(index + _share(count, expected))

    def in_parallel(self, workers: int) -> Outcomes:
        """In several processes. One that dies takes the others of its pool along, so that whatever
        was begun is tried again by itself, to see whose fault it was, and the rest together.
        """
        context = get_context("spawn")
        shares: MutableSequence[float] = context.Array("d", len(self.sources) + 1, lock=False)
        left = list(range(len(self.sources)))
        while left:
            for index, outcome in self._attempt(left, workers, context, shares):
                left = [i for i in left if i != index]
                yield index, outcome
            for index in [i for i in left if shares[i] > 0] or left:
                alone = dict(self._attempt([index], 1, context, shares))
                yield index, alone.get(index) or _died(self.sources[index])
                left = [i for i in left if i != index]

    def _attempt(
        self, chosen: Iterable[int], workers: int, context: Any, shares: MutableSequence[float]
    ) -> Outcomes:
        """What of the chosen is done before all are or a process dies."""
        shares[-1] = 0
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_share_with, initargs=(shares,)
        )
        index_of: dict[Future[Outcome], int] = {}
        try:
            with suppress(BrokenProcessPool), _interrupts_held():
                for index in chosen:
                    job = (index, self.sources[index], self.settings, self.fps)
                    index_of[pool.submit(_measure_shared, *job)] = index
            waiting = set(index_of)
            while waiting:
                done, waiting = wait(waiting, timeout=POLL_S, return_when=FIRST_COMPLETED)
                self.progress(sum(shares[:-1]))
                for future in done:
                    if not isinstance(future.exception(), BrokenProcessPool):
                        yield index_of[future], future.result()
        finally:
            shares[-1] = 1
            pool.shutdown(cancel_futures=True)


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


# In a worker: how much of each file is read (0–1), and last whether to stop. One for all processes.
_shares: MutableSequence[float] = []


def _share_with(shares: MutableSequence[float]) -> None:
    global _shares  # noqa: PLW0603 - the only way to hand shared memory to a pool
    _shares = shares


class _Stopped(Exception):
    """Nobody waits for the answer any more."""


def _measure_shared(index: int, source: str, settings: Settings, fps: float | None) -> Outcome:
    def note(count: int, expected: int | None) -> None:
        if _shares[-1]:
            raise _Stopped
        _shares[index] = max(STARTED, _share(count, expected))

    _shares[index] = STARTED
    outcome = _outcome(source, settings, fps, note)
    _shares[index] = 1.0
    return outcome


def _outcome(
    source: str, settings: Settings, fps: float | None, note: Callable[[int, int | None], None]
) -> Outcome:
    try:
        return measure_people(source, settings=settings, fps=fps, progress=note)
    except InputError as error:
        return error
    except _Stopped:
        raise
    except Exception as error:
        fault = " ".join(f"{type(error).__name__}: {error}".split())
        return InputError(
            f"{source} could not be measured ({fault}); this is a fault of camvitals: measure it "
            "by itself for the details, and report it"
        )


def _share(count: int, expected: int | None) -> float:
    return min(1.0, count / expected) if expected else 0.0


def _died(source: str) -> InputError:
    return InputError(
        f"{source} was not measured: its process died, perhaps for want of memory; "
        "try it by itself, or with fewer jobs"
    )
