"""What is committed of a benchmark: its figures, and where, when and with what they were measured.

A row of figures is one line of the file, so that a difference between two commits can be read.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from engine.evaluation.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.evaluated import Report

Row = dict[str, Any]
RESULTS: Final = Path(__file__).parent / "results"
_DIGITS: Final = 5
_COLUMNS: Final = (
    "base", "realistic", "always_rerank_positives", "ceiling",
    "realistic_alone", "always_rerank_positives_alone",
)  # fmt: skip
_TOLD: Final = ("sources", "reranker", "parameters", "weight", "depth")
_SPEED: Final = ("pairs_per_second", "ms_per_query", "ms_first_stage", "timed_queries")


def measured_here(command: str) -> dict[str, Any]:
    """Return what stands above the figures of a file: of its last run."""
    here = Environment.here()
    return {
        "command": command,
        **stamp(here),
        "machine": dict(here.machine),
        "versions": dict(here.versions),
    }


def stamp(here: Environment | None = None) -> Row:
    """Return when, and with which code, a row was measured: a file may hold rows of several."""
    here = here or Environment.here()
    return {"date": datetime.now(UTC).date().isoformat(), "commit": here.commit}


def compact(report: Report) -> list[Row]:
    """Return the rows of a report.json as they are committed; intervals of the primary measure."""
    about = {
        "collection": report["collection"],
        "split": report["split"],
        "queries": report["queries"],
        "documents": report["data"]["documents"],
    }
    said = {"date": report["date"], "commit": report["commit"]}
    return [about | _figures(row, report["primary"]) | said for row in report["rows"]]


def _figures(row: Mapping[str, Any], primary: str) -> Row:
    columns = {c: None if row[c] is None else _rounded(row[c]) for c in _COLUMNS}
    limits = {
        column: None if of is None else [round(end, _DIGITS) for end in of[primary]]
        for column, of in row["intervals"].items()
    }
    tested = cast("dict[str, float]", row["significance"] or {})
    figures: Row = {key: row[key] for key in _TOLD}
    return figures | columns | {
        "intervals": limits,
        "retrieval_loss": _round(row["retrieval_loss"]),
        "ranking_loss": _round(row["ranking_loss"]),
        "difference": _round(tested.get("difference")),
        "p": _round(tested.get("p")),
    } | {key: row[key] for key in _SPEED}  # fmt: skip


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {measure: round(value, _DIGITS) for measure, value in values.items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def merged(old: Sequence[Row], new: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """Return the old rows with the new ones in place of those that have the same keys."""
    rows = {tuple(row.get(key) for key in keys): row for row in (*old, *new)}
    return list(rows.values())


def read(path: Path) -> dict[str, Any]:
    """Return what a file of results says; nothing where there is none."""
    return cast("dict[str, Any]", json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write a file of results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = (f" {_json(key)}: {_value(value)}" for key, value in found.items())
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")
    print(f"written to {path}")


def _value(value: object) -> str:
    whole = _json(value)
    if not isinstance(value, list) or not value:
        return whole
    rows = ",\n".join(f"  {_json(row)}" for row in cast("list[object]", value))
    return f"[\n{rows}\n ]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
