"""`shortlist search`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from engine.errors import UsageError
from server.cli.options import index_option, json_option, reranker_option

if TYPE_CHECKING:
    from engine.answer import SearchRequest
    from engine.types import Sources


@click.command()
@click.argument("query", required=False)
@index_option
@click.option("-k", type=int, default=None, help="Results (default 10; with --queries 100).")
@click.option("--offset", type=int, default=0, help="Results to leave out first.")
@click.option("--depth", type=int, default=100, show_default=True, help="Candidates of a source.")
@click.option(
    "--sources",
    type=click.Choice(["hybrid", "lexical", "dense"]),
    default="hybrid",
    show_default=True,
    help="Stage one.",
)
@click.option(
    "--filter",
    "where",
    default="",
    metavar="EXPR",
    help='For example: path:guide/* type:pdf date:2024..2025 author:"Ada L."',
)
@click.option("--group-by", type=click.Choice(["document"]), help="One result a document.")
@reranker_option
@click.option("--no-rerank", is_flag=True, help="Stage one alone.")
@click.option(
    "--rerank-depth", type=int, default=50, show_default=True, help="Candidates for stage two."
)
@click.option("--min-score", type=float, help="Least relevance (0-1, of the reranker) of a result.")
@click.option(
    "--facet", "facets", multiple=True, metavar="FIELD",
    help="Count the values of type, folder or a metadata field (repeatable).",
)  # fmt: skip
@click.option("--budget-ms", type=int, help="Rerank only as many candidates as fit into this time.")
@click.option("--explain", is_flag=True, help="Ranks, scores and milliseconds of each stage.")
@json_option
@click.option(
    "--queries",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Answer a file of queries: BEIR queries.jsonl, or lines ID<TAB>TEXT. Ranks documents.",
)
@click.option(
    "--format", "form", type=click.Choice(["trec", "json"]), help="How --queries answers."
)
def command(  # noqa: PLR0913
    query: str | None,
    index: Path,
    k: int | None,
    offset: int,
    depth: int,
    sources: str,
    where: str,
    group_by: str | None,
    reranker: str,
    no_rerank: bool,
    rerank_depth: int,
    budget_ms: int | None,
    min_score: float | None,
    facets: tuple[str, ...],
    explain: bool,
    as_json: bool,
    queries: Path | None,
    form: str | None,
) -> None:
    """Search an index. QUERY - reads it from standard input.

    \b
    plain words          any of them, best match first
    "a phrase"           must stand there
    +word -word          must, must not
    title:word           must stand in the title
    path:GLOB            only from there
    wor*                 begins so
    """  # noqa: D301 - click reads the \b
    from engine.answer import SearchRequest

    if (query is None) == (queries is None):
        raise UsageError("give a QUERY, - to read it from standard input, or --queries FILE")
    if form and queries is None:
        raise UsageError("--format goes with --queries; for one query there is --json")
    rerank = not no_rerank and reranker != "none"
    request = SearchRequest(
        query="",
        k=k or (10 if queries is None else 100),
        offset=offset,
        depth=depth,
        sources=cast("Sources", sources),
        filter=where,
        group_by="document" if queries or group_by else None,
        rerank=rerank,
        rerank_depth=rerank_depth,
        budget_ms=budget_ms,
        min_score=min_score,
        facets=facets,
        explain=explain,
        plain=queries is not None,
    )
    if k is not None and k < 1:
        raise UsageError(f"k is at least 1, not {k}")
    source = reranker if rerank else "none"
    if queries is not None:
        _answer_file(index, source, queries, request, form or "trec")
    else:
        _answer(index, source, _read(cast("str", query)), request, as_json=as_json)


def _read(query: str) -> str:
    """Return the query as it can be printed again, whatever bytes it came in."""
    from engine.analysis import clean

    if query == "-":
        query = sys.stdin.buffer.read().decode("utf-8-sig", "replace").strip()
    return clean(query)


def _answer(
    index: Path, reranker: str, query: str, request: SearchRequest, *, as_json: bool
) -> None:
    from dataclasses import replace

    from engine.assemble import open_engine
    from engine.filters import parse_filter
    from server.cli.show import show_answer

    parse_filter(request.filter)  # a wrong filter is an error before any model is loaded
    request = replace(request, query=query)
    engine = open_engine(index, reranker)
    try:
        answer = engine.search(request)
    finally:
        engine.close()
    if as_json:
        click.echo(json.dumps(asdict(answer), ensure_ascii=False))
    else:
        show_answer(answer, explain=request.explain)


def _answer_file(index: Path, reranker: str, file: Path, request: SearchRequest, form: str) -> None:
    from dataclasses import replace

    from tqdm import tqdm

    from engine.assemble import open_engine
    from engine.runs import read_queries, trec_lines

    queries = read_queries(file)
    engine = open_engine(index, reranker)
    try:
        for number, text in tqdm(queries.items(), unit=" queries", disable=None):
            answer = engine.search(replace(request, query=text))
            if form == "json":
                click.echo(json.dumps({"id": number, **asdict(answer)}, ensure_ascii=False))
                continue
            for line in trec_lines(number, [(r.document, r.score) for r in answer.results]):
                click.echo(line)
    finally:
        engine.close()
