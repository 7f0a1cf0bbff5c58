"""The options of `shortlist train` in sections, each with what matters most at its head.

An option that has the name of a field of TrainOptions, FinetuneOptions or MiningOptions becomes
that field; the others are read by `train` itself.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.cli.options import Place, index_option, json_option
from server.cli.sections import section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.training.train_options import TrainOptions

_LOSSES: Final = ("bce", "lambda", "listnet", "mnrl", "distill")
_FORMATS: Final = ("triplet", "n-tuple", "labeled-pair", "labeled-list")


def _losses(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> dict[str, str]:
    """Return name of a set -> its loss; that of all other sets, if any, under an empty name."""
    del context
    found: dict[str, str] = {}
    for one in value:
        name, equals, loss = one.rpartition("=")
        if loss not in _LOSSES or (equals and not name):
            problem = f"{one!r} is neither a loss nor NAME=LOSS; losses are {', '.join(_LOSSES)}"
            raise click.BadParameter(problem, param=parameter)
        if name in found:
            raise click.BadParameter("it is given twice for the same sets", param=parameter)
        found[name] = loss
    return found


def _number(*names: str, default: float | None, text: str, whole: bool = False) -> Any:  # noqa: ANN401
    kind = int if whole or isinstance(default, int) else float
    return click.option(
        *names, type=kind, default=default, show_default=default is not None, help=text
    )


data_options = section(
    "Data",
    index_option,
    click.option("-o", "--output", type=Place(), required=True, metavar="MODEL",
                 help="Its folder."),
    click.option("--from-index", is_flag=True, help="No labels: pairs made from the index itself."),
    click.option("--from-feedback", is_flag=True,
                 help="What was judged and clicked in this index."),
    _number("--limit", default=None, whole=True, text="At most so many questions of each set."),
    click.option("--lenient", is_flag=True, help="Leave out bad rows, and say how many."),
    click.option("--split", help="Of a dataset of the hub (default train)."),
    click.option("--subset", help="Of a dataset of the hub."),
    click.option("--revision", help="Of a dataset of the hub: a commit, a tag or a branch."),
)  # fmt: skip

training_options = section(
    "Training",
    click.option("--base", default="", metavar="NAME|FOLDER",
                 help="Model to begin with. Default: joined-MiniLM-L6-v2, which comes along."),
    click.option("--loss", "losses", multiple=True, callback=_losses,
                 metavar="[NAME=]LOSS",
                 help="bce (the default), lambda, listnet, mnrl or distill (the default with"
                 " --teacher); faq=lambda is for the set of faq.csv alone (repeatable)."),
    _number("--epochs", default=1.0, text="Passes over the data."),
    _number("--max-steps", default=None, whole=True, text="So many steps, in place of --epochs."),
    _number("--batch-size", default=None, whole=True,
            text="Pairs of a step; questions for lambda, listnet, mnrl and distill. Default: 16, of"
            " a teacher's margins 4."),
    _number("--learning-rate", default=None,
            text="Its peak (1e-4 for a small model, 2e-5 for a large one)."),
    _number("--max-length", default=192, text="Tokens of a pair."),
    _number("--layers", default=None, whole=True,
            text="Keep so many layers of the base: faster, a little worse. Of joined-MiniLM-L6-v2"
            " the first ones, which read apart."),
    click.option("--freeze-embeddings", is_flag=True, help="Leave the word vectors as they are."),
    click.option("--thaw", is_flag=True,
                 help="Let the layers of joined-MiniLM-L6-v2 learn too that read question and"
                 " passage apart: twice the time, and what was known can be forgotten."),
    _number("--dropout", default=0.0, text="Share of the activations left out at random."),
    click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
                 default="auto", show_default=True),
    _number("--pos-weight", default=None,
            text="Of a positive in bce. Default: negatives / positives."),
    click.option("--mixing", type=click.Choice(["proportional", "round-robin"]),
                 default="proportional", show_default=True,
                 help="Of several sets: all rows of all, or equally many batches of each."),
    click.option("--gradient-checkpointing", is_flag=True,
                 help="Less memory: activations are computed twice."),
    _number("--eval-steps", default=None, whole=True,
            text="Steps between two looks at held-out questions. Default: a fifth of all."),
    _number("--patience", default=None, whole=True,
            text="Stop after so many looks without a better one."),
    _number("--seed", default=0, text="The same one gives the same model."),
    click.option("--resume", is_flag=True, help="Go on with a training that was stopped."),
    click.option("--dry-run", is_flag=True,
                 help="Stop before the first step: mine, and say how long it will take."),
)  # fmt: skip

mining_options = section(
    "Mining",
    _number("--negatives", "--num-negatives", "num_negatives", default=5,
            text="Hard negatives of a question, from stage one."),
    _number("--random-negatives", default=2, text="Negatives from anywhere."),
    click.option("--mined", type=click.Path(path_type=Path, dir_okay=False, exists=True),
                 help="Examples that were mined before (MODEL/training/mined.jsonl)."),
    click.option("--miner", type=click.Choice(["own", "dense"]), default="own", show_default=True,
                 help="Stage one as served, or mine_hard_negatives of sentence-transformers."),
    _number("--range-min", default=0,
            text="First place of stage one's ranking that may be a negative."),
    _number("--range-max", default=50, text="First place that may not."),
    _number("--margin", default=None,
            text="Leave out what scores nearer to the positive (cosine)."),
    _number("--relative-margin", default=None,
            text="The same as a share of the positive's score, as 0.05."),
    _number("--max-score", default=None, text="Leave out what scores higher (cosine)."),
    click.option("--sampling", type=click.Choice(["top", "random"]), default="top",
                 show_default=True, help="The first that are left, or any."),
    click.option("--include-positives", is_flag=True,
                 help="Positives stand in the ranking and count among the negatives."),
    click.option("--output-format", type=click.Choice(_FORMATS),
                 help="Also write MODEL/training/mined.FORMAT.jsonl, for other tools."),
)  # fmt: skip

judging_options = section(
    "Judging",
    click.option("--reranker", default="", metavar="NAME|FOLDER|none",
                 help="The reranker in use, which it has to match. Default: the one that comes"
                 " along."),
    click.option("--force", is_flag=True, help="Save the model even if it does not pass the gate."),
    _number("--dev-queries", default=200, text="Held-out questions that the gate asks."),
    _number("--dev-depth", default=30, text="Documents that are reranked for them."),
    click.option("--nano-beir", is_flag=True,
                 help="Also ask NanoBEIR, which needs a network: what was forgotten of the rest of"
                 " the world? 55,000 pairs for each of the two."),
    click.option("--cache", type=Place(), envvar="SHORTLIST_CACHE", default=None, show_envvar=True,
                 help="Scores of pairs."),
)  # fmt: skip

record_options = section(
    "Record",
    json_option,
    click.option("--model-name", default="", help="For its card."),
    click.option("--license", "licence", default="", help="For its card, as mit."),
    click.option("--language", default="", help="For its card, as en."),
    click.option("--push-to-hub", default="", metavar="OWNER/NAME",
                 help="Publish the model if it passes, without what it was trained on."),
    click.option("--private", is_flag=True, help="Publish it for its owners alone."),
    click.option("--report-to", default="none", metavar="TRACKER", help="tensorboard, wandb, ..."),
)  # fmt: skip


def options_of(given: Mapping[str, Any]) -> TrainOptions:
    """Return what was asked for.

    Raises:
        UsageError: if an option, or two together, cannot be.
    """
    from indexer.training.guards import MiningOptions
    from indexer.training.options import FinetuneOptions
    from indexer.training.train_options import TrainOptions

    losses = dict(given["losses"])
    usual = "distill" if given["teachers"] else "bce"
    loss = losses.pop("", usual)
    finetune = {**given, "loss": loss, "losses": losses}
    if given["batch_size"] is None:
        # A question with its eight passages is eight pairs: 16 of them leave too few steps.
        margins = loss == "distill" and given["teaching"] == "margin"
        finetune["batch_size"] = 4 if margins else 16
    return TrainOptions(
        finetune=FinetuneOptions(**_named(FinetuneOptions, finetune)),
        mining=MiningOptions(**_named(MiningOptions, given)),
        **_named(TrainOptions, given),
    )


def _named(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: given[one.name] for one in fields(kind) if one.name in given}
