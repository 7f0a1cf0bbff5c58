"""GET /: the page, and the files that it is made of. They hold no data, so they need no key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from server.problems import HttpError

router = APIRouter()

_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # What a document says can become text, never markup: the browser sees to it, too.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    headers: dict[str, str]


@cache
def _files() -> dict[str, _File]:
    """Return the files of the page by name; they are read once."""
    return {
        entry.name: _file(entry.name, entry.read_bytes())
        for entry in files("server").joinpath("page").iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }


def _file(name: str, content: bytes) -> _File:
    headers = {
        # What changes with the server is asked for again each time; browsers ask for the icon
        # whenever the URL changes, so with every letter of a query.
        "Cache-Control": "max-age=86400" if name.endswith(".svg") else "no-cache",
        "Content-Security-Policy": _POLICY,
        "ETag": f'"{sha256(content).hexdigest()[:32]}"',
    }
    return _File(content, _TYPES[name.rpartition(".")[2]], headers)


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """Give the page."""
    return _answer("index.html", request)


@router.head("/page/{name}", include_in_schema=False)
@router.get("/page/{name}", include_in_schema=False)
async def part(name: str, request: Request) -> Response:
    """Give one of the files that the page asks for."""
    return _answer(name, request)


def _answer(name: str, request: Request) -> Response:
    file = _files().get(name)
    if file is None:
        raise HttpError(404, "the page has no such file")
    if request.headers.get("if-none-match") == file.headers["ETag"]:
        return Response(status_code=304, headers=file.headers)
    return Response(file.content, media_type=file.media_type, headers=file.headers)
