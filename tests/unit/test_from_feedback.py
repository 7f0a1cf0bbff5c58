"""Examples of a log: judgements before clicks, position bias taken out, changed texts left out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.answer import SearchRequest
from engine.errors import UsageError
from engine.feedback.log import FeedbackLog
from engine.memory import MemoryStore
from indexer.training.examples import require_fitting
from indexer.training.from_feedback import FeedbackOptions, examples
from tests.fakes import HashEncoder, fill, make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.answer import Answer
    from indexer.training.examples import TrainingSet

# Ten documents about each of ten topics; the first of each is the one that people want.
TOPICS = [f"topic{n}" for n in range(10)]
DOCUMENTS = {
    f"{topic}/{n}.txt": f"{topic} is told here in part {n}\n" for topic in TOPICS for n in range(10)
}
ENGINE = make_engine(DOCUMENTS, rerank=False)
FEW = FeedbackOptions(least_queries=1)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[FeedbackLog]:
    with FeedbackLog(tmp_path / "feedback.sqlite") as log:
        yield log


@cache
def results(topic: str) -> Answer:
    """Return all documents of a topic."""
    return ENGINE.search(SearchRequest(query=topic, sources="lexical"))


def answer(topic: str, order: list[int]) -> tuple[SearchRequest, Answer]:
    """Return an answer that shows a topic's documents in an order."""
    found = results(topic)
    by_document = {result.document: result for result in found.results}
    shown = [replace(by_document[f"{topic}/{n}.txt"], rank=rank) for rank, n in enumerate(order, 1)]
    return SearchRequest(query=topic), replace(found, results=shown)


def show(log: FeedbackLog, topic: str, order: list[int], clicks: list[int], times: int = 1) -> None:
    """Show documents of a topic, and click some of them."""
    for _ in range(times):
        request, shown = answer(topic, order)
        id = log.search(request, shown)
        for n in clicks:
            log.click(id, f"{topic}/{n}.txt", 0)


def judge(log: FeedbackLog, query: str, document: str, grade: int, by: str = "") -> None:
    log.judge(query, document, 0, grade, text=DOCUMENTS[document], by=by)


def labels(training: TrainingSet) -> dict[str, dict[str, float]]:
    return {e.query: {c.document: c.label for c in e.candidates} for e in training.examples}


def test_judgements_become_labels_and_outrank_clicks(log: FeedbackLog) -> None:
    show(log, "topic1", [0, 1, 2], clicks=[1, 2], times=5)
    judge(log, "topic1", "topic1/0.txt", 2)
    judge(log, "Topic1 ", "topic1/1.txt", 0)
    made = examples(log, ENGINE.snapshot, FEW)
    assert made.kind == "labelled"
    require_fitting("bce", made)
    found = labels(made)["topic1"]
    assert (found["topic1/0.txt"], found["topic1/1.txt"]) == (1.0, 0.0)
    assert 0.5 < found["topic1/2.txt"] <= 1
    assert "labels: 2 from judgements, 1 from clicks" in made.notes


def test_a_candidate_is_the_passage_as_stage_two_reads_it(log: FeedbackLog) -> None:
    judge(log, "topic1", "topic1/0.txt", 1)
    [candidate] = examples(log, ENGINE.snapshot, FEW).examples[0].candidates
    assert candidate.text == "0\ntopic1 is told here in part 0\n"


def test_grades_are_divided_by_the_highest_and_judges_count_alike(log: FeedbackLog) -> None:
    judge(log, "a", "topic1/0.txt", 3)
    judge(log, "a", "topic1/1.txt", 1)
    judge(log, "a", "topic1/2.txt", 3, by="ada")
    judge(log, "a", "topic1/2.txt", 0, by="bob")
    assert labels(examples(log, ENGINE.snapshot, FEW))["a"] == {
        "topic1/0.txt": 1.0, "topic1/2.txt": 0.5, "topic1/1.txt": pytest.approx(1 / 3),
    }  # fmt: skip


def test_spellings_of_a_query_are_gathered_under_the_usual_one(log: FeedbackLog) -> None:
    for by, query in enumerate(["Topic1  words", "topic1 words", "topic1\twords", "TOPIC1 WORDS"]):
        judge(log, query, "topic1/0.txt", 1, by=str(by))
    [example] = examples(log, ENGINE.snapshot, FEW).examples
    assert example.query == "topic1 words"


def test_operators_are_no_part_of_a_query(log: FeedbackLog) -> None:
    request = SearchRequest(query='+topic1 -flour path:topic1/* "told here"')
    for _ in range(3):
        found = ENGINE.search(request)
        log.click(log.search(request, found), found.results[0].document, 0)
    plain = SearchRequest(query="-topic1", plain=True)
    for _ in range(3):
        found = ENGINE.search(plain)
        log.click(log.search(plain, found), found.results[0].document, 0)
    made = examples(log, ENGINE.snapshot, FEW)
    assert {example.query for example in made.examples} == {"topic1 told here", "-topic1"}


def test_what_was_shown_too_seldom_says_nothing(log: FeedbackLog) -> None:
    show(log, "topic1", [0, 1, 2], clicks=[0], times=3)
    show(log, "topic1", [0, 3], clicks=[3], times=2)
    assert set(labels(examples(log, ENGINE.snapshot, FEW))["topic1"]) == {
        *("topic1/0.txt", "topic1/1.txt", "topic1/2.txt"),
    }
    lenient = FeedbackOptions(least_queries=1, least_shown=2)
    assert "topic1/3.txt" in labels(examples(log, ENGINE.snapshot, lenient))["topic1"]


