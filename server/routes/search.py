"""GET and POST /search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response

from server.bodies import checked, parameters, read, require_json
from server.calls import waited
from server.description import searching
from server.problems import without_paths
from server.recording import recorded
from server.routes.serving import Live, in_thread
from server.schemas import SearchBody, SearchParameters, answer_json
from server.settings import SEARCH_BODY

if TYPE_CHECKING:
    from engine.answer import Answer, SearchRequest
    from engine.feedback.log import FeedbackLog
    from engine.search import SearchEngine
    from server.live import LiveEngine

router = APIRouter()


async def _body(request: Request) -> SearchBody:
    """Read a question from a JSON body, and no more of it than is allowed."""
    require_json(request)
    body = await read(request, SEARCH_BODY)
    return checked(lambda: SearchBody.model_validate_json(body, strict=True))


async def _parameters(request: Request) -> SearchBody:
    """Read a question from the parameters of the URL."""
    values = parameters(request)
    return checked(lambda: SearchParameters.model_validate(values))


@router.post("/search", operation_id="search", **searching("body"))
async def search_by_body(
    asked: Annotated[SearchBody, Depends(_body)], request: Request, live: Live
) -> Response:
    """Search, with the question as JSON."""
    return await _search(asked, request, live)


@router.get("/search", operation_id="searchByUrl", **searching("parameters"))
async def search_by_url(
    asked: Annotated[SearchBody, Depends(_parameters)], request: Request, live: Live
) -> Response:
    """Search, with the question in the URL."""
    return await _search(asked, request, live)


async def _search(body: SearchBody, request: Request, live: LiveEngine) -> Response:
    """Answer in a thread; those that wait for one hold none, so health is always answered."""
    request.state.query = body.query  # for the log, where that is wanted
    asked = body.request()
    log: FeedbackLog | None = request.app.state.feedback if body.record else None

    def work() -> bytes:
        with live.use() as engine:
            answer = _searched(engine, asked)
        request.app.state.metrics.answered(answer)
        answer = replace(answer, notes=without_paths(answer.notes))
        if log is not None:
            answer = recorded(log, asked, answer)
        return answer_json(answer, asked)

    return Response(await in_thread(request, work), media_type="application/json")


def _searched(engine: SearchEngine, asked: SearchRequest) -> Answer:
    """Search; what the request waited for a thread counts against its budget."""
    late = waited() * 1000
    if asked.budget_ms is not None:
        asked = replace(asked, budget_ms=max(0, asked.budget_ms - round(late)))
    answer = engine.search(asked)
    timings = answer.timings_ms
    timings |= {stage: round(timings[stage] + late, 3) for stage in ("queue", "total")}
    return answer
