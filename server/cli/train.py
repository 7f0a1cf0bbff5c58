"""`shortlist train`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from engine.errors import UsageError
from server.cli.options import Place
from server.cli.publish import publication
from server.cli.sections import SectionedCommand
from server.cli.train_encoder import encoder_options, require_encoder, train_encoder
from server.cli.train_options import (
    data_options,
    judging_options,
    mining_options,
    options_of,
    record_options,
    training_options,
)
from server.cli.train_show import show_estimate, show_outcome
from server.cli.train_teaching import teaching_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.search import SearchEngine
    from indexer.training.examples import TrainingSet
    from indexer.training.prepared import Prepared
    from indexer.training.train import Outcome
    from indexer.training.train_options import TrainOptions

_MINING: Final = frozenset({
    "num_negatives", "random_negatives", "miner", "range_min", "range_max", "margin",
    "relative_margin", "max_score", "sampling", "include_positives",
})  # fmt: skip
_MADE = 2000  # questions that are made from an index, unless --limit says otherwise


@click.command(cls=SectionedCommand)
@click.argument("pairs", nargs=-1, type=Place())
@data_options
@training_options
@teaching_options
@mining_options
@judging_options
@encoder_options
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
    require_encoder(given)
    _require_nothing_mined_twice(given)
    wanted = _Wanted(pairs, index, output, (cache or cache_folder()) / "scores")
    if given["encoder"]:
        sets = partial(_sets, wanted, given)
        train_encoder(index, output, sets, given, as_json=as_json)
        return
    options, published = options_of(given), publication(given)
    outcome = _train(wanted, options, given)
    from indexer.training.prepared import Prepared

    if isinstance(outcome, Prepared):
        show_estimate(outcome.estimate, as_json=as_json)
        return
    show_outcome(outcome, as_json=as_json)
    if published is not None and outcome.passed:
        click.echo(f"published: {published.upload(outcome.folder)}", err=as_json)
    if not outcome.passed and not options.force:
        sys.exit(1)


def _require_nothing_mined_twice(given: dict[str, Any]) -> None:
    """Raise UsageError for options of mining that were typed beside what was mined before."""
    if given["mined"] is None:
        return
    context = click.get_current_context()
    # An encoder still chooses how many negatives it reads.
    meant = {"num_negatives"} if given["encoder"] else set[str]()
    typed = [
        option.opts[0]
        for option in context.command.params
        if option.name in _MINING - meant
        and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    ]
    if typed:
        raise UsageError(
            f"--mined takes negatives as they are, so that {', '.join(typed)} would do nothing:"
            " leave that out, or leave --mined out to mine again"
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    pairs: tuple[Path, ...]
    index: Path
    output: Path
    scores: Path


def _train(wanted: _Wanted, options: TrainOptions, given: dict[str, Any]) -> Outcome | Prepared:
    """Return what came out; of a dry run, what was prepared."""
    from engine.assemble import NO_RERANKER, load_reranker, open_engine
    from engine.evaluation.environment import Environment
    from server.cli.judged import identity
    from server.cli.progress import LearningProgress, QueryProgress

    engine = open_engine(wanted.index, NO_RERANKER)
    try:
        fitting = partial(options.finetune.require_fitting, taught=bool(options.teachers))
        sets = _sets(wanted, given, engine, fitting)
        for one in sets:
            for note in one.notes:
                click.echo(f"note: {one.name}: {note}", err=True)
        from indexer.training.prepared import prepare
        from indexer.training.train import train

        name = given["reranker"]
        in_use = None if name == NO_RERANKER else load_reranker(name)
        progress = QueryProgress()
        if given["dry_run"]:
            return prepare(engine, sets, in_use, options, wanted.output, wanted.scores, progress)
        about = {"name": given["model_name"], "license": given["licence"],
                 "language": given["language"], "repository": given["push_to_hub"]}  # fmt: skip
        typed = shlex.join(["shortlist", *sys.argv[1:]])
        return train(
            engine, sets, in_use, options, wanted.output, wanted.scores, about=about,
            environment=Environment.here(identity(engine.snapshot), typed),
            progress=progress, learning=LearningProgress(),
        )  # fmt: skip
    finally:
        engine.close()


def _sets(
    wanted: _Wanted,
    given: dict[str, Any],
    engine: SearchEngine,
    require_fitting: Callable[[Sequence[TrainingSet]], None],
) -> list[TrainingSet]:
    """Return what is learned from, each text as it will be read when it is served."""
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
        lenient=given["lenient"], alone=bool(given["teachers"]), split=given["split"],
        subset=given["subset"], revision=given["revision"],
    )  # fmt: skip
    sets = read_sources(wanted.pairs, how)
    require_fitting(sets)
    return [resolve(engine.snapshot, engine.encoder, one) for one in sets]
