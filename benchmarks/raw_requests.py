"""Requests byte for byte, and what is sent over one connection."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOST: Final = b"Host: 127.0.0.1\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
POSTS: Final = (
    "/search", "/search/batch", "/rerank", "/v1/rerank", "/v2/rerank", "/v1/embeddings", "/embed",
    "/feedback",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What is sent over one connection.

    Attributes:
        kind: its name, of which there are several.
        parts: bytes, sent one after the other.
        pause: seconds between them.
        leaves: whether the client hangs up when all is sent, and reads nothing.
        unanswered: whether the server may close without an answer: there was no whole request.
    """

    kind: str
    parts: tuple[bytes, ...]
    pause: float = 0.0
    leaves: bool = False
    unanswered: bool = False


Make = Callable[[random.Random], Attack]


def request(
    target: str | bytes, method: bytes = b"GET", headers: bytes = b"", body: bytes = b""
) -> bytes:
    """Return a request with the length of its body."""
    path = target.encode("latin-1") if isinstance(target, str) else target
    length = b"Content-Length: %d\r\n" % len(body) if body or method in (b"POST", b"PUT") else b""
    return b"%b %b HTTP/1.1\r\n%b%b%b\r\n%b" % (method, path, HOST, headers, length, body)


def post(chance: random.Random, body: bytes, headers: bytes = JSON) -> bytes:
    """Return a request to any route that takes a body."""
    return request(chance.choice(POSTS), b"POST", headers, body)


def at_once(kind: str, sent: bytes) -> Attack:
    """Return an attack that is sent in one part."""
    return Attack(kind=kind, parts=(sent,))


def chunked_head(chance: random.Random) -> bytes:
    """Return what stands before chunks, for any route that takes a body."""
    path = chance.choice(POSTS).encode()
    return b"POST %b HTTP/1.1\r\n%b%bTransfer-Encoding: chunked\r\n\r\n" % (path, HOST, JSON)
