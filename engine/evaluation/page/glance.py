"""The top of the page: what was evaluated, and the answer in one glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.evaluation.page.figures import count, percent, plural, span
from engine.evaluation.page.markup import Html, clip, tag, user
from engine.evaluation.page.parts import filled, row_name, swatch
from engine.evaluation.page.plots import drawing
from engine.evaluation.page.verdict import ranking_loss, verdict
from engine.evaluation.page.view import (
    ALWAYS,
    BASE,
    CEILING,
    COLUMNS,
    REALISTIC,
    Column,
    Row,
    View,
    number,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOTES: Final = 20  # shown


def header(view: View) -> Html:
    """Return what was evaluated, and what to beware of."""
    data = view.data
    whole_split = whole(data.get("queries_in_split"))
    asked = plural(view.queries, "query", "queries")
    if whole_split is not None and whole_split > view.queries:
        asked = f"{asked} (of {count(whole_split)} in the split)"
    facts = [
        asked,
        *(plural(n, word) for word in ("document", "passage")
          if (n := whole(data.get(f"{word}s"))) is not None),
        str(view.raw.get("date") or ""),
    ]  # fmt: skip
    ranges = [
        _range("Positives a query", data.get("positives")),
        _range("Candidates a query", data.get("candidates")),
    ]
    return tag(
        "header",
        tag("p", "Shortlist evaluation", class_="kicker"),
        tag("h1", user(clip(view.label, 200) or "A collection without a name")),
        tag("ul", [tag("li", fact) for fact in [*facts, *ranges] if fact], class_="facts"),
        _synthetic(data.get("synthetic")),
        _notes(data.get("notes") or ()),
    )


def _range(name: str, values: Mapping[str, Any] | None) -> str:
    low, mean, high = (number((values or {}).get(key)) for key in ("min", "mean", "max"))
    if low is None or mean is None or high is None:
        return ""
    if low == high:
        return f"{name}: {low:g}"
    return f"{name}: {low:g} to {high:g}, mean {mean:.1f}"


def _synthetic(made: Mapping[str, Any] | None) -> Html | None:
    if made is None:
        return None
    shared = number(made.get("shared_words"))
    kinds: Mapping[str, Any] = made.get("kinds") or {}
    share = "" if shared is None else (
        f" {100 * shared:.0f} % of their words stand in the passage that they were made from."
    )  # fmt: skip
    how = clip(str(made.get("how") or ""), 300)
    sources = ", ".join(f"{count(whole(n))} × {kind}" for kind, n in kinds.items())  # noqa: RUF001
    return tag(
        "div",
        tag("p", tag("strong", "Nobody asked these queries.")),
        tag(
            "p",
            f"They were made from the index itself.{share} Read the figures as a smoke test, "
            "not as what people will see: their questions use other words.",
        ),
        tag("p", [user(how), ": " if how and sources else "", user(sources)], class_="soft")
        if how or sources
        else None,
        class_="banner",
        role="note",
    )


def _notes(notes: Sequence[object]) -> Html | None:
    if not notes:
        return None
    more = len(notes) - _NOTES
    items = [user(clip(str(note), 400), "li") for note in notes[:_NOTES]]
    if more > 0:
        items.append(tag("li", f"and {plural(more, 'more note')} (report.json)"))
    return tag(
        "div",
        tag("p", tag("strong", "Notes on the collection")),
        tag("ul", items),
        class_="notes",
        role="note",
    )


def section(view: View) -> Html:
    """Return the four figures of the first row with a reranker, and where the rest is lost."""
    row = view.headline
    of = f" (row {row.number} of {len(view.rows)})" if len(view.rows) > 1 else ""
    first, *rest = verdict(view)
    return tag(
        "section",
        tag("h2", "The answer"),
        tag("p", row_name(row), f", by {view.primary}{of}", class_="lead"),
        tag("p", tag("strong", first), " ", " ".join(rest), class_="verdict"),
        tag("ol", [_card(row, column, view.primary) for column in COLUMNS], class_="cards"),
        _split(row, view.primary),
        id="answer",
    )


def _card(row: Row, column: Column, primary: str) -> Html | None:
    value = row.value(column.key, primary)
    if value is None:
        return None
    interval = span(row.interval(column.key, primary))
    return tag(
        "li",
        tag("h3", swatch(column), " ", column.name),
        tag("p", percent(value), class_=f"big ink {column.look}"),
        tag("p", f"95 % interval {interval}" if interval else "", class_="soft num"),
        tag("p", _meaning(column, row.depth)),
    )


def _meaning(column: Column, depth: int) -> str:
    return {
        BASE: "What the search gives when nothing reranks.",
        REALISTIC: f"What people get: the reranker reads the first {depth} that stage one found.",
        ALWAYS: "The same, had stage one missed nothing: every right answer is read too.",
        CEILING: f"A perfect reranker on the same {depth} candidates: none gets past this.",
    }[column]


class _Part(NamedTuple):
    """A part of the bar: of what a perfect search would have."""

    look: str
    value: float
    what: str
    why: str


def _parts(row: Row, primary: str) -> list[_Part]:
    """Return what is reached, what the order loses and what stage one loses; [] where unknown."""
    reached, retrieval = row.value(row.last.key, primary), row.retrieval_loss
    ranking = ranking_loss(row, primary)
    if reached is None or retrieval is None or ranking is None:
        return []
    among = f"among the {row.depth} candidates"
    in_ranking = "lost in ranking" if row.last is REALISTIC else "within reach of a reranker"
    return [
        _Part("reached", max(reached, 0.0), "reached", "of what a perfect search would have"),
        _Part("ranking", max(ranking, 0.0), in_ranking, f"{among}, but not first"),
        _Part("retrieval", max(retrieval, 0.0), "lost in retrieval", f"not {among}"),
    ]


def _split(row: Row, primary: str) -> Html | None:
    parts = _parts(row, primary)
    if not parts:
        return None
    total = sum(part.value for part in parts) or 1.0
    bars: list[Html] = []
    start = 0.0
    for part in parts:
        x, width = f"{start:.2f}%", f"{100 * part.value / total:.2f}%"
        bars.append(tag("rect", x=x, width=width, height="100%", class_=f"fill {part.look}"))
        start += 100 * part.value / total
    said = "; ".join(f"{percent(part.value)} {part.what}" for part in parts)
    legend = [
        tag(
            "li",
            [filled(part.look), " ", tag("b", percent(part.value), class_="num")],
            f" {part.what}",
            tag("span", part.why, class_="soft"),
        )
        for part in parts
    ]
    return tag(
        "figure",
        tag("h3", "Where the rest is lost"),
        drawing("split", None, 34, ("Where the quality is lost", said), bars),
        tag("ul", legend, class_="legend"),
        class_="split",
    )
