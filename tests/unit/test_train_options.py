"""What is typed after `shortlist train` reaches the training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from server.cli import cli
from server.cli.train import command
from server.cli.train_options import options_of
from tests.commands import shortlist

if TYPE_CHECKING:
    from indexer.training.train_options import TrainOptions

HERE = Path(__file__)


def parsed(*typed: str) -> TrainOptions:
    args = ["pairs.csv", "-i", "my.index", "-o", "mine", *typed]
    # click remembers the first way in which help was asked for.
    return options_of(command.make_context("train", args, **cli.context_settings).params)


def value_of(options: TrainOptions, path: str) -> object:
    value: object = options
    for name in path.split("."):
        value = getattr(value, name)
    return value


TYPED = [
    ("--base x", "base", "x"),
    ("--loss lambda", "finetune.loss", "lambda"),
    ("--loss faq.v2=mnrl --loss lambda", "finetune.losses", {"faq.v2": "mnrl"}),
    ("--loss faq=mnrl --loss listnet", "finetune.loss", "listnet"),
    ("--mixing round-robin", "finetune.mixing", "round-robin"),
    ("--pos-weight 3", "finetune.pos_weight", 3.0),
    ("--gradient-checkpointing", "finetune.gradient_checkpointing", True),
    ("--eval-steps 5", "finetune.eval_steps", 5),
    ("--epochs 2", "finetune.epochs", 2.0),
    ("--max-steps 3", "finetune.max_steps", 3),
    ("--batch-size 4", "finetune.batch_size", 4),
    ("--teacher a", "finetune.batch_size", 4),
    ("--teacher a --batch-size 7", "finetune.batch_size", 7),
    ("--learning-rate 0.5", "finetune.learning_rate", 0.5),
    ("--max-length 64", "finetune.max_length", 64),
    ("--layers 3", "finetune.layers", 3),
    ("--freeze-embeddings", "finetune.freeze_embeddings", True),
    ("--thaw", "finetune.thaw", True),
    ("--dropout 0.2", "finetune.dropout", 0.2),
    ("--precision float32", "finetune.precision", "float32"),
    ("--patience 2", "finetune.patience", 2),
    ("--seed 7", "finetune.seed", 7),
    ("--seed 7", "mining.seed", 7),
    ("--report-to wandb", "finetune.report_to", "wandb"),
    ("--negatives 3", "mining.num_negatives", 3),
    ("--num-negatives 3", "mining.num_negatives", 3),
    ("--random-negatives 4", "mining.random_negatives", 4),
    ("--range-min 2", "mining.range_min", 2),
    ("--range-max 99", "mining.range_max", 99),
    ("--margin 0.1", "mining.margin", 0.1),
    ("--relative-margin 0.05", "mining.relative_margin", 0.05),
    ("--include-positives", "mining.include_positives", True),
    ("--output-format triplet", "output_format", "triplet"),
    ("--max-score 0.9", "mining.max_score", 0.9),
    ("--sampling random", "mining.sampling", "random"),
    ("--miner dense", "miner", "dense"),
    (f"--mined {HERE}", "mined", HERE),
    ("--dev-queries 9", "dev_queries", 9),
    ("--dev-depth 8", "dev_depth", 8),
    ("--nano-beir", "nano_beir", True),
    ("--limit 6", "limit", 6),
    ("--resume", "resume", True),
    ("--force", "force", True),
    ("--teacher a --teacher b", "teachers", ("a", "b")),
    ("--teacher a", "finetune.loss", "distill"),
    ("--teacher a --loss listnet", "finetune.loss", "listnet"),
    ("--teacher a --teaching soft", "finetune.teaching", "soft"),
]
# What `train` reads itself.
ELSEWHERE = {
    "pairs", "index", "output", "from_index", "from_feedback", "lenient", "reranker", "cache",
    "as_json", "encoder", "apply", "dry_run", "push_to_hub", "private", "model_name", "split",
    "subset", "revision", "licence", "language",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "path", "value"), TYPED)
def test_an_option_reaches_the_training(typed: str, path: str, value: object) -> None:
    assert value_of(parsed(), path) != value
    assert value_of(parsed(*typed.split()), path) == value


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("hinge", "'hinge' is neither a loss nor NAME=LOSS"),
        ("faq=hinge", "losses are bce, lambda"),
        ("=bce", "'=bce' is neither"),
        ("bce --loss lambda", "given twice"),
        ("faq=bce --loss faq=lambda", "given twice"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(typed: str, words: str) -> None:
    with pytest.raises(click.BadParameter, match=re.escape(words)):
        parsed("--loss", *typed.split())


def test_no_option_goes_nowhere() -> None:
    tested = {path.rpartition(".")[2] for _, path, _ in TYPED} - {"loss"}  # one of `losses`
    assert {option.name for option in command.params} == tested | ELSEWHERE


def test_help_shows_options_by_section() -> None:
    told = shortlist("train", "-h").out
    titles = ["Data:", "Training:", "Mining:", "Judging:", "Record:", "Other:"]
    places = [told.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert places[0] < told.index("--index") < places[1] < told.index("--loss") < places[2]
