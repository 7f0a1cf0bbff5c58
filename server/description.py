"""What GET /openapi.json says beyond the routes' own signatures: problems, bodies, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from server.problems import MEDIA_TYPE
from server.schemas import ANSWER, Problem, SearchBody, SearchParameters

if TYPE_CHECKING:
    from fastapi import FastAPI

_REF: Final = "#/components/schemas/{model}"
_MEANINGS: Final = {
    400: "The body is not JSON.",
    403: "The request comes from a page that may not ask.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    421: "The request came in under a name that is not this server's.",
    422: "A field is not what it may be; `errors` names each.",
    500: "The server failed; its log has the request's id.",
    503: "The server has no engine yet, or no index; see Retry-After.",
}
_EVERYWHERE: Final = (403, 421, 500)
_EXAMPLE: Final = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "k: input should be greater than or equal to 1",
    "instance": "urn:uuid:6f1d8a52-0f0e-4a53-9b2e-1c8f3f9f3a60",
    "errors": [{"detail": "input should be greater than or equal to 1", "pointer": "#/k"}],
}


class Described(TypedDict):
    """What a route's decorator takes."""

    responses: dict[int | str, dict[str, Any]]
    openapi_extra: dict[str, Any]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer with, besides those that every route has."""
    return {status: _problem(status) for status in sorted({*_EVERYWHERE, *statuses})}


def _problem(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _ref("Problem")}
    if status == 422:
        content["example"] = _EXAMPLE
    described: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: content},
    }
    if status == 503:
        retry = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": retry}
    return described


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}


def searching(way: Literal["body", "parameters"]) -> Described:
    """Return what a search route takes and answers."""
    good = {
        "description": "The answer.",
        "content": {"application/json": {"schema": _ref("Answer")}},
    }
    if way == "parameters":
        return Described(
            responses={200: good, **problems(422, 503)},
            openapi_extra={"parameters": _parameters()},
        )
    content = {"application/json": {"schema": _ref("SearchBody")}}
    return Described(
        responses={200: good, **problems(400, 413, 415, 422, 503)},
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )


def _parameters() -> list[dict[str, Any]]:
    schema = SearchParameters.model_json_schema()
    fields = cast("dict[str, dict[str, Any]]", schema["properties"])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": field.get("description", ""),
            # Of lists: parted by commas, not given again and again.
            **({"style": "form", "explode": False} if name in ("facets", "fields") else {}),
            "schema": {k: v for k, v in field.items() if k not in ("description", "title")},
        }
        for name, field in fields.items()
    ]


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = get_openapi(
        title="Shortlist",
        version="1",
        description="Two-stage search in your own documents. Errors are problems (RFC 9457).",
        routes=app.routes,
    )
    _, models = models_json_schema(
        [(SearchBody, "validation"), (Problem, "serialization")], ref_template=_REF
    )
    answer = ANSWER.json_schema(mode="serialization", ref_template=_REF)
    parts = cast("dict[str, Any]", answer.pop("$defs"))
    # Which are there is the request's to say, with `fields`.
    del parts["Result"]["required"]
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = schemas | models["$defs"] | parts | {"Answer": answer}
    return document
