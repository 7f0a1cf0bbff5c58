"""Reading the folder that `shortlist evaluate` wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = 1
REPORT: Final = "report.json"
PER_QUERY: Final = "per_query.jsonl"
QRELS: Final = "qrels.trec"
UNFINISHED: Final = "unfinished.json"  # the journal of a run that was interrupted

_NEEDED: Final = ("collection", "queries", "measures", "primary", "data", "rows")


def read_report(folder: Path) -> dict[str, Any]:
    """Return what report.json says.

    Raises:
        UsageError: the folder holds no report, an unfinished one, a damaged one, or one that a
            newer Shortlist wrote.
    """
    path = folder / REPORT
    if not path.is_file():
        if (folder / UNFINISHED).is_file():
            raise UsageError(
                f"the report in {folder} is not finished; run the same command again to finish it"
            )
        raise UsageError(
            f"{folder} holds no {REPORT}; name a folder that shortlist evaluate -o wrote"
        )
    report = _object(path.read_bytes(), str(path))
    found = report.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise UsageError(
            f"{path} has format {found} and this Shortlist reads {FORMAT};"
            " update Shortlist, or evaluate again"
        )
    missing = [key for key in _NEEDED if key not in report]
    if found != FORMAT or missing or not report["rows"]:
        raise UsageError(f"{path} is no report of Shortlist; evaluate again")
    return report


def read_per_query(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield {query, text, rows} of every query, in the order of the collection.

    Raises:
        UsageError: the file is missing, or a line of it is damaged.
    """
    path = folder / PER_QUERY
    if not path.is_file():
        raise UsageError(f"{folder} holds no {PER_QUERY}; copy the whole folder of a report")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield _object(line, f"{path}:{number}")


def read_judgements(folder: Path) -> dict[str, dict[str, str]]:
    """Return query -> document -> grade, with the ids and grades as qrels.trec writes them.

    Empty where the file is missing: what is read is only compared with another report's.
    """
    judgements: dict[str, dict[str, str]] = {}
    path = folder / QRELS
    if not path.is_file():
        return judgements
    with path.open(encoding="utf-8", errors="replace") as file:
        for columns in map(str.split, file):
            if len(columns) == 4:
                judgements.setdefault(columns[0], {})[columns[2]] = columns[3]
    return judgements


def _object(content: bytes, place: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place} is damaged ({error}); evaluate again") from error
    if not isinstance(value, dict):
        raise UsageError(f"{place} is damaged (no JSON object); evaluate again")
    return cast("dict[str, Any]", value)
