# pyright: basic
"""How the static encoder is made: what a batch holds, and that a table learns what it is taught."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import static_encoder, taught
from benchmarks.taught import Pairs, Side
from tests.unit.test_benchmarks_texts import texts_of


def side(texts: list[list[int]], taught: torch.Tensor) -> Side:
    return Side(texts_of(texts), taught)


def test_a_batch_is_of_one_source_but_for_the_last_ones() -> None:
    source = np.repeat([0, 1, 2], [5000, 700, 30])
    batches = list(static_encoder._epoch(source, np.random.default_rng(0)))
    assert all(len(batch) == 512 for batch in batches)
    mixed = [batch for batch in batches if len(set(source[batch])) > 1]
    assert len(mixed) == 1
    seen = np.bincount(np.concatenate(batches), minlength=len(source))
    assert seen[source == 0].max() == 1
    assert 1 < seen[source == 1].max() <= 3
    assert seen[source == 2].any()


def test_a_table_learns_what_it_is_taught_and_special_tokens_stay_silent() -> None:
    draw = np.random.default_rng(0)
    texts = [draw.choice(np.arange(1, 50), 6).tolist() for _ in range(1100)]
    meaning = torch.from_numpy(draw.normal(size=(50, 384)).astype(np.float32))
    taught = torch.stack([meaning[text].mean(0) for text in texts])
    taught = torch.nn.functional.normalize(taught, dim=1)
    with_special = [[0, *text] for text in texts]
    numbers = torch.arange(len(texts))
    pairs = Pairs(
        side(with_special, taught), side(with_special, taught), numbers, numbers,
        numbers.roll(1), np.repeat([0, 1], 550),
    )  # fmt: skip
    begun = torch.from_numpy(0.01 * draw.normal(size=(50, 256)).astype(np.float32))
    begun[0] = 0
    mean, directions = aims = static_encoder._aims(pairs)
    table, _ = static_encoder._learn(begun, pairs, aims, seed=0)
    wanted = (taught - mean) @ directions
    for width in (256, 64):  # the first numbers alone learn too
        near = [
            torch.cosine_similarity(
                torch.stack([vectors[text].sum(0) for text in texts])[:, :width], wanted[:, :width]
            ).mean()
            for vectors in (begun, torch.from_numpy(table))
        ]
        assert near[1] > near[0] + 0.1
    assert not table[0].any()
    assert np.abs(table[1:] - begun.numpy()[1:]).min() > 0


def test_a_negative_is_the_most_alike_of_its_source_that_is_clearly_no_answer() -> None:
    def unit(degrees: float) -> list[float]:
        return [np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))]

    # The right one lies at 20 degrees: what is at 10 or 22 may answer too, 40 looks like an answer.
    passages = torch.tensor([unit(angle) for angle in (20, 10, 22, 40, 80, 41, 0)])
    queries = torch.tensor([unit(0)] * 7)
    passage = torch.arange(7)
    found = taught._negatives(queries, passages, passage, np.array([0, 0, 0, 0, 0, 1, 2]))
    assert found[0] == 3
    assert found[3] == 4
    assert found[5] == 5  # alone in its source
    assert found[6] == 6


def test_a_passage_that_answers_two_queries_is_a_negative_of_neither() -> None:
    same = static_encoder._same(torch.tensor([5, 5, 7]), torch.tensor([7, 8, 7]))
    assert same.tolist() == [
        [False, True, False, False, False, False],
        [True, False, False, False, False, False],
        [False, False, False, True, False, True],  # a pair without a negative has its own passage
    ]
    own = [torch.eye(2, 256), torch.eye(4, 256)]
    own[1][1] = own[1][0]
    none = torch.zeros(2, 4, dtype=torch.bool)
    shared = static_encoder._same(torch.tensor([5, 5]), torch.tensor([8, 9]))
    apart, together = (static_encoder._at_width(own, own, 0.0 * none, s) for s in (none, shared))
    assert together < apart
