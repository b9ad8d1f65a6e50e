"""The queue: one file after the other, each measured in a process that may die alone."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from camvitals.app.child import block, end_child, read_block, start_child
from camvitals.app.refusal import Refused
from camvitals.app.settings import Settings
from camvitals.app.store import Job, Store
from camvitals.records import InputError

T = TypeVar("T")
TRIES = 2  # a job that takes the server down with it is not tried for ever
LOOK_S = 2.0
SLOWEST_RETRY_S = 15.0
DRAW_S = 60.0


@dataclass(slots=True)
class _Running:
    """A job at work: what share is done, and the task that waits for it."""

    share: float = 0.0
    note: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[dict[str, Any]] | None = None


class Queue:
    """Jobs in the database, at most `limits.jobs` of them at work.

    The database is the queue, so that nothing is lost when the server ends: what ran waits again.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._limits, self._store = settings, settings.limits, store
        self._running: dict[str, _Running] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._claiming, self._drawing = asyncio.Lock(), asyncio.Semaphore(2)
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Take up what was left, throw away what belongs to nobody, and begin."""
        await self._take_up()
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._limits.jobs)]

    async def stop(self) -> None:
        """End what is at work; it waits again in the database."""
        interrupted = list(self._running)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for identity in interrupted:
            with suppress(Refused):
                await self.ask(self._store.wait_again, identity, forgive=True)

    def path_of(self, identity: str) -> Path:
        """Where the upload of a job lies."""
        return self._settings.uploads / identity

    @staticmethod
    def new_identity() -> str:
        """A number that nobody can guess."""
        return uuid.uuid4().hex

    async def check_room(self) -> None:
        """Raises Refused when too many wait already."""
        waiting = await self.ask(self._store.count, "waiting")
        if waiting >= self._limits.waiting:
            raise Refused("queue_full", f"{waiting} files wait already; try later", again_s=30)

    async def add(self, identity: str, *, name: str, size: int, wishes: dict[str, str]) -> Job:
        """Put an upload in the queue. Raises Refused when the database will not have it."""
        job = await self.ask(self._store.add, identity, name=name, size=size, wishes=wishes)
        self._news.set()
        return job

    async def ask(self, question: Callable[..., T], *words: Any, **more: Any) -> T:
        """Ask the store, without holding up anybody else."""
        return await asyncio.to_thread(question, *words, **more)

    async def told(self, job: Job) -> dict[str, Any]:
        """What a visitor is told of a job."""
        out = asdict(job)
        running = self._running.get(job.id)
        out["progress"] = 1.0 if job.state == "done" else running.share if running else 0.0
        if running and running.note:
            out["message"] = running.note
        waits = job.state == "waiting"
        out["ahead"] = await self.ask(self._store.ahead, job) if waits else 0
        return out

    async def wait(self, identity: str, seconds: float) -> Job:
        """The job, when it is over or after so many seconds."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            job = await self.ask(self._store.get, identity)
            left = end - asyncio.get_running_loop().time()
            if left <= 0 or job.state not in ("waiting", "running"):
                return job
            running = self._running.get(identity)
            if running is None:
                await asyncio.sleep(min(left, 0.25))
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(running.ended.wait(), left)

    async def cancel(self, identity: str) -> Job:
        """End a job that waits or runs; its video goes at once."""
        told = {"state": "cancelled", "code": "cancelled", "message": "it was cancelled"}
        await self.ask(self._store.get, identity)
        if await self.ask(self._store.fail, identity, **told):
            await self._end(identity)
            self._remove(identity, all_of_it=True)
        return await self.ask(self._store.get, identity)

    async def delete(self, identity: str) -> None:
        """Delete a job, its result and its video. Raises Refused when there is none."""
        if not await self.ask(self._store.delete, identity):
            raise Refused("not_found", "there is no such job; it may have been deleted")
        await self._end(identity)
        self._remove(identity, all_of_it=True)

    async def draw(self, document: str, form: str) -> str:
        """A kept report in another form. Raises Refused when it cannot be."""
        request = {"task": "draw", "document": document, "form": form, "name": "report"}
        async with self._drawing:
            answer = await self._outcome(request, _Running(), DRAW_S)
        if "document" not in answer:
            raise Refused(answer["code"], answer["message"])
        return str(answer["document"])

    def _remove(self, identity: str, *, all_of_it: bool = False) -> None:
        """The upload of a job goes, or to where it is kept."""
        path, kept = self.path_of(identity), self._settings.kept / identity
        with suppress(FileNotFoundError):
            path.replace(kept) if self._settings.keep and not all_of_it else path.unlink()
        if all_of_it:
            kept.unlink(missing_ok=True)

    async def _end(self, identity: str) -> None:
        running = self._running.get(identity)
        if running is not None and running.task is not None:
            running.task.cancel()
            await running.ended.wait()

    async def _take_up(self) -> None:
        """What ran when the server ended waits again, or is given up; other files go."""
        open_jobs = await self.ask(self._store.open_jobs)
        for job in open_jobs:
            there = self.path_of(job.id).is_file()
            if there and job.tries < TRIES:
                await self.ask(self._store.wait_again, job.id)
                continue
            why = "the server ended while it was measured" if there else "its upload is not there"
            told = {"state": "failed", "code": "interrupted", "message": f"{why}; send it again"}
            if job.state == "running" or not there:
                await self.ask(self._store.fail, job.id, **told)
        wanted = {job.id for job in await self.ask(self._store.open_jobs)}
        for path in self._settings.uploads.iterdir():
            if path.name not in wanted:
                path.unlink()

    async def _serve(self) -> None:
        """One job after the other, for ever."""
        while True:
            try:
                async with self._claiming:
                    self._news.clear()
                    job = await self.ask(self._store.begin_next)
            except Refused:
                job = None
            if job is not None:
                await self._work(job)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_S)

    async def _work(self, job: Job) -> None:
        running = self._running[job.id] = _Running()
        try:
            outcome = self._outcome(self._request(job), running, self._limits.job_s)
            running.task = asyncio.create_task(outcome)
            await asyncio.wait([running.task])
            if not running.task.cancelled():
                await self._keep(job.id, _result(running.task), running)
                with suppress(OSError):  # left for the next start, which throws it away
                    self._remove(job.id)
        finally:
            if running.task is not None and not running.task.done():
                running.task.cancel()
                await asyncio.wait([running.task])
            del self._running[job.id]
            running.ended.set()

    def _request(self, job: Job) -> dict[str, Any]:
        return {
            "task": "measure",
            "path": str(self.path_of(job.id).absolute()),
            "name": job.name,
            "wishes": job.wishes,
            "video_s": self._limits.video_s,
            "megapixels": self._limits.megapixels,
        }

    async def _keep(self, identity: str, outcome: dict[str, Any], running: _Running) -> None:
        """Write the outcome down, however long the database takes to have room and time for it."""
        pause = 0.2
        while True:
            try:
                if "document" in outcome:
                    await self.ask(self._store.finish, identity, outcome["document"])
                else:
                    await self.ask(self._store.fail, identity, state="failed", **outcome)
                return
            except Refused as refused:
                running.note = f"measured, but {refused.message}"
                await asyncio.sleep(pause)
                pause = min(2 * pause, SLOWEST_RETRY_S)

    async def _outcome(
        self, request: dict[str, Any], running: _Running, seconds: float
    ) -> dict[str, Any]:
        """What a process of its own says to the request, which may not take longer."""
        request["memory_mb"] = self._limits.job_mb
        request["processor_s"] = 4 * seconds
        process = await start_child("job_worker")
        assert process.stdin is not None and process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                with suppress(OSError):
                    process.stdin.write(block(json.dumps(request).encode()))
                    await process.stdin.drain()
                while (said := await read_block(process.stdout)) is not None:
                    answer: dict[str, Any] = json.loads(said)
                    if "share" not in answer:
                        return answer
                    running.share = float(answer["share"])
            message = "its process died, perhaps for want of memory; make the recording smaller"
            return {"code": "died", "message": message}
        except TimeoutError:
            message = f"it took longer than the {seconds:g} s that a job has; cut it shorter"
            return {"code": "took_too_long", "message": message}
        finally:
            await end_child(process)


def _result(task: asyncio.Task[dict[str, Any]]) -> dict[str, Any]:
    """What a job came to; a fault of the server's own is told and does not end the queue."""
    fault = task.exception()
    if fault is None:
        return task.result()
    return {"code": "internal", "message": f"the job could not be run ({fault!r:.200})"}


def make_folders(settings: Settings) -> None:
    """The folders of uploads and kept videos, for nobody else to read."""
    try:
        for folder in (settings.folder, settings.uploads, settings.kept):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{settings.folder} cannot be written to ({error.strerror}); pass another --folder"
        ) from error
