"""Servers of the tests' own, and how to reach them."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
from fastapi import FastAPI
from websockets.sync.client import ClientConnection, connect

from camvitals.app.server import create_app, listening, server_of
from camvitals.app.settings import Limits, Settings

TOKEN = "only-for-the-tests-0123"


@dataclass
class Served:
    """A server that runs, and how to reach it."""

    settings: Settings
    port: int
    app: FastAPI
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **more: Any) -> httpx.Client:
        """One that is closed with the server."""
        self.clients.append(httpx.Client(base_url=self.url, timeout=60, **more))
        return self.clients[-1]

    def monitor(self, **more: Any) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.port}/monitor", max_size=None, compression=None, **more
        )

    @contextmanager
    def visit(self, **start: Any) -> Iterator[ClientConnection]:
        """A socket whose monitor has begun."""
        with self.monitor() as socket:
            socket.send(json.dumps({"type": "start", **start}))
            assert json.loads(socket.recv(60))["type"] == "started"
            yield socket


@contextmanager
def running(settings: Settings) -> Iterator[Served]:
    """Serve with these settings until the block ends."""
    found = listening(settings)
    server = server_of(create_app(settings), settings)
    thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[found])))
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        assert server.started
        served = Served(settings, found.getsockname()[1], server.config.app)
        yield served
        for client in served.clients:
            client.close()
    finally:
        server.should_exit = True
        thread.join(30)
        found.close()
    assert not thread.is_alive()


def until(true: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this did not come about"
        time.sleep(0.02)


def settings_in(folder: Path, *, limits: dict[str, float] | None = None, **more: Any) -> Settings:
    return Settings(folder=folder, port=0, limits=Limits(**(limits or {})), **more)


def children_gone(folder: Path) -> bool:
    """Whether nothing of any video lies in the folder."""
    with contextlib.suppress(FileNotFoundError):
        return not [*(folder / "uploads").iterdir(), *(folder / "kept").iterdir()]
    return True
