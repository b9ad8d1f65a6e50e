"""Who may come in: the token, the host that was asked for, and the page that asks."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from camvitals.app.buckets import Buckets, address_of
from camvitals.app.refusal import Refused
from camvitals.app.settings import Settings, is_loopback

PROTOCOL, BEARER = "camvitals.monitor.1", "bearer."


class Gate:
    """Asked before anything is done for a visitor."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.token.encode()
        self._host = settings.host
        self._requests = Buckets(settings.limits.requests_per_minute)
        self._wrong = Buckets(settings.limits.wrong_tokens_per_minute)

    def check_request(self, address: str, headers: Mapping[str, str]) -> None:
        """Refuse who asks too often, and pages of others.

        Without a token only the names of this computer are answered to, so that no page of others
        reaches the server by a name that it had point here.
        """
        if not self._requests.take(address):
            wait = self._requests.wait_s(address)
            raise Refused("too_many_requests", "too many requests; wait a little", again_s=wait)
        host = headers.get("host", "")
        name = _name_of(host)
        if not self._token and not (is_loopback(name) or name == self._host):
            raise Refused("forbidden_host", "without a token, ask this computer by 127.0.0.1")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refused("forbidden_origin", "a page of another address may not ask this server")

    def check_token(self, address: str, given: str | None) -> None:
        """Refuse a wrong token, in the same time whatever is wrong with it."""
        if not self._token:
            return
        if self._wrong.left(address) < 1:
            wait = self._wrong.wait_s(address)
            raise Refused("too_many_requests", "too many wrong tokens; wait", again_s=wait)
        if not hmac.compare_digest(self._token, (given or "").encode("utf-8", "replace")):
            if given:
                self._wrong.take(address)
            raise Refused("wrong_token", "the token is missing or wrong; send it as Bearer")


def visitor(client: tuple[str, int] | None) -> str:
    """The address that a connection counts for."""
    return address_of(client[0] if client else None)


def bearer(headers: Mapping[str, str], protocols: list[str]) -> str | None:
    """The token of a socket: of its header, or of its protocols, which is all a page can set."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    shown = [name.removeprefix(BEARER) for name in protocols if name.startswith(BEARER)]
    return shown[0] if shown else None


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
