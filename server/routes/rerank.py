"""POST /rerank, /v1/rerank and /v2/rerank: one handler, five dialects told apart by the body."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from server.bodies import read, require_json
from server.calls import CALL
from server.description import problems
from server.problems import HttpError, request_id
from server.routes.serving import Live, in_thread
from server.scoring import score_texts
from server.wire.description import RERANK_ANSWER, RERANK_BODY
from server.wire.rerank import answer_json, answer_of, call_of, dialect_of
from server.wire.texts import LONGEST_BODY, read_object

if TYPE_CHECKING:
    from engine.protocols import Reranker
    from server.live import LiveEngine
    from server.wire.rerank import RerankCall

router = APIRouter()

# Read in the time of one request, also by a slow machine that has others: 2 to 3 thousand a second
# were measured on one processor.
_TOKENS: Final = 20_000
_PAUSE: Final = 0.1  # seconds
_RESPONSES: Final = RERANK_ANSWER | problems(400, 413, 415, 422, 424, 503)


@router.post("/rerank", operation_id="rerank", responses=_RESPONSES, openapi_extra=RERANK_BODY)
@router.post("/v1/rerank", operation_id="rerankV1", responses=_RESPONSES, openapi_extra=RERANK_BODY)
@router.post("/v2/rerank", operation_id="rerankV2", responses=_RESPONSES, openapi_extra=RERANK_BODY)
async def rerank(request: Request, live: Live) -> Response:
    """Rank texts that come with the request, as Cohere, Jina, Voyage and TEI clients ask."""
    require_json(request)
    body = await read(request, LONGEST_BODY)
    # 32 MB of JSON take a moment.
    call = await to_thread.run_sync(_call, request, body)

    def work() -> bytes:
        reranker = _reranker(live)
        scored = score_texts(reranker, call.query, call.texts, raw=call.raw_scores, again=_again)
        version = "2" if request.url.path.startswith("/v2/") else "1"
        return answer_json(answer_of(call, scored, request_id(request.scope), version))

    content = await in_thread(request, work, times=1 + call.tokens() // _TOKENS)
    return Response(content, media_type="application/json")


def _call(request: Request, body: bytes) -> RerankCall:
    fields = read_object(body)
    dialect = dialect_of(fields)
    request.state.shape = "tei" if dialect == "tei" else "cohere"
    return call_of(fields, dialect)


def _again() -> bool:
    """Wait for room in the reranker's queue; return whether there is time for that."""
    time.sleep(_PAUSE)
    call = CALL.get()
    return call is not None and time.perf_counter() < call.deadline


def _reranker(live: LiveEngine) -> Reranker:
    """Return the model; the index is not needed, so no commit of it is held."""
    with live.use() as engine:
        if engine.reranker is not None:
            return engine.reranker
    # Not 503: that would be asked again.
    raise HttpError(424, "this server has no reranker, or it could not be loaded (see its log)")
