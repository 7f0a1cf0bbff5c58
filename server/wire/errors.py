"""What foreign clients look for in an error: members beside those of the problem.

Cohere                     message
text-embeddings-inference  error, error_type (a word of its own list)
OpenAI                     error: {message, type, param, code}
Jina, Voyage               detail, which every problem has
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = Literal["cohere", "tei", "openai"]

# Who asks at a path. /rerank is shared: there a request that tells nothing gets both.
_SHAPES: Final[dict[str, tuple[Shape, ...]]] = {
    "/rerank": ("cohere", "tei"),
    "/v1/rerank": ("cohere",),
    "/v2/rerank": ("cohere",),
    "/info": ("tei",),
    "/health": ("tei",),
    "/embed": ("tei",),
    "/v1/embeddings": ("openai",),
    "/v1/models": ("openai",),
}
_LONGEST_PREFIX: Final = 100  # characters of a path that are repeated


def members(
    path: str, shape: Shape | None, status: int, detail: str, extensions: Mapping[str, object]
) -> dict[str, Any]:
    """Return what is added to a problem.

    Args:
        path: of the request, or which one it meant.
        shape: what its body told, None where it told nothing.
        status: of the problem.
        detail: of the problem.
        extensions: its members beyond the RFC's.
    """
    shapes = (shape,) if shape else _SHAPES.get(path, ())
    found: dict[str, Any] = {}
    if "cohere" in shapes:
        found["message"] = detail
    if "tei" in shapes:
        found |= {"error": detail, "error_type": _tei_type(shape, status, extensions)}
    if "openai" in shapes:
        kind = "invalid_request_error" if status < 500 else "server_error"
        param = _first_field(extensions)
        found["error"] = {"message": detail, "type": kind, "param": param, "code": None}
    return found


def _tei_type(shape: Shape | None, status: int, extensions: Mapping[str, object]) -> str:
    if status == 503:
        return "Unhealthy" if "stage" in extensions else "Overloaded"
    if status == 400:
        # A body that tells its shape is JSON: then all that is wrong is an empty list.
        return "Empty" if shape else "Validation"
    return {424: "Backend", 429: "Overloaded", 500: "Backend"}.get(status, "Validation")


def _first_field(extensions: Mapping[str, object]) -> str | None:
    """Return the field that the first of a problem's errors points at."""
    errors = cast("list[dict[str, str]]", extensions.get("errors") or [])
    pointers = [error["pointer"].split("/") for error in errors]
    return pointers[0][1] if pointers and len(pointers[0]) > 1 else None


def meant(path: str) -> str:
    """Return the route that a path which leads nowhere ends like; empty if there is none.

    Clients put their own path behind a base URL, and that is easily one part too long.
    """
    return max((known for known in _SHAPES if path.endswith(known)), key=len, default="")


def wrong_base(path: str) -> str:
    """Return what is wrong with such a path."""
    known = meant(path)
    shown = path.removesuffix(known)[:_LONGEST_PREFIX]
    return f"{known} is at the top of this server: base_url must not end in {shown}"
