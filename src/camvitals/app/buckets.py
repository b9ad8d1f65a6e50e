"""How often: a bucket of tokens for every address, in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

MOST = 20_000  # addresses remembered


class Buckets:
    """So much at once for every address, then as much a minute evenly.

    per_minute: > 0.   burst: at once; None means a minute's worth.   clock: seconds, forward.
    """

    def __init__(
        self,
        per_minute: float,
        *,
        burst: float | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = max(1.0, per_minute if burst is None else burst)
        self._per_s, self._clock = per_minute / 60, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> bool:
        """Take one; False where there is none left."""
        left = self.left(address)
        if left < 1:
            return False
        self._left[address] = (left - 1, self._clock())
        self._left.move_to_end(address)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
        return True

    def left(self, address: str) -> float:
        """How many may be taken now."""
        if address not in self._left:
            return self._most
        left, since = self._left[address]
        return min(self._most, left + (self._clock() - since) * self._per_s)

    def wait_s(self, address: str) -> float:
        """Seconds until there is one."""
        return max(0.0, (1 - self.left(address)) / self._per_s)


def address_of(host: str | None) -> str:
    """The address that counts as one visitor: of IPv6, the network that a household is given."""
    try:
        found = ipaddress.ip_address(host or "")
    except ValueError:
        return host or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
