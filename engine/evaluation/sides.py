"""What two reports have in common, and what changed between them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from engine.errors import UsageError
from engine.evaluation.reports import PER_QUERY, read_judgements, read_per_query, read_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Row = Mapping[str, Any]

COLUMNS: Final = ("base", "realistic", "always_rerank_positives", "ceiling")
REACHED: Final = "reached"  # realistic, or base of a row without a reranker

# Results and dates differ between any two reports; rows are compared one by one.
_NO_CAUSE: Final = {
    *("format", "date", "measures", "primary", "rows", "comparisons", "losses", "notes"),
}
_WORDS: Final = {"data": "", "versions": "version of ", "checksums": "checksum of "}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not the same in both reports; None where one does not say it."""

    what: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Side:
    """A report, with the values of one measure.

    Attributes:
        texts: query id -> text, in the order of values.
        values: (queries, rows, COLUMNS), NaN where a row has no such column.
    """

    folder: Path
    report: dict[str, Any]
    texts: dict[str, str]
    values: Numbers

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the report."""
        return self.report["rows"]

    @property
    def label(self) -> str:
        """Name and split of the collection."""
        return "/".join(filter(None, (self.report["collection"], self.report.get("split"))))

    def column(self, row: int, name: str) -> Numbers:
        """Return a value for every query, NaN if the row has no such column."""
        if name == REACHED:
            name = "base" if self.rows[row]["reranker"] is None else "realistic"
        return self.values[:, row, COLUMNS.index(name)]


def load(a: Path, b: Path, measure: str | None) -> tuple[Side, Side, str]:
    """Read two reports by a measure that both have.

    Raises:
        UsageError: a folder holds no whole report, or they have no (such) measure in common.
    """
    first, second = read_report(a), read_report(b)
    shared = [name for name in first["measures"] if name in second["measures"]]
    if not shared:
        raise UsageError(f"{a} and {b} have no measure in common; evaluate again with --measure")
    if measure is not None and measure not in shared:
        raise UsageError(f"{measure} is not in both reports; both have {', '.join(shared)}")
    by: str = measure or (first["primary"] if first["primary"] in shared else shared[0])
    return _side(a, first, by), _side(b, second, by), by


def _side(folder: Path, report: dict[str, Any], measure: str) -> Side:
    texts: dict[str, str] = {}
    values = array("d")
    shape = (-1, len(report["rows"]), len(COLUMNS))
    try:
        for line in read_per_query(folder):
            texts[line["query"]] = line["text"]
            values.extend(_cells(line["rows"], measure))
        matrix = np.frombuffer(values, np.float64).reshape(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise _strangers(folder) from error
    if not len(texts) == len(matrix) == report["queries"]:
        raise _strangers(folder)
    return Side(folder, report, texts, matrix)


def _cells(rows: Sequence[Row], measure: str) -> Iterator[float]:
    for row in rows:
        for name in COLUMNS:
            yield np.nan if row[name] is None else row[name][measure]


def _strangers(folder: Path) -> UsageError:
    return UsageError(f"{folder}: {PER_QUERY} and report.json are not of one run; evaluate again")


def common(a: Side, b: Side) -> tuple[list[str], tuple[str, ...]]:
    """Return the queries that both have, and what to know about those that they have not.

    Raises:
        UsageError: there is none, or the same ids mean other queries.
    """
    same_id = [query for query in a.texts if query in b.texts]
    queries = [query for query in same_id if a.texts[query] == b.texts[query]]
    other = len(same_id) - len(queries)
    if not queries or (other and a.report["collection"] != b.report["collection"]):
        reason = "their ids mean other queries" if other else "no query is in both"
        raise UsageError(
            f"{a.folder} ({a.label}) and {b.folder} ({b.label}) cannot be compared: {reason}"
        )
    notes: list[str] = []
    if len(a.texts) > len(same_id) or len(b.texts) > len(same_id):
        notes.append(
            f"means are over the {len(queries):,} queries that both have, of"
            f" {len(a.texts):,} in A and {len(b.texts):,} in B"
        )
    if other:
        notes.append(f"{other:,} queries have the same id but another text; they are left out")
    judged, again = read_judgements(a.folder), read_judgements(b.folder)
    if changed := sum(judged[q] != again[q] for q in judged if q in again):
        notes.append(
            f"{changed:,} queries are judged differently; what they differ in may be due to that"
        )
    return queries, tuple(notes)


def match(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[int, int]]:
    """Pair the rows that are to be compared, by number.

    Single rows are a pair whatever they are. Else those with equal sources, reranker and depth
    are; then those with equal sources and depth, where they are the only ones left on each side.
    """
    if len(a) == len(b) == 1:
        return [(0, 0)]
    pairs: list[tuple[int, int]] = []
    for key in (_system, _candidates):
        left, right = (
            _by(key, rows, {pair[side] for pair in pairs}) for side, rows in enumerate((a, b))
        )
        pairs += [
            (left[k][0], right[k][0]) for k in left if len(left[k]) == len(right.get(k, ())) == 1
        ]
    return sorted(pairs)


def _system(row: Row) -> object:
    return row["sources"], row["reranker"], row["depth"]


def _candidates(row: Row) -> object:
    return row["sources"], row["depth"]


def _by(
    key: Callable[[Row], object], rows: Sequence[Row], taken: set[int]
) -> dict[object, list[int]]:
    found: dict[object, list[int]] = {}
    for number, row in enumerate(rows):
        if number not in taken:
            found.setdefault(key(row), []).append(number)
    return found


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what differs between two reports before any result: data, versions, settings."""
    first, second = dict(_facts(a)), dict(_facts(b))
    return tuple(
        Change(what, first.get(what), second.get(what))
        for what in dict.fromkeys(chain(first, second))
        if first.get(what) != second.get(what)
    )


def row_changes(a: Row, b: Row) -> tuple[Change, ...]:
    """Return what differs between two rows before any result."""
    names = ("sources", "reranker", "parameters", "depth", "weight")
    return tuple(Change(name, a[name], b[name]) for name in names if a[name] != b[name])


def _facts(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            start = _WORDS.get(key, f"{key} ")
            yield from _facts(cast("dict[str, Any]", value), before + start)
        elif before + key not in _NO_CAUSE:
            yield before + key, value
