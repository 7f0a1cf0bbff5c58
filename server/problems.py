"""Errors as problem details (RFC 9457): one body for everything that is no answer.

The table below is the only place that turns an error into a status. What it says to a client is
either about the client's own input or a fixed sentence: paths and causes are for the log.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from engine.errors import (
    DamagedIndex,
    DocumentTaken,
    EncoderMismatch,
    ExtractionError,
    FilterError,
    ForeignIndex,
    IndexFault,
    IndexLocked,
    ModelError,
    NoIndex,
    RerankerBusy,
    ShortlistError,
    UsageError,
)
from server.wire.errors import meant, members, wrong_base

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from starlette.requests import Request
    from starlette.types import Scope

MEDIA_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 20  # errors that one problem lists
_LONGEST_NAME: Final = 100  # characters of a field's name that are repeated
_PATH: Final = re.compile(r"(?:^|(?<=[\s'\"(=:]))(?:~?/|[A-Za-z]:\\).*", re.DOTALL)
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    detail: str = ""  # empty: the error's own words, which are about the client's input
    retry_after: int | None = None  # seconds


_SEE_LOG: Final = "the server's log says why"
# The first class that an error is an instance of counts.
TABLE: Final[dict[type[ShortlistError], _Row]] = {
    UsageError: _Row(422),
    DocumentTaken: _Row(409),
    ExtractionError: _Row(422),
    IndexLocked: _Row(503, "another process is writing to the index", 5),
    NoIndex: _Row(503, "there is no index where this server expects it", 10),
    ForeignIndex: _Row(503, "the index was made by another version or program", 10),
    DamagedIndex: _Row(503, "the index is damaged (shortlist verify says where)", 10),
    EncoderMismatch: _Row(503, "the index was made with another encoder", 10),
    IndexFault: _Row(503, f"the index cannot be read; {_SEE_LOG}", 10),
    RerankerBusy: _Row(503, "too many requests wait for the reranker; try again in a second", 1),
    ModelError: _Row(500, f"a model cannot be loaded or used; {_SEE_LOG}"),
    ShortlistError: _Row(500, f"the search failed; {_SEE_LOG}"),
}


class HttpError(Exception):
    """Raised by a route to answer with a problem; members beyond the RFC's are `extensions`."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions

    def body(self, scope: Scope) -> dict[str, Any]:
        """Return the problem; `instance` is the request's id, as it stands in the log."""
        state = _state(scope)
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{request_id(scope)}",
            **self.extensions,
        }
        shape, path = state.get("shape"), state.get("meant", scope["path"])
        body |= members(path, shape, self.status, self.detail, self.extensions)
        return body

    def response(self, scope: Scope) -> Response:
        """Return the answer."""
        # ASCII, so that no character of a client's field name fails to be encoded.
        return Response(json.dumps(self.body(scope)), self.status, self.headers, MEDIA_TYPE)


def request_id(scope: Scope) -> str:
    """Return the id that the guard gave to a request."""
    return str(_state(scope).get("request_id", ""))


def _state(scope: Scope) -> dict[str, Any]:
    return scope.get("state") or {}


def safe_detail(error: Exception) -> str:
    """Return what a client may be told of an error."""
    return problem_of(error).detail


def problem_of(error: Exception) -> HttpError:
    """Return an error as a problem; one that is not ours is a 500 that says nothing of it."""
    if isinstance(error, HttpError):
        return error
    for kind, row in TABLE.items():
        if isinstance(error, kind):
            headers = {"Retry-After": str(row.retry_after)} if row.retry_after else None
            detail = row.detail or str(error)
            if row.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                return HttpError(row.status, detail, headers)
            place = ("filter",) if isinstance(error, FilterError) else ()
            errors = [{"detail": detail, "pointer": pointer(place)}]
            return HttpError(row.status, detail, headers, errors=errors)
    return HttpError(500, f"something went wrong in the server; {_SEE_LOG}")


def invalid(error: ValidationError) -> HttpError:
    """Return what pydantic found: 400 for what is no JSON, 422 naming each field."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return HttpError(400, f"the body is not valid JSON ({_reason(found[0]['msg'])})")
    errors = [
        {"detail": _explained(e["type"], e["msg"]), "pointer": pointer(e["loc"])}
        for e in found[:MOST_ERRORS]
    ]
    first = found[0]
    name = ".".join(str(part)[:_LONGEST_NAME] for part in first["loc"]) or "body"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    detail = f"{name}: {_explained(first['type'], first['msg'])}{more}"
    return HttpError(422, detail, errors=errors)


def _explained(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such field, or it is given twice under two names"
    return message[:1].lower() + message[1:]


def _reason(message: str) -> str:
    return message.removeprefix("Invalid JSON: ")


def pointer(location: Sequence[int | str]) -> str:
    """Return a place in the body as a JSON pointer in a URI fragment (RFC 6901, section 6)."""
    parts = [str(part)[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1") for part in location]
    return "#" + "".join("/" + quote(part, safe="~", errors="replace") for part in parts)


def without_paths(notes: list[str]) -> list[str]:
    """Return the notes of an answer, those that quote a path of this machine cut before it."""
    shown = [_PATH.sub(f"({_SEE_LOG})", note) for note in notes]
    for note in set(notes) - set(shown):
        _LOG.warning("not shown to the client as it is: %s", note)
    return shown


# -- handlers of the application -----------------------------------------------------------------


def on_problem(request: Request, error: Exception) -> Response:
    """Answer with a problem that a route raised, or with an error of ours by the table."""
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, HttpError):
        _LOG.error("request %s: %s: %s", request_id(request.scope), type(error).__name__, error)
    return problem.response(request.scope)


def on_client_left(_request: Request, _error: Exception) -> Response:
    """Answer nobody: 499 is only for the log and the numbers."""
    return Response(status_code=499)


def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer for what the framework refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this path (GET /openapi.json lists what there is)"
        path = request.scope["path"]
        if meant(path):
            request.state.meant = meant(path)
            detail = wrong_base(path)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of the first route at a path, not those of all.
        headers["Allow"] = ", ".join(_methods(request))
        detail = f"this path takes {headers['Allow']}, not {request.method[:_LONGEST_NAME]}"
    return HttpError(error.status_code, detail, headers).response(request.scope)


def _methods(request: Request) -> list[str]:
    """Return the methods that some route takes at this path, by asking as if each had come."""
    scopes = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [
        method
        for method, scope in scopes
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)
    ]
