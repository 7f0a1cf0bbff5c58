"""How an answer looks on a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from engine.answer import Answer, Facet, Result

_FACET_VALUES: Final = 10  # as many as one reads
# A document's own text and name could move the cursor or change the title of a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Return a text that a terminal only shows; it keeps its length."""
    return _CONTROL.sub(lambda found: " " if found.group().isspace() else "\ufffd", text)


def place(result: Result) -> str:
    """Return where a passage stands: `guide/install.md > Linux > apt`, `report.pdf, page 12`."""
    page = f", page {result.page}" if result.page is not None else ""
    heading = f" > {result.heading}" if result.heading else ""
    return harmless(f"{result.document}{page}{heading}")


def show_answer(answer: Answer, *, explain: bool) -> None:
    """Print the results, and what the user should know about them."""
    for result in answer.results:
        _show_result(result, explain=explain)
    if not answer.results:
        click.echo("nothing found")
    for name, facet in (answer.facets or {}).items():
        _show_facet(name, facet)
    for note in answer.notes:
        click.echo(f"note: {note}", err=True)
    if answer.degraded:
        click.echo(f"degraded: {answer.degraded_reason}", err=True)
    if explain:
        _show_work(answer)


def _show_result(result: Result, *, explain: bool) -> None:
    name = result.document.rpartition("/")[2]
    title = f"  {harmless(result.title)}" if result.title not in {"", name} else ""
    stale = click.style("  (changed since it was indexed)", fg="yellow") if result.stale else ""
    number = click.style(f"{result.rank:>3}", bold=True)
    click.echo(f"{number}  {click.style(place(result), fg='cyan')}{title}{stale}")
    click.echo(f"     {_marked(result)}")
    click.echo(click.style(f"     {_score(result)}", dim=True))
    if explain and result.scores is not None:
        ranks = [
            f"{stage} {result.ranks[stage]}. ({score:.4g})"
            for stage, score in result.scores.items()
            if score is not None
        ]
        click.echo(click.style(f"     {' · '.join(ranks)}", dim=True))
    click.echo()


def _show_facet(name: str, facet: Facet) -> None:
    counts = [f"{v.value} ({v.count})" for v in facet.values[:_FACET_VALUES]]
    more = facet.others + len(facet.values) - len(counts)
    others = f" and {more:,} more" if more else ""
    click.echo(harmless(f"{name}: {', '.join(counts) or 'none'}{others}"))


def _score(result: Result) -> str:
    relevance = "" if result.relevance is None else f" · relevance {result.relevance:.0%}"
    return f"{result.score:.3f} {result.stage}{relevance}"


def _marked(result: Result) -> str:
    snippet, text, at = harmless(result.snippet), "", 0
    for start, end in result.highlights:
        text += snippet[at:start] + click.style(snippet[start:end], bold=True)
        at = end
    return re.sub(" {2,}", " ", text + snippet[at:])


def _show_work(answer: Answer) -> None:
    stages = [
        f"{stage} {ms:.1f}" for stage, ms in answer.timings_ms.items() if ms and stage != "total"
    ]
    click.echo(f"{answer.total_candidates} candidates from generation {answer.snapshot}")
    click.echo(f"milliseconds: {', '.join(stages)}; total {answer.timings_ms['total']:.1f}")
    for role, name in answer.models.items():
        click.echo(f"{role}: {name or 'none'}")
