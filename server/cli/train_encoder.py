"""`shortlist train --encoder`: the static encoder in place of the reranker."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from engine.errors import UsageError
from server.cli.sections import section
from server.cli.train_options import options_of
from server.cli.train_show import show_doubts, unproven

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.search import SearchEngine
    from indexer.training.encoder_options import EncoderOptions
    from indexer.training.examples import TrainingSet
    from indexer.training.stage_one import EncoderOutcome

    Sets = Callable[[SearchEngine, Callable[[Sequence[TrainingSet]], None]], Sequence[TrainingSet]]

encoder_options = section(
    "Stage one",
    click.option("--encoder", is_flag=True,
                 help="Train the static encoder of stage one instead: seconds on a processor."),
    click.option("--apply", is_flag=True,
                 help="With --encoder: encode INDEX again with it at once, if it is saved."),
)  # fmt: skip

_MINING: Final = frozenset({
    "num_negatives", "mined", "miner", "range_min", "range_max", "margin", "relative_margin",
    "max_score", "sampling", "output_format",
})  # fmt: skip
_TRAINING: Final = ("epochs", "max_steps", "batch_size", "learning_rate", "seed")
_MEANT: Final = frozenset({
    *_MINING, *_TRAINING, "encoder", "apply", "pairs", "index", "output", "from_index",
    "from_feedback", "limit", "lenient", "split", "subset", "revision", "base", "resume", "force",
    "dev_queries", "dev_depth", "as_json", "model_name", "licence", "language",
})  # fmt: skip


def require_encoder(given: dict[str, Any]) -> None:
    """Raise UsageError for what means something with --encoder alone."""
    if given["apply"] and not given["encoder"]:
        raise UsageError("--apply belongs to --encoder: a reranker changes no index")


def train_encoder(
    index: Path, output: Path, sets: Sets, given: dict[str, Any], *, as_json: bool
) -> None:
    """Train, judge, say what came out, and apply it; exit 1 if it did not pass.

    Args:
        index: its folder.
        output: folder of the encoder.
        sets: reads what is learned from, for an engine, and asks whether it fits.
        given: the command's options by name.
        as_json: print JSON.

    Raises:
        UsageError: if an option is given that means nothing for an encoder.
    """
    from engine.assemble import open_store

    typed = _typed(click.get_current_context())
    mine = bool(typed & _MINING) and given["num_negatives"] != 0
    how = _options(given, typed)
    if given["apply"]:
        with open_store(index).writer():
            pass  # who writes to it is told of before any work
    outcome = _train(index, output, sets, given, how, mine=mine)
    saved = outcome.verdict.passed or given["force"]
    applied = False
    try:
        if saved and given["apply"]:
            _apply(index, outcome)
            applied = True
    finally:
        _show(outcome, index, saved=saved, applied=applied, as_json=as_json)
    if not saved:
        sys.exit(1)


def _typed(context: click.Context) -> set[str]:
    """Return the names of the options that were typed.

    Raises:
        UsageError: naming the first that means nothing for an encoder.
    """
    typed: set[str] = set()
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            typed.add(option.name or "")
            if option.name not in _MEANT:
                raise UsageError(
                    f"{option.opts[0]} means nothing for an encoder; leave it out, or --encoder"
                )
    return typed


def _options(given: dict[str, Any], typed: set[str]) -> EncoderOptions:
    """Return what was typed; the defaults of a reranker are not those of an encoder."""
    from indexer.training.encoder_options import EncoderOptions

    wanted = {name: given[name] for name in _TRAINING if name in typed}
    if "num_negatives" in typed:
        wanted["negatives"] = given["num_negatives"]
    return EncoderOptions(**wanted)


def _train(
    index: Path,
    output: Path,
    sets: Sets,
    given: dict[str, Any],
    how: EncoderOptions,
    *,
    mine: bool,
) -> EncoderOutcome:
    from engine.assemble import NO_RERANKER, open_engine
    from engine.evaluation.environment import Environment
    from indexer.training.encoder_options import LARGEST
    from server.cli.judged import identity
    from server.cli.progress import LearningProgress, QueryProgress

    # In-batch negatives are random ones already; pairs of a step are an encoder's.
    options = options_of({
        **given, "losses": {"": "mnrl"}, "batch_size": how.batch_size or LARGEST,
        "random_negatives": 0, "num_negatives": max(1, how.negatives),
    })  # fmt: skip
    engine = open_engine(index, NO_RERANKER)
    try:
        from indexer.training.stage_one import require_answers, train_stage_one

        read = sets(engine, require_answers)
        for one in read:
            for note in one.notes:
                click.echo(f"note: {one.name}: {note}", err=True)
        about = {"name": given["model_name"], "license": given["licence"],
                 "language": given["language"]}  # fmt: skip
        typed = shlex.join(["shortlist", *sys.argv[1:]])
        return train_stage_one(
            engine, index, read, options, how, output, mine=mine, about=about,
            environment=Environment.here(identity(engine.snapshot), typed),
            progress=QueryProgress(), learning=LearningProgress(),
            encoding=QueryProgress("passages"),
        )  # fmt: skip
    finally:
        engine.close()


def _show(
    outcome: EncoderOutcome, index: Path, *, saved: bool, applied: bool, as_json: bool
) -> None:
    verdict, encoded = outcome.verdict, outcome.encoded
    before, after = (row["base"] for row in verdict.rows)
    if as_json:
        told = {
            "folder": str(outcome.folder), "passed": verdict.passed, "queries": verdict.queries,
            "before": verdict.before, "after": verdict.after, "interval": list(verdict.interval),
            "p": verdict.p, "recall_before": before["R@100"], "recall_after": after["R@100"],
            "pairs": outcome.trained.pairs, "steps": outcome.trained.steps,
            "seconds": outcome.trained.seconds, "passages": encoded.passages,
            "seconds_encoding": encoded.seconds, "verbatim": verdict.verbatim, "applied": applied,
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    low, high = (100 * end for end in verdict.interval)
    click.echo(
        f"stage one on {verdict.queries:,} held-out questions: nDCG@10 {100 * verdict.before:.1f}"
        f" -> {100 * verdict.after:.1f}, {100 * (verdict.after - verdict.before):+.1f}"
        f" (95 % interval {low:+.1f} to {high:+.1f}); recall@100 {100 * before['R@100']:.1f}"
        f" -> {100 * after['R@100']:.1f}"
    )
    show_doubts(verdict)
    click.echo(f"saved: {outcome.folder}" if verdict.passed else unproven(outcome.folder))
    if not saved:
        return
    if not applied:
        use = shlex.join(["shortlist", "index", "-i", str(index), "--encoder", str(outcome.folder)])
        click.echo(f"use it: {use}")
        click.echo(
            f"that encodes {encoded.passages:,} passages again, about {encoded.seconds:.0f} s"
        )


def _apply(index: Path, outcome: EncoderOutcome) -> None:
    from engine.assemble import encoder_source, load_encoder, open_store
    from server.cli.reencode import reencode_index

    source = encoder_source(str(outcome.folder))
    store = open_store(index)
    settings = store.settings()
    reencode_index(
        store, load_encoder(source), source, before=settings.encoder if settings else "none"
    )
