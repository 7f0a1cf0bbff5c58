"""What the page reads out of a report: the parts that are there, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.evaluation.page.markup import clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Span = tuple[float, float]
SIGNIFICANT: Final = 0.05
_FLOAT_NOISE: Final = 5e-10
_NAME: Final = 200  # characters


class Column(NamedTuple):
    """One of the rankings that are compared, and how it looks everywhere on the page."""

    key: str
    name: str
    short: str
    look: str  # class in the style sheet


BASE: Final = Column("base", "Stage one alone", "Stage one", "base")
REALISTIC: Final = Column("realistic", "Realistic", "Realistic", "real")
ALWAYS: Final = Column("always_rerank_positives", "Always-rerank-positives", "Always", "always")
CEILING: Final = Column("ceiling", "Ceiling", "Ceiling", "ceil")
COLUMNS: Final = (BASE, REALISTIC, ALWAYS, CEILING)


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference between two rankings, with its interval and the chance that it is none."""

    mean: float
    interval: Span | None
    p: float | None
    corrected: float | None

    @property
    def chance(self) -> float | None:
        """The p value to go by: the corrected one where there is one."""
        return self.p if self.corrected is None else self.corrected

    @property
    def is_real(self) -> bool:
        """Whether chance alone hardly makes such a difference."""
        return self.chance is not None and self.chance < SIGNIFICANT and self.mean != 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a report; numbers count from 1, as people do."""

    number: int
    sources: str
    reranker: str | None
    parameters: int | None
    depth: int
    weight: float | None
    values: Mapping[str, Mapping[str, float]]  # column -> measure -> value
    intervals: Mapping[str, Mapping[str, Span]]
    retrieval_loss: float | None
    ranking_loss: float | None
    significance: Difference | None
    pairs_per_second: float | None
    ms_per_query: float | None
    ms_first_stage: float | None
    timed_queries: int | None
    curve: Sequence[Mapping[str, float]]  # by depth: "depth" and the columns that are known there

    def value(self, column: str, measure: str) -> float | None:
        """Return a figure, None where it was not measured."""
        return self.values.get(column, {}).get(measure)

    def interval(self, column: str, measure: str) -> Span | None:
        """Return the interval of a figure."""
        return self.intervals.get(column, {}).get(measure)

    @property
    def last(self) -> Column:
        """The ranking that is served: realistic, or stage one where nothing reranks."""
        return REALISTIC if REALISTIC.key in self.values else BASE

    @property
    def label(self) -> str:
        """The row in a few words, for charts."""
        parts = [self.sources, *([brief(self.reranker)] if self.reranker else []), str(self.depth)]
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class View:
    """A report as the page shows it."""

    raw: Mapping[str, Any]
    label: str
    queries: int
    measures: Sequence[str]
    primary: str
    rows: Sequence[Row]
    data: Mapping[str, Any]

    @property
    def headline(self) -> Row:
        """The row that the page begins with: the first with a reranker, else the first."""
        reranked = (row for row in self.rows if row.last is REALISTIC)
        return next(reranked, self.rows[0])


def read(report: Mapping[str, Any]) -> View:
    """Return what a report holds."""
    measures = [str(name) for name in report.get("measures") or () if name]
    primary = str(report.get("primary") or (measures[0] if measures else "nDCG@10"))
    return View(
        raw=report,
        label="/".join(str(report[key]) for key in ("collection", "split") if report.get(key)),
        queries=whole(report.get("queries")) or 0,
        measures=[primary, *(name for name in measures if name != primary)],
        primary=primary,
        rows=[_row(n, row) for n, row in enumerate(report.get("rows") or (), 1)],
        data=report.get("data") or {},
    )


def brief(name: str) -> str:
    """Return a model's name without the words about it and without its owner."""
    return name.partition(" (")[0].rstrip("/").rpartition("/")[2] or name


def number(value: object) -> float | None:
    """Return a finite number, None for all else; what is only rounding is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return 0.0 if abs(value) < _FLOAT_NOISE else float(value)


def whole(value: object) -> int | None:
    """Return a whole number, None for all else."""
    found = number(value)
    return None if found is None else round(found)


def difference(value: Mapping[str, Any] | None) -> Difference | None:
    """Return a difference as reports write it (`significance`, an entry of `comparisons`)."""
    mean = number((value or {}).get("difference"))
    if value is None or mean is None:
        return None
    return Difference(
        mean, _span(value.get("interval")), number(value.get("p")), number(value.get("p_corrected"))
    )


def _span(value: Sequence[object] | None) -> Span | None:
    ends = [end for end in map(number, value or ()) if end is not None]
    return (ends[0], ends[1]) if len(ends) == 2 else None


def _known(values: Mapping[str, object] | None) -> dict[str, float]:
    found = ((name, number(value)) for name, value in (values or {}).items())
    return {name: value for name, value in found if value is not None}


def _spans(values: Mapping[str, Sequence[object] | None] | None) -> dict[str, Span]:
    found = ((name, _span(value)) for name, value in (values or {}).items())
    return {name: value for name, value in found if value is not None}


def _row(count: int, row: Mapping[str, Any]) -> Row:
    alone = [f"{column.key}_alone" for column in (REALISTIC, ALWAYS)]
    keys = [*(column.key for column in COLUMNS), *alone]
    intervals: Mapping[str, Any] = row.get("intervals") or {}
    return Row(
        number=count,
        sources=clip(str(row.get("sources") or "search"), _NAME),
        reranker=clip(str(row["reranker"]), _NAME) if row.get("reranker") else None,
        parameters=whole(row.get("parameters")),
        depth=whole(row.get("depth")) or 0,
        weight=number(row.get("weight")),
        values={key: known for key in keys if (known := _known(row.get(key)))},
        intervals={key: _spans(intervals.get(key)) for key in keys},
        retrieval_loss=number(row.get("retrieval_loss")),
        ranking_loss=number(row.get("ranking_loss")),
        significance=difference(row.get("significance")),
        pairs_per_second=number(row.get("pairs_per_second")),
        ms_per_query=number(row.get("ms_per_query")),
        ms_first_stage=number(row.get("ms_first_stage")),
        timed_queries=whole(row.get("timed_queries")),
        curve=[
            known
            for point in row.get("curve") or ()
            if (known := _known(point)).get("depth", 0) > 0
        ],
    )
