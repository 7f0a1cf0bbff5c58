"""What all these dialects have in common: lenient bodies, limits, and how tokens are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from server.problems import HttpError, invalid, pointer

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_TEXT: Final = 100_000  # characters
LONGEST_BODY: Final = 32_000_000  # bytes
_BYTES_A_TOKEN: Final = 4
_ABOUT: Final = ("title", "description", "default")


def _nullable(schema: dict[str, Any]) -> None:
    """Say of each field that may be absent that it may be null."""
    for name, field in schema["properties"].items():
        if name not in schema["required"] and "anyOf" not in field:
            constraints = {k: field.pop(k) for k in tuple(field) if k not in _ABOUT}
            field["anyOf"] = [constraints, {"type": "null"}]


class Lenient(BaseModel):
    """A body of which only these fields are read, and null is the same as absent."""

    model_config = ConfigDict(extra="ignore", json_schema_extra=_nullable)


def read_object(body: bytes) -> dict[str, Any]:
    """Return a body as an object.

    Raises:
        HttpError: 400 if it is not JSON, 422 if it is no object.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise HttpError(400, f"the body is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise unfit("the body must be an object", ())
    return cast("dict[str, Any]", value)


_Body = TypeVar("_Body", bound=Lenient)


def checked(model: type[_Body], fields: dict[str, Any]) -> _Body:
    """Return the fields as a body of this kind, null as if absent.

    Raises:
        HttpError: 422 naming what is not as it may be.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from error


def unfit(detail: str, place: Sequence[int | str]) -> HttpError:
    """Return a 422 about one place in the body."""
    name = ".".join(map(str, place)) or "body"
    errors = [{"detail": detail, "pointer": pointer(place)}]
    return HttpError(422, f"{name}: {detail}", errors=errors)


def require_length(text: str, place: Sequence[int | str]) -> str:
    """Return the text; HttpError 422 if it is longer than a text may be."""
    if len(text) > LONGEST_TEXT:
        raise unfit(f"a text has at most {LONGEST_TEXT:,} characters, not {len(text):,}", place)
    return text


def require_some(values: Sequence[object], most: int, name: str) -> None:
    """Raise HttpError 400 for an empty list, 422 for one that is too long."""
    if not values:
        raise HttpError(400, f"{name} is empty: there is nothing to do")
    if len(values) > most:
        raise unfit(f"at most {most:,} at a time, not {len(values):,}", (name,))


def tokens(texts: Sequence[str]) -> int:
    """Estimate the tokens of texts: one for every four bytes of UTF-8, begun ones too.

    Nobody pays by them here, and counting would tokenize every text twice.
    """
    return sum(-(-len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN) for text in texts)
