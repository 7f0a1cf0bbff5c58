"""`shortlist serve`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003

import click

from server.cli.options import index_option, reranker_option


@click.command()
@index_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@reranker_option
@click.option("--no-rerank", is_flag=True, help="Stage one alone.")
@click.option("--allowed-host", multiple=True, help="Another Host name to answer (repeatable).")
@click.option("--insecure", is_flag=True, help="Allow --host to be open to others, without a key.")
def command(  # noqa: PLR0913
    index: Path,
    host: str,
    port: int,
    reranker: str,
    no_rerank: bool,
    allowed_host: tuple[str, ...],
    insecure: bool,
) -> None:
    """Answer searches over HTTP, on this machine only unless you say otherwise.

    \b
    curl 'http://127.0.0.1:8000/search?q=passport'
    """  # noqa: D301 - click reads the \b
    from server.serving import serve

    serve(
        index,
        host=host,
        port=port,
        reranker="none" if no_rerank else reranker,
        allowed_hosts=allowed_host,
        insecure=insecure,
    )
