"""What the server does not do, with a code for programs and a sentence for people."""

from __future__ import annotations

from typing import Any

STATUS = {
    "bad_request": 422,
    "bad_media": 422,
    "cancelled": 409,
    "database_busy": 503,
    "database_full": 503,
    "database_unreachable": 503,
    "died": 422,
    "empty": 422,
    "forbidden_host": 403,
    "forbidden_origin": 403,
    "internal": 500,
    "interrupted": 500,
    "not_done": 409,
    "not_found": 404,
    "queue_full": 503,
    "sockets_full": 503,
    "storage_full": 507,
    "too_large": 413,
    "too_long": 422,
    "too_many_requests": 429,
    "too_slow": 408,
    "took_too_long": 422,
    "wrong_token": 401,
}


class Refused(Exception):
    """A request that is refused: code, sentence, and seconds after which to try again."""

    def __init__(self, code: str, message: str, *, again_s: float | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.again_s = code, message, again_s

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS[self.code]

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"code": self.code, "message": self.message}

    @property
    def headers(self) -> dict[str, str]:
        """For HTTP: when to try again, how to show a token."""
        found = {} if self.again_s is None else {"Retry-After": str(max(1, round(self.again_s)))}
        return found | ({"WWW-Authenticate": "Bearer"} if self.code == "wrong_token" else {})
