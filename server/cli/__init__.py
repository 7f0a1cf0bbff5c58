"""The command line: `shortlist --help` lists the commands in the order a person meets them.

Nothing heavy is imported before a command needs it, so help stays under 300 ms. Results go to
stdout, progress and errors to stderr. Exit 0, 1 (failed), 2 (wrong use).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from engine.errors import ShortlistError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# name -> (module, what the list of commands says)
_COMMANDS: Final = {
    "index": ("index", "Index folders and record files, or bring an index up to date."),
    "search": ("search", "Search an index."),
    "evaluate": ("evaluate", "Say how good a search is: base, realistic, always, ceiling."),
    "compare": ("compare", "Compare two reports: what changed, and is it more than chance?"),
    "label": ("label", "Judge what is found for your own queries."),
    "train": ("train", "Fine-tune the reranker on your own data, and keep it if it helps."),
    "serve": ("serve", "Answer searches over HTTP."),
    "mcp": ("mcp", "Let an assistant search: an MCP server on standard input and output."),
    "info": ("info", "Say what an index holds."),
    "verify": ("verify", "Prove an index whole, or repair it."),
    "models": ("models", "List the models that come along."),
    "doctor": ("doctor", "Check this installation: versions, device, models."),
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"server.cli.{_COMMANDS[cmd_name][0]}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="shortlist", prog_name="shortlist")
def cli() -> None:
    """Search your own documents: BM25 and static embeddings make a shortlist, a reranker ranks it.

    \b
    shortlist index ~/notes -i notes.index
    shortlist search "how to renew a passport" -i notes.index
    """  # noqa: D301 - click reads the \b


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; what Shortlist raises on purpose becomes one line and an exit code."""
    try:
        cli(args, standalone_mode=True)
    except UsageError as error:
        _fail(error, 2)
    except (ShortlistError, OSError) as error:
        _fail(error, 1)


def _fail(error: ShortlistError | OSError, code: int) -> None:
    click.echo(f"Error: {error}", err=True)
    sys.exit(code)
