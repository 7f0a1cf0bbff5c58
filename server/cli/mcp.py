"""`shortlist mcp`."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003

import click

from engine.errors import UsageError
from server.cli.options import index_option, reranker_option
from server.version import version


@click.command()
@index_option
@reranker_option
@click.option("--no-rerank", is_flag=True, help="Stage one alone.")
def command(index: Path, reranker: str, no_rerank: bool) -> None:
    """Let an assistant search an index: an MCP server on standard input and output.

    The assistant starts it, as its configuration says:

    \b
    {"mcpServers": {"shortlist": {"command": "shortlist", "args": ["mcp", "-i", "INDEX"]}}}

    It reads the index, also while another process writes it, and never changes it.
    """  # noqa: D301 - click reads the \b
    if find_spec("mcp") is None:
        raise UsageError("shortlist mcp needs the MCP SDK: pip install 'mcp>=2.3,<3'")
    # stdout is the protocol's alone, and whoever reads stderr wants no bars there.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from engine.assemble import open_store
    from server.serving import IndexFolder

    store = open_store(index)
    folder = IndexFolder(store, "none" if no_rerank else reranker)

    from server.mcp.stdio import serve_stdio

    serve_stdio(folder.load, folder.renew, store.snapshot, version())
