"""The sets of one training, each with its negatives: mined now, mined before, or brought along."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import UsageError
from indexer.training import mined as mined_file
from indexer.training.mining import choose, identity, mine
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


def require_one_mined(
    engine: SearchEngine, sets: Sequence[TrainingSet], options: TrainOptions
) -> None:
    """Raise UsageError if a set cannot be mined as asked, or a mined one cannot be used."""
    alone = next((one.name for one in sets if one.kind == "questions"), None)
    if alone is not None and options.miner == "dense":
        raise UsageError(
            f"--miner dense looks for what is near to answers, and {alone} has none: leave it out"
        )
    if options.mined is None:
        return
    if len(sets) > 1:
        raise UsageError(
            "--mined has the negatives of one set; with several, give such files among PAIRS"
        )
    mined = mined_file.read(options.mined)
    if dict(mined.index) != identity(engine):
        raise UsageError(
            f"{options.mined} was mined from another index, or from this one before it changed:"
            " mine again, or give the file among PAIRS: its negatives then stay as they are"
        )
    [one] = sets
    for name, digest in one.checksums.items():
        if mined.checksums.get(name, digest) != digest:
            raise UsageError(
                f"{name} is not what it was when {options.mined} was mined: leave --mined out to"
                " mine again, or give that file alone among PAIRS to learn what stands in it"
            )


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
    known = [example for one in sets if one.kind != "scored" for example in one.examples]
    for number, (one, share) in enumerate(zip(sets, _used(sets, options), strict=True)):
        if one.kind == "scored":
            learned[one.name] = one.examples
            continue
        path = work.mined.with_stem(f"mined-{number}" if number else "mined")
        if options.mined is not None:
            mined = _mined_before(options.mined, one, progress)
            mined_file.write(path, mined)
        elif path.exists():
            mined = mined_file.read(path)
        else:
            most = math.ceil(share * len(one.examples))
            chosen = choose(one.examples, most, options.mining.seed)
            mined = _miner(options)(engine, chosen, options.mining, progress, known)
            mined_file.write(path, replace(mined, checksums=one.checksums))
        _write_besides(path, mined, options)
        learned[one.name] = mined.examples
        of = f"{one.name}:\n" if len(sets) > 1 else ""
        told.append(of + table(mined.statistics))
    progress.say("\n".join(told))
    return learned, "\n\n".join(told)


def _mined_before(path: Path, training: TrainingSet, progress: Progress) -> Mined:
    """Return what was mined of the questions that are learned from: others may be held out now."""
    mined = mined_file.read(path)
    wanted = {example.query for example in training.examples}
    examples = [example for example in mined.examples if example.query in wanted]
    if not examples:
        raise UsageError(f"{path} has no question of {training.name}; mine again")
    if len(examples) < len(training.examples):
        progress.say(
            f"{len(examples):,} of {len(training.examples):,} questions are in {path}, and no"
            " others are learned"
        )
    return replace(mined, examples=examples)


def _write_besides(path: Path, mined: Mined, options: TrainOptions) -> None:
    if options.output_format is not None:
        besides = path.with_stem(f"{path.stem}.{options.output_format}")
        mined_file.write_as(besides, mined.examples, options.output_format)


def _miner(options: TrainOptions) -> Callable[..., Mined]:
    if options.miner == "own":
        return mine
    from indexer.training.dense_miner import mine_dense

    return mine_dense


def _used(sets: Sequence[TrainingSet], options: TrainOptions) -> list[float]:
    """Return the share of each set's questions that the steps will use: no others are mined."""
    finetune = options.finetune
    if finetune.max_steps is None:
        return [1.0 for _ in sets]
    used = finetune.max_steps * finetune.batch_size
    rows = [_rows(one, options) for one in sets]
    if finetune.mixing == "round-robin":
        return [min(1.0, used / len(sets) / count) for count in rows]
    return [min(1.0, used / sum(rows)) for _ in sets]


def _rows(training: TrainingSet, options: TrainOptions) -> int:
    """Return how many rows of a batch a set will have, see datasets; more if mining finds fewer."""
    loss, mining = options.finetune.loss_of(training.name), options.mining
    if loss == "mnrl":
        return max(1, sum(len(example.positives) for example in training.examples))
    if loss != "bce" and not (loss == "distill" and options.finetune.teaching == "soft"):
        return len(training.examples)
    mined = mining.num_negatives + mining.random_negatives
    return sum(
        len(example.candidates) + (mined if mining.add_to_given or not example.negatives else 0)
        for example in training.examples
    )
