"""The trials of a search on a Ray cluster: the same jobs, done elsewhere.

The machines need camvitals and, where a recipe names files, those at the same paths. What a trial
writes on them is thrown away; its values come back.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import warnings
from collections.abc import Callable
from typing import Any

from camvitals.parallel import THREADS
from camvitals.records import InputError
from camvitals.train.crew import POLL_S, Look
from camvitals.train.trial import Job, Outcome, run_trial

SCHEME = "ray://"
ANSWER_S = 5.0
ADDRESSES = "ray://HOST:PORT, ray://auto or ray://local"


class Board:
    """Where trials ask whether to go on, and are answered: one for a search, on the cluster."""

    def __init__(self) -> None:
        self._asked: list[tuple[int, int, float]] = []
        self._waiting: dict[int, asyncio.Future[bool]] = {}

    async def ask(self, number: int, at: int, value: float) -> bool:
        """Put a look up and wait for its answer."""
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._asked.append((number, at, value))
        return await self._waiting[number]

    async def take(self) -> list[tuple[int, int, float]]:
        """The looks that have come since."""
        found, self._asked = self._asked, []
        return found

    async def answer(self, number: int, give_up: bool) -> None:
        """Answer a look."""
        self._waiting.pop(number).set_result(give_up)


class Cluster:
    """Workers on a Ray cluster, one core each.

    address: ray://HOST:PORT of a cluster, ray://auto of the one that this machine belongs to,
        ray://local to start one on this machine alone.
    workers: trials at a time; None: as many as the cluster has cores.
    Raises InputError when ray is not installed, or nobody answers.
    """

    def __init__(self, address: str, workers: int | None) -> None:
        self._ray = _connected(address, workers)
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self.size = min(workers or cores, cores)
        board = self._ray.remote(num_cpus=0)(Board)
        self._board = board.remote()
        self._run = self._ray.remote(num_cpus=1, max_retries=0)(_on_cluster)
        self._tasks: dict[Any, int] = {}

    def start(self, job: Job) -> None:
        """Give a job to the cluster."""
        self._tasks[self._run.remote(job, self._board)] = job.number

    def news(self) -> list[Look | Outcome]:
        """What has come since."""
        done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=POLL_S / 2)
        found: list[Look | Outcome] = [
            Look(*one) for one in self._ray.get(self._board.take.remote())
        ]
        for task in done:
            number = self._tasks.pop(task)
            try:
                found.append(self._ray.get(task))
            except Exception as error:  # Ray raises its own kinds, for a machine that is gone
                why = f"its process on the cluster died ({type(error).__name__})"
                found.append(Outcome(number=number, state="lost", why=why))
        return found

    def answer(self, number: int, *, give_up: bool) -> None:
        """Answer the look of a trial."""
        self._board.answer.remote(number, give_up)

    def close(self) -> None:
        """Stop what still runs, and leave the cluster."""
        for task in self._tasks:
            self._ray.cancel(task, force=True)
        self._ray.shutdown()


def _on_cluster(job: Job, board: Any) -> Outcome:
    """On a machine of the cluster: one trial."""
    import ray
    import torch

    torch.set_num_threads(1)

    def ask(number: int, at: int, value: float) -> bool:
        return bool(ray.get(board.ask.remote(number, at, value)))

    return run_trial(job, ask)


def _connected(address: str, workers: int | None) -> Any:
    """The module ray, connected."""
    if not address.startswith(SCHEME):
        raise InputError(f"--on needs {ADDRESSES} but got {address!r}")
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "a search on a cluster needs ray; install it with pip install 'camvitals[cluster]'"
        ) from error
    place = address.removeprefix(SCHEME)
    if place not in ("auto", "local"):
        _answers(place)
    environment = {"env_vars": dict.fromkeys(THREADS, "1")}
    options: dict[str, Any] = {"runtime_env": environment, "log_to_driver": False}
    options["logging_level"] = logging.ERROR
    if place == "local":
        options |= {"num_cpus": workers, "include_dashboard": False}
    where = place if place in ("auto", "local") else address
    return _started(ray, lambda: ray.init(address=where, **options), address)


def _started(ray: Any, start: Callable[[], Any], address: str) -> Any:
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is told below, in one line
            start()
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, Ray's own
        said = " ".join(str(error).split())[:150]
        raise InputError(
            f"no Ray cluster at {address} ({said}); start one with ray start --head, or leave "
            "--on out"
        ) from error
    return ray


def _answers(place: str) -> None:
    """Raise InputError at once when nobody listens; Ray itself would try for half a minute."""
    host, colon, port = place.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise InputError(f"--on needs {ADDRESSES} but got {SCHEME}{place!r}")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"no Ray cluster answers at {SCHEME}{place} ({error}); check address and port (10001 "
            "is usual), or leave --on out"
        ) from error
