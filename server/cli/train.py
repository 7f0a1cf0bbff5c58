"""`shortlist train`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from engine.errors import UsageError
from server.cli.options import Place
from server.cli.sections import SectionedCommand
from server.cli.train_options import (
    data_options,
    judging_options,
    mining_options,
    options_of,
    record_options,
    training_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from engine.search import SearchEngine
    from indexer.training.examples import TrainingSet
    from indexer.training.train import Outcome
    from indexer.training.train_options import TrainOptions

_MADE = 2000  # questions that are made from an index, unless --limit says otherwise


@click.command(cls=SectionedCommand)
@click.argument("pairs", nargs=-1, type=Place())
@data_options
@training_options
@mining_options
@judging_options
@record_options
def command(
    pairs: tuple[Path, ...],
    index: Path,
    output: Path,
    cache: Path | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Fine-tune a reranker on your own data, and keep it only if held-out questions say so.

    PAIRS are files or folders: questions and answers (CSV, TSV, JSONL, JSON, Parquet), labelled
    pairs, triples, a folder in BEIR's layout (its split train; test is never read), or a dataset of
    the hub (owner/name). Columns are known by name: query or question; answer, passage or positive;
    negative; label or score; document_id names an indexed document. Each is a set that may have its
    own loss; rows that bring negatives along stay as they are.

    \b
    shortlist train faq.csv -i my.index -o my-reranker
    shortlist search "a question" -i my.index --reranker my-reranker

    Negatives are mined from the index as it is served. Before and after are compared on questions
    that were held out; a model that may be worse is kept as MODEL.rejected (exit 1). Its README.md
    tells what it was made of, and its folder training has the mined set and the report.
    """  # noqa: D301 - click reads the \b
    from server.settings import cache_folder

    if [bool(pairs), given["from_index"], given["from_feedback"]].count(True) != 1:
        raise UsageError("give PAIRS, or --from-index, or --from-feedback")
    options = options_of(given)
    wanted = _Wanted(pairs, index, output, (cache or cache_folder()) / "scores")
    outcome = _train(wanted, options, given)
    _show(outcome, as_json=as_json)
    if not outcome.verdict.passed and not options.force:
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Wanted:
    pairs: tuple[Path, ...]
    index: Path
    output: Path
    scores: Path


def _train(wanted: _Wanted, options: TrainOptions, given: dict[str, Any]) -> Outcome:
    from engine.assemble import NO_RERANKER, load_reranker, open_engine
    from engine.evaluation.environment import Environment
    from server.cli.judged import identity
    from server.cli.progress import LearningProgress, QueryProgress

    engine = open_engine(wanted.index, NO_RERANKER)
    try:
        sets = _sets(wanted, engine, options, given)
        for one in sets:
            for note in one.notes:
                click.echo(f"note: {one.name}: {note}", err=True)
        from indexer.training.train import train

        name = given["reranker"]
        about = {"name": given["model_name"], "license": given["licence"],
                 "language": given["language"]}  # fmt: skip
        typed = shlex.join(["shortlist", *sys.argv[1:]])
        return train(
            engine, sets, None if name == NO_RERANKER else load_reranker(name), options,
            wanted.output, wanted.scores, about=about,
            environment=Environment.here(identity(engine.snapshot), typed),
            progress=QueryProgress(), learning=LearningProgress(),
        )  # fmt: skip
    finally:
        engine.close()


def _sets(
    wanted: _Wanted, engine: SearchEngine, options: TrainOptions, given: dict[str, Any]
) -> list[TrainingSet]:
    """Return what is learned from, each text as stage two will read it."""
    if given["from_index"]:
        from indexer.training import from_index

        made = from_index.examples(
            engine.snapshot, engine.analyzer, most=given["limit"] or _MADE, seed=given["seed"]
        )
        return [from_index.split_documents(made, most=given["dev_queries"], seed=given["seed"])]
    if given["from_feedback"]:
        from engine.feedback import place
        from engine.feedback.log import FeedbackLog
        from indexer.training import from_feedback

        log = FeedbackLog(place(wanted.index), create=False)
        try:
            return [from_feedback.examples(log, engine.snapshot)]
        finally:
            log.close()
    from indexer.training.resolved import resolve
    from indexer.training.sources import Reading, read_sources

    how = Reading(
        lenient=given["lenient"], split=given["split"], subset=given["subset"],
        revision=given["revision"],
    )  # fmt: skip
    sets = read_sources(wanted.pairs, how)
    options.finetune.require_fitting(sets)
    return [resolve(engine.snapshot, engine.encoder, one) for one in sets]


def _show(outcome: Outcome, *, as_json: bool) -> None:
    verdict = outcome.verdict
    if as_json:
        told = {
            "folder": str(outcome.folder), "passed": verdict.passed, "queries": verdict.queries,
            "against": verdict.against, "before": verdict.before, "after": verdict.after,
            "interval": list(verdict.interval), "p": verdict.p, "weight": outcome.weight,
            "steps": outcome.finetuned.steps, "seconds": outcome.finetuned.seconds,
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    low, high = (100 * end for end in verdict.interval)
    click.echo(
        f"nDCG@10 on {verdict.queries:,} held-out questions: {100 * verdict.before:.1f}"
        f" ({verdict.against}) -> {100 * verdict.after:.1f},"
        f" {100 * (verdict.after - verdict.before):+.1f} (95 % interval {low:+.1f} to {high:+.1f})"
    )
    if verdict.few:
        click.echo(f"{verdict.queries} questions prove nothing: judge more (shortlist label)")
    click.echo(f"saved: {outcome.folder}" if verdict.passed else f"not better: {outcome.folder}")