def test_a_passage_far_down_that_nobody_clicked_is_no_negative(log: FeedbackLog) -> None:
    show(log, "topic1", list(range(10)), clicks=[0], times=4)
    found = labels(examples(log, ENGINE.snapshot, FEW))["topic1"]
    # Looks at rank 4: 4 times a quarter; at rank 5 less than one.
    assert set(found) == {f"topic1/{n}.txt" for n in range(4)}
    assert [found[f"topic1/{n}.txt"] for n in (1, 2, 3)] == [0, 0, 0]


def test_a_passage_that_hardly_anyone_clicked_is_not_relevant(log: FeedbackLog) -> None:
    show(log, "topic1", [0, 1], clicks=[1], times=30)
    show(log, "topic1", [0, 1], clicks=[0, 1], times=1)
    found = labels(examples(log, ENGINE.snapshot, FEW))["topic1"]
    assert found["topic1/0.txt"] == 0
    assert found["topic1/1.txt"] > 0.9


def test_a_changed_text_is_left_out_and_a_moved_passage_is_found(log: FeedbackLog) -> None:
    judge(log, "q", "topic1/0.txt", 1)
    judge(log, "q", "topic1/1.txt", 1)
    judge(log, "q", "topic1/2.txt", 1)
    store = MemoryStore()
    changed = {
        "topic1/0.txt": "another text\n",
        "topic1/1.txt": "a new beginning\n" + DOCUMENTS["topic1/1.txt"],
    }
    fill(store, changed, HashEncoder())
    made = examples(log, store.snapshot(), FEW)
    assert labels(made) == {"q": {"topic1/1.txt": 1.0}}
    assert "passages whose text is not in the index any more, left out: 2" in made.notes


def test_a_query_without_anything_relevant_is_left_out(log: FeedbackLog) -> None:
    judge(log, "none", "topic1/0.txt", 0)
    judge(log, "some", "topic1/0.txt", 1)
    made = examples(log, ENGINE.snapshot, FEW)
    assert [example.query for example in made.examples] == ["some"]
    assert "queries without anything relevant, left out: 1" in made.notes


def test_too_little_says_what_there_is_and_what_is_needed(log: FeedbackLog) -> None:
    show(log, "topic1", [0, 1], clicks=[0], times=2)
    judge(log, "q", "topic1/0.txt", 1)
    with pytest.raises(UsageError) as raised:
        examples(log, ENGINE.snapshot)
    said = str(raised.value)
    assert "2 searches, 2 clicks and 1 judgements give 1 queries with something relevant" in said
    assert "8 are needed" in said
    assert "shown fewer than 3 times, or hardly looked at, left out: 2" in said
    assert "shortlist label" in said


def test_an_empty_log_is_too_little(log: FeedbackLog) -> None:
    with pytest.raises(UsageError, match="0 searches, 0 clicks and 0 judgements"):
        examples(log, ENGINE.snapshot)


@pytest.mark.parametrize(
    "wrong", [{"eta": -0.1}, {"eta": 9}, {"least_shown": 0}, {"least_queries": 0}]
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        FeedbackOptions(**wrong)  # type: ignore[arg-type]


def test_the_same_log_gives_the_same_examples_and_checksum(log: FeedbackLog) -> None:
    show(log, "topic1", [0, 1, 2], clicks=[1], times=5)
    first, second = (examples(log, ENGINE.snapshot, FEW) for _ in range(2))
    assert first == second
    judge(log, "q", "topic1/0.txt", 1)
    assert examples(log, ENGINE.snapshot, FEW).checksums != first.checksums


def test_clicks_of_a_known_truth_put_the_right_passage_first(log: FeedbackLog) -> None:
    """People look at rank r with the probability 1/r; document 0, at rank 8, appeals to 90 %."""
    rng = np.random.default_rng(4)
    usual = [1, 2, 3, 4, 5, 6, 7, 0, 8, 9]
    for topic in TOPICS:
        for session in range(150):
            order = usual if session % 6 else usual[5:] + usual[:5]  # another model now and then
            looked = rng.random(10) < 1 / np.arange(1, 11)
            likes = rng.random(10) < np.array([0.9 if n == 0 else 0.2 for n in order])
            show(
                log, topic, order, [n for n, yes in zip(order, looked & likes, strict=True) if yes]
            )
    made = examples(log, ENGINE.snapshot)
    found = labels(made)
    assert set(found) == set(TOPICS)
    assert sum(e.candidates[0].document == f"{e.query}/0.txt" for e in made.examples) >= 9
    assert np.mean([found[topic][f"{topic}/0.txt"] for topic in TOPICS]) > 0.6
    assert np.mean([found[topic][f"{topic}/1.txt"] for topic in TOPICS]) < 0.3
    [bias] = [note for note in made.notes if note.startswith("position bias: eta ")]
    assert abs(float(bias.split()[3]) - 1) < 0.2
    # As if every rank were looked at alike: what stands on top looks better than what is right.
    naive = labels(examples(log, ENGINE.snapshot, FeedbackOptions(eta=0)))
    assert sum(naive[t][f"{t}/1.txt"] > naive[t][f"{t}/0.txt"] for t in TOPICS) >= 6
