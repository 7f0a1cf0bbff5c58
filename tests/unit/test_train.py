from __future__ import annotations

import pytest

from indexer.training.apart import held_out_parts
from indexer.training.examples import Candidate, Example
from indexer.training.train_options import TrainOptions


def examples(count: int) -> list[Example]:
    return [Example(f"q{n}", (Candidate(f"text {n}", 1.0, f"d{n}"),)) for n in range(count)]


@pytest.mark.parametrize(("held", "tuned", "judged"), [(300, 73, 120), (150, 50, 100)])
def test_what_chooses_the_weight_is_not_asked_by_the_gate(
    held: int, tuned: int, judged: int
) -> None:
    parts = held_out_parts([examples(held)], TrainOptions(dev_queries=120))
    tuning, gate = (set(part.queries.values()) for part in parts)
    assert (len(tuning), len(gate)) == (tuned, judged)
    assert not tuning & gate


def test_few_held_out_questions_do_both() -> None:
    tuning, gate = held_out_parts([examples(40)], TrainOptions())
    assert tuning is gate
    assert len(gate.queries) == 40
