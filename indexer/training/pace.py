# pyright: basic
"""LEAF (torch, sentence-transformers): how long a step of a training takes on this machine.

Whole steps are taken, loss to optimiser, on batches that the training itself will have; but with a
copy of the base, which is thrown away. The training then begins as if nothing had happened.
"""

from __future__ import annotations

import gc
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.errors import ModelError
from engine.rerankers.batches import Network, Windows, quietly
from engine.rerankers.cross_encoder import read_pairs
from indexer.training.base import load_base
from indexer.training.buckets import lengths
from indexer.training.datasets import rows_of
from indexer.training.exact import adapted, exact
from indexer.training.finetune import trainer_of
from indexer.training.speed import pairs_per_second

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from indexer.training.datasets import Rows
    from indexer.training.examples import Example
    from indexer.training.options import FinetuneOptions
    from indexer.training.trainer import QuietTrainer

# Shares of the batches, from short to long, that are shorter than those which are timed: however
# few are, their mean is that of all, roughly.
_TIMED = (0.5, 0.1, 0.9, 0.3, 0.7)
_STEPS_EACH = 50  # steps of the training for each that is timed
_SECONDS = 20.0  # after which no further step is timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a training goes.

    Attributes:
        steps: of the whole training.
        a_step: seconds, on average.
        pairs_per_second: read by the model, as a reranker reads.
    """

    steps: int
    a_step: float
    pairs_per_second: float


def pace_of(
    source: str,
    sets: Mapping[str, Sequence[Example]],
    options: FinetuneOptions,
    pairs: Sequence[tuple[str, str]],
) -> Pace:
    """Return the pace of a training that is not begun; nothing of it is changed.

    Args:
        source: of the base, see base.load_base.
        sets: see finetune.finetune.
        options: see finetune.finetune.
        pairs: some to read.

    Raises:
        UsageError, ModelError: as finetune.finetune.
    """
    alone = replace(
        options, patience=None, eval_steps=None, save_steps=None, report_to="none", resume=False
    )
    try:
        with _undisturbed(), exact(alone), quietly():
            return _measured(source, sets, alone, pairs)
    finally:
        # A trainer refers to itself; the training may need the room of this one.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _measured(
    source: str,
    sets: Mapping[str, Sequence[Example]],
    options: FinetuneOptions,
    pairs: Sequence[tuple[str, str]],
) -> Pace:
    with TemporaryDirectory() as folder:
        base = load_base(
            source, max_length=options.max_length, layers=options.layers, seed=options.seed
        )
        network = Network(base.eval(), "scores")
        windows = Windows(base.tokenizer, network.window())
        speed = pairs_per_second(lambda some: read_pairs(network, windows, some), pairs)
        rows = [rows_of(name, examples, options) for name, examples in sets.items()]
        with adapted(base, options):
            trainer = trainer_of(base, rows, options, Path(folder), None)
            steps, a_step = _steps(trainer, rows)
    return Pace(steps=steps, a_step=a_step, pairs_per_second=speed)


def _steps(trainer: QuietTrainer, rows: Sequence[Rows]) -> tuple[int, float]:
    """Return the steps of a training, and the mean seconds of one."""
    loader: Any = trainer.get_train_dataloader()
    steps = trainer.set_initial_training_values(trainer.args, loader)[-1]
    batches: list[list[int]] = list(loader.batch_sampler)
    length = np.concatenate([lengths(part.data) for part in rows])
    batches.sort(key=lambda batch: int(length[batch].sum()))
    timed = _TIMED[: max(1, steps // _STEPS_EACH)]
    step = _stepping(trainer, loader.dataset)
    try:
        if len(timed) > 1:
            step(batches[0])
        taken: list[float] = []
        for share in timed:
            taken.append(step(batches[int(share * len(batches))]))
            if sum(taken) > _SECONDS:
                break
    except torch.OutOfMemoryError as error:
        message = "the memory is not enough: use a smaller batch, or gradient checkpointing"
        raise ModelError(message) from error
    return steps, sum(taken) / len(taken)


def _stepping(trainer: QuietTrainer, dataset: Any) -> Callable[[Sequence[int]], float]:  # noqa: ANN401
    """Return what takes a step on some rows and returns its seconds."""
    model: Any = trainer.accelerator.prepare_model(trainer.model)
    optimizer = trainer.create_optimizer()
    model.train()

    def step(numbers: Sequence[int]) -> float:
        began = time.perf_counter()
        batch = trainer.data_collator([dataset[number] for number in numbers])
        loss = trainer.compute_loss(model, trainer._prepare_inputs(batch))
        trainer.accelerator.backward(loss)
        trainer.accelerator.clip_grad_norm_(model.parameters(), trainer.args.max_grad_norm)
        optimizer.step()
        model.zero_grad()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - began

    return step


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave all generators of random numbers as they were."""
    drawn = random.getstate()
    drawn_by_numpy = np.random.get_state()  # noqa: NPY002 - the one that libraries share
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(drawn)
        np.random.set_state(drawn_by_numpy)  # noqa: NPY002
