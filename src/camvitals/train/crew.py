"""Who runs the trials of a search: processes of this computer, one trial and one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from camvitals.parallel import THREADS
from camvitals.train.stream import end_with_parent
from camvitals.train.trial import Job, Outcome, run_trial

POLL_S = 0.5
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """A trial asks whether to go on. at: which look; value: so far, the lower the better."""

    number: int
    at: int
    value: float


class Crew(Protocol):
    """Some workers, `size` of them, here or elsewhere."""

    size: int

    def start(self, job: Job) -> None:
        """Give a job to a worker that is free."""
        ...

    def news(self) -> list[Look | Outcome]:
        """What has come since; waits a little when nothing has."""
        ...

    def answer(self, number: int, *, give_up: bool) -> None:
        """Answer the look of a trial, which waits for it."""
        ...

    def close(self) -> None:
        """Stop whatever still runs."""
        ...


class Processes:
    """Workers that are processes of this computer."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._context = multiprocessing.get_context("spawn")
        self._idle: list[tuple[SpawnProcess, Connection]] = []
        self._busy: dict[int, tuple[SpawnProcess, Connection]] = {}

    def start(self, job: Job) -> None:
        """Give a job to a process, a new one if none is idle."""
        process, pipe = self._idle.pop() if self._idle else self._made()
        self._busy[job.number] = (process, pipe)
        pipe.send(job)

    def _made(self) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        with _plain_start():
            process.start()
        theirs.close()
        return process, ours

    def news(self) -> list[Look | Outcome]:
        """What has come since."""
        number_of = {id(pipe): number for number, (_, pipe) in self._busy.items()}
        found: list[Look | Outcome] = []
        for pipe in wait([pipe for _, pipe in self._busy.values()], timeout=POLL_S):
            assert isinstance(pipe, Connection)
            number = number_of[id(pipe)]
            try:
                said = pipe.recv()
            except (EOFError, OSError):
                said = Outcome(
                    number=number, state="lost", why="its process died; is memory short?"
                )
                self._busy.pop(number)[0].join()
            else:
                if isinstance(said, Outcome):
                    self._idle.append(self._busy.pop(number))
            found.append(said)
        return found

    def answer(self, number: int, *, give_up: bool) -> None:
        """Answer the look of a trial."""
        if number in self._busy:
            with suppress(OSError):  # it died meanwhile; the next news says so
                self._busy[number][1].send(give_up)

    def close(self) -> None:
        """Stop the processes at once: what they have written is whole at any moment."""
        for process, pipe in [*self._idle, *self._busy.values()]:
            process.terminate()
            pipe.close()
        for process, _ in [*self._idle, *self._busy.values()]:
            process.join(STOP_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._idle, self._busy = [], {}


def _serve(pipe: Connection) -> None:
    """In a worker: one job after the other, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    import torch

    torch.set_num_threads(1)

    def ask(number: int, at: int, value: float) -> bool:
        pipe.send(Look(number, at, value))
        return bool(pipe.recv())

    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(run_trial(job, ask))


@contextmanager
def _plain_start() -> Iterator[None]:
    """Processes started in here have one thread each and never see Ctrl-C."""
    chosen = {name: "1" for name in THREADS if name not in os.environ}
    os.environ.update(chosen)
    blocked = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if blocked else set()
    try:
        yield
    finally:
        if blocked:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name in chosen:
            os.environ.pop(name, None)
