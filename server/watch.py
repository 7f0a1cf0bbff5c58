"""What every request leaves behind: a line in the log, and numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from server.gate import HEALTH
from server.logs import REQUESTS, log_event

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from server.metrics import Metrics

OTHER: Final = "other"  # the route of requests that reach none
_GONE: Final = 499  # the client left before there was an answer


class Watch:
    """ASGI middleware, outside of everything: it sees what was refused, too."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log_queries: bool) -> None:
        """Watch an application.

        Args:
            app: what is watched.
            metrics: takes the numbers.
            log_queries: whether log lines show paths, and queries of searches.
        """
        self._app = app
        self._metrics = metrics
        self._log_queries = log_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _GONE

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        self._metrics.running.inc()
        try:
            await self._app(scope, receive, send_seen)
        finally:
            self._metrics.running.dec()
            seconds = time.perf_counter() - start
            route = self._route(scope)
            self._metrics.ended(route, status, seconds)
            # Probes come every few seconds, and say nothing while they succeed.
            if scope["path"] not in HEALTH or status >= 400:
                self._log(scope, route, status, seconds)

    def _route(self, scope: Scope) -> str:
        """Return the route as its template; what was refused before has its path, if it is one."""
        route = scope.get("route")
        template = route.path_format if route else scope["path"]
        return template if template in self._metrics.routes else OTHER

    def _log(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        state: dict[str, Any] = scope.get("state") or {}
        client = scope.get("client")
        shown = self._log_queries
        log_event(
            REQUESTS,
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            id=state.get("request_id"),
            key=state.get("key_name"),
            client=client[0] if client else None,
            path=scope["path"] if shown else None,
            query=state.get("query") if shown else None,
        )
