"""Quality against latency: what a better answer costs, and what is never worth its time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.evaluation.page.figures import duration, percent, plural
from engine.evaluation.page.markup import Child, Html, clip, tag, user
from engine.evaluation.page.parts import scrolling, table
from engine.evaluation.page.plots import (
    Box,
    Scale,
    drawing,
    grid,
    label_boxes,
    line,
    log_ticks,
    mark,
    path,
    percent_ticks,
    shorten,
    text,
    text_width,
)
from engine.evaluation.page.view import BASE, REALISTIC, Row, View, brief, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 14.0, 14.0, 40.0
_WIDE: Final = (860.0, 420.0)
_NARROW: Final = (360.0, 340.0)
_LONGEST: Final = {_WIDE: 300.0, _NARROW: 170.0}  # of a label
_FAR: Final = 15.0  # from a point to its label: a line joins them


class Spot(NamedTuple):
    """What one way of searching takes and gives."""

    ms: float
    value: float
    sources: str
    model: str | None  # None: stage one alone
    name: str
    key: str  # for where the name does not fit

    def fitted(self, width: float) -> str:
        """Return the name, with the model's shortened until all of it fits."""
        if self.model is None or text_width(self.name) <= width:
            return shorten(self.name, width)
        rest = self.name.replace(self.model, "", 1)
        return self.name.replace(self.model, shorten(self.model, width - text_width(rest)), 1)


def section(view: View) -> Html | None:
    """Return the picture, None where nothing was timed."""
    spots = spots_of(view)
    if not spots:
        return None
    front = pareto(spots)
    return tag(
        "section",
        tag("h2", "What does quality cost?"),
        tag(
            "p",
            f"{view.primary} against the time for one query. On the line stands what nothing else "
            f"beats in both; all other points are slower, worse, or both.",
            _measured(view),
            class_="lead",
        ),
        tag(
            "figure",
            [
                tag(
                    "div",
                    _drawing(f"latency-{name}", size, spots, front, view.primary),
                    class_=name,
                )
                for name, size in (("wide", _WIDE), ("narrow", _NARROW))
            ],
            tag(
                "figcaption",
                "Circles are reranked, squares are stage one alone; filled: on the line. "
                "# is the row's number in the table above.",
            ),
            tag("details", tag("summary", "The numbers"), _numbers(spots, front, view.primary)),
        ),
        id="latency",
    )


def _measured(view: View) -> Html | None:
    """Return on what the time was taken."""
    timed = max((row.timed_queries or 0 for row in view.rows), default=0)
    if not timed:
        return None
    machine: Mapping[str, Any] = view.raw.get("machine") or {}
    processor, cores = clip(str(machine.get("processor") or ""), 120), whole(machine.get("cores"))
    parts: list[Child] = [f" Measured on {plural(timed, 'query', 'queries')}"]
    parts += [[", ", user(processor)]] if processor else []
    parts += [f", {plural(cores, 'core')}"] if cores else []
    return tag("span", parts, ".")


def spots_of(view: View) -> list[Spot]:
    """Return a point for each row that was timed, and for stage one where no row is that alone."""
    spots: list[Spot] = []
    alone = {row.sources for row in view.rows if row.last is BASE and row.ms_per_query}
    for row in view.rows:
        if row.last is REALISTIC and row.sources not in alone:
            first = _spot(row, BASE.key, view.primary, row.ms_first_stage)
            spots += first
            alone |= {spot.sources for spot in first}
        spots += _spot(row, row.last.key, view.primary, row.ms_per_query)
    return spots


def _spot(row: Row, column: str, measure: str, ms: float | None) -> list[Spot]:
    value = row.value(column, measure)
    if value is None or ms is None or ms <= 0:
        return []
    if column == BASE.key:
        return [Spot(ms, value, row.sources, None, row.sources, row.sources)]
    return [Spot(ms, value, row.sources, brief(row.reranker or ""), row.label, f"#{row.number}")]


def pareto(spots: Sequence[Spot]) -> list[Spot]:
    """Return the points that no other one beats in time or quality without losing in the other."""
    front: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (spot.ms, -spot.value)):
        best = front[-1] if front else None
        if best is None or spot.value > best.value or spot[:2] == best[:2]:
            front.append(spot)
    return front


