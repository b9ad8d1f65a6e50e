"""A server of one's own, on a free port, in a thread of the tests."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **more)

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
        yield Served(settings, found.getsockname()[1], server.config.app)
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


@pytest.fixture
def serving(tmp_path):
    """serving(limits={…}, token=…, …): a server with these settings, ended with the test."""
    with ExitStack() as stack:

        def serve(**more: Any) -> Served:
            return stack.enter_context(running(settings_in(tmp_path / "served", **more)))

        yield serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of a file that leave it as it was."""
    # whatever else this computer does, nothing is dropped as too old
    limits = {"stale_s": 60.0, "monitors": 1}
    with running(settings_in(tmp_path_factory.mktemp("served"), limits=limits)) as found:
        yield found


def children_gone(folder: Path) -> bool:
    """Whether nothing of any video lies in the folder."""
    with contextlib.suppress(FileNotFoundError):
        return not [*(folder / "uploads").iterdir(), *(folder / "kept").iterdir()]
    return True
