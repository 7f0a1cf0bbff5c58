"""Which questions are learned from, which choose the weight, and which the gate asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from indexer.training.examples import Example
from indexer.training.gate import FEW
from indexer.training.groups import plain, split, ties
from indexer.training.heldout import held_out, in_index
from indexer.training.mining import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.collection import Collection
    from indexer.training.examples import Candidate, TrainingSet
    from indexer.training.train_options import TrainOptions

    Part = tuple[TrainingSet, Sequence[Example]]

_NAME: Final = "the training data"
_TUNED: Final = 100  # held-out questions that choose the weight, and are not asked by the gate
_TUNED_APART: Final = 30  # held-out questions below which there are too few to be divided


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
            examples, dev = _split(examples, options)
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


def _split(
    examples: Sequence[Example], options: TrainOptions
) -> tuple[Sequence[Example], Sequence[Example]]:
    """Hold out a tenth; of few questions a quarter, until there are enough to prove something."""
    least = min(FEW, len(examples) // 4, options.dev_queries)
    return split(
        examples, seed=options.finetune.seed, least=least, most=options.dev_queries + _TUNED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutParts:
    """The held-out questions by what they are for.

    Attributes:
        tuning: are looked at while the model learns, and choose its weight if they are enough.
        judged: are asked when it has learned; the same where there are few.
        others: are asked then too, but not by the gate: the index holds no answer to them.
    """

    tuning: Sequence[Example]
    judged: Sequence[Example]
    others: Sequence[Example] = ()

    def collections(self) -> tuple[Collection, Collection] | None:
        """Return the first two for the index; None if it holds no answer at all."""
        if not any(map(in_index, self.judged)):
            return None
        return held_out(_NAME, self.tuning), held_out(_NAME, self.judged)


def held_out_parts(devs: Sequence[Sequence[Example]], options: TrainOptions) -> HeldOutParts:
    """Return the held-out questions by what they are for.

    Raises:
        UsageError: if there are none, since no set has answers.
    """
    seed = options.finetune.seed
    every = _once(devs)
    dev = [example for example in every if in_index(example)]
    others = [example for example in every if not in_index(example)] if dev else []
    dev = choose(dev or every, options.dev_queries + _TUNED, seed)
    others = choose(others, options.dev_queries, seed)
    if len(dev) < _TUNED_APART:
        return HeldOutParts(tuning=dev, judged=dev, others=others)
    tuning = choose(dev, min(_TUNED, len(dev) // 3), seed + 1)
    taken = {id(example) for example in tuning}
    judged = [example for example in dev if id(example) not in taken]
    judged = choose(judged, options.dev_queries, seed)
    return HeldOutParts(tuning=tuning, judged=judged, others=others)


def held_out_once(devs: Sequence[Sequence[Example]], options: TrainOptions) -> Collection:
    """Return the questions that the gate asks where nothing is chosen on held-out ones.

    Raises:
        UsageError: if there are none, since no set has answers.
        CollectionError: if the index holds none of their answers.
    """
    judged = choose(_once(devs), options.dev_queries, options.finetune.seed)
    return held_out(_NAME, judged)


def _once(devs: Sequence[Sequence[Example]]) -> list[Example]:
    """Return one example for each query, with what any set labels of it.

    Raises:
        UsageError: if there are none.
    """
    if not any(devs):
        raise UsageError(
            "no question can be held out, so the gate could compare nothing: none has an answer, or"
            " all answers are in one document; give a file of some questions with their answers"
            " beside it (shortlist label --split train judges your own)"
        )
    labelled: dict[str, tuple[str, list[Candidate]]] = {}
    for example in chain.from_iterable(devs):
        _, some = labelled.setdefault(plain(example.query), (example.query, []))
        some.extend(example.candidates)
    return [Example(query, tuple(dict.fromkeys(some))) for query, some in labelled.values()]
