# pyright: basic
"""How long a training takes is measured without touching it, and said in words."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.errors import UsageError
from indexer.training.base import load_base
from indexer.training.estimate import Estimate, Judging
from indexer.training.finetune import finetune
from indexer.training.options import FinetuneOptions
from indexer.training.pace import pace_of
from indexer.training.speed import compared, distinct
from tests import tiny_models
from tests.fakes import OverlapReranker
from tests.learnable import learnable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import Scores
    from indexer.training.examples import Loss

OPTIONS = FinetuneOptions(
    max_steps=120, batch_size=8, learning_rate=2e-3, max_length=32, threads=1, precision="float32"
)
PAIRS = [("what is 1", f"the sea {number}") for number in range(8)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_models.save_cross_encoder(tmp_path_factory.mktemp("source")))


@pytest.mark.parametrize("loss", ["bce", "mnrl", "distill"])
def test_weights_are_equal_to_the_bit_with_and_without_an_estimate(
    loss: Loss, source: str, tmp_path: Path
) -> None:
    sets = {"toy.csv": learnable(24), "more": learnable(20, seed=1)}
    options = replace(OPTIONS, max_steps=20, losses={"toy.csv": loss}, save_steps=10)
    for name in ("without", "with"):
        base = load_base(source, max_length=options.max_length)
        if name == "with":
            before = {key: value.clone() for key, value in base.state_dict().items()}
            pace = pace_of(source, sets, replace(options, max_steps=120), PAIRS)
            assert all(torch.equal(value, before[key]) for key, value in base.state_dict().items())
            assert pace.a_step > 0
        finetune(base, sets, options, tmp_path / name)
    plain, measured = (load_file(tmp_path / n / "model.safetensors") for n in ("without", "with"))
    assert plain.keys() == measured.keys()
    assert all(torch.equal(value, measured[name]) for name, value in plain.items())


def test_nothing_of_the_process_is_changed(source: str) -> None:
    random.seed(1)
    torch.manual_seed(1)
    state = np.random.RandomState(1).get_state()
    np.random.set_state(state)  # noqa: NPY002
    drawn = [random.random(), torch.rand(1).item(), np.random.random_sample()]  # noqa: NPY002
    random.seed(1)
    torch.manual_seed(1)
    np.random.set_state(state)  # noqa: NPY002
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    pace_of(source, {"toy": learnable(24)}, OPTIONS, PAIRS)
    again = [random.random(), torch.rand(1).item(), np.random.random_sample()]  # noqa: NPY002
    assert again == drawn
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == strict


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (OPTIONS, 120),
        (replace(OPTIONS, max_steps=None, epochs=2), 18),  # 24 questions of 3, by 8, twice
        (replace(OPTIONS, max_steps=None, loss="lambda"), 3),
        (replace(OPTIONS, patience=2, eval_steps=3, save_steps=3, report_to="none"), 120),
    ],
)
def test_steps_are_those_of_the_training(options: FinetuneOptions, steps: int, source: str) -> None:
    pace = pace_of(source, {"toy": learnable(24)}, options, PAIRS)
    assert pace.steps == steps
    assert pace.pairs_per_second > 0


def test_a_student_is_measured_as_a_student(source: str) -> None:
    with pytest.raises(UsageError, match="2 layers"):
        pace_of(source, {"toy": learnable(24)}, replace(OPTIONS, layers=3), PAIRS)
    assert pace_of(source, {"toy": learnable(24)}, replace(OPTIONS, layers=1), PAIRS).steps == 120


def test_an_estimate_is_one_line() -> None:
    estimate = Estimate(steps=510, a_step=1.6, looking=60, judging=175)
    assert estimate.text() == (
        "510 steps, about 15 min on this machine (1.6 s a step, and 60 s of looking at held-out"
        " questions), then 3 min to judge"
    )
    rest = replace(estimate, done=500, a_step=0.044)
    assert rest.text() == (
        "10 of 510 steps, about 2 s on this machine (44 ms a step, and 1 s of looking at held-out"
        " questions), then 3 min to judge"
    )
    long = replace(estimate, steps=1, a_step=36_000.0, looking=0)
    assert long.text().startswith("1 step, about 10.0 h on")


def test_judging_counts_every_pair_that_is_read() -> None:
    judging = Judging(tuning=10, judged=100, depth=30, a_query=0.1, in_use=None)
    alone = 30 * (100 + 11 + 10) / 20 + (10 + 100 + 11) * 0.1
    assert judging.seconds(20) == pytest.approx(alone)
    both = replace(judging, in_use=10.0)
    assert both.seconds(20) == pytest.approx(alone + 30 * 111 / 10 + 11 * 0.1)


class Slow(OverlapReranker):
    """See Reranker. Takes a while for each pair."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.asked: list[int] = []

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.asked.append(len(pairs))
        time.sleep(self._seconds * len(pairs))
        return super().score(pairs)


def test_rerankers_are_compared_on_the_same_pairs() -> None:
    fast, slow = Slow(0.0005), Slow(0.005)
    speeds = compared([fast, slow], [("q", f"p{number}") for number in range(100)])
    assert speeds[0] > speeds[1]
    assert fast.asked == slow.asked


def test_pairs_of_one_passage_count_once() -> None:
    pairs = [("q", f"p{number // 3}") for number in range(30)]
    assert distinct(pairs, 100) == [("q", f"p{number}") for number in range(10)]
    assert len(distinct(pairs, 4)) == 4
    assert distinct([], 4) == []
