# pyright: basic
"""How the fast reranker's encoder is made: what a batch holds, what is learned, and going on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import distilled
from benchmarks.distilled import Schedule, Texts, learn

if TYPE_CHECKING:
    from pathlib import Path


def texts_of(lengths: list[int], seed: int = 0) -> Texts:
    draw = np.random.default_rng(seed)
    tokens = draw.integers(1000, 20_000, sum(lengths)).astype(np.int32)
    return Texts(tokens, np.cumsum([0, *lengths]))


@given(lengths=st.lists(st.integers(1, 192), min_size=1, max_size=200))
def test_every_text_is_read_once_in_batches_of_no_more_tokens_than_allowed(
    lengths: list[int],
) -> None:
    texts = texts_of(lengths)
    seen: list[int] = []
    for batch in texts.batches(np.random.default_rng(0)):
        rows, real = texts.rows(batch)
        assert rows.numel() <= distilled._TOKENS
        for text, row, inside in zip(batch, rows, real, strict=True):
            own = texts.tokens[texts.starts[text] : texts.starts[text + 1]]
            assert row[inside].tolist() == own.tolist()
            assert not row[~inside].any()
        seen += batch.tolist()
        if len(seen) >= len(lengths):
            break
    assert sorted(seen) == list(range(len(lengths)))


def test_texts_that_differ_in_length_make_more_than_one_batch_and_every_pass_another_order() -> (
    None
):
    texts = texts_of([5, 180] * 40)
    whole = list(islice(texts.batches(np.random.default_rng(0)), 8))
    assert len(whole[0]) != len(whole[1])
    assert len({tuple(batch) for batch in whole}) > 1


def test_what_points_alike_costs_nothing_and_padding_is_not_looked_at() -> None:
    said = torch.randn(2, 4, 8)
    real = torch.tensor([[True] * 4, [True, True, False, False]])
    own = 3 * said
    own[1, 2:] = -7
    assert float(distilled._loss(own, said, real)) == pytest.approx(0, abs=1e-6)
    assert float(distilled._loss(-own, said, real)) == pytest.approx(4, abs=1e-5)


def test_a_student_learns_and_one_that_was_stopped_goes_on_to_the_same(tmp_path: Path) -> None:
    texts = texts_of([12] * 8)
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
