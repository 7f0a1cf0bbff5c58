"""Questions without answers are read where a teacher will say what answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError, UsageError
from indexer.training.apart import apart, held_out_parts
from indexer.training.examples import Candidate, Example, TrainingSet, require_fitting
from indexer.training.reading import examples_of, read_examples
from indexer.training.train_options import TrainOptions
from tests.pair_files import FORMATS, pairs_file

if TYPE_CHECKING:
    from pathlib import Path

ROWS = ({"query": "what grinds"}, {"query": "what, sells"}, {"query": "what grinds"})
ASKED = ["what grinds", "what, sells"]


def questions(rows: list[dict[str, object]], *, lenient: bool = False) -> TrainingSet:
    return examples_of(enumerate(rows, 1), place="rows", name="rows", lenient=lenient, alone=True)


@pytest.mark.parametrize("name", FORMATS)
def test_questions_of_every_format_are_each_read_once(name: str, tmp_path: Path) -> None:
    training = read_examples(pairs_file(tmp_path, ROWS, name), alone=True)
    assert training.kind == "questions"
    assert [(e.query, e.candidates) for e in training.examples] == [(q, ()) for q in ASKED]
    assert training.notes == ("questions without answers, of which none is held out: 2",)


@pytest.mark.parametrize("head", ["", "Query\n", "\ufeffquestion\n"])
def test_a_text_has_a_question_a_line(head: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(head + "what grinds\n\n  what, sells \nwhat grinds", encoding="utf-8")
    training = read_examples(path, alone=True)
    assert [e.query for e in training.examples] == ASKED
    assert list(training.checksums) == ["log.txt"]


def test_other_columns_are_ignored_and_noted() -> None:
    told = questions([{"id": "1", "query": "a", "count": 3}]).notes
    assert "columns ignored (id, count): 2" in told


def test_a_file_with_answers_is_read_as_ever() -> None:
    assert questions([{"query": "a", "answer": "b"}]).kind == "pairs"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"query": "a"}, {"query": "b", "answer": "c"}], "rows:2: has an answer"),
        ([{"query": "a"}, {"query": " "}], "rows:2: has no query in the column 'query'"),
        ([{"query": "a"}, {"query": {"b": 1}}], "rows:2: the query is no text"),
        ([{"asked": "a"}], "no column for the query in rows"),
        ([], "rows holds nothing to learn from"),
    ],
)
def test_what_cannot_be_used_is_named(rows: list[dict[str, object]], words: str) -> None:
    with pytest.raises(CollectionError, match=words):
        questions(rows)


def test_empty_questions_are_left_out_where_lenient() -> None:
    training = questions([{"query": "a"}, {"query": " "}], lenient=True)
    assert [e.query for e in training.examples] == ["a"]
    with pytest.raises(CollectionError, match="rows holds no question"):
        questions([{"query": " "}], lenient=True)


def test_without_a_teacher_both_ways_out_are_told(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("what grinds")
    with pytest.raises(CollectionError, match=r"--teacher.* column of answers"):
        read_examples(path)
    with pytest.raises(CollectionError, match=r"\(a --teacher needs none\).* columns are: query"):
        read_examples(pairs_file(tmp_path, ROWS, "a.csv"))
    with pytest.raises(UsageError, match=r"--teacher.* column of answers"):
        require_fitting("distill", questions([{"query": "a"}]))


def test_none_is_held_out_and_none_is_learned_from_that_is() -> None:
    answered = [Example(f"q{n}", (Candidate(f"t{n}", 1.0, f"d{n}"),)) for n in range(40)]
    sets = [
        TrainingSet(name="faq", kind="pairs", examples=answered),
        TrainingSet(
            name="log", kind="questions", examples=[Example(f"q{n}", ()) for n in range(60)]
        ),
    ]
    (_, dev), (log, none) = apart(sets, TrainOptions())
    assert dev
    assert not none
    assert {e.query for e in log.examples} == {f"q{n}" for n in range(60)} - {e.query for e in dev}


def test_the_gate_needs_an_answer_of_some_set() -> None:
    with pytest.raises(UsageError, match="could compare nothing"):
        held_out_parts([[]], TrainOptions())
