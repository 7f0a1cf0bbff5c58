"""`shortlist compare`."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003

import click

from server.cli.options import Place, json_option


@click.command()
@click.argument("report_a", type=Place())
@click.argument("report_b", type=Place())
@click.option("--measure", metavar="M", help="Compare by it.  [default: the reports' first]")
@json_option
def command(report_a: Path, report_b: Path, measure: str | None, as_json: bool) -> None:
    """Hold two reports of `shortlist evaluate` together: B against A.

    Says what changed between them, whether the difference is more than chance, and which queries
    are better or worse. Rows are compared that have the same sources, reranker and depth.
    """
    from engine.evaluation.compare import compare
    from engine.evaluation.table import render_comparison

    found = compare(report_a, report_b, measure=measure)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        click.echo(render_comparison(found), nl=False)
