"""The server itself: what it is made of, and how it runs."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from camvitals import __version__
from camvitals.app.alone import LOCK, FileLock
from camvitals.app.auth import Gate
from camvitals.app.jobs import Queue, make_folders
from camvitals.app.monitors import Pool
from camvitals.app.pages import PLACE, Manners, Page, refusal
from camvitals.app.refusal import Refused
from camvitals.app.routes import Desk
from camvitals.app.settings import MB, Settings
from camvitals.app.sockets import Sockets
from camvitals.app.store import Store
from camvitals.records import InputError

CLOSING_S = 3.0


def create_app(settings: Settings) -> FastAPI:
    """The application: routes, live sockets, and the page if the package has one.

    Raises InputError when the folder or the database cannot be used.
    """
    make_folders(settings)
    store = Store(settings.url, wait_s=settings.limits.database_s)
    gate, queue, pool = Gate(settings), Queue(settings, store), Pool(settings)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await queue.start()
        await pool.start()
        try:
            yield
        finally:
            await pool.stop()
            await queue.stop()
            store.close()

    app = FastAPI(
        title="camvitals",
        version=__version__,
        summary="Vital signs from ordinary RGB video: a number you can trust, or the reason why.",
        lifespan=life,
        docs_url=None,  # its page would come from elsewhere
        redoc_url=None,
    )
    app.state.pool, app.state.queue, app.state.store = pool, queue, store
    app.include_router(Desk(settings, gate, store=store, queue=queue, pool=pool).router())
    sockets = Sockets(gate, pool, settings.limits, Counter())

    @app.websocket("/monitor")
    async def monitor(socket: WebSocket) -> None:
        await sockets.serve(socket)

    if (PLACE / "index.html").is_file():
        app.mount("/", Page(directory=PLACE, html=True))
    _tell_problems(app)
    app.add_middleware(Manners, gate=gate)
    return app


def _tell_problems(app: FastAPI) -> None:
    """Whatever is refused is told in one way."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first: dict[str, Any] = dict(error.errors()[0])
        place = ".".join(str(part) for part in first["loc"][1:])
        return refusal(Refused("bad_request", f"{place}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> Response:
        answer = refusal(Refused("not_found", str(error.detail)))
        answer.status_code = error.status_code
        return answer

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        return refusal(Refused("internal", f"this is a fault of camvitals ({error!r:.100})"))


class Patient(H11Protocol):
    """HTTP for those who begin to ask soon after they came, and not for too many at once."""

    header_s = 10.0
    most = 512

    def connection_made(self, transport: Any) -> None:
        """Close the connection when there are too many, or later when no request came."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self.loop.call_later(self.header_s, self._give_up, transport)

    def _give_up(self, transport: Any) -> None:
        if self.cycle is None and transport.get_protocol() is self:
            transport.close()


def listening(settings: Settings) -> socket.socket:
    """A socket on the address. Raises InputError when it is taken or not of this computer."""
    kind = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(kind, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host.strip("[]"), settings.port))
        found.listen(2048)  # who comes before all is ready waits
    except OSError as error:
        found.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
        raise InputError(
            f"{settings.host} port {settings.port} {why}; pass another --port"
            f"{' (0 takes a free one)' if taken else ' or --host'}"
        ) from error
    return found


def server_of(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """What runs the application; nothing is logged but faults."""
    limits = settings.limits
    kind = type("Bounded", (Patient,), {"header_s": limits.header_s, "most": limits.connections})
    _more_files(limits.connections + 256)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        http=kind,
        ws="websockets-sansio",
        ws_max_size=round(limits.message_mb * MB) + 1,
        ws_per_message_deflate=False,  # a small message could unfold to a large one
        ws_ping_interval=20,
        ws_ping_timeout=20,
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=round(limits.header_s),
        timeout_graceful_shutdown=round(CLOSING_S),
        h11_max_incomplete_event_size=65_536,
    )
    return uvicorn.Server(config)


def serve(settings: Settings, *, tell: Any) -> None:
    """Serve until Ctrl-C or a signal to end.

    tell: called with the address once it is served.   Raises InputError as `create_app` and
    `listening` do, and when another server uses the folder or the database.
    """
    make_folders(settings)
    with closing(FileLock(settings.folder / LOCK, name=settings.folder, option="--folder")):
        found = listening(settings)
        try:
            server = server_of(create_app(settings), settings)
            host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
            tell(f"http://{host}:{found.getsockname()[1]}")
            with suppress(KeyboardInterrupt):
                asyncio.run(server.serve(sockets=[found]))
        finally:
            found.close()


def _more_files(count: int) -> None:
    """Let this process have so many connections open, as far as the system allows."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
