"""Who may come in: API keys and the rate limit, before anything of a request is read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations

from server.problems import HttpError
from server.rate import RateLimit, neighbourhood

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from server.keys import Key, Keys

# Whether the server is well is asked by what has no key, and often.
HEALTH: Final = frozenset({"/livez", "/healthz", "/readyz", "/health"})


class Gate:
    """ASGI middleware, inside the guard."""

    def __init__(self, app: ASGIApp, keys: Keys, per_minute: int) -> None:
        """Let in whoever has one of the keys, if there are any.

        Args:
            app: what is behind the gate.
            keys: those that open it.
            per_minute: requests that a key, or an address without one, may send; 0 is no limit.
        """
        self._app = app
        self._keys = keys
        self._limit = RateLimit(per_minute) if per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        app = refusal.response(scope) if refusal else self._app
        await app(scope, receive, send)

    def _refusal(self, scope: Scope) -> HttpError | None:
        key = self._keys.holder(_given(scope)) if self._keys else None
        state: dict[str, Any] = scope.setdefault("state", {})
        state["may_write"] = not self._keys or (key is not None and key.scope == "write")
        if key:
            state["key_name"] = key.name
        if scope["path"] in HEALTH or is_page(scope["path"]):
            return None
        # A wrong key counts too, or keys could be guessed at any speed.
        return self._too_fast(scope, key) or self._without_key(key)

    def _too_fast(self, scope: Scope, key: Key | None) -> HttpError | None:
        client = scope.get("client") or ("",)
        who = f"key {key.name}" if key else neighbourhood(str(client[0]))
        wait = self._limit.take(who) if self._limit else 0.0
        if not wait:
            return None
        headers = {"Retry-After": str(math.ceil(wait))}
        return HttpError(429, "too many requests a minute; see Retry-After", headers)

    def _without_key(self, key: Key | None) -> HttpError | None:
        if key or not self._keys:
            return None
        detail = "this server wants an API key: Authorization: Bearer KEY, or X-API-Key: KEY"
        return HttpError(401, detail, {"WWW-Authenticate": "Bearer"})


def is_page(path: str) -> bool:
    """Whether this is the page itself, which holds no data and asks for the key."""
    return path == "/" or path.startswith("/page/")


def _given(scope: Scope) -> list[bytes]:
    """Return the secrets that a request comes with; some clients leave `Bearer` out."""
    headers = Headers(scope=scope)
    found = [value.strip() for value in headers.getlist("x-api-key")]
    for value in headers.getlist("authorization"):
        scheme, _, rest = value.strip().partition(" ")
        found.append(rest.strip() if scheme.lower() == "bearer" else value.strip())
    return [value.encode("latin-1") for value in found]


def may_write(request: Request) -> None:
    """Raise HttpError 403 unless the request's key may write: a dependency of routes that do."""
    if not getattr(request.state, "may_write", False):
        raise HttpError(403, "this API key may only read; this needs one that may write")
