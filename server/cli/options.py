"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path

import click


class Place(click.Path):
    """A path; an empty one (an unset variable of the shell) is no name for the current folder."""

    def __init__(self) -> None:
        """Yield pathlib's paths."""
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """See click.Path."""
        if not os.fspath(value):
            self.fail("it is empty; . is the current folder", param, ctx)
        return super().convert(value, param, ctx)


index_option = click.option(
    "-i",
    "--index",
    "index",
    type=Place(),
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
