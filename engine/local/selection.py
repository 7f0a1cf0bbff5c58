"""A filter as SQL; the exact twin of Filter.keeps, for an index of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.filters import path_patterns

if TYPE_CHECKING:
    from engine.filters import Filter


def condition(where: Filter) -> tuple[str, list[Any]]:
    """Return (condition over `document d`, its values)."""
    parts: list[str] = []
    values: list[Any] = []
    for group in where.paths:
        globs = [_glob(p) for pattern in group for p in path_patterns(pattern)]
        parts.append("(" + " OR ".join(["d.path GLOB ?"] * len(globs)) + ")")
        values += globs
    for pattern in where.not_paths:
        globs = [_glob(p) for p in path_patterns(pattern)]
        parts.append("NOT (" + " OR ".join(["d.path GLOB ?"] * len(globs)) + ")")
        values += globs
    if where.types:
        parts.append(f"d.type IN ({', '.join('?' * len(where.types))})")
        values += where.types
    if where.dates:
        ranges = [
            "(d.date IS NOT NULL AND d.date >= coalesce(?, d.date) AND (? IS NULL OR d.date < ?))"
            for _ in where.dates
        ]
        parts.append("(" + " OR ".join(ranges) + ")")
        values += [v for r in where.dates for v in (r.start, r.end, r.end)]
    for name, texts in where.fields:
        parts.append(
            "d.id IN (SELECT document FROM field"  # noqa: S608
            f" WHERE name = ? AND value IN ({', '.join('?' * len(texts))}))"
        )
        values += [name, *texts]
    return " AND ".join(parts) or "1", values


def _glob(pattern: str) -> str:
    """Return a path pattern for SQLite's GLOB, where [ would begin a set."""
    return pattern.replace("[", "[[]")
