"""What comes with a request: bodies, read no further than is allowed, and parameters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from server.problems import HttpError, invalid, pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request


Model = TypeVar("Model")


def media_type(request: Request) -> str:
    """Return what the body is said to be, in lower case, without parameters; may be empty."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Raise HttpError 415 unless the body is said to be JSON."""
    if media_type(request) != "application/json":
        raise HttpError(415, "the body must be JSON, with Content-Type: application/json")


async def read(request: Request, most: int) -> bytes:
    """Return the body.

    Raises:
        HttpError: 413 as soon as it is known to have more than `most` bytes, 408 if it does not
            arrive in the time that a request has.
    """
    too_large = HttpError(413, f"the body is larger than {most:,} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    seconds = request.app.state.settings.timeout
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        late = f"the body did not arrive within {seconds:g} seconds"
        raise HttpError(408, late, {"Connection": "close"}) from None
    return bytes(body)


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the URL; HttpError 422 if one is given twice."""
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        errors = [
            {"detail": "given twice", "pointer": pointer((name,))}
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
        raise HttpError(422, "a parameter is given twice", errors=errors)
    return values


def checked(model: Callable[[], Model]) -> Model:
    """Return what a model makes of a body or of parameters; HttpError 400 or 422 if it refuses."""
    try:
        return model()
    except ValidationError as error:
        raise invalid(error) from error
