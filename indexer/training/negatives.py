"""The sets of one training, each with its negatives: mined now, mined before, or brought along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import UsageError
from indexer.training import mined as mined_file
from indexer.training.mining import identity, mine
from indexer.training.statistics import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.evaluation.plan import Progress
    from engine.search import SearchEngine
    from indexer.training.examples import Example, TrainingSet
    from indexer.training.mined import Mined
    from indexer.training.train_options import TrainOptions
    from indexer.training.work import Work


def with_negatives(
    engine: SearchEngine,
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    work: Work,
    progress: Progress,
) -> tuple[dict[str, Sequence[Example]], str]:
    """Return examples by set, and what mining has to tell; a teacher's scores stay as they are."""
    learned: dict[str, Sequence[Example]] = {}
    told: list[str] = []
    for number, one in enumerate(sets):
        if one.kind == "scored":
            learned[one.name] = one.examples
            continue
        path = work.mined.with_stem(f"mined-{number}" if number else "mined")
        if options.mined is not None and len(sets) == 1:
            mined = _mined_before(engine, options.mined)
        elif path.exists():
            mined = mined_file.read(path)
        else:
            most = _used(options)
            mined = _miner(options)(engine, one.examples, options.mining, progress, most)
            mined_file.write(path, replace(mined, checksums=one.checksums))
        learned[one.name] = mined.examples
        told.append(table(mined.statistics))
    progress.say("\n".join(told))
    return learned, "\n\n".join(told)


def _mined_before(engine: SearchEngine, path: Path) -> Mined:
    mined = mined_file.read(path)
    if dict(mined.index) != identity(engine):
        raise UsageError(f"{path} was mined from another index, or from this one before it changed")
    return mined


def _miner(options: TrainOptions) -> Callable[..., Mined]:
    if options.miner == "own":
        return mine
    from indexer.training.dense_miner import mine_dense

    return mine_dense


def _used(options: TrainOptions) -> int | None:
    """Return how many questions the steps will use, None for all: no others are mined."""
    finetune, mining = options.finetune, options.mining
    if finetune.max_steps is None:
        return None
    rows = finetune.max_steps * finetune.batch_size
    flat = finetune.loss == "bce"
    return -(-rows // (1 + mining.num_negatives + mining.random_negatives)) if flat else rows
