"""Encoding an index again: what `shortlist index --encoder` and `shortlist train --apply` do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from server.cli.progress import QueryProgress

if TYPE_CHECKING:
    from engine.local.store import LocalStore
    from engine.protocols import Encoder
    from indexer.reencoding import Reencoded


def reencode_index(store: LocalStore, encoder: Encoder, source: str, *, before: str) -> Reencoded:
    """Give an index another encoder, and say so; see indexer.reencoding.reencode."""
    from indexer.reencoding import reencode

    progress = QueryProgress("passages")
    progress.say(f"the index is encoded again by {encoder.name} (until now: {before})")
    done = reencode(store, encoder, source, progress)
    progress.say(f"{done.passages:,} passages encoded again, {done.seconds:.1f} s")
    return done


def show_reencoded(encoder: Encoder, done: Reencoded | None, *, as_json: bool) -> None:
    """Print what became of an index that was only to be encoded again; None: it was already."""
    if as_json:
        told = {
            "encoder": encoder.name,
            "encoded": done.passages if done else 0,
            "seconds": done.seconds if done else 0.0,
        }
        click.echo(json.dumps(told, ensure_ascii=False))
    elif done is None:
        click.echo(f"the index is that of {encoder.name} already")
    else:
        click.echo(f"passages: {done.passages:,} encoded by {encoder.name}, {done.seconds:.1f} s")
