"""`shortlist verify`."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING

import click

from server.cli.options import index_option

if TYPE_CHECKING:
    from engine.local.verify import Verdict


@click.command()
@index_option
@click.option("--repair", is_flag=True, help="Make what is derived anew from the catalogue.")
def command(index: Path, repair: bool) -> None:
    """Prove an index whole: every checksum, every passage in every part.

    Exit 0: whole, or an interrupted write left something that the next one removes. 1: damaged.
    """
    from engine.assemble import open_store
    from engine.local.verify import verify

    verdict = verify(index)
    if repair and not verdict.beyond_repair:
        with open_store(index).writer() as writer:
            writer.rebuild()
        verdict = verify(index)
        click.echo("text and vectors made anew from the catalogue")
    _show(verdict)
    if verdict.beyond_repair:
        click.echo(
            "The catalogue itself is damaged, and everything else is made from it: index the"
            " folders again into a new place.",
            err=True,
        )
    sys.exit(0 if verdict.whole else 1)


def _show(verdict: Verdict) -> None:
    for damage in verdict.damage:
        click.echo(f"damaged: {damage}")
    if verdict.strangers:
        click.echo(
            f"an interrupted write left {len(verdict.strangers)} parts; the next write removes them"
        )
    if verdict.whole:
        click.echo(
            f"whole: generation {verdict.generation}, {verdict.documents:,} documents,"
            f" {verdict.passages:,} passages, {verdict.vectors:,} vectors, {verdict.files} files"
        )
