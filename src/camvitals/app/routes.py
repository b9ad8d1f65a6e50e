"""What is asked by HTTP: files to be measured, jobs, reports, health."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import ClientDisconnect

from camvitals import __version__
from camvitals.app.auth import Gate, visitor
from camvitals.app.buckets import Buckets
from camvitals.app.jobs import Queue
from camvitals.app.monitors import Pool
from camvitals.app.names import is_identity, safe_name
from camvitals.app.pages import REPORT_POLICY
from camvitals.app.refusal import Refused
from camvitals.app.settings import Settings
from camvitals.app.store import Job, Store
from camvitals.app.uploads import receive
from camvitals.app.wishes import wishes_of
from camvitals.report.json_file import schema

LONGEST_WAIT_S = 60.0
BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
Form = Literal["json", "csv", "html"]
Table = Literal["readings", "rolling", "waves", "beats", "people"]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the end.")]

SCHEME = HTTPBearer(auto_error=False, description="The token of `camvitals serve`.")
Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(SCHEME)]


@dataclass(frozen=True)
class Problem:
    """Why something is refused: a code for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class JobState:
    """A file to be measured: how far it is, and why it came to nothing if it did.

    created, started, finished: UNIX seconds.   progress: 0–1.   ahead: jobs that come before it.
    """

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    name: str
    size: int
    wishes: dict[str, str]
    created: float
    started: float | None
    finished: float | None
    tries: int
    code: str
    message: str
    progress: float
    ahead: int


class Desk:
    """The routes, and what they work with."""

    def __init__(
        self, settings: Settings, gate: Gate, *, store: Store, queue: Queue, pool: Pool
    ) -> None:
        self._settings, self._gate = settings, gate
        self._store, self._queue, self._pool = store, queue, pool
        self._often = Buckets(settings.limits.uploads_per_minute)
        self._places = asyncio.Semaphore(settings.limits.uploads)

    def router(self) -> APIRouter:
        """All routes; all but /health ask for the token."""
        statuses = (401, 403, 404, 408, 409, 413, 422, 429, 503, 507)
        closed = APIRouter(
            dependencies=[Depends(self.token)],
            responses={status: {"model": Problem} for status in statuses},
        )
        given: dict[int | str, dict[str, Any]] = {
            200: {"description": "Reports", "content": {"application/json": {"schema": schema()}}}
        }
        told = given | {202: {"model": JobState}}
        closed.post("/measure", openapi_extra=BODY, responses=told)(self.measure)
        closed.get("/jobs", response_model=list[JobState])(self.jobs)
        closed.get("/jobs/{identity}", response_model=JobState)(self.job)
        closed.post("/jobs/{identity}/cancel", response_model=JobState)(self.cancel)
        closed.delete("/jobs/{identity}", status_code=204)(self.delete)
        closed.get("/report/{identity}", responses=given)(self.report)
        whole = APIRouter()
        whole.include_router(closed)
        whole.get("/health")(self.health)
        return whole

    def token(self, request: Request, shown: Shown) -> None:
        """Refuse who does not show the token."""
        self._gate.check_token(_visitor(request), None if shown is None else shown.credentials)

    async def measure(
        self,
        request: Request,
        name: str = "video",
        method: str = "auto",
        roi: str = "face",
        skin: str = "otsu",
        wait: Wait = 0.0,
    ) -> Response:
        """Take a file and measure it: 200 and the report if that is done within `wait`, else 202
        and the job, to be asked for at /jobs/{id}. The body is the file itself.
        """
        wishes = wishes_of(method, roi, skin)
        address = _visitor(request)
        if not self._often.take(address):
            again = self._often.wait_s(address)
            raise Refused("too_many_requests", "too many uploads; wait a little", again_s=again)
        if self._places.locked():
            raise Refused("queue_full", "too many uploads at once; try later", again_s=10)
        async with self._places:
            job = await self._taken(request, safe_name(name), wishes)
        if wait:
            job = await self._queue.wait(job.id, wait)
        there = {"Location": f"/jobs/{job.id}"}
        if job.state == "done":
            document = await self._queue.ask(self._store.document, job.id)
            there["Location"] = f"/report/{job.id}"
            return Response(document, headers=there, media_type="application/json")
        if job.state in ("failed", "cancelled"):
            raise Refused(job.code, job.message)
        return JSONResponse(await self._queue.told(job), 202, there)

    async def jobs(
        self, count: Annotated[int, Query(ge=1, le=200)] = 50, before: float | None = None
    ) -> list[dict[str, Any]]:
        """The newest jobs, or those created before a time."""
        found = await self._queue.ask(self._store.newest, count, before=before)
        return [await self._queue.told(job) for job in found]

    async def job(self, identity: str, wait: Wait = 0.0) -> dict[str, Any]:
        """One job; with `wait`, when it is over or so many seconds later."""
        _check_identity(identity)
        return await self._queue.told(await self._queue.wait(identity, wait))

    async def cancel(self, identity: str) -> dict[str, Any]:
        """End a job that waits or runs. Its video is deleted, the note of it stays."""
        _check_identity(identity)
        return await self._queue.told(await self._queue.cancel(identity))

    async def delete(self, identity: str) -> None:
        """Delete a job: its report, its video if there still is one, and the note of it."""
        _check_identity(identity)
        await self._queue.delete(identity)

    async def report(
        self, identity: str, form: Form = "json", table: Table = "readings"
    ) -> Response:
        """The report of a job: JSON as `camvitals measure --json`, one table as CSV, or a page."""
        _check_identity(identity)
        document = await self._queue.ask(self._store.document, identity)
        if form == "json":
            return Response(document, media_type="application/json")
        drawn = await self._queue.draw(document, "html" if form == "html" else table)
        if form == "html":
            policy = {"Content-Security-Policy": REPORT_POLICY}
            return Response(drawn, media_type="text/html; charset=utf-8", headers=policy)
        named = {"Content-Disposition": f'attachment; filename="{identity}_{table}.csv"'}
        return Response(drawn, media_type="text/csv; charset=utf-8", headers=named)

    async def health(self) -> Response:
        """Whether the server does its work: 200, or 503 when the database does not."""
        told: dict[str, Any] = {"version": __version__, "sockets": len(self._pool.sessions)}
        try:
            for state in ("waiting", "running"):
                told[state] = await self._queue.ask(self._store.count, state)
            told |= {"status": "ok", "database": "ok"}
        except Refused as refused:
            told |= {"status": "troubled", "database": refused.code}
        ages = [session.oldest_s for session in self._pool.sessions]
        told["oldest_s"] = round(max(ages, default=0.0), 4)
        return JSONResponse(told, 200 if told["status"] == "ok" else 503)

    async def _taken(self, request: Request, name: str, wishes: dict[str, str]) -> Job:
        """The upload as a job. Nothing of it stays when it does not become one."""
        await self._queue.check_room()
        identity = self._queue.new_identity()
        path = self._queue.path_of(identity)
        limits = self._settings.limits
        try:
            size = await receive(request.stream(), path, headers=request.headers, limits=limits)
            return await self._queue.add(identity, name=name, size=size, wishes=wishes)
        except ClientDisconnect:
            raise Refused("too_slow", "the upload broke off; send it again") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _visitor(request: Request) -> str:
    client = request.client
    return visitor(None if client is None else (client.host, client.port))


def _check_identity(identity: str) -> None:
    if not is_identity(identity):
        raise Refused("not_found", "there is no such job; it may have been deleted")
