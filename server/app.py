"""The HTTP application: thin routes over one engine. GET /openapi.json describes it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from engine.errors import ShortlistError
from server.description import describe
from server.guard import Guard
from server.live import LiveEngine
from server.problems import HttpError, on_http_exception, on_problem
from server.routes import health, search
from server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from engine.search import SearchEngine


def never(_: SearchEngine) -> None:
    """Renew nothing: the index of this engine does not change."""


def create_app(
    load: Callable[[], SearchEngine],
    renew: Callable[[SearchEngine], SearchEngine | None] = never,
    settings: ServerSettings | None = None,
) -> FastAPI:
    """Return the application; it loads its engine in the background once it is started.

    Args:
        load: makes the engine.
        renew: returns an engine with the same models over a newer commit, or None if there is none.
        settings: names it goes by, and limits.
    """
    settings = settings or ServerSettings()
    live = LiveEngine(load, renew, settings.check_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.limiter = CapacityLimiter(settings.threads)
        live.start()
        yield
        await to_thread.run_sync(live.close)

    # /docs and /redoc are off: their pages load scripts from the internet.
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    app.state.live = live
    for routes in (health, search):
        app.include_router(routes.router)
    app.add_middleware(Guard, names=settings.names)
    app.add_exception_handler(HttpError, on_problem)
    app.add_exception_handler(ShortlistError, on_problem)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.openapi = lambda: describe(app)
    return app
