"""Whether the process answers, and whether searches do."""

from __future__ import annotations

from fastapi import APIRouter

from server.description import problems
from server.routes.serving import Live, not_ready
from server.schemas import Alive, Ready

router = APIRouter()


@router.head("/healthz", include_in_schema=False)
@router.head("/livez", include_in_schema=False)
@router.get("/healthz", operation_id="healthz", responses=problems())
@router.get("/livez", operation_id="livez", responses=problems())
async def alive() -> Alive:
    """Say that the process answers, whatever it has loaded."""
    return Alive(status="alive")


@router.head("/health", include_in_schema=False)
@router.head("/readyz", include_in_schema=False)
@router.get("/health", operation_id="health", responses=problems(503))
@router.get("/readyz", operation_id="readyz", responses=problems(503))
async def ready(live: Live) -> Ready:
    """Say whether searches are answered; 503 while models load, or with the reason they did not."""
    generation = live.generation
    if generation is None:
        raise not_ready(live)
    return Ready(status="ready", snapshot=generation)
