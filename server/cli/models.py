"""`shortlist models`."""

from __future__ import annotations

from pathlib import Path

import click

from engine import bundled
from engine.errors import UsageError
from engine.jsonfile import read_json


@click.command()
@click.option(
    "--export",
    metavar="NAME",
    help="Write a model as plain float32 files, which sentence-transformers reads.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to, a new folder.")
def command(export: str | None, output: Path | None) -> None:
    """List the models that come along, which need no network.

    Each is taken by its name: an encoder by --encoder, a reranker by --reranker, --base and
    --teacher. Folders and hub names (owner/model) work beside them. What a model learned from, and
    how good it is, stands in the README.md of its folder.
    """
    if (export is None) != (output is None):
        raise UsageError("--export NAME and -o FOLDER belong together")
    if export is not None and output is not None:
        _export(export, output)
        return
    for name, folder in bundled.models().items():
        size = sum(path.stat().st_size for path in folder.iterdir())
        default = " (default)" if name in {bundled.RERANKER, bundled.ENCODER} else ""
        click.echo(f"{name}{default}, {size / 1e6:.1f} MB: {_about(folder)}\n  {folder}")


def _export(name: str, output: Path) -> None:
    from engine.rerankers.checkpoint import expand

    ours = bundled.models()
    if name not in ours:
        raise UsageError(f"no model {name} comes along: there are {', '.join(ours)}")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is there already; give the model a new folder")
    output.mkdir(parents=True, exist_ok=True)
    expand(ours[name], output)
    click.echo(f"written: {output}")


def _about(folder: Path) -> str:
    path = folder / "shortlist.json"
    return str(read_json(path).get("about", "")) if path.is_file() else ""
