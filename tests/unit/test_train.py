from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import bundled
from engine.errors import UsageError
from indexer.training.apart import apart, held_out_parts
from indexer.training.examples import Candidate, Example, TrainingSet
from indexer.training.options import FinetuneOptions
from indexer.training.train_options import TrainOptions

if TYPE_CHECKING:
    from indexer.training.examples import Loss


def examples(count: int) -> list[Example]:
    return [Example(f"q{n}", (Candidate(f"text {n}", 1.0, f"d{n}"),)) for n in range(count)]


@pytest.mark.parametrize(
    ("held", "tuned", "judged"), [(300, 73, 120), (150, 50, 100), (50, 16, 34), (30, 10, 20)]
)
def test_what_chooses_the_weight_is_not_asked_by_the_gate(
    held: int, tuned: int, judged: int
) -> None:
    parts = held_out_parts([examples(held)], TrainOptions(dev_queries=120))
    collections = parts.collections()
    assert collections is not None
    tuning, gate = (set(part.queries.values()) for part in collections)
    assert (len(tuning), len(gate)) == (tuned, judged)
    assert not tuning & gate


def test_few_held_out_questions_do_both() -> None:
    parts = held_out_parts([examples(29)], TrainOptions())
    assert parts.tuning == parts.judged
    assert len(parts.judged) == 29


def test_the_gate_asks_what_the_index_answers_and_others_are_asked_besides() -> None:
    elsewhere = [Example(f"x{n}", (Candidate(f"elsewhere {n}", 1.0),)) for n in range(300)]
    parts = held_out_parts([examples(25), elsewhere], TrainOptions(dev_queries=120))
    assert len(parts.judged) == 25
    assert len(parts.others) == 120
    assert all(example.query.startswith("x") for example in parts.others)
    parts = held_out_parts([elsewhere], TrainOptions(dev_queries=120))
    assert parts.collections() is None
    assert (len(parts.tuning), len(parts.judged), len(parts.others)) == (73, 120, 0)


@pytest.mark.parametrize(("given", "held"), [(1000, 100), (200, 50), (100, 25), (8, 2)])
def test_a_tenth_is_held_out_and_of_few_up_to_a_quarter(given: int, held: int) -> None:
    one = TrainingSet(name="faq", kind="pairs", examples=examples(given))
    [(learned, dev)] = apart([one], TrainOptions())
    assert (len(learned.examples), len(dev)) == (given - held, held)


def test_what_one_set_holds_out_is_learned_from_no_other() -> None:
    own = TrainingSet(name="faq", kind="pairs", examples=examples(50))
    same_answers = [Example(f"again {e.query}", e.candidates) for e in examples(60)]
    other = TrainingSet(name="more", kind="pairs", examples=same_answers)
    [(first, held), (second, more_held)] = apart([own, other], TrainOptions())
    answers = {c.text for e in (*held, *more_held) for c in e.candidates}
    for one in (first, second):
        assert one.examples
        assert answers.isdisjoint(c.text for e in one.examples for c in e.candidates)
    lost = 60 - len(more_held) - len(second.examples)
    assert f"{lost} questions left out: they are held out of another set" in second.notes


def test_one_set_is_parted_as_it_says_itself() -> None:
    dev = [Example("asked otherwise", examples(1)[0].candidates)]
    own = TrainingSet(name="faq", kind="pairs", examples=examples(9), dev=dev)
    [(one, held)] = apart([own], TrainOptions(limit=4))
    assert held == dev
    assert len(one.examples) == 4
    assert one.notes == ()


def test_a_set_of_which_nothing_is_left_is_refused() -> None:
    own = TrainingSet(name="faq", kind="pairs", examples=examples(9), dev=examples(9))
    other = TrainingSet(name="more", kind="pairs", examples=examples(5))
    with pytest.raises(UsageError, match="all questions of more are held out"):
        apart([own, other], TrainOptions())


def test_a_question_of_two_sets_is_asked_once() -> None:
    [question] = examples(1)
    other = Example(f" {question.query.upper()}", (Candidate("also right", 1.0, "d9"),))
    collections = held_out_parts([[question], [other]], TrainOptions()).collections()
    assert collections is not None
    assert list(collections[1].qrels.values()) == [{"d0": 1, "d9": 1}]
    assert list(collections[1].queries.values()) == ["q0"]


@pytest.mark.parametrize(
    ("losses", "names", "words"),
    [
        ({"fag": "lambda"}, ["faq", "more"], "no set fag; the sets are: faq, more"),
        ({"more": "distill"}, ["faq", "more"], "--loss distill cannot learn from more"),
        ({}, ["faq", "faq"], "two sets are called faq"),
    ],
)
def test_a_loss_of_no_set_or_that_does_not_fit_is_refused(
    losses: dict[str, Loss], names: list[str], words: str
) -> None:
    sets = [TrainingSet(name=name, kind="pairs", examples=examples(3)) for name in names]
    with pytest.raises(UsageError, match=words):
        FinetuneOptions(losses=losses).require_fitting(sets)


def test_a_training_begins_joined_late_unless_a_base_is_named() -> None:
    assert TrainOptions().begins_with == bundled.JOINED
    assert TrainOptions(base="mine").begins_with == "mine"
