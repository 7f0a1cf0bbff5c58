"""What a server is told: where it listens, which names it answers to, and its limits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from server.keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from server.logs import LogFormat

SEARCH_BODY: Final = 1_000_000  # bytes
DOCUMENT_BODY: Final = 32_000_000  # bytes
SEARCH_THREADS: Final = 4
REQUEST_THREADS: Final = 32  # most of them wait for the reranker
LINE: Final = 256
TIMEOUT: Final = 30.0  # seconds
WRITE_THREADS: Final = 4
IDLE_CHECK: Final = 60.0  # seconds

_AUTHORITY: Final = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{0,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Checked when made.

    Attributes:
        host: name or address to listen on.
        port: 0 takes a free one.
        allowed_hosts: further names that requests may come in under, as of a reverse proxy.
        insecure: whether anything but loopback may be bound, where there are no keys.
        keys: who may come in; without any, everybody.
        rate_limit: requests a minute of a key, or of an address without one; 0 is no limit.
        log: how stderr is written.
        log_queries: whether the log shows paths and queries.
        writable: whether documents can be put and removed.
        feedback: whether searches and feedback are recorded.
        threads: requests that are worked for at the same time; further ones wait.
        line: requests that may wait for that; further ones are answered 503.
        timeout: seconds that a request may take, and its body may take to arrive.
        check_seconds: how often at most the index is asked for a newer commit by requests.
        idle_seconds: how often it is asked while there are none.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    keys: Keys = field(default_factory=Keys)
    rate_limit: int = 0
    log: LogFormat = "none"
    log_queries: bool = False
    writable: bool = False
    feedback: bool = False
    threads: int = REQUEST_THREADS
    line: int = LINE
    timeout: float = TIMEOUT
    check_seconds: float = 1.0
    idle_seconds: float = IDLE_CHECK

    def __post_init__(self) -> None:
        if not self.host:
            raise UsageError("the host to listen on is empty; 127.0.0.1 is this machine alone")
        for name in self.allowed_hosts:
            if not host_name(name):
                raise UsageError(f"allowed host {name!r} is no host name (for example box.local)")
        if self.writable and not self.keys.can_write:
            raise UsageError("with --writable there must be a key that may write: --write-key")
        self._check_numbers()

    def _check_numbers(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"a port is between 0 and 65,535, not {self.port}")
        if self.threads < 1:
            raise UsageError(f"a server needs at least one search thread, not {self.threads}")
        if not 0 < self.timeout < math.inf:
            raise UsageError(f"a timeout is a number of seconds above 0, not {self.timeout}")
        if self.rate_limit < 0:
            raise UsageError("a rate limit is a number of requests a minute; 0 is no limit")

    @property
    def names(self) -> frozenset[str]:
        """The names that a request may come in under, besides loopback addresses."""
        return frozenset({"localhost", *map(host_name, (self.host, *self.allowed_hosts))} - {""})


def cache_folder() -> Path:
    """Return where indexes of collections and scores are kept unless SHORTLIST_CACHE names it."""
    from platformdirs import user_cache_path

    return user_cache_path("shortlist", appauthor=False)


def host_name(authority: str) -> str:
    """Return the name in `name[:port]` or `[v6][:port]`, in one spelling; empty if it is none."""
    if is_address(authority):
        return str(ip_address(authority))
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return ""
    name = match["v6"] or match["name"].lower().removesuffix(".")
    if is_address(name):
        return str(ip_address(name))
    return "" if match["v6"] else name


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a name is an IP address that only this machine reaches."""
    return is_address(name) and ip_address(name).is_loopback
