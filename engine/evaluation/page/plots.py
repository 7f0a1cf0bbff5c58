"""What the charts are drawn with: scales, ticks, marks, and labels that keep off each other.

Colours and fonts are classes of style.css, so the same drawing serves light and dark.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.evaluation.page.markup import Child, Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZE: Final = 12.0  # of the letters in charts, in pixels
LINE: Final = 14.0  # from one line of them to the next
_STEPS: Final = (1, 2, 5, 10, 20, 50)
_ENOUGH: Final = 3  # ticks on an axis
_LEAST: Final = 0.05  # of an axis of measures, from end to end


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value stands on the paper: `low` at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value in pixels."""
        low, high = self._bent(self.low), self._bent(self.high)
        share = (self._bent(value) - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _bent(self, value: float) -> float:
        return math.log(value) if self.log else value


class Box(NamedTuple):
    """A rectangle on the paper."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether the two share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def off(self, x: float, y: float) -> float:
        """Return how far a point is from the nearest edge, 0 inside."""
        across = max(self.left - x, 0.0, x - self.right)
        return math.hypot(across, max(self.top - y, 0.0, y - self.bottom))

    def holds(self, other: Box) -> bool:
        """Return whether the other is inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


def percent_ticks(values: Sequence[float]) -> list[float]:
    """Return the ticks of an axis for values in [0, 1]: within it, and at least five per cent."""
    low, high = min(values), max(values)
    room = max(0.0, _LEAST - (high - low)) / 2
    high = min(1.0, high + room + max(0.0, room - low))
    return ticks(max(0.0, min(low - room, high - _LEAST)), high, 6)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers at equal distances that reach from below `low` to above `high`.

    Args:
        low: finite.
        high: at least `low`; what is nearly the same is given some room.
        most: distances between ticks, at most.
    """
    size = 10.0 ** math.floor(math.log10(max(high - low, 1e-3) / most))
    first, last, step = 0, most + 1, size
    for factor in _STEPS:
        if last - first <= most:
            break
        step = size * factor
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return the powers of ten from `low` to `high`; where they are few, also 2 and 5 times."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = [10.0**n for n in exponents if low <= 10.0**n <= high]
    if len(decades) >= _ENOUGH:
        return decades
    return [t for n in exponents for f in (1, 2, 5) if low <= (t := f * 10.0**n) <= high]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places on a line as little as possible until all are `gap` apart, and in their order.

    The least squares of it are an isotonic regression, solved by pooling neighbours.

    Args:
        wanted: in any order.
        gap: smaller where so many do not fit.
        low: no place is before it.
        high: nor after it.
    """
    n = len(wanted)
    if n > 1:
        gap = min(gap, (high - low) / (n - 1))
    order = sorted(range(n), key=lambda i: wanted[i])
    pools: list[tuple[float, int]] = []
    for rank, i in enumerate(order):
        mean, size = wanted[i] - rank * gap, 1
        while pools and pools[-1][0] >= mean:
            before, members = pools.pop()
            mean, size = (before * members + mean * size) / (members + size), members + size
        pools.append((mean, size))
    moved = [mean for mean, size in pools for _ in range(size)]
    places = [0.0] * n
    for rank, i in enumerate(order):
        places[i] = min(max(moved[rank], low), high - (n - 1) * gap) + rank * gap
    return places


def text_width(text: str, size: float = SIZE) -> float:
    """Return about how wide a bold text is in a sans serif, rather more than less."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return size * (wide * 1.02 + (len(text) - wide) * 0.64)


def shorten(text: str, width: float, size: float = SIZE) -> str:
    """Return as much of the text as fits, with a sign where it was cut."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(f"{kept}…", size) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def label_boxes(
    points: Sequence[tuple[float, float]],
    widths: Sequence[Sequence[float]],
    frame: Box,
    obstacles: Sequence[Box] = (),
    keep_off: float = 7.0,
) -> list[tuple[int, Box] | None]:
    """Return a place for the label of each point: clear of points, of labels, of the edge.

    No label is nearer to another point than to its own. Greedy, in the order given: what comes
    first has the better place.

    Args:
        points: (x, y) in pixels.
        widths: of the labels that a point may have, the best first.
        frame: where labels may stand.
        obstacles: what else is not written on.
        keep_off: half the side of the square around a point that is not written on.

    Returns:
        Which label, and where; None where no place is left.
    """
    marks = [Box(x - keep_off, y - keep_off, x + keep_off, y + keep_off) for x, y in points]
    taken = [*obstacles]
    places: list[tuple[int, Box] | None] = []
    for (x, y), wanted in zip(points, widths, strict=True):
        free = (
            (n, box)
            for n, width in enumerate(wanted)
            for move in _moves(keep_off)
            if frame.holds(box := _beside(x, y, width, *move))
            and not any(box.meets(other) for other in (*marks, *taken))
            and all(box.off(x, y) <= box.off(*other) for other in points)
        )
        place = next(free, None)
        places.append(place)
        if place is not None:
            taken.append(place[1])
    return places


