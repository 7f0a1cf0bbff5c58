"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

index_option = click.option(
    "-i",
    "--index",
    "index",
    type=click.Path(path_type=Path),
    envvar="SHORTLIST_INDEX",
    required=True,
    show_envvar=True,
    help="The index, a folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reranker_option = click.option(
    "--reranker",
    default="",
    metavar="NAME|FOLDER|none",
    help="Stage two: a model's folder or hub name, or none. Default: the one that comes with it.",
)
