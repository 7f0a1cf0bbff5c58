"""report.html: one file that needs nothing else, no network and no script.

view         what a report holds, read once; the columns and how they look
markup       elements; whatever was not made there is escaped
figures      numbers as the page writes them
plots        scales, ticks, marks, labels that keep off each other
parts        small things that several sections show
verdict      what the numbers say, in sentences
glance, rows, depths, latency, changes + queries, losses, method     the sections, in order
style.css    the looks, light and dark, wide and narrow, on paper
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.page import depths, glance, latency, losses, method, queries, rows
from engine.evaluation.page.changes import gather
from engine.evaluation.page.markup import Html, clip, tag
from engine.evaluation.page.parts import PATTERNS
from engine.evaluation.page.view import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Texts of strangers stand on the page. They are escaped; should that ever fail, no script runs.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def render(report: Mapping[str, Any], per_query: Iterable[Mapping[str, Any]]) -> str:
    """Return the page of a report.

    Args:
        report: as in report.json.
        per_query: as the lines of per_query.jsonl; read once, and not kept.

    Returns:
        HTML, under 3 MB however many queries there are.
    """
    view = read(report)
    changes = gather(view, per_query) if view.rows else []
    sections = [
        ("answer", "The answer", glance.section(view)),
        ("rows", "All rows", rows.section(view)),
        ("depth", "Depth", depths.section(view)),
        ("latency", "Latency", latency.section(view)),
        ("queries", "Queries", queries.section(view, changes)),
        ("losses", "Losses", losses.section(view)),
    ] if view.rows else []  # fmt: skip
    sections.append(("method", "Method", method.section(view)))
    shown = [(id_, name, content) for id_, name, content in sections if content is not None]
    links = [tag("a", name, href=f"#{id_}") for id_, name, _ in shown]
    body = [
        PATTERNS,
        glance.header(view),
        tag("nav", links, aria_label="Sections"),
        tag("main", [content for _, _, content in shown]),
    ]
    return f"<!doctype html>\n{tag('html', _head(view.label), tag('body', body), lang='en')}\n"


def _head(label: str) -> Html:
    css = Path(__file__).with_name("style.css").read_text("utf-8")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", f"{clip(label, 100)} – Shortlist evaluation"),  # noqa: RUF001
        tag("style", Html(css)),
    )
