# pyright: basic
"""How the fast reranker's encoder is made: what a batch holds, what is learned, and going on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import distilled
from benchmarks.distilled import Schedule, batches_of, learn
from benchmarks.texts import Texts
from tests.unit.test_benchmarks_texts import texts_of

if TYPE_CHECKING:
    from pathlib import Path


@given(lengths=st.lists(st.integers(1, 192), min_size=1, max_size=200), seed=st.integers(0, 9))
def test_each_pass_reads_every_text_once_in_batches_of_no_more_tokens_than_allowed(
    lengths: list[int], seed: int
) -> None:
    whole = np.array(lengths)
    batches = batches_of(whole, np.random.default_rng(seed))
    for _ in range(2):
        seen: list[int] = []
        while len(seen) < len(whole):
            batch = next(batches)
            assert len(batch) * whole[batch].max() <= distilled._TOKENS
            seen += batch.tolist()
        assert sorted(seen) == list(range(len(whole)))


def test_texts_of_like_lengths_are_read_together_and_each_pass_in_another_order() -> None:
    lengths = np.array([5, 180] * 40)
    batches = batches_of(lengths, np.random.default_rng(0))
    passes: list[list[int]] = [[], []]
    for order in passes:
        mixed = 0
        while len(order) < len(lengths):
            batch = next(batches)
            order += batch.tolist()
            mixed += len(set(lengths[batch])) > 1
        assert mixed <= 1
    assert passes[0] != passes[1]


def test_what_points_alike_costs_nothing_and_padding_is_not_looked_at() -> None:
    said = torch.randn(2, 4, 8)
    real = torch.tensor([[True] * 4, [True, True, False, False]])
    own = 3 * said
    own[1, 2:] = -7
    assert float(distilled._loss(own, said, real)) == pytest.approx(0, abs=1e-6)
    assert float(distilled._loss(-own, said, real)) == pytest.approx(4, abs=1e-5)


def test_a_student_learns_and_one_that_was_stopped_goes_on_to_the_same(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    texts = texts_of(draw.integers(1000, 20_000, (8, 12)).tolist())
    stopping = Stopping(texts.tokens, texts.starts, [])
    places = [tmp_path / name for name in ("short", "whole", "stopped")]
    for place in places:
        place.mkdir()
    with pytest.raises(KeyboardInterrupt):
        learn(stopping, places[2], Schedule(steps=6, warm=1, kept=3), seed=0)
    losses: list[float] = []
    for place, steps in zip(places, (1, 6, 6), strict=True):
        student, loss = learn(texts, place, Schedule(steps=steps, warm=1, kept=3), seed=0)
        losses.append(loss)
        assert student.config.num_hidden_layers == len(student.encoder.layer) == 3
    assert losses[1] < losses[0] - 0.1
    assert losses[2] == pytest.approx(losses[1], abs=1e-3)


@dataclass(frozen=True)
class Stopping(Texts):
    """Is stopped at the fourth batch, as by Ctrl-C."""

    asked: list[int]

    def rows(self, texts: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        self.asked.append(len(texts))
        if len(self.asked) > 3:
            raise KeyboardInterrupt
        return super().rows(texts)
