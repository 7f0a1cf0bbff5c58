"""What routes share: the engine that answers, and what to say while there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from fastapi import Depends, Request

from server.calls import do
from server.live import LiveEngine, NotReadyError
from server.problems import HttpError, safe_detail

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.settings import ServerSettings

T = TypeVar("T")
RETRY_LOADING: Final = 2  # seconds


def _live(request: Request) -> LiveEngine:
    return request.app.state.live


async def in_thread(request: Request, work: Callable[[], T], times: int = 1) -> T:
    """Do something with the engine in a thread; what waits for one holds none.

    Args:
        request: for whom; its body must have been read.
        work: what is done. It is given up while it waits for the reranker once the client has left.
        times: how many times as long as other requests it may take, for what asks for much.

    Raises:
        HttpError: 503 while there is no engine, if too many wait, or if it takes too long.
        ClientDisconnect: if the client left.
    """
    state = request.app.state
    settings: ServerSettings = state.settings
    try:
        return await do(
            work, request, state.limiter, line=settings.line, seconds=times * settings.timeout
        )
    except NotReadyError:
        raise not_ready(_live(request)) from None


Live = Annotated[LiveEngine, Depends(_live)]


def not_ready(live: LiveEngine) -> HttpError:
    """Return the 503 of a server without an engine, with the reason."""
    headers = {"Retry-After": str(RETRY_LOADING)}
    details = {
        "failed": f"the server could not load: {safe_detail(live.fault) if live.fault else ''}",
        "stopped": "the server is stopping",
    }
    detail = details.get(live.progress, "the server is loading the index and its models")
    return HttpError(503, detail, headers, stage=live.progress)
