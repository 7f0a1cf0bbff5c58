# pyright: basic
"""Examples become rows that each loss can read, and what it cannot learn from is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from indexer.training.buckets import BucketBatchSampler, batches_of, lengths
from indexer.training.datasets import rows_of
from indexer.training.examples import Candidate, Example
from indexer.training.options import FinetuneOptions

if TYPE_CHECKING:
    from indexer.training.examples import Loss


def example(query: str, *labels: float) -> Example:
    """Return a query with passages of these labels, named by their place and length."""
    return Example(
        query,
        tuple(
            Candidate(f"{query} passage {place} {'x' * place}", label)
            for place, label in enumerate(labels)
        ),
    )


def test_the_weight_of_a_positive_is_negatives_by_positives() -> None:
    rows = rows_of("s", [example("a", 1, 0, 0, 0), example("b", 1, 1, 0)], FinetuneOptions())
    assert rows.pos_weight == pytest.approx(4 / 3)
    assert rows.data.column_names == ["query", "passage", "label"]
    assert rows.data["label"][:] == [1, 0, 0, 0, 1, 1, 0]


def test_grades_count_as_parts_of_a_positive_in_the_weight() -> None:
    rows = rows_of("s", [example("a", 0.5, 0.5, 0)], FinetuneOptions())
    assert rows.pos_weight == pytest.approx(2 / 1)


def test_a_weight_that_is_asked_for_is_taken() -> None:
    rows = rows_of("s", [example("a", 1, 0)], FinetuneOptions(pos_weight=7))
    assert rows.pos_weight == 7


@pytest.mark.parametrize("loss", ["lambda", "listnet"])
def test_lists_leave_out_queries_that_have_nothing_to_rank(loss: Loss) -> None:
    sets = [example("a", 1, 0), example("b", 1, 1), example("c", 0)]
    rows = rows_of("s", sets, FinetuneOptions(loss=loss))
    assert rows.data["query"][:] == ["a"]
    assert rows.data.column_names == ["query", "passages", "labels"]


def test_the_labels_of_a_list_stay_beside_their_passages() -> None:
    passages = (Candidate("a long passage", 1.0), Candidate("short", 0.0))
    rows = rows_of("s", [Example("q", passages)], FinetuneOptions(loss="lambda"))
    row = rows.data[0]
    assert dict(zip(row["passages"], row["labels"], strict=True)) == {
        "a long passage": 1.0,
        "short": 0.0,
    }


def test_a_positive_is_to_get_nearly_all_of_a_listnet_and_a_teacher_is_taken_at_its_word() -> None:
    given, taught = (
        rows_of("s", [example("a", *labels)], FinetuneOptions(loss="listnet")).data[0]["labels"]
        for labels in ((1, 0, 0, 0, 0, 0), (3.5, -1.0))
    )
    shares = np.exp(given) / np.exp(given).sum()
    assert shares.max() > 0.99
    assert sorted(taught) == [-1.0, 3.5]


def test_every_anchor_has_equally_many_negatives_of_its_own() -> None:
    sets = [example("a", 1, 0, 0), example("b", 1, 0), example("c", 1, 1)]
    rows = rows_of("s", sets, FinetuneOptions(loss="mnrl"))
    assert rows.data.column_names == ["anchor", "positive", "negative_1", "negative_2"]
    assert rows.data["anchor"][:] == ["a", "b", "c", "c"]
    for row in rows.data.to_list():
        negatives = {row["negative_1"], row["negative_2"]}
        if row["anchor"] != "c":
            assert all(negative.startswith(f"{row['anchor']} ") for negative in negatives)
        else:
            assert negatives == {"a passage 0 "}


def test_pairs_alone_need_no_negatives_where_others_answers_are_some() -> None:
    rows = rows_of("s", [example("a", 1), example("b", 1)], FinetuneOptions(loss="mnrl"))
    assert rows.data.column_names == ["anchor", "positive"]


def test_no_text_comes_twice_in_a_batch_of_others_answers() -> None:
    shared = Candidate("the same answer", 1.0)
    sets = [Example(f"q{n}", (shared,)) for n in range(4)] + [example(f"r{n}", 1) for n in range(8)]
    rows = rows_of("s", sets, FinetuneOptions(loss="mnrl"))
    sampler = batches_of(rows.data, batch_size=4, drop_last=False, seed=0)
    for batch in sampler:
        answers = [rows.data[number]["positive"] for number in batch]
        assert len(set(answers)) == len(answers)


def test_a_margin_is_between_the_best_and_each_other_passage() -> None:
    sets = [example("a", -3.0, 9.5, 2.0), example("b", 1.0, 4.0)]
    rows = rows_of("s", sets, FinetuneOptions(loss="distill"))
    assert rows.data.column_names == ["query", "passage_0", "passage_1", "passage_2", "scores"]
    assert rows.data[0]["scores"] == [9.5, 2.0, -3.0]
    assert rows.data[0]["passage_0"] == "a passage 1 x"
    assert rows.data[1]["scores"] == [4.0, 1.0, 1.0]
    assert not rows.chances


def test_a_teachers_probabilities_are_taken_as_such_and_its_logits_are_squashed() -> None:
    soft = FinetuneOptions(loss="distill", teaching="soft")
    assert rows_of("s", [example("a", 0.2, 0.9)], soft).data["label"][:] == [0.2, 0.9]
    squashed = rows_of("s", [example("a", 0.0, 800.0, -2.0)], soft).data["label"][:]
    assert squashed == pytest.approx([0.5, 1.0, 1 / (1 + math.exp(2))])


@pytest.mark.parametrize(
    ("loss", "sets", "words"),
    [
        ("bce", [], "nothing to learn"),
        ("bce", [example("a", 1)], "no negatives"),
        ("bce", [example("a", 0)], "no positives"),
        ("bce", [example("a", 3, 0)], "labels from 0 to 1"),
        ("lambda", [example("a", -1, 0)], "labels from 0 to 1"),
        ("lambda", [example("a", 1), example("b", 0)], "different labels"),
        ("mnrl", [example("a", 1, 0)], "two queries"),
        ("mnrl", [Example(q, (Candidate("same", 1.0),)) for q in "ab"], "differ from query"),
        ("distill", [example("a", 3), example("b", 4)], "one passage for each"),
        ("distill", [example("a", 3, 3)], "are equal"),
        ("bce", [example("a", math.nan, 1)], "no number"),
    ],
)
def test_what_a_loss_cannot_learn_from_is_refused(
    loss: Loss, sets: list[Example], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        rows_of("s", sets, FinetuneOptions(loss=loss))


def test_the_digest_changes_with_any_label_and_text_and_with_nothing_else() -> None:
    def digest(*labels: float) -> str:
        return rows_of("s", [example("a", *labels)], FinetuneOptions()).digest

    assert digest(1, 0) == digest(1, 0)
    assert len({digest(1, 0), digest(0, 1), digest(1, 0, 0), digest(1, 0.1)}) == 4


@given(st.integers(1, 200), st.integers(1, 17), st.integers(0, 5), st.integers(0, 3))
def test_every_row_comes_once_an_epoch(rows: int, size: int, seed: int, epoch: int) -> None:
    sets = [example("a" * (n % 40 + 1), 1 - n % 2) for n in range(rows + 1)]
    data = rows_of("s", sets, FinetuneOptions()).data
    sampler = BucketBatchSampler(data, batch_size=size, drop_last=False, seed=seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert sorted(number for batch in batches for number in batch) == list(range(rows + 1))
    assert len(batches) == len(sampler)
    assert list(sampler) == batches


def test_rows_of_a_batch_are_alike_in_length_and_batches_are_mixed() -> None:
    sets = [example("a" * (n * 7 % 200 + 1), 1 - n % 2) for n in range(400)]
    data = rows_of("s", sets, FinetuneOptions()).data
    long = lengths(data)
    sampler = BucketBatchSampler(data, batch_size=8, drop_last=False, seed=1)
    batches = list(sampler)
    padding = sum(max(long[batch]) * len(batch) - sum(long[batch]) for batch in batches)
    assert padding < 0.1 * long.sum()
    firsts = [long[batch[0]] for batch in batches]
    assert firsts != sorted(firsts)
    sampler.set_epoch(1)
    assert list(sampler) != batches


def test_no_batch_is_of_one_label_where_relevant_passages_are_longer() -> None:
    sets = [
        Example(f"q{n}", (Candidate("long " * 50, 1.0), *[Candidate(f"short {n}", 0.0)] * 3))
        for n in range(64)
    ]
    data = rows_of("s", sets, FinetuneOptions()).data
    # All rows are in one bucket, so that the share of a batch is that of the set.
    for batch in BucketBatchSampler(data, batch_size=8, drop_last=False, seed=0):
        assert sum(data[number]["label"] for number in batch) == 2


def test_lengths_are_in_bytes_of_all_texts_of_a_row() -> None:
    passages = (Candidate("é", 1.0), Candidate("水", 0.0))
    rows = rows_of("s", [Example("abc", passages)], FinetuneOptions(loss="listnet"))
    assert lengths(rows.data).tolist() == [3 + 2 + 3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "hinge"}, "loss must be one of bce"),
        ({"losses": {"a.csv": "hinge"}}, "the loss of a.csv"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": math.nan}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_steps": 0}, "max_steps"),
        ({"warmup_ratio": 1}, "warmup_ratio"),
        ({"max_length": 4}, "max_length"),
        ({"seed": -1}, "seed"),
        ({"precision": "int8"}, "precision"),
        ({"loss": "mnrl", "pos_weight": 2}, "bce alone"),
        ({"teaching": "soft"}, "distill alone"),
        ({"eval_steps": 10, "save_steps": 15}, "multiple"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        FinetuneOptions(**options)
