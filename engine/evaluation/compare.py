"""Two reports side by side: what changed between them, which rows differ, at which queries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.evaluation.sides import (
    COLUMNS,
    REACHED,
    Change,
    Side,
    changes,
    common,
    load,
    match,
    row_changes,
)
from engine.evaluation.significance import holm, intervals, randomisation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST: Final = 10  # queries that are shown of those won, and of those lost

_ROUNDING: Final = 1e-9  # a smaller difference is none


@dataclass(frozen=True, slots=True)
class Difference:
    """Two means of a column and their difference, b - a.

    Attributes:
        column: one of COLUMNS; REACHED where only one of the rows has a reranker.
        interval: 95 %, of the paired difference.
        p: of the paired randomisation test.
        p_corrected: for all the comparisons of the two reports (Holm). A column in which no query
            differs is no comparison, and one that repeats another's differences is no second one.
    """

    column: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    p: float
    p_corrected: float


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query that one report answers better than the other."""

    query: str
    text: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Queries:
    """What became of the queries, in REACHED; won: better in b. The lists hold at most MOST."""

    won: int
    lost: int
    equal: int
    most_won: tuple[QueryChange, ...]
    most_lost: tuple[QueryChange, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of each report, by its name, and how they differ."""

    a: str
    b: str
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    queries: Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports side by side.

    Attributes:
        a: the folder of the first report.
        b: the folder of the second.
        measure: everything is compared by it.
        queries: how many both have; means are over these.
        changes: what differs between the reports before any result.
        unmatched_a: names of rows that have no counterpart.
        unmatched_b: as unmatched_a.
        notes: what the reader should know.
    """

    a: str
    b: str
    measure: str
    queries: int
    changes: tuple[Change, ...]
    pairs: tuple[Pair, ...]
    unmatched_a: tuple[str, ...]
    unmatched_b: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def compare(a: Path, b: Path, *, measure: str | None = None, seed: int = 0) -> Comparison:
    """Hold two report folders together: b against a.

    Args:
        a: what was before.
        b: what is now.
        measure: as in the reports; default: the first one of a that b has too.
        seed: of intervals and tests.

    Raises:
        UsageError: a folder holds no whole report, or the two have no query or measure in common.
    """
    first, second, measure = load(a, b, measure)
    queries, notes = common(first, second)
    matched = match(first.rows, second.rows)
    both = _Both(first, second, queries)
    columns = [both.columns(*rows) for rows in matched]
    differences = iter(_differences([column for pair in columns for column in pair], seed))
    return Comparison(
        a=str(a),
        b=str(b),
        measure=measure,
        queries=len(queries),
        changes=changes(first.report, second.report),
        pairs=tuple(
            both.pair(*rows, [next(differences) for _ in pair])
            for rows, pair in zip(matched, columns, strict=True)
        ),
        unmatched_a=_unmatched(first, {row for row, _ in matched}),
        unmatched_b=_unmatched(second, {row for _, row in matched}),
        notes=notes,
    )


def _unmatched(side: Side, matched: set[int]) -> tuple[str, ...]:
    return tuple(row["name"] for number, row in enumerate(side.rows) if number not in matched)


@dataclass(frozen=True, slots=True)
class _Column:
    """Values of the common queries."""

    name: str
    a: Numbers
    b: Numbers

    @property
    def differences(self) -> Numbers:
        found = self.b - self.a
        found[np.abs(found) < _ROUNDING] = 0
        return found


class _Both:
    """The common queries of two reports."""

    def __init__(self, a: Side, b: Side, queries: Sequence[str]) -> None:
        self._sides, self._queries = (a, b), queries
        places = [{query: n for n, query in enumerate(side.texts)} for side in self._sides]
        self._places = [[place[query] for query in queries] for place in places]

    def column(self, a: int, b: int, name: str) -> _Column:
        """Return a column of two rows."""
        values = [
            side.column(row, name)[places]
            for side, row, places in zip(self._sides, (a, b), self._places, strict=True)
        ]
        return _Column(name, *values)

    def columns(self, a: int, b: int) -> list[_Column]:
        """Return the columns that two rows have in common; what they reach is always there."""
        found = [self.column(a, b, name) for name in COLUMNS]
        found = [column for column in found if not np.isnan(column.a + column.b).any()]
        rows = self._sides[0].rows[a], self._sides[1].rows[b]
        if (rows[0]["reranker"] is None) != (rows[1]["reranker"] is None):
            found.append(self.column(a, b, REACHED))
        return found

    def pair(self, a: int, b: int, differences: Sequence[Difference]) -> Pair:
        """Return two rows with their differences, and which queries these are."""
        rows = self._sides[0].rows[a], self._sides[1].rows[b]
        return Pair(
            rows[0]["name"],
            rows[1]["name"],
            row_changes(*rows),
            tuple(differences),
            self._queries_of(self.column(a, b, REACHED)),
        )

    def _queries_of(self, reached: _Column) -> Queries:
        by = reached.differences
        order = np.argsort(by, kind="stable").tolist()
        lost = [n for n in order[:MOST] if by[n] < 0]
        won = [n for n in np.argsort(-by, kind="stable").tolist()[:MOST] if by[n] > 0]
        return Queries(
            int((by > 0).sum()),
            int((by < 0).sum()),
            int((by == 0).sum()),
            tuple(self._change(n, reached) for n in won),
            tuple(self._change(n, reached) for n in lost),
        )

    def _change(self, n: int, reached: _Column) -> QueryChange:
        query = self._queries[n]
        text = self._sides[0].texts[query]
        return QueryChange(query, text, float(reached.a[n]), float(reached.b[n]))


def _differences(columns: Sequence[_Column], seed: int) -> list[Difference]:
    """Test all columns together, each distinct one once."""
    if not columns:
        return []
    vectors = [column.differences for column in columns]
    keys = [vector.tobytes() for vector in vectors]
    distinct = {key: vector for key, vector in zip(keys, vectors, strict=True) if vector.any()}
    bounds = dict.fromkeys(keys, (0.0, 0.0))
    tested = dict.fromkeys(keys, (1.0, 1.0))
    if distinct:
        matrix = np.column_stack(list(distinct.values()))
        ps = randomisation(matrix, seed=seed)
        corrected = holm(ps).tolist()
        ends = intervals(matrix, seed=seed).tolist()
        tested |= zip(distinct, zip(ps.tolist(), corrected, strict=True), strict=True)
        bounds |= {key: (low, high) for key, (low, high) in zip(distinct, ends, strict=True)}
    return [
        Difference(
            column.name,
            float(column.a.mean()),
            float(column.b.mean()),
            float(vector.mean()),
            bounds[key],
            *tested[key],
        )
        for column, vector, key in zip(columns, vectors, keys, strict=True)
    ]