def _drawing(
    name: str,
    size: tuple[float, float],
    spots: Sequence[Spot],
    front: Sequence[Spot],
    primary: str,
) -> Html:
    width, height = size
    low, high = (pick(spot.ms for spot in spots) for pick in (min, max))
    room = max(1.6, math.sqrt(10 / (high / low)))  # a decade at least
    across = Scale(low / room, high * room, _LEFT, width - _RIGHT, log=True)
    axis = percent_ticks([spot.value for spot in spots])
    up = Scale(axis[0], axis[-1], height - _BOTTOM, _TOP + 8)
    floor = height - _BOTTOM
    times = log_ticks(across.low, across.high)
    said = "; ".join(
        f"{s.name}: {percent(s.value)} in {duration(s.ms)}{', on the front' if s in front else ''}"
        for s in spots
    )
    return drawing(
        name,
        width,
        height,
        (f"{primary} against milliseconds for one query", said),
        grid(axis, up, _LEFT, width - _RIGHT),
        [
            [line(across(ms), floor, across(ms), floor + 4, "axis"),
             text(across(ms), floor + 12, duration(ms), "tick", "middle")]
            for ms in times
        ],
        text((width + _LEFT) / 2, height - 9, "time for one query (logarithmic)", "tick", "middle"),
        path(_steps(front, across, up, width - _RIGHT), "line front"),
        _points(size, spots, front, across, up),
    )  # fmt: skip


def _steps(
    front: Sequence[Spot], across: Scale, up: Scale, right: float
) -> list[tuple[float, float]]:
    """Return the best quality that can be had by each time."""
    corners: list[tuple[float, float]] = []
    for spot in front:
        x, y = across(spot.ms), up(spot.value)
        corners += [(x, corners[-1][1])] if corners else []
        corners.append((x, y))
    return [*corners, (right, corners[-1][1])]


def _points(
    size: tuple[float, float],
    spots: Sequence[Spot],
    front: Sequence[Spot],
    across: Scale,
    up: Scale,
) -> list[Html]:
    # The front first: it has the better places for its names.
    ordered = sorted(spots, key=lambda spot: (spot not in front, -spot.value))
    places = [(across(spot.ms), up(spot.value)) for spot in ordered]
    names = [(spot.fitted(_LONGEST[size]), spot.key) for spot in ordered]
    width, height = size
    frame = Box(_LEFT + 2, 0, width - 2, height - _BOTTOM)
    widths = [[text_width(name) for name in both] for both in names]
    boxes = label_boxes(places, widths, frame, _boxes(_steps(front, across, up, width - _RIGHT)))
    marks: list[Html] = []
    labels: list[Html] = []
    for spot, (x, y), both, found in zip(ordered, places, names, boxes, strict=True):
        best = spot in front
        look = "base" if spot.model is None else "real"
        hint = f"{spot.name}: {percent(spot.value)} in {duration(spot.ms)}"
        marks.append(mark(look if best else f"{look} open", x, y, 5.5, hint))
        if found is not None:
            which, box = found
            labels += _label(box, x, y, both[which], best=best)
    return [*reversed(marks), *labels]


def _boxes(corners: Sequence[tuple[float, float]]) -> list[Box]:
    """Return the steps of a line as boxes that are not written on."""
    return [
        Box(min(x1, x2) - 2, min(y1, y2) - 2, max(x1, x2) + 2, max(y1, y2) + 2)
        for (x1, y1), (x2, y2) in pairwise(corners)
    ]


def _label(box: Box, x: float, y: float, name: str, *, best: bool) -> list[Html]:
    middle = (box.top + box.bottom) / 2
    near_x, near_y = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
    far = math.hypot(near_x - x, near_y - y) > _FAR
    class_ = "ink strong" if best else "ink"
    if box.left >= x:
        written = text(box.left, middle, name, class_)
    elif box.right <= x:
        written = text(box.right, middle, name, class_, "end")
    else:
        written = text((box.left + box.right) / 2, middle, name, class_, "middle")
    return [*([line(x, y, near_x, near_y, "pointer")] if far else []), written]


def _numbers(spots: Sequence[Spot], front: Sequence[Spot], primary: str) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", user(spot.name), scope="row", class_="model"),
            tag("td", duration(spot.ms)),
            tag("td", percent(spot.value)),
            tag("td", "yes" if spot in front else "no"),
        )
        for spot in sorted(spots, key=lambda spot: spot.ms)
    ]
    caption = f"{primary} and time, fastest first"
    return scrolling(caption, table(caption, ["Search", "Time", primary, "On the line"], rows))
