"""What routes share: the engine that answers, and what to say while there is none."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request

from server.live import LiveEngine
from server.problems import HttpError, safe_detail

RETRY_LOADING: Final = 2  # seconds


def _live(request: Request) -> LiveEngine:
    return request.app.state.live


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
