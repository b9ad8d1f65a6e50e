"""The built page, if the package has one, and the headers that keep it to itself."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from camvitals.app.auth import Gate, visitor
from camvitals.app.refusal import Refused

PLACE = Path(__file__).with_name("static")
TYPES = {
    ".wasm": "application/wasm",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".onnx": "application/octet-stream",
    ".gz": "application/gzip",  # unpacked by the page itself
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
# the page's own files only; WebAssembly is compiled, pictures and films may be the visitor's own
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; worker-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# a report brings its style along and nothing else
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Page(StaticFiles):
    """The files of the page, each with the type that browsers insist on."""

    def file_response(self, *given: object, **more: object) -> Response:
        """The file, with its type by its ending, whatever the system believes."""
        answer = super().file_response(*given, **more)  # type: ignore[arg-type]
        ending = Path(str(given[0])).suffix.lower()
        kind = TYPES.get(ending) or mimetypes.guess_type(f"x{ending}")[0]
        if kind is not None:
            text = kind.startswith("text/") or kind == "application/json"
            answer.headers["content-type"] = f"{kind}; charset=utf-8" if text else kind
        answer.headers["cache-control"] = "no-cache"
        return answer


class Manners:
    """Around everything by HTTP: who may ask at all, and the headers of every answer."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def polite(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            given = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
            self._gate.check_request(visitor(scope.get("client")), given)
        except Refused as refused:
            await refusal(refused)(scope, receive, polite)
            return
        await self._app(scope, receive, polite)


def refusal(refused: Refused) -> Response:
    """The answer to who is refused; the connection ends, as what follows on it is not wanted."""
    from starlette.responses import JSONResponse

    return JSONResponse(refused.body, refused.status, refused.headers | {"Connection": "close"})
