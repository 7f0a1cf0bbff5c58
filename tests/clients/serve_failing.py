"""A server that fails as the key of a request says: `429-2-x` twice with 429, then no more.

The key, since every client lets its user choose one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from server.app import create_app
from server.problems import HttpError
from server.process import run
from server.serving import bound
from server.settings import ServerSettings
from tests.fakes import make_engine

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Failing:
    """ASGI middleware that answers as a full queue does, or a key above its rate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asked: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("authorization", "") if scope["type"] == "http" else ""
        app = self._app
        if key:
            status, times, *_ = key.removeprefix("Bearer ").split("-")
            self._asked[key] += 1
            if self._asked[key] <= int(times):
                problem = HttpError(int(status), "come back in a second", {"Retry-After": "1"})
                app = problem.response(scope)
        await app(scope, receive, send)


if __name__ == "__main__":
    with bound(ServerSettings(port=0)) as listener:
        app = create_app(lambda: make_engine({"a.md": "cats"}))
        app.add_middleware(Failing)
        run(app, listener)
