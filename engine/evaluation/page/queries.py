"""Wins and losses: a histogram lying on its side, each bar of which opens to its queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.evaluation.page.changes import BINS, Bin, Changes, Item
from engine.evaluation.page.figures import count, percent, plural, signed
from engine.evaluation.page.markup import Html, tag, user
from engine.evaluation.page.parts import row_name
from engine.evaluation.page.view import REALISTIC, View

if TYPE_CHECKING:
    from collections.abc import Sequence

_BYTES: Final = 2_000_000  # of all lists of queries; the page stays under 3 MB


class Allowance:
    """How many bytes of queries may still be written."""

    def __init__(self, left: int = _BYTES) -> None:
        self.left = left

    def take(self, items: Sequence[Item]) -> list[Html]:
        """Return as many entries as fit."""
        taken: list[Html] = []
        for item in items:
            entry = _entry(item)
            size = len(entry.encode())
            if size > self.left:
                break
            self.left -= size
            taken.append(entry)
        return taken


def section(view: View, found: Sequence[Changes]) -> Html | None:
    """Return the histograms, None where no query has a value."""
    if not found:
        return None
    allowance = Allowance()
    first, *others = found
    reranked = first.row.last is REALISTIC
    lead = (
        f"What the reranker does to each query's {view.primary}: realistic less stage one. Open a "
        "bar to see the queries behind it, the largest change first."
        if reranked
        else f"{view.primary} of each query. Open a bar to see the queries behind it."
    )
    return tag(
        "section",
        tag("h2", "Wins and losses, query by query" if reranked else "Query by query"),
        tag("p", lead, class_="lead"),
        tag("h3", row_name(first.row)),
        _histogram(first, allowance),
        [
            tag(
                "details",
                tag("summary", row_name(changes.row)),
                _histogram(changes, allowance),
                class_="other",
            )
            for changes in others
        ],
        id="queries",
    )


def _histogram(changes: Changes, allowance: Allowance) -> Html:
    reranked = changes.row.last is REALISTIC
    if reranked:
        reach = max(1, *(abs(n) for n in changes.bins))
        numbers = range(reach, -reach - 1, -1)
        longest = max((b.count for n, b in changes.bins.items() if n), default=0)
    else:
        numbers = range(BINS + 1, -1, -1)
        longest = max(b.count for b in changes.bins.values())
    rows = [
        _bar(changes.bins.get(n, Bin(n, 0)), longest, allowance, reranked=reranked) for n in numbers
    ]
    said = [tag("p", said)] if reranked and (said := _said(changes)) else []
    return tag("div", said, tag("div", rows, class_="bars"))


def _said(changes: Changes) -> str:
    total = sum(bin_.count for bin_ in changes.bins.values())
    parts: list[str] = []
    for sign, word in ((1, "better"), (-1, "worse"), (0, "unchanged")):
        queries, mean = changes.side(sign)
        by = f" (by {signed(mean)} on average)" if queries and sign else ""
        parts.append(f"{word} for {count(queries)}{by}")
    return f"Of {plural(total, 'query', 'queries')}: {', '.join(parts)}."


def _bar(bin_: Bin, longest: int, allowance: Allowance, *, reranked: bool) -> Html:
    name, look = _named(bin_.number, reranked=reranked)
    parts = _shown(bin_, longest, name, look)
    if not bin_.count:
        return tag("div", parts, class_="bar empty")
    entries = allowance.take(bin_.largest)
    more = bin_.count - len(entries)
    rest = f"and {count(more)} more (per_query.jsonl)" if entries else "see per_query.jsonl"
    return tag(
        "details",
        tag("summary", parts, class_="bar"),
        tag("ol", entries, tabindex=0, aria_label=f"Queries: {name}") if entries else None,
        tag("p", rest, class_="soft") if more else None,
    )


def _shown(bin_: Bin, longest: int, name: str, look: str) -> list[Html]:
    # Unchanged queries are often most of them: their bar may be cut, and then says so.
    cut = bin_.count > longest > 0
    share = 100.0 * min(1.0, bin_.count / max(longest, 1))
    bar = tag(
        "svg",
        tag("rect", width=f"{share:.2f}%", height="100%", rx=2, class_=f"fill {look}"),
        tag("line", x1="90%", y1=20, x2="91%", y2=-4, class_="break") if cut else None,
        width="100%",
        height=16,
        aria_hidden="true",
    )
    queries = tag(
        "span",
        count(bin_.count),
        tag("span", " queries", class_="unseen"),
        tag("small", "bar cut") if cut else None,
        class_="num count",
    )
    return [tag("span", name, class_="bin num"), bar, queries]


def _named(n: int, *, reranked: bool) -> tuple[str, str]:
    """Return what a bin is called, and how its bar looks."""
    if not reranked:
        if n in {0, BINS + 1}:
            return percent(min(n, 1)), "win"
        return f"{(n - 1) * 10} to {n * 10}", "win"
    if n == 0:
        return "unchanged", "same"
    low, high = sorted((n * 10, (abs(n) - 1) * (10 if n > 0 else -10)), key=abs)
    ends = [f"{end:+d}".replace("-", "−") if end else "0" for end in (low, high)]  # noqa: RUF001
    return f"{ends[0]} to {ends[1]}", "win" if n > 0 else "loss"


def _entry(item: Item) -> Html:
    moved = [] if item.before is None else [
        tag("b", signed(item.after - item.before)),
        tag("span", f"{percent(item.before)} → {percent(item.after)}"),
    ]  # fmt: skip
    return tag(
        "li",
        tag("span", moved or tag("b", percent(item.after)), class_="num moved"),
        user(item.text),
        " ",
        user(item.query, "code"),
    )
