"""What a model is asked: while it learns, when its weight is chosen, and when it is judged."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError
from indexer.training.apart import held_out_parts
from indexer.training.groups import plain
from indexer.training.heldout import MEASURE, HeldOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.collection import Collection
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from indexer.training.apart import Part
    from indexer.training.evaluators import Rows
    from indexer.training.examples import Example
    from indexer.training.train_options import TrainOptions
    from indexer.training.trainer import DevEvaluator

Measures = dict[str, tuple[float | None, float | None]]  # measure -> before, after

_WATCHED: Final = 40  # held-out questions that are ranked while the model learns
_WATCHED_DEPTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InIndex:
    """Held-out questions that the index has answers to.

    Attributes:
        tuning: choose the weight.
        judged: are asked by the gate.
        watched: some of the first with what stage one finds for them.
        a_query: seconds that this took for each.
    """

    tuning: Collection
    judged: Collection
    watched: HeldOut
    a_query: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that is held out.

    Attributes:
        in_index: None if the index has no answer at all: the gate then has nothing to decide.
        looked_at: rows that are read while the model learns where nothing can be ranked.
        rows: rows that are read when it has learned, and NanoBEIR if it was asked for.
    """

    in_index: InIndex | None
    looked_at: Rows
    rows: Rows

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Some pairs as the model will read them."""
        return self.in_index.watched.pairs if self.in_index else self.looked_at.pairs

    @property
    def measure(self) -> str:
        """What is looked at while the model learns."""
        from indexer.training.evaluators import MEAN

        return MEASURE if self.in_index else MEAN

    def watching(self) -> DevEvaluator:
        """Return what looks at a model that learns."""
        from indexer.training.watching import watching

        return watching(self.in_index.watched) if self.in_index else self.looked_at.watching()

    def measures(self, in_use: Reranker | None, model: Reranker) -> Measures:
        """Return what the evaluators of the library say: measure -> before and after.

        Both are None where a value is no number, and the first where no reranker is in use.
        """
        before = {} if in_use is None else self.rows.ask(in_use)
        return {name: (before.get(name), value) for name, value in self.rows.ask(model).items()}


def asked_of(engine: SearchEngine, parts: Sequence[Part], options: TrainOptions) -> Asked:
    """Return what is asked of a model that learns from some sets.

    Raises:
        UsageError: if nothing is held out, since no set has answers.
        CollectionError: if what is held out can tell nothing: the index has no answer, and the rows
            no negative; or if NanoBEIR cannot be had.
    """
    from indexer.training.evaluators import Rows

    held = held_out_parts([dev for _, dev in parts], options)
    collections = held.collections()
    looked_at = Rows(_rows(parts, held.tuning))
    if collections is None and not looked_at.pairs:
        raise CollectionError(
            f"no answer of the {len(held.judged):,} held-out questions is in the index, and no row"
            " has a negative or a label, so nothing can be said about the model; index the"
            " documents that hold the answers"
        )
    rows = Rows(_rows(parts, [*held.judged, *held.others]), nano_beir=options.nano_beir)
    return Asked(
        in_index=None if collections is None else _in_index(engine, *collections),
        looked_at=looked_at, rows=rows,
    )  # fmt: skip


def _in_index(engine: SearchEngine, tuning: Collection, judged: Collection) -> InIndex:
    began = time.monotonic()
    watched = HeldOut(engine, tuning.sample(_WATCHED), _WATCHED_DEPTH)
    a_query = (time.monotonic() - began) / len(watched.collection.queries)
    return InIndex(tuning=tuning, judged=judged, watched=watched, a_query=a_query)


def _rows(parts: Sequence[Part], wanted: Sequence[Example]) -> list[Part]:
    """Return the sets with those of their held-out rows that are of some questions."""
    queries = {plain(example.query) for example in wanted}
    return [(one, [e for e in dev if plain(e.query) in queries]) for one, dev in parts]
