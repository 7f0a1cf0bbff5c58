"""`shortlist train`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from engine.errors import UsageError
from server.cli.options import Place, index_option, json_option

if TYPE_CHECKING:
    from engine.search import SearchEngine
    from indexer.training.examples import Loss, TrainingSet
    from indexer.training.guards import Sampling
    from indexer.training.options import TrainingPrecision
    from indexer.training.train import Outcome
    from indexer.training.train_options import TrainOptions

_MADE = 2000  # questions that are made from an index, unless --limit says otherwise
_LOSSES = ("bce", "lambda", "listnet", "mnrl", "distill")


def _number(name: str, default: float | None, text: str, **more: Any) -> Any:  # noqa: ANN401
    kind = int if isinstance(default, int) or more.pop("whole", False) else float
    return click.option(
        name, type=kind, default=default, show_default=default is not None, help=text, **more
    )


@click.command()
@click.argument("pairs", nargs=-1, type=Place())
@index_option
@click.option("-o", "--output", type=Place(), required=True, metavar="MODEL", help="Its folder.")
@click.option("--from-index", is_flag=True, help="No labels: pairs made from the index itself.")
@click.option("--from-feedback", is_flag=True, help="What was judged and clicked in this index.")
@click.option("--base", default="", metavar="NAME|FOLDER",
              help="Model to begin with. Default: the encoder of all-MiniLM-L6-v2.")  # fmt: skip
@click.option("--loss", type=click.Choice(_LOSSES), default="bce", show_default=True)
@click.option("--reranker", default="", metavar="NAME|FOLDER|none",
              help="The reranker in use, which it has to match. Default: the one that comes along.",
              )  # fmt: skip
@_number("--epochs", 1.0, "Passes over the data.")
@_number("--max-steps", None, "So many steps, in place of --epochs.", whole=True)
@_number("--limit", None, "At most so many questions.", whole=True)
@_number("--batch-size", 16, "Pairs of a step; questions for lambda, listnet and mnrl.")
@_number("--learning-rate", None, "Its peak (1e-4 for a small model, 2e-5 for a large one).")
@_number("--max-length", 192, "Tokens of a pair.")
@_number("--layers", None, "Keep so many layers of the base: faster, a little worse.", whole=True)
@click.option("--freeze-embeddings", is_flag=True, help="Leave the word vectors: faster.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
              default="auto", show_default=True)  # fmt: skip
@_number("--negatives", 5, "Hard negatives of a question, from stage one.")
@_number("--random-negatives", 2, "Negatives from anywhere.")
@_number("--range-min", 0, "First place of stage one's ranking that may be a negative.")
@_number("--range-max", 50, "First place that may not.")
@_number("--margin", None, "Leave out what scores nearer to the positive (cosine).")
@_number("--max-score", None, "Leave out what scores higher (cosine).")
@click.option("--sampling", type=click.Choice(["top", "random"]), default="top", show_default=True)
@click.option("--miner", type=click.Choice(["own", "dense"]), default="own", show_default=True,
              help="Stage one as served, or mine_hard_negatives of sentence-transformers.",
              )  # fmt: skip
@click.option("--mined", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="Examples that were mined before (MODEL/training/mined.jsonl).")  # fmt: skip
@_number("--dev-queries", 200, "Held-out questions that the gate asks.")
@_number("--dev-depth", 30, "Documents that are reranked for them.")
@_number("--patience", None, "Stop after so many looks without a better one.", whole=True)
@_number("--seed", 0, "The same one gives the same model.")
@click.option("--lenient", is_flag=True, help="Leave out bad rows, and say how many.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--force", is_flag=True, help="Save the model even if it does not pass the gate.")
@click.option("--report-to", default="none", metavar="TRACKER", help="tensorboard, wandb, ...")
@click.option("--model-name", default="", help="For its card.")
@click.option("--license", "licence", default="", help="For its card, as mit.")
@click.option("--language", default="", help="For its card, as en.")
@click.option("--cache", type=Place(), envvar="SHORTLIST_CACHE", default=None, show_envvar=True,
              help="Scores of pairs.")  # fmt: skip
@json_option
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
    pairs, triples, or a folder in BEIR's layout (its split train; test is never read). Columns are
    known by name: query or question; answer, passage or positive; negative; label or score;
    document_id names an indexed document.

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
    options = _options(given)
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


def _options(given: dict[str, Any]) -> TrainOptions:
    from indexer.training.guards import MiningOptions
    from indexer.training.options import FinetuneOptions
    from indexer.training.train_options import TrainOptions

    mining = MiningOptions(
        num_negatives=given["negatives"], random_negatives=given["random_negatives"],
        range_min=given["range_min"], range_max=given["range_max"], margin=given["margin"],
        max_score=given["max_score"], sampling=cast("Sampling", given["sampling"]),
        seed=given["seed"],
    )  # fmt: skip
    finetune = FinetuneOptions(
        loss=cast("Loss", given["loss"]), epochs=given["epochs"], max_steps=given["max_steps"],
        batch_size=given["batch_size"], learning_rate=given["learning_rate"],
        max_length=given["max_length"], layers=given["layers"], patience=given["patience"],
        freeze_embeddings=given["freeze_embeddings"], report_to=given["report_to"],
        precision=cast("TrainingPrecision", given["precision"]), seed=given["seed"],
    )  # fmt: skip
    return TrainOptions(
        base=given["base"], finetune=finetune, mining=mining, miner=given["miner"],
        mined=given["mined"],
        dev_queries=given["dev_queries"], dev_depth=given["dev_depth"], limit=given["limit"],
        resume=given["resume"], force=given["force"],
    )  # fmt: skip


def _train(wanted: _Wanted, options: TrainOptions, given: dict[str, Any]) -> Outcome:
    from engine.assemble import NO_RERANKER, load_reranker, open_engine
    from engine.evaluation.environment import Environment
    from server.cli.judged import identity
    from server.cli.progress import LearningProgress, QueryProgress

    engine = open_engine(wanted.index, NO_RERANKER)
    try:
        sets = _sets(wanted, engine, given)
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


def _sets(wanted: _Wanted, engine: SearchEngine, given: dict[str, Any]) -> list[TrainingSet]:
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
    from indexer.training.examples import require_fitting
    from indexer.training.reading import read_all
    from indexer.training.resolved import resolve

    sets = read_all(wanted.pairs, lenient=given["lenient"])
    for one in sets:
        require_fitting(given["loss"], one)
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
