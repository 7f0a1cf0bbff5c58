"""`shortlist doctor`."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTS: Final = (
    "shortlist", "tantivy", "faiss-cpu", "tokenizers", "sentence-transformers", "transformers",
    "torch", "datasets", "fastapi", "numpy",
)  # fmt: skip
_OURS: Final = ("engine", "indexer", "server")


@click.command()
@click.option("--quick", is_flag=True, help="Leave out what needs torch: device and reranker.")
def command(quick: bool) -> None:
    """Check this installation: versions, device, models, owners of our package names."""
    problems: list[str] = []
    click.echo(f"python      {platform.python_version()} on {platform.platform()}")
    click.echo(f"cores       {os.cpu_count()}")
    for name in _PARTS:
        try:
            click.echo(f"{name:<22}{metadata.version(name)}")
        except metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed")
    problems += foreign_owners()
    problems += _try("encoder", _encoder)
    if not quick:
        problems += _try("device", _device)
        problems += _try("reranker", _reranker)
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    click.echo("all is well" if not problems else f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


def foreign_owners() -> list[str]:
    """Return what is wrong with the owners of our top-level names: nobody else may own one."""
    owners = metadata.packages_distributions()
    wrong = [
        f"the package {name!r} is also installed by {owner}: one of them hides the other"
        for name in _OURS
        for owner in owners.get(name, [])
        if owner != "shortlist"
    ]
    homes = {name: spec.origin for name in _OURS if (spec := find_spec(name)) and spec.origin}
    folders = {Path(origin).parent.parent for origin in homes.values()}
    if len(folders) > 1:
        wrong.append(f"our packages come from several places: {homes}")
    return wrong


def _try(what: str, load: Callable[[], str]) -> list[str]:
    from engine.errors import ModelError

    try:
        click.echo(f"{what:<12}{load()}")
    except (ModelError, ImportError) as error:
        return [f"{what}: {error}"]
    return []


def _encoder() -> str:
    from engine.assemble import load_encoder

    encoder = load_encoder()
    return f"{encoder.name}, {encoder.dim} dimensions"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}"
    return f"cpu, {torch.get_num_threads()} threads"


def _reranker() -> str:
    from engine.assemble import load_reranker

    return load_reranker().name
