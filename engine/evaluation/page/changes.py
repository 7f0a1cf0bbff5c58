"""Query by query: how many gain or lose how much, with the largest of each kept for showing."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.evaluation.page.markup import clip
from engine.evaluation.page.view import BASE, REALISTIC, Row, View, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BINS: Final = 10  # on each side of nothing
KEPT, KEPT_LATER = 100, 20  # queries of a bin: of the first row, of the others
_ID, _TEXT = 60, 160  # characters of a query


class Item(NamedTuple):
    """A query; they sort by how much is to be said of them."""

    size: float  # of the change
    low: float  # less the value reached: of equal changes the worst comes first
    order: int  # less its place in the collection
    query: str
    text: str
    before: float | None
    after: float


@dataclass(slots=True)
class Bin:
    """The queries whose change is of one size, the largest of them kept."""

    number: int  # see `bin_of`; without a reranker see `height`
    most: int  # kept
    count: int = 0
    total: float = 0.0
    items: list[Item] = field(default_factory=list[Item])

    def add(self, item: Item, change: float) -> None:
        """Count a query, and keep it if it is among the largest."""
        self.count += 1
        self.total += change
        if len(self.items) < self.most:
            heapq.heappush(self.items, item)
        else:
            heapq.heappushpop(self.items, item)

    @property
    def largest(self) -> list[Item]:
        """The kept queries, largest change first."""
        return sorted(self.items, reverse=True)


@dataclass(slots=True)
class Changes:
    """What one row does to each query."""

    row: Row
    most: int  # kept of each bin
    bins: dict[int, Bin] = field(default_factory=dict[int, Bin])

    def add(self, order: int, query: tuple[str, str], before: float | None, after: float) -> None:
        """Count a query (id, text); `before` is None where there is nothing to compare with."""
        change = after if before is None else after - before
        place = height(after) if before is None else bin_of(change)
        size = 1 - after if before is None else abs(change)
        item = Item(size, -after, -order, *query, before, after)
        self.bins.setdefault(place, Bin(place, self.most)).add(item, change)

    def side(self, sign: int) -> tuple[int, float]:
        """Return how many queries gain (1), lose (-1) or keep (0), and by how much on average."""
        mine = [bin_ for n, bin_ in self.bins.items() if (n > 0) - (n < 0) == sign]
        count = sum(bin_.count for bin_ in mine)
        return count, sum(bin_.total for bin_ in mine) / count if count else 0.0


def bin_of(change: float) -> int:
    """Return the bin of a change in [-1, 1]: 3 holds all above 0.2 up to 0.3, -3 the opposite."""
    size = number(abs(change)) or 0.0
    bin_ = min(BINS, math.ceil(size * BINS - 1e-9))
    return bin_ if change > 0 else -bin_


def height(value: float) -> int:
    """Return the bin of a value in [0, 1]: 0 holds 0, 11 holds 1, 3 all above 0.2 up to 0.3."""
    if value >= 1 - 1e-9:
        return BINS + 1
    return max(0, math.ceil((number(value) or 0.0) * BINS - 1e-9))


def gather(view: View, per_query: Iterable[Mapping[str, Any]]) -> list[Changes]:
    """Read values once, and return what each reranked row does; the headline's comes first.

    Without a reranker there is one entry: what stage one reaches by itself. What is kept does not
    grow with the number of queries.
    """
    rows = [row for row in view.rows if row.last is REALISTIC] or [view.headline]
    found = [Changes(row, KEPT_LATER if n else KEPT) for n, row in enumerate(rows)]
    for order, line in enumerate(per_query):
        values: Sequence[Mapping[str, Any]] = line.get("rows") or ()
        query = clip(str(line.get("query")), _ID), clip(str(line.get("text") or ""), _TEXT)
        for changes in found:
            if changes.row.number > len(values):
                continue
            line_of_row = values[changes.row.number - 1]
            before, after = (
                _value(line_of_row, key, view.primary) for key in (BASE.key, changes.row.last.key)
            )
            if after is None or before is None:
                continue
            reranked = changes.row.last is REALISTIC
            changes.add(order, query, before if reranked else None, after)
    return [changes for changes in found if changes.bins]


def _value(columns: Mapping[str, Any], key: str, measure: str) -> float | None:
    values: Mapping[str, Any] = columns.get(key) or {}
    return number(values.get(measure))
