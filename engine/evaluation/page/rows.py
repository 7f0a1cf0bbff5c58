"""All rows and measures, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.page.figures import (
    amount,
    chance,
    percent,
    plural,
    signed,
    signed_span,
    span,
)
from engine.evaluation.page.markup import Child, Html, tag, user
from engine.evaluation.page.parts import model_notes, scrolling, table
from engine.evaluation.page.verdict import ranking_loss
from engine.evaluation.page.view import (
    ALWAYS,
    COLUMNS,
    REALISTIC,
    Column,
    Difference,
    Row,
    View,
    difference,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMPARISONS: Final = 100  # shown
_ALONE: Final = tuple(
    Column(f"{c.key}_alone", f"{c.name}, reranker alone", c.short, c.look)
    for c in (REALISTIC, ALWAYS)
)


def section(view: View) -> Html:
    """Return the table of the primary measure, and behind it all others."""
    return tag(
        "section",
        tag("h2", "All rows"),
        tag(
            "p",
            f"{view.primary} times 100, with 95 % intervals below. The best figure of a column is "
            "in bold; a triangle marks a difference that is more than chance (p below 0.05, "
            "corrected for the number of tests).",
            class_="lead",
        ),
        scrolling("All rows", _main(view)),
        _others(view),
        _alone(view),
        _comparisons(view),
        id="rows",
    )


def _main(view: View) -> Html:
    shown = [
        c for c in COLUMNS if any(row.value(c.key, view.primary) is not None for row in view.rows)
    ]
    tested = any(row.last is REALISTIC for row in view.rows)
    head: list[Child] = [
        "#", "Search", "Depth", *(column.name for column in shown),
        *(["Realistic − stage one"] if tested else []),  # noqa: RUF001
        "Retrieval loss", "Ranking loss" if tested else "Reranker could add",
        *(["Pairs/s"] if tested else []), "ms/query",
    ]  # fmt: skip
    best = {column: _best(view.rows, column, view.primary) for column in shown}
    rows = [
        tag(
            "tr",
            _head_cells(row),
            [_figure(row, column, view.primary, best[column]) for column in shown],
            _change(row.significance) if tested else None,
            _loss(row.retrieval_loss),
            _loss(ranking_loss(row, view.primary)),
            tag("td", amount(row.pairs_per_second)) if tested else None,
            tag("td", amount(row.ms_per_query)),
        )
        for row in view.rows
    ]
    return table(f"{view.primary} of all rows", head, rows, "numbers")


def _head_cells(row: Row) -> list[Html]:
    notes = model_notes(row)
    return [
        tag("td", row.number, class_="soft"),
        tag(
            "th",
            user(row.sources, "b"),
            user(row.reranker or "no reranker"),
            tag("small", notes) if notes else None,
            scope="row",
            class_="model",
        ),
        tag("td", row.depth),
    ]


def _best(rows: Sequence[Row], column: Column, measure: str) -> str | None:
    values = [value for row in rows if (value := row.value(column.key, measure)) is not None]
    return percent(max(values)) if len(values) > 1 else None


def _figure(row: Row, column: Column, measure: str, best: str | None) -> Html:
    shown = percent(row.value(column.key, measure))
    interval = span(row.interval(column.key, measure))
    return tag(
        "td",
        tag("b", shown) if shown == best else shown,
        tag("small", interval) if interval else None,
    )


def _change(change: Difference | None) -> Html:
    if change is None:
        return tag("td", "–")  # noqa: RUF001
    sign = ("▲ " if change.mean > 0 else "▼ ") if change.is_real else ""
    details = [part for part in (signed_span(change.interval), chance(change.chance)) if part]
    return tag(
        "td",
        tag("span", sign, signed(change.mean), class_="real-change" if sign else None),
        [tag("small", detail) for detail in details],
    )


def _loss(value: float | None) -> Html:
    return tag("td", percent(value))


def _others(view: View) -> Html | None:
    others = view.measures[1:]
    if not others:
        return None
    return tag(
        "details",
        tag("summary", "Other measures: ", ", ".join(others)),
        [_plain(view, measure, COLUMNS, measure) for measure in others],
    )


def _alone(view: View) -> Html | None:
    """Return the reranker without stage one's share in the order, where that was measured."""
    known = [row for row in view.rows if row.values.keys() & {c.key for c in _ALONE}]
    if not known:
        return None
    return tag(
        "details",
        tag("summary", "The reranker alone, without stage one's share in the order"),
        [
            _plain(view, measure, _ALONE, f"{measure}, reranker alone")
            for measure in view.measures
            if any(row.value(c.key, measure) is not None for row in known for c in _ALONE)
        ],
    )


def _plain(view: View, measure: str, columns: Sequence[Column], caption: str) -> Html:
    known = [c for c in columns if any(row.value(c.key, measure) is not None for row in view.rows)]
    best = {column: _best(view.rows, column, measure) for column in known}
    rows = [
        tag("tr", _head_cells(row), [_figure(row, c, measure, best[c]) for c in known])
        for row in view.rows
        if any(row.value(c.key, measure) is not None for c in known)
    ]
    head = ["#", "Search", "Depth", *(column.name for column in known)]
    return scrolling(caption, table(caption, head, rows, "numbers"))


def _comparisons(view: View) -> Html | None:
    """Return the tests between rows."""
    found: list[Mapping[str, Any]] = list(view.raw.get("comparisons") or ())
    rows = [row for entry in found[:_COMPARISONS] if (row := _comparison(view, entry)) is not None]
    if not rows:
        return None
    more = len(found) - _COMPARISONS
    return tag(
        "details",
        tag("summary", "The rows against each other"),
        scrolling(
            "The rows against each other",
            table(
                "What is served, the second row less the first",
                ["First", "Second", "Measure", "Difference"],
                rows,
                "numbers",
            ),
        ),
        tag("p", f"and {plural(more, 'more pair')} (report.json)") if more > 0 else None,
    )


def _comparison(view: View, entry: Mapping[str, Any]) -> Html | None:
    ends = [whole(entry.get(key)) for key in ("a", "b")]
    pair = [view.rows[n] for n in ends if n is not None and 0 <= n < len(view.rows)]
    if len(pair) < 2:
        return None
    return tag(
        "tr",
        [
            tag("th", f"{row.number}. ", user(row.label), scope="row", class_="model")
            for row in pair
        ],
        tag("td", str(entry.get("measure") or view.primary), class_="word"),
        _change(difference(entry)),
    )
