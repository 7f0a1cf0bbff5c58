"""Which questions are learned from, which choose the weight, and which the gate asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from indexer.training.examples import Example
from indexer.training.groups import split, ties
from indexer.training.heldout import held_out
from indexer.training.mining import choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.evaluation.collection import Collection
    from indexer.training.examples import Candidate, TrainingSet
    from indexer.training.train_options import TrainOptions

    Part = tuple[TrainingSet, Sequence[Example]]

_TUNED: Final = 100  # held-out questions that choose the weight, and are not asked by the gate
_TUNED_APART: Final = 90  # held-out questions below which there are too few to be divided


def apart(sets: Sequence[TrainingSet], options: TrainOptions) -> list[Part]:
    """Return what is learned from and what is held out, of each set.

    A question that is held out of one set, or shares an answer with one, is learned from in none.
    Of questions without answers none is held out.

    Raises:
        UsageError: if nothing is left of a set to learn from.
    """
    seed = options.finetune.seed
    parts: list[Part] = []
    for one in sets:
        examples, dev = one.examples, one.dev
        if not dev and one.kind != "questions":
            examples, dev = split(examples, seed=seed, most=options.dev_queries + _TUNED)
        parts.append((replace(one, examples=examples, dev=()), dev))
    held = [{tie for example in dev for tie in ties(example)} for _, dev in parts]
    for at, (one, dev) in enumerate(parts):
        # Of its own the set has parted them already, or its source has.
        others = set[bytes]().union(*held[:at], *held[at + 1 :])
        left = [e for e in one.examples if others.isdisjoint(ties(e))] if others else one.examples
        fewer = len(one.examples) - len(left)
        if not left:
            raise UsageError(f"all questions of {one.name} are held out of other sets")
        told = (f"{fewer:,} questions left out: they are held out of another set",)
        if options.limit is not None:
            left = choose(left, options.limit, seed)
        notes = (*one.notes, *(told if fewer else ()))
        parts[at] = (replace(one, examples=left, notes=notes), dev)
    return parts


def held_out_parts(
    devs: Sequence[Sequence[Example]], options: TrainOptions
) -> tuple[Collection, Collection]:
    """Return the questions that choose the weight, and those that the gate asks.

    Of few questions both are all of them.

    Raises:
        UsageError: if there are none, since no set has answers.
        CollectionError: if the index holds none of their answers.
    """
    seed = options.finetune.seed
    if not any(devs):
        raise UsageError(
            "no question has an answer, so the gate could compare nothing: give a file of some"
            " questions with their answers beside it (shortlist label judges your own)"
        )
    dev = choose(_once(e for some in devs for e in some), options.dev_queries + _TUNED, seed)
    if len(dev) < _TUNED_APART:
        collection = held_out("the training data", dev)
        return collection, collection
    tuning = choose(dev, min(_TUNED, len(dev) // 3), seed + 1)
    taken = {id(example) for example in tuning}
    judged = [example for example in dev if id(example) not in taken]
    judged = choose(judged, options.dev_queries, seed)
    return held_out("the training data", tuning), held_out("the training data", judged)


def _once(examples: Iterable[Example]) -> list[Example]:
    """Return one example for each query, with what any set labels of it."""
    labelled: dict[str, list[Candidate]] = {}
    for example in examples:
        labelled.setdefault(example.query, []).extend(example.candidates)
    return [Example(query, tuple(dict.fromkeys(some))) for query, some in labelled.items()]
