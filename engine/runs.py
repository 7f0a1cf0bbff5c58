"""Query files and runs, in the words of TREC and BEIR."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote_to_bytes

from engine.analysis import clean
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RUN_NAME: Final = "shortlist"
_STEP: Final = 1e-6
_UNFIT: Final = re.compile(r"[\s\ufeff]|%(?=[0-9A-F]{2})")
_ENCODED: Final = re.compile(r"(?:%[0-9A-F]{2})+")


def read_queries(path: Path) -> dict[str, str]:
    """Return the queries of a file by id: BEIR `queries.jsonl`, or lines `id<TAB>text`.

    Raises:
        UsageError: naming the line that is neither, or an id that comes twice.
    """
    queries: dict[str, str] = {}
    for line, query, text in numbered_queries(path):
        if query in queries:
            raise UsageError(f"{path}:{line}: the query id {query!r} comes twice")
        queries[query] = text
    if not queries:
        raise UsageError(f"{path} holds no query")
    return queries


def numbered_queries(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line, id and text of each query of a file; what they may be, `read_queries` says."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            query = _json_query(line) if line.lstrip().startswith("{") else _tab_query(line)
            if query is None:
                raise UsageError(
                    f"{path}:{number}: neither id<TAB>text nor"
                    ' {"_id": "...", "text": "..."} on a line'
                )
            yield number, *query


def _json_query(line: str) -> tuple[str, str] | None:
    try:
        values = cast("dict[str, Any]", json.loads(line))
    except (ValueError, RecursionError):
        return None
    number, text = values.get("_id", values.get("id")), values.get("text", values.get("query"))
    if not isinstance(number, str | int) or not isinstance(text, str):
        return None
    number = clean(str(number)).strip()
    return (number, clean(text)) if number else None


def _tab_query(line: str) -> tuple[str, str] | None:
    number, tab, text = line.rstrip("\r\n").partition("\t")
    return (number.strip(), text) if tab and number.strip() else None


def trec_lines(query: str, ranked: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Yield a query's results as TREC run lines.

    Scores decrease strictly, so that no tool orders ties anew; ids are written as `column` says.
    """
    before = float("inf")
    for rank, (document, score) in enumerate(ranked, 1):
        before = round(min(score, before - _STEP), 6)
        yield f"{column(query)} Q0 {column(document)} {rank} {before:.6f} {RUN_NAME}"


def column(id: str) -> str:
    """Return an id as a column: white space percent-encoded, since columns are separated by it.

    A byte order mark is too, and a `%` that would read as an encoded byte, so that no two ids are
    written alike; every other id stays as it is. No id is empty.
    """
    return _UNFIT.sub(lambda found: "".join(f"%{b:02X}" for b in found.group().encode()), id)


def id_of_column(text: str) -> str:
    """Return the id that `column` wrote; what it cannot have written is an id as it stands.

    So the files of others, whose ids may hold any `%2F`, are read as they are.
    """
    if "%" not in text:
        return text
    id = _ENCODED.sub(
        lambda found: unquote_to_bytes(found.group()).decode("utf-8", "replace"), text
    )
    return id if column(id) == text else text
