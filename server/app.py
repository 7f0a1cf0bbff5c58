"""The HTTP application: thin routes over one engine. GET /openapi.json describes it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from engine.answer import SearchRequest  # noqa: TC001 - FastAPI reads the annotations
from engine.errors import ShortlistError
from server.description import describe, problems, searching
from server.guard import Guard
from server.live import LiveEngine, NotReadyError
from server.problems import (
    HttpError,
    invalid,
    on_http_exception,
    on_problem,
    pointer,
    safe_detail,
    without_paths,
)
from server.schemas import Alive, Ready, SearchBody, SearchParameters, answer_json
from server.settings import SEARCH_BODY, ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from engine.search import SearchEngine

RETRY_LOADING: Final = 2  # seconds
router = APIRouter()


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
    app.include_router(router)
    app.add_middleware(Guard, names=settings.names)
    app.add_exception_handler(HttpError, on_problem)
    app.add_exception_handler(ShortlistError, on_problem)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.openapi = lambda: describe(app)
    return app


def _live(request: Request) -> LiveEngine:
    return request.app.state.live


Live = Annotated[LiveEngine, Depends(_live)]


# -- health --------------------------------------------------------------------------------------


@router.head("/healthz", include_in_schema=False)
@router.head("/livez", include_in_schema=False)
@router.get("/healthz", operation_id="healthz", responses=problems())
@router.get("/livez", operation_id="livez", responses=problems())
async def alive() -> Alive:
    """Say that the process answers, whatever it has loaded."""
    return Alive(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="readyz", responses=problems(503))
async def ready(live: Live) -> Ready:
    """Say whether searches are answered; 503 while models load, or with the reason they did not."""
    generation = live.generation
    if generation is None:
        raise _not_ready(live)
    return Ready(status="ready", snapshot=generation)


def _not_ready(live: LiveEngine) -> HttpError:
    headers = {"Retry-After": str(RETRY_LOADING)}
    details = {
        "failed": f"the server could not load: {safe_detail(live.fault) if live.fault else ''}",
        "stopped": "the server is stopping",
    }
    detail = details.get(live.progress, "the server is loading the index and its models")
    return HttpError(503, detail, headers, stage=live.progress)


# -- search --------------------------------------------------------------------------------------


async def _body(request: Request) -> SearchRequest:
    """Read a question from a JSON body, and no more of it than is allowed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HttpError(415, "the body must be JSON, with Content-Type: application/json")
    body = await _read(request, SEARCH_BODY)
    return _checked(lambda: SearchBody.model_validate_json(body, strict=True))


async def _read(request: Request, most: int) -> bytes:
    too_large = HttpError(413, f"the body is larger than {most:,} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


async def _parameters(request: Request) -> SearchRequest:
    """Read a question from the parameters of the URL."""
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) < len(pairs):
        raise HttpError(422, "a parameter is given twice", errors=_twice(pairs))
    return _checked(lambda: SearchParameters.model_validate(values))


def _twice(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    names = [name for name, _ in pairs]
    return [
        {"detail": "given twice", "pointer": pointer((name,))}
        for name in sorted({n for n in names if names.count(n) > 1})
    ]


def _checked(read: Callable[[], SearchBody]) -> SearchRequest:
    try:
        return read().request()
    except ValidationError as error:
        raise invalid(error) from error


@router.post("/search", operation_id="search", **searching("body"))
async def search_by_body(
    asked: Annotated[SearchRequest, Depends(_body)], request: Request, live: Live
) -> Response:
    """Search, with the question as JSON."""
    return await _search(asked, request, live)


@router.get("/search", operation_id="searchByUrl", **searching("parameters"))
async def search_by_url(
    asked: Annotated[SearchRequest, Depends(_parameters)], request: Request, live: Live
) -> Response:
    """Search, with the question in the URL."""
    return await _search(asked, request, live)


async def _search(asked: SearchRequest, request: Request, live: LiveEngine) -> Response:
    """Answer in a thread; those that wait for one hold none, so health is always answered."""

    def work() -> bytes:
        with live.use() as engine:
            answer = engine.search(asked)
        answer = replace(answer, notes=without_paths(answer.notes))
        return answer_json(answer, explain=asked.explain)

    try:
        content = await to_thread.run_sync(work, limiter=request.app.state.limiter)
    except NotReadyError:
        raise _not_ready(live) from None
    return Response(content, media_type="application/json")
