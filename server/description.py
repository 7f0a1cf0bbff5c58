"""What GET /openapi.json says beyond the routes' own signatures: problems, bodies, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from server.document_schemas import LONGEST_ID, DocumentBody, FeedbackBody
from server.gate import HEALTH
from server.media import BINARY, TYPES
from server.problems import MEDIA_TYPE
from server.schemas import ANSWER, BatchBody, Problem, SearchBody, SearchParameters
from server.wire.description import components

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

_REF: Final = "#/components/schemas/{model}"
_MEANINGS: Final = {
    400: "The body is not JSON, or there is nothing in it to work on.",
    401: "The server wants an API key.",
    403: "The request comes from a page that may not ask, its key may not do this, or the server"
    " does not do it.",
    404: "There is no such document.",
    408: "The body took too long to arrive.",
    409: "It is being done already, or the document belongs to a file.",
    413: "The body is too large.",
    415: "The body is not said to be JSON, or anything else that this path reads.",
    421: "The request came in under a name that is not this server's.",
    422: "A field is not what it may be; `errors` names each.",
    424: "The server has no reranker.",
    429: "Too many requests a minute; see Retry-After.",
    500: "The server failed; its log has the request's id.",
    503: "The server has no engine yet, or no index, or too many requests wait; see Retry-After.",
}
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_EVERYWHERE: Final = (401, 403, 421, 429, 500)
_BATCH_ANSWER: Final = {
    "type": "object",
    "description": "For each query its answer, or why there is none, in their order.",
    "required": ["answers"],
    "properties": {
        "answers": {
            "type": "array",
            "items": {"anyOf": [{"$ref": _REF.format(model=m)} for m in ("Answer", "Problem")]},
        }
    },
}
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
    slow = {408} if 413 in statuses else set[int]()  # what takes a body
    return {status: _problem(status) for status in sorted({*_EVERYWHERE, *statuses, *slow})}


def _problem(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _ref("Problem")}
    if status == 422:
        content["example"] = _EXAMPLE
    described: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: content},
    }
    if status in (429, 503):
        retry = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": retry}
    return described


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}


def answering(model: str, *statuses: int, body: str = "", status: int = 200) -> Described:
    """Return what a route answers, and takes as JSON, by the names of schemas.

    Args:
        model: of what it answers; empty for an answer without a body.
        statuses: of its problems, besides those that every route has.
        body: of what it takes, if anything.
        status: of its answer.
    """
    good: dict[str, Any] = {"description": "The answer." if model else "It is done."}
    if model:
        good["content"] = {"application/json": {"schema": _ref(model)}}
    extra: dict[str, Any] = {}
    if body:
        taken = {"application/json": {"schema": _ref(body)}}
        extra = {"requestBody": {"required": True, "content": taken}}
    return Described(
        responses={status: good, **problems(*statuses)},
        openapi_extra=extra,
    )


def searching(way: Literal["body", "parameters"]) -> Described:
    """Return what a search route takes and answers."""
    if way == "body":
        return answering("Answer", 400, 413, 415, 422, 503, body="SearchBody")
    described = answering("Answer", 422, 503)
    described["openapi_extra"]["parameters"] = url_parameters(SearchParameters)
    return described


def document_id() -> dict[str, Any]:
    """Return what DELETE /documents/{id} takes."""
    return {"parameters": [_in_path("id")]}


def document_body() -> dict[str, Any]:
    """Return what PUT /documents/{id} takes."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys((BINARY, *TYPES), binary)
    taken = {"application/json": {"schema": _ref("DocumentBody")}, **content}
    # A file may have no bytes.
    return {
        "parameters": [_in_path("id")],
        "requestBody": {"required": False, "content": taken},
    }


def url_parameters(model: type[BaseModel], path: str = "") -> list[dict[str, Any]]:
    """Return the parameters of a URL that a model reads, and the one in the path."""
    schema = model.model_json_schema()
    fields = cast("dict[str, dict[str, Any]]", schema["properties"])
    found = [_in_path(path)] if path else []
    for name, field in fields.items():
        described = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": field.get("description", ""),
            "schema": _in_url(field),
        }
        # Of lists: parted by commas, not given again and again.
        lists = {"style": "form", "explode": False} if name in ("facets", "fields") else {}
        found.append(described | lists)
    return found


def _in_url(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that a URL gives: what is null in JSON is left out there."""
    told = {k: v for k, v in field.items() if k not in ("description", "title")}
    some = [kind for kind in told.pop("anyOf", []) if kind != {"type": "null"}]
    told |= some[0] if some else {}
    return {k: v for k, v in told.items() if k != "default" or v is not None}


def _in_path(name: str) -> dict[str, Any]:
    described = "A document's id; its slashes may be encoded or not, other reserved characters are."
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": described,
        "schema": schema,
        "example": "guide/passport.md",
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = get_openapi(
        title="Shortlist",
        version="1",
        description="Two-stage search in your own documents. Errors are problems (RFC 9457).",
        routes=app.routes,
    )
    _, models = models_json_schema(
        [
            (SearchBody, "validation"),
            (BatchBody, "validation"),
            (DocumentBody, "validation"),
            (FeedbackBody, "validation"),
            (Problem, "serialization"),
        ],
        ref_template=_REF,
    )
    answer = ANSWER.json_schema(mode="serialization", ref_template=_REF)
    parts = cast("dict[str, Any]", answer.pop("$defs"))
    # Which are there is the request's to say, with `fields`.
    del parts["Result"]["required"]
    parts |= {"Answer": answer, "BatchAnswer": _BATCH_ANSWER}
    document["components"]["schemas"] |= models["$defs"] | parts | components()
    document["components"]["securitySchemes"] = _SECURITY
    wanted: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY]
    # A server without keys wants none.
    document["security"] = wanted if app.state.settings.keys else [*wanted, {}]
    for path in HEALTH:
        document["paths"][path]["get"]["security"] = []
    return document


def routes_of(document: dict[str, Any]) -> dict[str, set[int]]:
    """Return the paths of an OpenAPI document, each with the statuses of its answers."""
    return {
        path: {int(status) for method in methods.values() for status in method["responses"]}
        for path, methods in document["paths"].items()
    }
