"""POST /feedback: clicks and judgements, where the server records them (--feedback)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from engine.feedback.log import FeedbackLog  # noqa: TC001 - FastAPI reads the annotations
from server.bodies import checked, read, require_json
from server.description import answering
from server.document_schemas import FeedbackBody
from server.problems import HttpError
from server.routes.serving import in_thread
from server.settings import SEARCH_BODY

router = APIRouter()


def _log(request: Request) -> FeedbackLog:
    """Return the log; HttpError 403 where nothing is recorded."""
    log: FeedbackLog | None = request.app.state.feedback
    if log is None:
        raise HttpError(403, "this server records no feedback (shortlist serve --feedback)")
    return log


@router.post(
    "/feedback",
    operation_id="giveFeedback",
    status_code=204,
    **answering("", 400, 413, 415, 422, 503, body="FeedbackBody", status=204),
)
async def give_feedback(request: Request, log: Annotated[FeedbackLog, Depends(_log)]) -> Response:
    """Record that a result was opened, or what someone says of it, for `shortlist train`.

    Of several judgements of one result the last one counts; keys judge each for themselves.
    """
    require_json(request)
    content = await read(request, SEARCH_BODY)
    body = checked(lambda: FeedbackBody.model_validate_json(content, strict=True))

    by = getattr(request.state, "key_name", "")

    def work() -> None:
        about = (body.search_id, body.document, body.passage)
        if body.grade is None:
            log.click(*about)
        else:
            log.judge_shown(*about, body.grade, by=by)

    await in_thread(request, work)
    return Response(status_code=204)
