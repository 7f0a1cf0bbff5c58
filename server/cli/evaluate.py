"""`shortlist evaluate`."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click
from click.core import ParameterSource

from engine.errors import UsageError
from server.cli.options import Place, json_option

if TYPE_CHECKING:
    from engine.evaluation.collection import Collection
    from engine.evaluation.plan import Plan
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from engine.types import Sources


_DIGITS: Final = 20  # of a depth; Python refuses to read a number of thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The options that say what is evaluated and on which index."""

    what: str | None
    from_index: bool
    index: Path | None
    index_from_environment: bool
    qrels: Path | None
    split: str | None
    queries: int | None
    lenient: bool
    subset: str | None
    revision: str | None
    language: str
    encoder: str
    cache: Path


def _listed(_: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if not found:
        raise click.BadParameter("it is empty", param=parameter)
    return found


def _sources(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    found = _listed(context, parameter, value)
    for name in found:
        if name not in {"hybrid", "lexical", "dense"}:
            raise click.BadParameter(f"{name} is none of lexical, dense, hybrid", param=parameter)
    return found


def _depths(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    found = _listed(context, parameter, value)
    if not all(part.isdecimal() and len(part) < _DIGITS for part in found):
        raise click.BadParameter("numbers with commas between them, as 30,100", param=parameter)
    return tuple(int(part) for part in found)


@click.command()
@click.argument("collection", required=False)
@click.option("--from-index", is_flag=True, help="Make queries from the index itself.")
@click.option(
    "-i", "--index", type=Place(), envvar="SHORTLIST_INDEX", show_envvar=True,
    help="An index that holds the documents; a collection with a corpus needs none.",
)  # fmt: skip
@click.option(
    "--qrels", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TREC judgements: COLLECTION is then a file of topics, and -i its index.",
)  # fmt: skip
@click.option("--split", default=None, help="Judgements to take (default test).")
@click.option("--sources", default="hybrid", callback=_sources, show_default=True,
              help="Stage one: lexical, dense, hybrid, with commas between them.")  # fmt: skip
@click.option("--reranker", "rerankers", multiple=True, metavar="NAME|FOLDER|default|none",
              help="Stage two (repeatable). Default: the one that comes with it.")  # fmt: skip
@click.option("--depth", "depths", default="50", callback=_depths, show_default=True,
              help="Documents that are reranked, as 30,100.")  # fmt: skip
@click.option("-m", "--measure", "measures", multiple=True, metavar="M",
              help="A further measure of ir-measures, as Success@5 (repeatable).")  # fmt: skip
@click.option("--queries", type=click.IntRange(min=1), default=None, metavar="N",
              help="A fixed sample of so many queries.")  # fmt: skip
@click.option("--drop-identical-ids", is_flag=True,
              help="Leave out the document with the query's own id, as BEIR does.")  # fmt: skip
@click.option("--lenient", is_flag=True, help="Leave out bad judgements, and say how many.")
@click.option("--subset", default=None, help="Hub: the configuration.")
@click.option("--revision", default=None, help="Hub: the commit or tag.")
@click.option("--language", default="en", metavar="CODE", help="Of an index made for this.")
@click.option("--encoder", default="", metavar="NAME|FOLDER", help="Of an index made for this.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of intervals and tests."
)
@click.option("--cache", type=Place(), envvar="SHORTLIST_CACHE", default=None, show_envvar=True,
              help="Indexes of collections and scores of pairs.")  # fmt: skip
@click.option("-o", "--output", type=Place(), default=None, metavar="REPORT",
              help="The report, a folder (default NAME-SPLIT.report).")  # fmt: skip
@json_option
@click.pass_context
def command(  # noqa: PLR0913
    context: click.Context,
    collection: str | None,
    from_index: bool,
    index: Path | None,
    qrels: Path | None,
    split: str | None,
    sources: tuple[str, ...],
    rerankers: tuple[str, ...],
    depths: tuple[int, ...],
    measures: tuple[str, ...],
    queries: int | None,
    drop_identical_ids: bool,
    lenient: bool,
    subset: str | None,
    revision: str | None,
    language: str,
    encoder: str,
    seed: int,
    cache: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Say how good a search is: stage one alone, both stages, and what would be possible.

    COLLECTION is a folder in BEIR's layout (corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv), a file
    of questions and answers (CSV, TSV, JSONL, JSON, Parquet), a file of TREC topics (with --qrels
    and -i), or the name of a dataset on the hub (scifact, nano-nfcorpus, owner/name).

    \b
    base        stage one alone
    realistic   what is served: only what stage one found is reranked
    always      the reranker gets every positive, found or not
    ceiling     a perfect reranker on what stage one found

    Run the same command again after an interruption: it goes on where it stopped.
    """  # noqa: D301 - click reads the \b
    from engine.evaluation.journal import require_usable
    from engine.evaluation.plan import Plan
    from server.settings import cache_folder

    wanted = _Wanted(
        what=collection, from_index=from_index, index=index,
        index_from_environment=(
            context.get_parameter_source("index") is ParameterSource.ENVIRONMENT
        ),
        qrels=qrels, split=split, queries=queries, lenient=lenient, subset=subset,
        revision=revision, language=language, encoder=encoder, cache=cache or cache_folder(),
    )  # fmt: skip
    plan = Plan(
        sources=cast("tuple[Sources, ...]", sources), depths=depths, measures=measures,
        drop_identical_ids=drop_identical_ids, seed=seed,
    )  # fmt: skip
    plan.all_measures()  # a measure that nobody knows is an error before any work
    if (collection is None) != from_index:
        raise UsageError("give a COLLECTION, or --from-index with -i INDEX")
    if output is not None:
        require_usable(output)  # before any work
    judged, engine = _open(wanted)
    try:
        folder = output or Path(f"{_slug(judged.label)}.report")
        report = _evaluate(engine, judged, rerankers or ("default",), plan, folder, wanted.cache)
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on from there", err=True)
        raise
    finally:
        engine.close()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        from engine.evaluation.table import render

        click.echo(render(report))
    click.echo(f"report: {folder / 'report.html'}", err=True)


def _typed() -> str:
    """Return the command as it was typed."""
    return shlex.join(["shortlist", *sys.argv[1:]])


def _slug(label: str) -> str:
    return re.sub(r"[^\w.-]+", "-", label).strip("-.") or "collection"


def _open(wanted: _Wanted) -> tuple[Collection, SearchEngine]:
    """Return the collection, and an engine over the index that holds its documents."""
    from server.cli.judged import from_corpus, from_index, from_topics

    if wanted.from_index or wanted.qrels:
        if wanted.index is None:
            raise UsageError("say which index (-i INDEX)")
        if wanted.from_index:
            return from_index(wanted.index, wanted.queries)
        return from_topics(
            Path(wanted.what or ""), cast("Path", wanted.qrels), wanted.index,
            lenient=wanted.lenient, most=wanted.queries,
        )  # fmt: skip
    from indexer.judged import open_collection

    judged = open_collection(
        wanted.what or "", split=wanted.split, into=wanted.cache / "collections",
        lenient=wanted.lenient, subset=wanted.subset, revision=wanted.revision,
    )  # fmt: skip
    given = None if wanted.index_from_environment else wanted.index
    return from_corpus(
        judged.sample(wanted.queries), given, wanted.cache, wanted.language, wanted.encoder
    )


def _evaluate(
    engine: SearchEngine,
    judged: Collection,
    rerankers: tuple[str, ...],
    plan: Plan,
    folder: Path,
    cache: Path,
) -> dict[str, object]:
    from engine.assemble import NO_RERANKER, load_reranker
    from engine.evaluation.environment import Environment
    from engine.evaluation.evaluate import evaluate
    from server.cli.judged import identity
    from server.cli.progress import QueryProgress

    models: list[Reranker | None] = [
        None if name == NO_RERANKER else load_reranker("" if name == "default" else name)
        for name in dict.fromkeys(rerankers)
    ]
    return evaluate(
        engine, judged, models, plan, folder, cache / "scores",
        environment=Environment.here(identity(engine.snapshot), _typed()),
        progress=QueryProgress(),
    )  # fmt: skip
