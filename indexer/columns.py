"""Which column of a record plays which part, and what type its values have."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.types import MetadataValue

# The first name that is there wins.
_ID = ("_id", "id", "doc_id", "docid", "key")
_TITLE = ("title", "name", "subject", "heading", "question")
_TEXT = (
    *("text", "body", "content", "contents", "passage", "document"),
    *("abstract", "description", "answer"),
)
_DATE = ("date",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that hold a record's id, title and text; None: recognised by name."""

    id: str | None = None
    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The column that plays each part; None where no column does."""

    id: str | None
    title: str | None
    text: str | None
    date: str | None


def assign(names: Iterable[str], columns: Columns) -> Roles:
    """Give each part to the column that was asked for, else to the first known name."""
    by_name = {name.strip().lower(): name for name in reversed(list(names))}
    taken = {_key(name) for name in (columns.id, columns.title, columns.text) if name is not None}

    def find(asked: str | None, known: tuple[str, ...]) -> str | None:
        if asked is not None:
            return by_name.get(_key(asked))
        return next(
            (by_name[name] for name in known if name in by_name and name not in taken), None
        )

    return Roles(
        find(columns.id, _ID),
        find(columns.title, _TITLE),
        find(columns.text, _TEXT),
        find(None, _DATE),
    )


def check_columns(names: Iterable[str], columns: Columns) -> None:
    """Refuse a column option that names no column.

    Raises:
        UsageError: If a name is not among the columns; the message lists them.
    """
    found = list(dict.fromkeys(names))
    known = {_key(name) for name in found}
    for part, asked in (("id", columns.id), ("title", columns.title), ("text", columns.text)):
        if asked is not None and _key(asked) not in known:
            listed = ", ".join(found[:50]) or "none"
            raise UsageError(f"no column {asked!r} for the {part}; the columns are: {listed}")


def typed(cell: object) -> MetadataValue | None:
    """Return what a CSV cell means: a number only where nothing of the cell is lost.

    So `007` and `1.10` stay text.
    """
    value = str(cell).strip()
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if str(number) == value and _storable(number):
            return number
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value or None


def plain(value: object) -> MetadataValue | None:
    """Return a JSON value as metadata: an object becomes its JSON text, a list one of texts."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if _storable(value) else str(value)
    if isinstance(value, str):
        return encodable(value) or None
    if isinstance(value, list):
        items = [plain(item) for item in cast("list[object]", value)]
        return [as_text(item) for item in items if item is not None] or None
    return encodable(json.dumps(value, ensure_ascii=False)) if value else None


def as_text(value: MetadataValue | None) -> str:
    """Return a value as it is read in a text: lists line by line."""
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)


def joined(values: Mapping[str, MetadataValue]) -> str:
    """Return `name: value` lines: the text of a record without a text column."""
    return "\n".join(
        f"{name}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in values.items()
        if not isinstance(value, bool)
    )


def _key(name: str) -> str:
    return name.strip().lower()


def _storable(number: float) -> bool:
    """Tell whether SQLite and JSON can hold a number: 64 bits, and no infinity."""
    return abs(number) < 2**63 if isinstance(number, int) else math.isfinite(number)


def encodable(text: str) -> str:
    r"""Replace what JSON escapes can say but UTF-8 cannot: a lone half of a pair (`\ud800`)."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
