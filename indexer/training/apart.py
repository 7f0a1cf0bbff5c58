"""Which questions are learned from, which choose the weight, and which the gate asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from indexer.training.groups import split
from indexer.training.heldout import held_out
from indexer.training.mining import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.collection import Collection
    from indexer.training.examples import Example, TrainingSet
    from indexer.training.train_options import TrainOptions

_TUNED: Final = 100  # held-out questions that choose the weight, and are not asked by the gate
_TUNED_APART: Final = 90  # held-out questions below which there are too few to be divided


def apart(training: TrainingSet, options: TrainOptions) -> tuple[TrainingSet, Sequence[Example]]:
    """Return what is learned from, and what is held out."""
    dev, examples = training.dev, training.examples
    if not dev:
        seed = options.finetune.seed
        examples, dev = split(examples, seed=seed, most=options.dev_queries + _TUNED)
    if options.limit is not None:
        examples = choose(examples, options.limit, options.finetune.seed)
    return replace(training, examples=examples, dev=()), dev


def held_out_parts(
    devs: Sequence[Sequence[Example]], options: TrainOptions
) -> tuple[Collection, Collection]:
    """Return the questions that choose the weight, and those that the gate asks.

    Of few questions both are all of them.
    """
    seed = options.finetune.seed
    dev = choose([e for some in devs for e in some], options.dev_queries + _TUNED, seed)
    if len(dev) < _TUNED_APART:
        collection = held_out("the training data", dev)
        return collection, collection
    tuning = choose(dev, min(_TUNED, len(dev) // 3), seed + 1)
    taken = {id(example) for example in tuning}
    judged = [example for example in dev if id(example) not in taken]
    judged = choose(judged, options.dev_queries, seed)
    return held_out("the training data", tuning), held_out("the training data", judged)
