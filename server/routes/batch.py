"""POST /search/batch: many questions, encoded in one call and reranked in one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from engine.answer import MOST, SearchRequest
from engine.errors import ShortlistError, UsageError
from server.bodies import checked, read, require_json
from server.description import answering
from server.problems import HttpError, invalid, problem_of, without_paths
from server.routes.serving import Live, in_thread
from server.schemas import DEEPEST, BatchBody, answer_json
from server.scoring import PART
from server.settings import SEARCH_BODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.answer import Answer

_BAD: Final = (400, 413, 415, 422, 503)
router = APIRouter()


@router.post(
    "/search/batch",
    operation_id="searchBatch",
    **answering("BatchAnswer", *_BAD, body="BatchBody"),
)
async def search_batch(request: Request, live: Live) -> Response:
    """Search for many questions; the answers stand in their order, a problem for one that failed.

    Nothing of a batch is recorded as feedback.
    """
    require_json(request)
    content = await read(request, SEARCH_BODY)
    body = checked(lambda: BatchBody.model_validate_json(content, strict=True))
    asked = [_read(body, place) for place in range(len(body.queries))]
    questions = [a for a in asked if isinstance(a, SearchRequest)]
    _refuse_too_much(questions)

    def work() -> bytes:
        with live.use() as engine:
            found = engine.search_each(questions)
        for answer in found:
            if not isinstance(answer, ShortlistError):
                request.app.state.metrics.answered(answer)
        rest = iter(found)
        parts = [
            _part(one, next(rest), request)
            if isinstance(one, SearchRequest)
            else _problem(one, request)
            for one in asked
        ]
        return b'{"answers":[' + b",".join(parts) + b"]}"

    times = 1 + sum(a.rerank_depth * a.rerank for a in questions) // PART
    return Response(await in_thread(request, work, times), media_type="application/json")


def _read(body: BatchBody, place: int) -> SearchRequest | HttpError:
    try:
        return body.request(body.queries[place])
    except ValidationError as error:
        return _placed(invalid(error), place)
    except UsageError as error:
        return _placed(problem_of(error), place)


def _placed(problem: HttpError, place: int) -> HttpError:
    """Let a problem with one question point into the body that has them all."""
    errors: Any = problem.extensions.get("errors", [])
    for error in errors:
        error["pointer"] = f"#/queries/{place}{error['pointer'][1:]}"
    return problem


def _refuse_too_much(asked: Sequence[SearchRequest]) -> None:
    """Let a batch ask for no more work than one request may."""
    sums = (
        ("results", "k", sum(a.k for a in asked), MOST),
        (
            "candidates to rerank",
            "rerank_depth",
            sum(a.rerank_depth * a.rerank for a in asked),
            MOST,
        ),
        (
            "candidates of a source",
            "depth",
            sum(max(a.depth, a.offset + a.k) for a in asked),
            DEEPEST,
        ),
    )
    for what, name, wanted, most in sums:
        if wanted > most:
            detail = (
                f"the queries together ask for {wanted:,} {what}, at most {most:,} are possible:"
                f" send fewer at a time, or a smaller {name}"
            )
            errors = [{"detail": detail, "pointer": "#/queries"}]
            raise HttpError(422, detail, errors=errors)


def _part(asked: SearchRequest, found: Answer | ShortlistError, request: Request) -> bytes:
    if isinstance(found, ShortlistError):
        return _problem(problem_of(found), request)
    return answer_json(replace(found, notes=without_paths(found.notes)), asked)


def _problem(problem: HttpError, request: Request) -> bytes:
    return json.dumps(problem.body(request.scope)).encode()
