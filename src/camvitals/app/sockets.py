"""The live socket: /monitor. The protocol is that of docs/server.md."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fastapi import WebSocket
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect, WebSocketState

from camvitals.app.auth import PROTOCOL, Gate, bearer, visitor
from camvitals.app.buckets import Buckets
from camvitals.app.monitors import BINARY, TEXT, Pool, Session
from camvitals.app.refusal import Refused
from camvitals.app.settings import MB, Limits
from camvitals.app.wire import MOST_REGIONS, parsed
from camvitals.app.wishes import wishes_of
from camvitals.records import InputError

LEAVING, UNUSABLE, POLICY, TOO_LARGE, FAULT, LATER = 1001, 1007, 1008, 1009, 1011, 1013
START_S = 10.0
LONGEST_WINDOW_S = 120.0
SHORTEST_PERIOD_S = 0.5
SENDS = ("readings", "waves", "report")


class Ended(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Sockets:
    """All live sockets: who may come in, and how many are here."""

    gate: Gate
    pool: Pool
    limits: Limits
    here: Counter[str]

    async def serve(self, socket: WebSocket) -> None:
        """One visitor from the first word to the last."""
        address = visitor(socket.client)
        try:
            shown = list(socket.scope.get("subprotocols", []))
            self.gate.check_request(address, socket.headers)
            self.gate.check_token(address, bearer(socket.headers, shown))
            self._check_room(address)
        except Refused as refused:
            answer = JSONResponse(refused.body, refused.status, headers=refused.headers)
            await socket.send_denial_response(answer)
            return
        self.here[address] += 1
        try:
            await socket.accept(subprotocol=PROTOCOL if PROTOCOL in shown else None)
            await self._visit(socket, address)
        except WebSocketDisconnect:
            pass
        except Ended as ended:
            await _close(socket, ended.code, ended.reason)
        finally:
            self.here[address] -= 1
            if not self.here[address]:
                del self.here[address]

    def _check_room(self, address: str) -> None:
        limits = self.limits
        if self.here.total() >= limits.sockets or self.here[address] >= limits.address_sockets:
            raise Refused("sockets_full", "all monitors are taken; come later", again_s=30)

    async def _visit(self, socket: WebSocket, address: str) -> None:
        try:
            start = await self._start(socket)
            session = await self.pool.open(start)
        except Refused as refused:
            await _tell_wrong(socket, refused)
            raise Ended(
                FAULT if refused.code == "internal" else UNUSABLE, refused.message
            ) from None
        try:
            await self._exchange(socket, session, address)
        finally:
            self.pool.close(session)

    async def _start(self, socket: WebSocket) -> dict[str, Any]:
        try:
            async with asyncio.timeout(START_S):
                message = await _message(socket)
        except TimeoutError:
            raise Ended(POLICY, f"no start message within {START_S:g} s") from None
        if not isinstance(message, str):
            raise Refused("bad_request", "the first message needs to be a start message in JSON")
        return start_of(message)

    async def _exchange(self, socket: WebSocket, session: Session, address: str) -> None:
        """Hear and tell at the same time, until one of the two is over."""
        tasks = {
            asyncio.create_task(self._hear(socket, session, address)),
            asyncio.create_task(self._tell(socket, session)),
        }
        try:
            async with asyncio.timeout(self.limits.session_s):
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except TimeoutError:
            raise Ended(LEAVING, f"a visit ends after {self.limits.session_s:g} s") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, socket: WebSocket, session: Session, address: str) -> None:
        most = self.limits.messages_per_s
        often = Buckets(60 * most, burst=2 * most)
        last = monotonic()
        while True:
            try:
                async with asyncio.timeout(self.limits.silent_s):
                    message = await _message(socket)
            except TimeoutError:
                raise Ended(LEAVING, f"no message for {self.limits.silent_s:g} s") from None
            if not often.take(address):
                raise Ended(POLICY, f"more than {most:g} messages a second")
            data = message.encode("utf-8", "replace") if isinstance(message, str) else message
            if len(data) > self.limits.message_mb * MB:
                raise Ended(TOO_LARGE, f"a message may have {self.limits.message_mb:g} MB")
            session.offer(TEXT if isinstance(message, str) else BINARY, data)
            if monotonic() - last > 0.01:  # let others hear theirs
                last = monotonic()
                await asyncio.sleep(0)

    async def _tell(self, socket: WebSocket, session: Session) -> None:
        while (text := await session.told.get()) is not None:
            try:
                async with asyncio.timeout(self.limits.silent_s):
                    await socket.send_text(text)
            except TimeoutError:
                raise Ended(POLICY, "what was told was not read") from None
        raise Ended(UNUSABLE if "in a row" in session.ended else FAULT, session.ended)


def start_of(text: str) -> dict[str, Any]:
    """A start message with everything in it that may be left out. Raises Refused when wrong."""
    try:
        message = parsed(text)
    except InputError as error:
        raise Refused("bad_request", str(error)) from None
    if message.pop("type") != "start":
        raise Refused("bad_request", 'the first message needs "type": "start"')
    start: dict[str, Any] = {"input": "frames", "window": 30.0, "period": 1.0, "method": "auto"}
    start |= {"roi": "face", "skin": "otsu", "regions": [], "box": False, "seen": False}
    start |= {"send": "readings"}
    for name, value in message.items():
        if name not in start or not _fits(value, start[name]):
            raise Refused("bad_request", f"a start message has no such {name[:40]!r}")
        start[name] = value
    _check_start(start)
    return start


def _fits(value: Any, like: Any) -> bool:
    """Whether a value is of the kind that is expected."""
    if isinstance(like, bool) or isinstance(value, bool):
        return isinstance(like, bool) and isinstance(value, bool)
    if isinstance(like, float):
        return isinstance(value, int | float) and math.isfinite(value)
    if isinstance(like, list):
        few = isinstance(value, list) and len(value) <= MOST_REGIONS
        return few and all(isinstance(entry, str) and len(entry) <= 40 for entry in value)
    return isinstance(value, str)


def _check_start(start: dict[str, Any]) -> None:
    for name, known in (("input", ("frames", "traces")), ("send", SENDS)):
        if start[name] not in known:
            raise Refused("bad_request", f"{name} needs one of {', '.join(known)}")
    if not 5 <= start["window"] <= LONGEST_WINDOW_S or not start["period"] >= SHORTEST_PERIOD_S:
        raise Refused(
            "bad_request",
            f"window needs 5 to {LONGEST_WINDOW_S:g} s and period {SHORTEST_PERIOD_S:g} s or more",
        )
    if (start["input"] == "traces") != bool(start["regions"]):
        raise Refused("bad_request", "traces need regions, and frames have none")
    wishes_of(start["method"], start["roi"], start["skin"])


async def _message(socket: WebSocket) -> str | bytes:
    """The next message. Raises WebSocketDisconnect when the visitor left."""
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1000))
    text: str | None = event.get("text")
    return text if text is not None else event.get("bytes") or b""


async def _tell_wrong(socket: WebSocket, refused: Refused) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"type": "error", **refused.body}))


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            await socket.close(code, reason.encode()[:120].decode("utf-8", "ignore"))
