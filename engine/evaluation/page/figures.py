"""Numbers as the page writes them: a measure in [0, 1] is shown times 100, with one decimal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.evaluation.page.view import Span

NOTHING: Final = "–"  # noqa: RUF001 - a dash in place of a number
MINUS: Final = "−"  # noqa: RUF001 - as wide as a plus


def percent(value: float | None) -> str:
    """Return 0.7268 as `72.7`."""
    return NOTHING if value is None else _minus(f"{100 * value:.1f}")


def signed(value: float | None) -> str:
    """Return 0.024 as `+2.4`, and what rounds to nothing as `0.0`."""
    if value is None:
        return NOTHING
    text = f"{100 * value:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else _minus(text)


def span(ends: Span | None) -> str:
    """Return an interval of a figure."""
    return "" if ends is None else f"{percent(ends[0])}–{percent(ends[1])}"  # noqa: RUF001


def signed_span(ends: Span | None) -> str:
    """Return an interval of a difference."""
    return "" if ends is None else f"{signed(ends[0])} to {signed(ends[1])}"


def chance(p: float | None) -> str:
    """Return a p value; three decimals say all that 10,000 draws know."""
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def count(value: float | None) -> str:
    """Return 5183 as `5,183`."""
    return NOTHING if value is None else f"{value:,.0f}"


def amount(value: float | None) -> str:
    """Return a number of three digits, or of all that stand before the point."""
    if value is None:
        return NOTHING
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:,.{decimals}f}"


def millions(value: int | None) -> str:
    """Return 22713216 as `22.7 M`."""
    if value is None:
        return NOTHING
    return f"{value / 1e6:,.1f} M" if value >= 1e5 else count(value)


def duration(ms: float) -> str:
    """Return 3400 as `3.4 s` and 11 as `11 ms`."""
    return f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.3g} ms"


def plural(n: float, word: str, many: str | None = None) -> str:
    """Return `1 query` or `300 queries`."""
    return f"{count(n)} {word if n == 1 else many or f'{word}s'}"


def _minus(text: str) -> str:
    return "0.0" if text == "-0.0" else text.replace("-", MINUS)
