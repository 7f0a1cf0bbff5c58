"""GET /metrics: numbers for Prometheus."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.description import problems

router = APIRouter()


@router.get(
    "/metrics",
    operation_id="metrics",
    responses={200: {"content": {"text/plain": {}}, "description": "The numbers."}, **problems()},
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """Give the numbers of this server in Prometheus' text format."""
    content = await to_thread.run_sync(request.app.state.metrics.text)
    return Response(content, media_type=CONTENT_TYPE_LATEST)
