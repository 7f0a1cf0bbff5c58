"""POST /admin/reload: models and index anew, without a pause."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Depends

from server.description import problems
from server.gate import may_write
from server.live import NotReadyError, ReloadingError
from server.problems import HttpError
from server.routes.serving import Live, not_ready
from server.schemas import Ready

router = APIRouter()


@router.post(
    "/admin/reload",
    operation_id="reload",
    dependencies=[Depends(may_write)],
    responses=problems(409, 503),
)
async def reload(live: Live) -> Ready:
    """Load models and index anew, and answer when that is done.

    Until then, and if they cannot be loaded, those before answer. SIGHUP does the same.
    """
    try:
        return Ready(status="ready", snapshot=await to_thread.run_sync(live.reload))
    except ReloadingError:
        raise HttpError(409, "models and index are being loaded already") from None
    except NotReadyError:
        raise not_ready(live) from None
