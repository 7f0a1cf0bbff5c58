"""Text and figures in columns, for a terminal."""

from __future__ import annotations

import re
import unicodedata
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WIDE: Final = 100  # columns that a terminal is taken to have
CHANCE: Final = 0.05  # a corrected p below it is called a difference
TESTED: Final = ("difference", "95 % interval", "p", "corrected", "")
_LEAST: Final = 8  # columns that words need to say anything

# What a document, a query or a model's name says could move the cursor of a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def plain(text: object) -> str:
    """Return a text on one line that a terminal only shows."""
    return _CONTROL.sub(" ", str(text)).strip()


def width(text: str) -> int:
    """Return how many columns a text takes: two a wide character, none a combining one."""
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def cut(text: str, most: int) -> str:
    """Return as much of a text as fits, with an ellipsis where something is left out."""
    if width(text) <= most:
        return text
    room, kept = most - 1, ""
    for letter in text:
        room -= _columns(letter)
        if room < 0:
            break
        kept += letter
    return kept.rstrip() + "…"


def paragraph(text: str) -> Iterator[str]:
    """Yield a text in lines that fit; those after the first are indented."""
    yield from wrap(plain(text), WIDE, subsequent_indent="  ")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    left: Iterable[int] = (),
    flexible: int | None = None,
    indent: str = "",
) -> Iterator[str]:
    """Yield the lines of a table: columns two spaces apart, numbers to the right.

    A column without a cell is left out.

    Args:
        head: names of the columns.
        rows: cells; all rows are as long as the head.
        left: columns that hold words.
        flexible: the column whose words are cut where the table would be wider than WIDE.
        indent: before each line.
    """
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    kept = [n for n in range(len(head)) if any(row[n] for row in cells[1:])]
    widths = {n: max(width(row[n]) for row in cells) for n in kept}
    if flexible in widths:
        rest = len(indent) + sum(widths.values()) - widths[flexible] + 2 * (len(kept) - 1)
        widths[flexible] = min(widths[flexible], max(_LEAST, WIDE - rest))
        for row in cells:
            row[flexible] = cut(row[flexible], widths[flexible])
    words = set(left)
    for row in cells:
        padding = {n: " " * (widths[n] - width(row[n])) for n in kept}
        padded = (row[n] + padding[n] if n in words else padding[n] + row[n] for n in kept)
        yield (indent + "  ".join(padded)).rstrip()


def bar(parts: Sequence[float], marks: str, length: int) -> str:
    """Return a bar whose parts are as long as their shares; rounding never changes its length."""
    sizes = [max(0.0, part) for part in parts]
    whole = sum(sizes) or 1.0
    drawn, reached = "", 0.0
    for size, mark in zip(sizes, marks, strict=True):
        reached += size
        drawn += mark * (round(reached / whole * length) - len(drawn))
    return drawn


def percent(value: float | None) -> str:
    """Return a share in percent with two decimals."""
    return "" if value is None else f"{100 * value:.2f}"


def chance(p: float) -> str:
    """Return a p value as people write it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def tested(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a tested difference in the columns of TESTED."""
    low, high = found["interval"]
    return (
        f"{100 * found['difference']:+.2f}",
        f"[{100 * low:+.2f}, {100 * high:+.2f}]",
        chance(found["p"]),
        chance(found["p_corrected"]),
        mark(found),
    )


def mark(found: Mapping[str, Any] | None) -> str:
    """Return + or - for a difference beyond chance."""
    if found is None or found["p_corrected"] >= CHANCE:
        return ""
    return "+" if found["difference"] > 0 else "-"