def _moves(keep_off: float) -> list[tuple[float, float, float]]:
    """Return where a label may stand: (part of its width that is left of the point, dx, dy)."""
    near, out = keep_off + 2, keep_off + LINE / 2 + 1
    moves = [(0.0, near, 0.0), (1.0, -near, 0.0), (0.5, 0.0, -out), (0.5, 0.0, out)]
    for far in (out, out + LINE, out + 2 * LINE, out + 3 * LINE, out + 5 * LINE):
        for dy in (-far, far):
            moves += [(0.0, near, dy), (1.0, -near, dy), (0.5, 0.0, dy)]
    return moves


def _beside(x: float, y: float, width: float, left: float, dx: float, dy: float) -> Box:
    start, middle = x + dx - left * width, y + dy
    return Box(start, middle - LINE / 2, start + width, middle + LINE / 2)


def drawing(
    name: str, width: float | None, height: float, said: tuple[str, str], *parts: Child
) -> Html:
    """Return a picture that says what it is to those who do not see it.

    Args:
        name: no other picture of the page may have it.
        width: in pixels; None for all the width there is, with places given in per cent.
        height: in pixels.
        said: what it is, and what is to be seen in it.
        parts: drawn one over the other.
    """
    title, description = said
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=None if width is None else f"0 0 {width:g} {height:g}",
        width="100%" if width is None else width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def text(x: float, y: float, content: str, class_: str = "", anchor: str = "start") -> Html:
    """Return a line of text whose middle is at height y."""
    return tag("text", content, x=x, y=y + SIZE * 0.35, class_=class_ or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> Html:
    """Return a line through points."""
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag("path", d=f"M{steps}", class_=class_)


def mark(look: str, x: float, y: float, size: float = 4.0, hint: str | None = None) -> Html:
    """Return the sign of a column, which nobody needs colours to tell; a hint shows on hovering."""
    kind = _SHAPES[look.partition(" ")[0]]
    shape = "M" + "L".join(f"{x + size * a:.1f} {y + size * b:.1f}" for a, b in kind) + "Z"
    return tag("path", tag("title", hint) if hint else None, d=shape, class_=f"mark {look}")


def _round(corners: int, turn: float, reach: float) -> list[tuple[float, float]]:
    angles = [2 * math.pi * (n + turn) / corners for n in range(corners)]
    return [(reach * math.sin(a), -reach * math.cos(a)) for a in angles]


_SHAPES: Final = {
    "base": _round(4, 0.5, 1.2),  # a square
    "real": _round(16, 0, 1.0),  # a circle, near enough
    "always": _round(4, 0, 1.3),  # a diamond
    "ceil": _round(3, 0, 1.3),  # a triangle
}


def grid(
    values: Sequence[float], scale: Callable[[float], float], left: float, right: float
) -> list[Html]:
    """Return horizontal lines at values in [0, 1], with the numbers left of them."""
    lines = [line(left, scale(value), right, scale(value), "grid") for value in values]
    numbers = [
        text(left - 7, scale(value), f"{100 * value:.0f}", "tick", "end") for value in values
    ]
    return lines + numbers
