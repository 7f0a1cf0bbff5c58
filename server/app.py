"""The HTTP application: thin routes over one engine. GET /openapi.json describes it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engine.errors import ShortlistError
from server.description import describe, routes_of
from server.gate import Gate
from server.guard import Guard
from server.live import LiveEngine, keep_up
from server.metrics import Metrics
from server.problems import HttpError, on_client_left, on_http_exception, on_problem
from server.routes import (
    admin,
    batch,
    documents,
    embeddings,
    feedback,
    health,
    metrics,
    models,
    page,
    rerank,
    search,
)
from server.settings import WRITE_THREADS, ServerSettings
from server.sharing import Sharing
from server.version import version
from server.watch import OTHER, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from engine.feedback.log import FeedbackLog
    from engine.search import SearchEngine
    from server.writing import Writes

_ROUTES: Final = (
    health, search, batch, documents, feedback, rerank, embeddings, models, metrics, admin, page,
)  # fmt: skip
# Routes that the description leaves out, and the statuses that they answer with.
_UNDESCRIBED: Final = {
    "/": {200, 304}, "/page/{name}": {200, 304, 404}, "/openapi.json": {200}, OTHER: {401, 404},
}  # fmt: skip


def never(_: SearchEngine) -> None:
    """Renew nothing: the index of this engine does not change."""


def create_app(
    load: Callable[[], SearchEngine],
    renew: Callable[[SearchEngine], SearchEngine | None] = never,
    settings: ServerSettings | None = None,
    writes: Writes | None = None,
    log: FeedbackLog | None = None,
) -> FastAPI:
    """Return the application; it loads its engine in the background once it is started.

    Args:
        load: makes the engine.
        renew: returns an engine with the same models over a newer commit, or None if there is none.
        settings: names it goes by, and limits.
        writes: changes the index; without, documents are only read.
        log: records searches and feedback; without, nothing is recorded.
    """
    settings = settings or ServerSettings()
    sharing = Sharing(seen=lambda pairs: app.state.metrics.reranked(pairs))
    live = LiveEngine(sharing.load(load), sharing.renew(renew), settings.check_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.limiter = CapacityLimiter(settings.threads)
        app.state.write_limiter = CapacityLimiter(WRITE_THREADS)
        live.start()
        keeping = asyncio.create_task(keep_up(live, settings.idle_seconds))
        yield
        keeping.cancel()
        await to_thread.run_sync(live.close)
        await to_thread.run_sync(sharing.close)

    # /docs and /redoc are off: their pages load scripts from the internet.
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    app.state.live = live
    app.state.settings = settings
    app.state.writes = writes
    app.state.feedback = log
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.openapi = lambda: describe(app)
    app.state.metrics = Metrics(live, version(), routes_of(app.openapi()) | _UNDESCRIBED)
    app.state.metrics.queue_size.set_function(lambda: sharing.waiting)
    # The last one is the outermost.
    app.add_middleware(Gate, keys=settings.keys, per_minute=settings.rate_limit)
    app.add_middleware(Guard, names=settings.names)
    app.add_middleware(Watch, metrics=app.state.metrics, log_queries=settings.log_queries)
    app.add_exception_handler(HttpError, on_problem)
    app.add_exception_handler(ShortlistError, on_problem)
    app.add_exception_handler(ClientDisconnect, on_client_left)
    app.add_exception_handler(HTTPException, on_http_exception)
    return app
