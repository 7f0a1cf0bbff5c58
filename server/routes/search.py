"""GET and POST /search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from engine.answer import SearchRequest  # noqa: TC001 - FastAPI reads the annotations
from server.bodies import read, require_json
from server.description import searching
from server.live import LiveEngine, NotReadyError
from server.problems import HttpError, invalid, pointer, without_paths
from server.routes.serving import Live, not_ready
from server.schemas import SearchBody, SearchParameters, answer_json
from server.settings import SEARCH_BODY

if TYPE_CHECKING:
    from collections.abc import Callable

router = APIRouter()


async def _body(request: Request) -> SearchRequest:
    """Read a question from a JSON body, and no more of it than is allowed."""
    require_json(request)
    body = await read(request, SEARCH_BODY)
    return _checked(lambda: SearchBody.model_validate_json(body, strict=True))


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


def _checked(model: Callable[[], SearchBody]) -> SearchRequest:
    try:
        return model().request()
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
        return answer_json(answer, asked)

    try:
        content = await to_thread.run_sync(work, limiter=request.app.state.limiter)
    except NotReadyError:
        raise not_ready(live) from None
    return Response(content, media_type="application/json")
