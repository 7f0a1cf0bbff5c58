"""GET /info and /v1/models: which models are here, in the words of foreign clients."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from server.description import problems
from server.routes.serving import Live, in_thread
from server.version import version
from server.wire.description import INFO_ANSWER, MODELS_ANSWER
from server.wire.models import info, models

router = APIRouter()


@router.get("/info", operation_id="info", responses=INFO_ANSWER | problems(503))
async def info_for_tei(request: Request, live: Live) -> Response:
    """Say which model ranks, and the limits, as clients of text-embeddings-inference ask."""
    threads = int(request.app.state.limiter.total_tokens)

    def work() -> bytes:
        with live.use() as engine:
            return to_json(info(engine, threads, version()))

    return Response(await in_thread(request, work), media_type="application/json")


@router.get("/v1/models", operation_id="models", responses=MODELS_ANSWER | problems(503))
async def models_for_openai(request: Request, live: Live) -> Response:
    """List the models, as OpenAI clients ask."""

    def work() -> bytes:
        with live.use() as engine:
            return to_json(models(engine))

    return Response(await in_thread(request, work), media_type="application/json")
