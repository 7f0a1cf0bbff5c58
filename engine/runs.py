"""Query files and runs, in the words of TREC and BEIR."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from engine.analysis import clean
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RUN_NAME: Final = "shortlist"
_STEP: Final = 1e-6


def read_queries(path: Path) -> dict[str, str]:
    """Return the queries of a file by id: BEIR `queries.jsonl`, or lines `id<TAB>text`.

    Raises:
        UsageError: naming the line that is neither, or an id that comes twice.
    """
    queries: dict[str, str] = {}
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
            if query[0] in queries:
                raise UsageError(f"{path}:{number}: the query id {query[0]!r} comes twice")
            queries[query[0]] = query[1]
    if not queries:
        raise UsageError(f"{path} holds no query")
    return queries


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

    Scores decrease strictly, so that no tool orders ties anew; white space in ids is
    percent-encoded, since columns are separated by it.
    """
    before = float("inf")
    for rank, (document, score) in enumerate(ranked, 1):
        before = round(min(score, before - _STEP), 6)
        yield f"{_column(query)} Q0 {_column(document)} {rank} {before:.6f} {RUN_NAME}"


def _column(text: str) -> str:
    return re.sub(r"\s", lambda m: "".join(f"%{b:02X}" for b in m.group().encode()), text)
