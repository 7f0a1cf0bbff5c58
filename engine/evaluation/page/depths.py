"""Quality against the number of candidates that are reranked: a small picture for each reranker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.evaluation.page.figures import percent, signed
from engine.evaluation.page.markup import Html, tag, user
from engine.evaluation.page.parts import scrolling, table
from engine.evaluation.page.plots import (
    LINE,
    Scale,
    drawing,
    grid,
    line,
    mark,
    path,
    percent_ticks,
    spread,
    text,
)
from engine.evaluation.page.view import CEILING, COLUMNS, REALISTIC, Column, Row, View

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 106.0, 12.0, 40.0
_NARROW: Final = (360.0, 280.0)  # fits a phone as it is
_WIDE: Final = (760.0, 360.0)


def section(view: View) -> Html | None:
    """Return the pictures, None where no row knows its curve."""
    groups = _groups(view.rows)
    if not groups:
        return None
    axis = _axis([row for rows in groups for row in rows[:1]])
    figures = [
        _figure(n, rows, axis, view, single=len(groups) == 1) for n, rows in enumerate(groups)
    ]
    cut = " The axis does not begin at zero." if axis[0] > 0 else ""
    shared = " All pictures have the same scale." if len(groups) > 1 else ""
    return tag(
        "section",
        tag("h2", "Does reading more candidates help?"),
        tag(
            "p",
            f"{view.primary} against the number of candidates that the reranker reads. The ceiling "
            "rises as stage one is asked for more; what the reranker makes of it is the realistic "
            f"line.{cut}{shared}",
            class_="lead",
        ),
        tag("div", figures, class_="single" if len(groups) == 1 else "multiples"),
        id="depth",
    )


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each (sources, reranker); reranked ones come first.

    Of a group the deepest row comes first: its curve says most.
    """
    found: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        if len(row.curve) > 1:
            found.setdefault((row.sources, row.reranker), []).append(row)
    deepest = [sorted(rows, key=lambda row: -row.depth) for rows in found.values()]
    return sorted(deepest, key=lambda rows: rows[0].reranker is None)


def _series(row: Row, column: Column) -> list[tuple[float, float]]:
    return [(p["depth"], p[column.key]) for p in row.curve if column.key in p]


def _axis(rows: Sequence[Row]) -> list[float]:
    values = [value for row in rows for c in COLUMNS for _, value in _series(row, c)]
    return percent_ticks(values or [0.0, 1.0])


def _figure(
    n: int, rows: Sequence[Row], axis: Sequence[float], view: View, *, single: bool
) -> Html:
    row = rows[0]
    name = f"{row.sources} · {row.reranker or 'no reranker'}"
    draw = [_drawing(f"depth-{n}", row, rows, axis, name, _NARROW)]
    if single:
        draw = [
            tag("div", draw, class_="narrow"),
            tag("div", _drawing(f"depth-{n}-wide", row, rows, axis, name, _WIDE), class_="wide"),
        ]
    return tag(
        "figure",
        tag("h3", user(name)),
        draw,
        tag("figcaption", _said(row, view.primary)),
        tag("details", tag("summary", "The numbers"), _numbers(row, view.primary, name)),
    )


def _drawing(
    name: str,
    row: Row,
    rows: Sequence[Row],
    axis: Sequence[float],
    title: str,
    size: tuple[float, float],
) -> Html:
    width, height = size
    depths = sorted({p["depth"] for p in row.curve})
    across = Scale(depths[0], depths[-1], _LEFT + 10, width - _RIGHT - 12, log=True)
    up = Scale(axis[0], axis[-1], height - _BOTTOM, _TOP)
    right = width - _RIGHT
    parts = [
        grid(axis, up, _LEFT, right),
        [_tick(across(depth), depth, height, {r.depth for r in rows}) for depth in depths],
        text(
            (_LEFT + right) / 2, height - 9, "candidates (measured depth in bold)", "tick", "middle"
        ),
    ]
    known = [(column, series) for column in COLUMNS if (series := _series(row, column))]
    places = spread([up(series[-1][1]) for _, series in known], LINE + 1, _TOP, height - _BOTTOM)
    parts += [
        _line(column, series, (across, up), (right, place))
        for (column, series), place in zip(known, places, strict=True)
    ]
    said = ", ".join(
        f"{column.name} from {percent(series[0][1])} to {percent(series[-1][1])}"
        for column, series in known
    )
    return drawing(name, width, height, (f"Quality against depth: {title}", said), *parts)


def _line(
    column: Column,
    series: Sequence[tuple[float, float]],
    scales: tuple[Scale, Scale],
    name_at: tuple[float, float],
) -> list[Html]:
    """Return a line with its marks, and its name and last value at its end."""
    across, up = scales
    right, place = name_at
    points = [(across(depth), up(value)) for depth, value in series]
    last = f"{column.short} {percent(series[-1][1])}"
    return [
        path(points, f"line {column.look}"),
        path([points[-1], (right - 6, place), (right + 2, place)], "leader"),
        *(
            mark(column.look, x, y, hint=f"{column.name}, {depth:g} candidates: {percent(value)}")
            for (x, y), (depth, value) in zip(points, series, strict=True)
        ),
        text(right + 5, place, last, f"ink {column.look}"),
    ]


def _tick(x: float, depth: float, height: float, measured: set[int]) -> list[Html]:
    """Return a number on the axis; a depth that has a row of its own is marked."""
    floor = height - _BOTTOM
    mine = depth in measured
    return [
        *([line(x, _TOP, x, floor, "measured")] if mine else []),
        line(x, floor, x, floor + 4, "axis"),
        text(x, floor + 12, f"{depth:g}", "tick strong" if mine else "tick", "middle"),
    ]


def _said(row: Row, primary: str) -> str:
    """Say what is gained from the shallowest to the deepest reading."""
    parts: list[str] = []
    for column, words in ((CEILING, "the ceiling"), (REALISTIC, "the realistic score")):
        series = _series(row, column)
        if len(series) > 1:
            (first, low), (last, high) = series[0], series[-1]
            parts.append(
                f"from {first:g} to {last:g} candidates {words} moves by {signed(high - low)}"
            )
    text_ = "; ".join(parts)
    return f"{text_[:1].upper()}{text_[1:]} points of {primary}." if parts else ""


def _numbers(row: Row, primary: str, name: str) -> Html:
    columns = [column for column in COLUMNS if _series(row, column)]
    rows = [
        tag(
            "tr",
            tag("th", f"{point['depth']:g}", scope="row"),
            [tag("td", percent(point.get(column.key))) for column in columns],
        )
        for point in row.curve
    ]
    caption = [f"{primary} by depth, ", user(name)]
    head = ["Candidates", *(column.short for column in columns)]
    return scrolling(f"{primary} by depth", table(caption, head, rows))
