"""`shortlist info`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path  # noqa: TC003
from typing import Any

import click

from server.cli.options import index_option, json_option


@click.command()
@index_option
@json_option
def command(index: Path, as_json: bool) -> None:
    """Say what an index holds."""
    facts = _facts(index)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"documents   {facts['documents']:,}")
    click.echo(f"passages    {facts['passages']:,}")
    click.echo(f"generation  {facts['generation']}")
    click.echo(f"size        {facts['size_bytes'] / 1e6:,.1f} MB")
    click.echo(f"encoder     {facts['models']['encoder']}")
    click.echo(f"language    {facts['settings']['language']}")
    for root in facts["roots"]:
        name = f" (name {root['name']})" if root["name"] else ""
        click.echo(f"root        {root['path']}{name}")


def _facts(index: Path) -> dict[str, Any]:
    from engine.assemble import open_store
    from engine.local.schema import FORMAT

    store = open_store(index)
    snapshot = store.snapshot()
    try:
        documents, passages = snapshot.count()
        return {
            "documents": documents,
            "passages": passages,
            "generation": snapshot.generation,
            "size_bytes": snapshot.size_bytes(),
            "models": {"encoder": snapshot.settings.encoder},
            "format": FORMAT,
            "settings": asdict(snapshot.settings),
            "dense": snapshot.parts.measured or "exact",
            "roots": [{"path": root.path, "name": root.name} for root in snapshot.roots()],
        }
    finally:
        snapshot.close()
