"""Request bodies, read no further than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.problems import HttpError

if TYPE_CHECKING:
    from starlette.requests import Request


def require_json(request: Request) -> None:
    """Raise HttpError 415 unless the body is said to be JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HttpError(415, "the body must be JSON, with Content-Type: application/json")


async def read(request: Request, most: int) -> bytes:
    """Return the body; HttpError 413 as soon as it is known to have more than `most` bytes."""
    too_large = HttpError(413, f"the body is larger than {most:,} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)
