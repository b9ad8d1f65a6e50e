"""Live sessions: what visitors send goes to processes that hold their monitors, and back.

A message that has waited too long is dropped and counted, so that a reading is never of an old
picture. A process that dies or hangs takes only its own visitors along.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from camvitals.app.child import block, end_child, read_block, start_child
from camvitals.app.refusal import Refused
from camvitals.app.settings import MB, Settings
from camvitals.app.wire import BINARY, CLOSE, DONE, HEAD, LATE, OPEN, READY, TEXT, TOLD, WRONG

AHEAD = 2  # messages of one visitor with a process at a time
WAITING = 32  # messages of one visitor that wait
UNREAD = 16  # answers that a visitor has not read
WRONG_IN_TURN = 20  # messages, after which a visitor is asked to leave
READY_S = 60.0
WATCH_S = 0.5
FRAMES_COST = 5  # a visitor who sends pictures costs as much as so many who send colours


@dataclass(slots=True)
class Session:
    """One visitor: what waits to be looked at, what is being looked at, what is to be told."""

    number: int
    process: _Monitors
    cost: int
    limits: Any
    waiting: deque[tuple[float, int, bytes]] = field(default_factory=deque)
    flying: deque[float] = field(default_factory=deque)
    told: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(UNREAD))
    ended: str = ""
    dropped: int = 0
    wrong: int = 0
    oldest_s: float = 0.0
    held: int = 0  # bytes that wait

    def open(self, start: dict[str, Any]) -> None:
        """Have the monitor made; this is never dropped."""
        self.flying.append(monotonic())
        self.process.send(OPEN, self.number, 0.0, json.dumps(start).encode())

    def offer(self, kind: int, data: bytes) -> None:
        """A message just heard; it goes on when the last ones were looked at."""
        self.waiting.append((monotonic(), kind, data))
        self.held += len(data)
        while len(self.waiting) > WAITING or self.held > 2 * self.limits.message_mb * MB:
            self._drop()
        self.go_on()

    def go_on(self) -> None:
        """Hand on what may be handed on; what is stale is dropped."""
        while self.waiting and not self.ended:
            if monotonic() - self.waiting[0][0] > self.limits.stale_s:
                self._drop()
                continue
            if len(self.flying) >= AHEAD:
                return
            stamp, kind, data = self.waiting.popleft()
            self.held -= len(data)
            self.flying.append(stamp)
            self.process.send(kind, self.number, stamp, data)

    def answered(self, kind: int, text: str) -> None:
        """The process has looked at the message that it has longest."""
        stamp = self.flying.popleft() if self.flying else monotonic()
        if kind == LATE:
            self.dropped += 1
        else:
            self.oldest_s = max(self.oldest_s, monotonic() - stamp)
        self.wrong = self.wrong + 1 if kind == WRONG else 0
        if text:
            self.tell(text)
        if self.wrong >= WRONG_IN_TURN:
            self.end(f"{self.wrong} messages in a row could not be used")
        self.go_on()

    def tell(self, text: str) -> None:
        """What the visitor is to hear next; who does not listen misses the older."""
        if self.dropped and text.startswith('{"type": "report"'):
            text = f'{text[:-1]}, "dropped": {self.dropped}}}'
            self.dropped = 0
        if self.told.full():
            self.told.get_nowait()
        self.told.put_nowait(text)

    def end(self, why: str) -> None:
        """No more of this visitor."""
        self.ended = self.ended or why
        self.waiting.clear()
        self.held = 0
        if self.told.full():
            self.told.get_nowait()
        self.told.put_nowait(None)

    def _drop(self) -> None:
        self.held -= len(self.waiting.popleft()[2])
        self.dropped += 1


class _Monitors:
    """One process, and the visitors whose monitors it holds."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self.sessions: dict[int, Session] = {}
        self.child: Process | None = None
        self.reserved = 0
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def load(self) -> int:
        """What its visitors cost."""
        return self.reserved + sum(session.cost for session in self.sessions.values())

    async def start(self) -> None:
        """Start the process unless it runs. Raises Refused when it cannot be."""
        async with self._starting:
            if self.child is not None:
                return
            limits = self._limits
            words = (limits.monitor_mb, limits.megapixels, limits.stale_s)
            child = await start_child("live_worker", *map(str, words))
            assert child.stdout is not None
            try:
                async with asyncio.timeout(READY_S):
                    said = await read_block(child.stdout)
            except TimeoutError:
                said = None
            if said is None or HEAD.unpack_from(said)[0] != READY:
                await end_child(child)
                raise Refused("internal", "the monitors could not be started; look at monitor_mb")
            self.child = child
            self._reader = asyncio.create_task(self._listen(child))

    def send(self, kind: int, number: int, stamp: float, data: bytes) -> None:
        """One message for a monitor; visitors have few on the way, so that none is held up."""
        if self.child is None or self.child.stdin is None:
            return
        with suppress(OSError, RuntimeError):
            self.child.stdin.write(block(HEAD.pack(kind, number, stamp) + data))

    def hung(self, now: float) -> bool:
        """Whether a message has been with the process for too long."""
        limit = now - self._limits.stuck_s
        return any(s.flying and s.flying[0] < limit for s in self.sessions.values())

    async def stop(self) -> None:
        """End the process and its visits."""
        child, self.child = self.child, None
        if child is not None:
            await end_child(child)
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def _listen(self, child: Process) -> None:
        assert child.stdout is not None
        while (said := await read_block(child.stdout)) is not None:
            kind, number, _ = HEAD.unpack_from(said)
            session = self.sessions.get(number)
            if session is None:
                continue
            text = said[HEAD.size :].decode()
            if kind == TOLD:
                session.tell(text)
            elif kind in (DONE, WRONG, LATE):
                session.answered(kind, text)
        if self.child is child:
            self.child = None
        for session in list(self.sessions.values()):
            session.end("the process of this monitor died; begin again")
        await end_child(child)


class Pool:
    """All live sessions of the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes = [_Monitors(settings) for _ in range(settings.limits.monitors)]
        self._numbers = 0
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch for processes that hang; they start with their first visitor."""
        self._watch = asyncio.create_task(self._watching())

    async def stop(self) -> None:
        """End all processes."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await asyncio.gather(*(process.stop() for process in self._processes))

    async def open(self, start: dict[str, Any]) -> Session:
        """A monitor in the process that has least to do. Raises Refused when there is none."""
        cost = FRAMES_COST if start["input"] == "frames" else 1
        process = min(self._processes, key=lambda one: one.load)
        process.reserved += cost
        try:
            await process.start()
        finally:
            process.reserved -= cost
        self._numbers += 1
        session = Session(self._numbers, process, cost, self._settings.limits)
        process.sessions[session.number] = session
        session.open(start)
        return session

    def close(self, session: Session) -> None:
        """The visitor left."""
        session.end("closed")
        session.process.send(CLOSE, session.number, 0.0, b"")
        session.process.sessions.pop(session.number, None)

    @property
    def sessions(self) -> list[Session]:
        """Everybody who is here."""
        return [s for process in self._processes for s in process.sessions.values()]

    @property
    def processes(self) -> list[int]:
        """The numbers of the processes that run, for who measures their memory."""
        return [process.child.pid for process in self._processes if process.child is not None]

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now = monotonic()
            for process in self._processes:
                for session in list(process.sessions.values()):
                    session.go_on()
                if process.hung(now):
                    await process.stop()


__all__ = ["BINARY", "TEXT", "Pool", "Session"]
