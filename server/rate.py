"""How many requests a minute somebody may send: a token bucket for each."""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BUCKETS: Final = 10_000  # those that were asked for longest ago are forgotten


class RateLimit:
    """Buckets that hold a minute's requests and fill up evenly; for one thread."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow so many requests a minute (at least 1); `clock` tells the time in seconds."""
        self._most = per_minute
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Count a request; return 0, or the seconds to wait if it is one too many."""
        now = self._clock()
        tokens, then = self._buckets.pop(who, (float(self._most), now))
        tokens = min(self._most, tokens + (now - then) * self._per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        self._buckets[who] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return wait


def neighbourhood(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that an IPv6 host is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
