"""Small things that several sections show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.evaluation.page.figures import millions
from engine.evaluation.page.markup import Child, Html, tag, user
from engine.evaluation.page.plots import line, mark
from engine.evaluation.page.view import brief

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.evaluation.page.view import Column, Row


def scrolling(name: str, content: Html) -> Html:
    """Return a box that scrolls by itself, also with keys, so that the page never does sideways."""
    return tag("div", content, class_="scroll", role="region", aria_label=name, tabindex=0)


def table(caption: Child, head: Iterable[Child], rows: Iterable[Html], class_: str = "") -> Html:
    """Return a table whose columns are named."""
    names = [cell if isinstance(cell, Html) else tag("th", cell, scope="col") for cell in head]
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", names)),
        tag("tbody", rows),
        class_=class_ or None,
    )


def swatch(column: Column) -> Html:
    """Return the line and the sign by which a column is known in the charts."""
    return tag(
        "svg",
        line(1, 7, 27, 7, f"line {column.look}"),
        mark(column.look, 14, 7),
        width=28,
        height=14,
        class_="swatch",
        aria_hidden="true",
    )


def filled(look: str) -> Html:
    """Return a little square of a bar's colour and hatching."""
    return tag(
        "svg",
        tag("rect", width="100%", height="100%", class_=f"fill {look}"),
        width=14,
        height=14,
        class_="swatch",
        aria_hidden="true",
    )


def row_name(row: Row) -> Html:
    """Return a row in words: `hybrid, reranked by MiniLM, 50 candidates`."""
    with_ = ["reranked by ", user(brief(row.reranker))] if row.reranker else ["not reranked"]
    return tag("span", user(row.sources, "b"), ", ", with_, f", {row.depth} candidates")


def model_notes(row: Row) -> str:
    """Return what is to be said of a row's reranker besides its name."""
    notes = [f"{millions(row.parameters)} parameters"] if row.parameters and row.reranker else []
    if row.weight is not None:
        notes.append("alone decides" if row.weight == 1 else f"weight {row.weight:g}")
    return ", ".join(notes)


# Hatching for bars: who cannot tell the colours apart, or prints in black, tells these apart.
PATTERNS = tag(
    "svg",
    tag(
        "defs",
        tag(
            "pattern",
            tag("rect", width=7, height=7, class_="ground"),
            line(0, 0, 0, 7, "hatch"),
            id="hatch",
            width=7,
            height=7,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        ),
        tag(
            "pattern",
            tag("rect", width=6, height=6, class_="ground"),
            tag("circle", cx=3, cy=3, r=1.3, class_="dot"),
            id="dots",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        ),
    ),
    width=0,
    height=0,
    class_="patterns",
    aria_hidden="true",
)
