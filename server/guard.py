"""What every request passes through: who may ask, an id, safe headers, and a last resort.

Listening on loopback does not keep web pages out: a page can let its own name resolve to 127.0.0.1
(DNS rebinding) and then read what it likes. Its requests carry that name as Host, or the page's
Origin, so both are compared with the names that this server goes by.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders

from server.problems import HttpError, problem_of
from server.settings import host_name, is_address, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG: Final = logging.getLogger(__name__)
_SAFE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware, around everything else."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        """Guard an application that goes by these names, and by every loopback address."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in {**_SAFE_HEADERS, "X-Request-Id": request_id}.items():
                    headers.setdefault(name, value)  # a page says itself what it may load
            await send(message)

        try:
            refusal = self._refusal(scope)
            app = refusal.response(scope) if refusal else self._app
            await app(scope, receive, send_safely)
        except Exception as error:
            _LOG.exception("request %s failed", request_id)
            if started:
                raise
            await problem_of(error).response(scope)(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> HttpError | None:
        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host", ""), scope):
            return HttpError(421, "this server does not go by the name in Host (--allowed-host)")
        origins = headers.getlist("origin")
        scheme_and_rest = [origin.partition("://") for origin in origins]
        if all(s in ("http", "https") and self._is_ours(a, scope) for s, _, a in scheme_and_rest):
            return None
        return HttpError(403, "pages of that Origin may not ask this server (--allowed-host)")

    def _is_ours(self, authority: str, scope: Scope) -> bool:
        name = host_name(authority)
        if name in self._names or is_loopback(name):
            return True
        # The address that the connection came in on: a name is needed to rebind.
        server = scope.get("server")
        return bool(server) and is_address(name) and name == server[0]
