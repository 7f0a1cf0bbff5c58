"""`shortlist serve`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING

import click

from server.cli.options import Place, index_option, reranker_option

if TYPE_CHECKING:
    from server.logs import LogFormat


@click.command()
@index_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@reranker_option
@click.option("--no-rerank", is_flag=True, help="Stage one alone.")
@click.option("--allowed-host", multiple=True, help="Another Host name to answer (repeatable).")
@click.option(
    "--api-key",
    multiple=True,
    envvar="SHORTLIST_API_KEY",
    show_envvar=True,
    metavar="[NAME:]KEY",
    help="A key that may read (repeatable). Others see a command line: better by file or variable.",
)
@click.option(
    "--write-key",
    multiple=True,
    envvar="SHORTLIST_WRITE_KEY",
    show_envvar=True,
    metavar="[NAME:]KEY",
    help="A key that may also write (repeatable).",
)
@click.option(
    "--api-key-file",
    type=Place(),
    envvar="SHORTLIST_API_KEY_FILE",
    show_envvar=True,
    help="A file of keys, one a line: [read|write] [NAME:]KEY.",
)
@click.option("--insecure", is_flag=True, help="Allow --host to be open to others, without a key.")
@click.option("--writable", is_flag=True, help="Let PUT and DELETE /documents/ID change the index.")
@click.option(
    "--feedback",
    is_flag=True,
    help="Record searches, clicks and judgements in the index's folder, for shortlist train.",
)
@click.option(
    "--rate-limit",
    default=0,
    metavar="N",
    help="Requests a minute of each key, or of each address without one. Default: no limit.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time that a request has; searches then answer with what was reranked.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json", "none"]),
    default="text",
    show_default=True,
    help="How requests and errors are written on stderr.",
)
@click.option("--log-queries", is_flag=True, help="Write paths and queries there, too.")
def command(  # noqa: PLR0913
    index: Path,
    host: str,
    port: int,
    reranker: str,
    no_rerank: bool,
    allowed_host: tuple[str, ...],
    api_key: tuple[str, ...],
    write_key: tuple[str, ...],
    api_key_file: Path | None,
    insecure: bool,
    writable: bool,
    feedback: bool,
    rate_limit: int,
    timeout: float,
    log_format: LogFormat,
    log_queries: bool,
) -> None:
    """Answer searches over HTTP, on this machine only unless you say otherwise.

    \b
    curl 'http://127.0.0.1:8000/search?q=passport'
    """  # noqa: D301 - click reads the \b
    from server.keys import read_keys
    from server.serving import serve
    from server.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        allowed_hosts=allowed_host,
        insecure=insecure,
        writable=writable,
        feedback=feedback,
        keys=read_keys(api_key, write_key, api_key_file),
        rate_limit=rate_limit,
        timeout=timeout,
        log=log_format,
        log_queries=log_queries,
    )
    serve(index, "none" if no_rerank else reranker, settings)
