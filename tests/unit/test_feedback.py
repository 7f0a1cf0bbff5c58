"""The log of feedback: what it keeps, who may write to it, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from engine.answer import SearchRequest
from engine.errors import DamagedIndex, ForeignIndex, IndexFault, UsageError
from engine.feedback import Counts, digest_of, place
from engine.feedback.log import MOST_SHOWN, FeedbackLog
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.commands import environment, shortlist
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.answer import Answer

REQUEST = SearchRequest(query="mill by the river", filter="type:txt")
ENGINE = make_engine(
    {"a.txt": "a mill by the river\na mill grinds corn\n", "b.txt": "the river\n"}, rerank=False
)
ANSWER = ENGINE.search(REQUEST)
FIRST = ANSWER.results[0]
# Writes searches with a click each, and says so after each one.
WRITER = """
import sys
from pathlib import Path
from tests.unit.test_feedback import ANSWER, FIRST, REQUEST
from engine.feedback.log import FeedbackLog
log = FeedbackLog(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    id = log.search(REQUEST, ANSWER)
    log.click(id, FIRST.document, FIRST.passage, 1.5)
    print(id, flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[FeedbackLog]:
    with FeedbackLog(tmp_path / "feedback.sqlite", clock=lambda: 1000.0) as log:
        yield log


def click(log: FeedbackLog, search: str, dwell: float | None = None) -> None:
    log.click(search, FIRST.document, FIRST.passage, dwell)


def many_results() -> Answer:
    text = "".join(f"mill {n}\n" for n in range(MOST_SHOWN + 50))
    engine = make_engine({"long.txt": text}, rerank=False)
    return engine.search(SearchRequest(query="mill", k=MOST_SHOWN + 50))


def test_a_search_comes_back_as_it_was_shown(log: FeedbackLog) -> None:
    id = log.search(REQUEST, ANSWER)
    click(log, id, 12.5)
    [search] = log.searches()
    assert (search.id, search.time, search.query) == (id, 1000.0, "mill by the river")
    assert (search.filter, search.plain, search.snapshot) == ("type:txt", False, 1)
    assert search.models == {"encoder": "hash", "reranker": None}
    assert [(s.rank, s.document, s.passage, s.stage) for s in search.shown] == [
        (r.rank, r.document, r.passage, r.stage) for r in ANSWER.results
    ]
    assert search.shown[0].digest == digest_of(FIRST.text)
    assert [(s.clicked, s.dwell) for s in search.shown] == [
        (1000.0, 12.5), *[(None, None)] * (len(ANSWER.results) - 1)
    ]  # fmt: skip


def test_the_text_of_passages_is_not_kept(log: FeedbackLog) -> None:
    log.search(REQUEST, ANSWER)
    log.close()
    assert b"grinds corn" not in b"".join(p.read_bytes() for p in log.path.parent.iterdir())


def test_ids_of_searches_differ_and_are_too_long_to_guess(log: FeedbackLog) -> None:
    ids = {log.search(REQUEST, ANSWER) for _ in range(50)}
    assert len(ids) == 50
    assert min(map(len, ids)) >= 22


def test_a_search_that_found_nothing_is_kept_too(log: FeedbackLog) -> None:
    request = SearchRequest(query="nowhere")
    log.search(request, make_engine({}).search(request))
    [search] = log.searches()
    assert search.shown == ()


def test_a_second_click_on_a_result_is_the_same_click_with_a_longer_stay(log: FeedbackLog) -> None:
    id = log.search(REQUEST, ANSWER)
    for dwell in (None, 3.0, 2.0, None):
        click(log, id, dwell)
    assert log.counts() == Counts(searches=1, shown=len(ANSWER.results), clicks=1, judgements=0)
    assert next(log.searches()).shown[0].dwell == 3.0


@pytest.mark.parametrize(
    ("document", "passage", "said"),
    [("other.txt", 0, "did not show"), ("a.txt", 99, "did not show"), ("a.txt", -1, "did not"),
     ("a.txt", 2**80, "did not show"), ("\ud800", 0, "did not show")],
)  # fmt: skip
def test_what_was_not_shown_cannot_be_clicked(
    log: FeedbackLog, document: str, passage: int, said: str
) -> None:
    id = log.search(REQUEST, ANSWER)
    with pytest.raises(UsageError, match=said):
        log.click(id, document, passage)
    with pytest.raises(UsageError, match="no such search"):
        log.click(id + "x", FIRST.document, FIRST.passage)
    assert log.counts().clicks == 0


@pytest.mark.parametrize("dwell", [-1, float("nan"), float("inf")])
def test_a_stay_is_a_number_of_seconds(log: FeedbackLog, dwell: float) -> None:
    id = log.search(REQUEST, ANSWER)
    with pytest.raises(UsageError, match="seconds"):
        click(log, id, dwell)


def test_only_the_first_results_of_a_search_are_kept(log: FeedbackLog) -> None:
    answer = many_results()
    id = log.search(SearchRequest(query="mill"), answer)
    assert log.counts().shown == MOST_SHOWN
    with pytest.raises(UsageError, match="did not show"):
        log.click(id, "long.txt", answer.results[-1].passage)


def test_a_judges_last_word_counts_and_two_judges_may_differ(log: FeedbackLog) -> None:
    log.judge("corn", "a.txt", 1, 3, text="a mill grinds corn\n", by="ada")
    log.judge("corn", "a.txt", 1, 0, text="a mill grinds corn\n", by="bob")
    log.judge("corn", "a.txt", 1, 2, text="a mill grinds corn\n", by="ada")
    found = list(log.judgements())
    assert [(j.by, j.grade, j.time) for j in found] == [("ada", 2, 1000.0), ("bob", 0, 1000.0)]
    assert {j.digest for j in found} == {digest_of("a mill grinds corn\n")}


def test_a_result_that_was_shown_can_be_judged_without_its_text(log: FeedbackLog) -> None:
    id = log.search(REQUEST, ANSWER)
    log.judge_shown(id, FIRST.document, FIRST.passage, 1, by="ada")
    [found] = log.judgements()
    assert (found.query, found.digest) == (REQUEST.query, digest_of(FIRST.text))


def test_a_judgement_of_a_result_is_about_the_words_of_its_query(log: FeedbackLog) -> None:
    request = SearchRequest(query='+mill -flour "by the river" path:*.txt')
    log.judge_shown(log.search(request, ANSWER), FIRST.document, FIRST.passage, 1)
    assert next(log.judgements()).query == "mill by the river"
    empty = log.search(SearchRequest(query="path:*.txt"), ANSWER)
    with pytest.raises(UsageError, match="judged query"):
        log.judge_shown(empty, FIRST.document, FIRST.passage, 1)


@pytest.mark.parametrize(
    ("query", "passage", "grade", "by"),
    [("", 0, 1, ""), ("q", -1, 1, ""), ("q", 2**70, 1, ""), ("q", 0, 4, ""), ("q", 0, -1, ""),
     ("q", 0, 1, "x" * 201), ("q" * 100_001, 0, 1, "")],
)  # fmt: skip
def test_a_judgement_that_cannot_be_is_refused(
    log: FeedbackLog, query: str, passage: int, grade: int, by: str
) -> None:
    with pytest.raises(UsageError):
        log.judge(query, "a.txt", passage, grade, text="t", by=by)
    assert log.counts().judgements == 0


def test_text_that_no_file_can_hold_is_kept_without_it(log: FeedbackLog) -> None:
    request = SearchRequest(query="mill\ud800 \0 river")
    log.search(request, ENGINE.search(request))
    log.judge("q\ud800", "d\0", 0, 1, text="\ud800", by="\ud800")
    assert next(log.searches()).query == "mill    river"


# -- forgetting and room -------------------------------------------------------------------------


def test_what_is_forgotten_is_nowhere_in_the_file(tmp_path: Path) -> None:
    now = [1.0]
    with FeedbackLog(tmp_path / "f", clock=lambda: now[0]) as log:
        secret = SearchRequest(query="unspeakable secret")
        for _ in range(200):
            click(log, log.search(secret, ANSWER))
        log.judge("unspeakable judgement", "a.txt", 0, 1, text="t")
        size = (tmp_path / "f").stat().st_size
        now[0] = 2.0
        kept = log.search(REQUEST, ANSWER)
        assert log.forget(2.0) == (200, 1)
        assert b"unspeakable" not in b"".join(p.read_bytes() for p in tmp_path.iterdir())
        assert (tmp_path / "f").stat().st_size <= size
        assert [search.id for search in log.searches()] == [kept]
        assert log.counts() == Counts(searches=1, shown=len(ANSWER.results), clicks=0, judgements=0)


def test_the_oldest_searches_give_way_at_the_limit_and_judgements_stay(tmp_path: Path) -> None:
    with FeedbackLog(tmp_path / "f", most_bytes=200_000) as log:
        log.judge("q", "a.txt", 0, 1, text="t")
        answer = many_results()
        ids = [log.search(REQUEST, answer) for _ in range(60)]
        left = [search.id for search in log.searches()]
        assert 0 < len(left) < 60
        assert left == ids[-len(left) :]
        assert log.counts().judgements == 1
        log.forget(0)  # writes everything into the file itself
        assert (tmp_path / "f").stat().st_size < 300_000


def test_a_log_full_of_judgements_says_so(tmp_path: Path) -> None:
    full = pytest.raises(IndexFault, match="full of judgements")
    with FeedbackLog(tmp_path / "f", most_bytes=1) as log, full:
        log.judge("q", "a.txt", 0, 1, text="t")


# -- several writers, readers, and a kill --------------------------------------------------------


def test_threads_write_and_read_at_once(log: FeedbackLog) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                click(log, log.search(REQUEST, ANSWER))
                assert all(search.shown for search in log.searches())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (log.counts().searches, log.counts().clicks) == (80, 80)


def test_processes_that_open_a_new_log_at_once_all_write_to_it(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, "25"], env=environment(), stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    with FeedbackLog(path) as log:
        assert {search.id.encode() for search in log.searches()} == {i for ids in said for i in ids}
        assert log.counts().clicks == 100


def test_a_kill_loses_nothing_that_was_said_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    said: list[str] = []
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path, "100000"],
            env=environment(), stdout=subprocess.PIPE, text=True,
        ) as writer:  # fmt: skip
            assert writer.stdout
            said += [writer.stdout.readline().strip() for _ in range(30)]
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.read().split("\n")[:-1]
    with FeedbackLog(path) as log:
        clicked = {search.id for search in log.searches() if search.shown[0].clicked}
        assert set(said) <= clicked
        assert log.counts().searches <= len(said) + 3


def test_a_slow_reader_holds_up_no_writer_and_sees_one_state(log: FeedbackLog) -> None:
    for _ in range(3):
        log.search(REQUEST, ANSWER)
    reader = log.searches()
    next(reader)
    log.search(REQUEST, ANSWER)
    assert len(list(reader)) == 2
    assert log.counts().searches == 4


# -- the file ------------------------------------------------------------------------------------


def test_only_the_owner_can_read_the_log(log: FeedbackLog) -> None:
    log.search(REQUEST, ANSWER)
    modes = {path.name: path.stat().st_mode & 0o777 for path in log.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert set(modes) == {f"feedback.sqlite{end}" for end in ("", "-wal", "-shm")}


def test_a_log_that_is_not_there_is_only_made_on_demand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no feedback at"):
        FeedbackLog(tmp_path / "f", create=False)
    assert list(tmp_path.iterdir()) == []
    FeedbackLog(tmp_path / "f").close()
    FeedbackLog(tmp_path / "f", create=False).close()


def test_a_log_has_no_place_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexFault, match="cannot be written: no such file"):
        FeedbackLog(tmp_path / "none" / "f")


@pytest.mark.parametrize("content", [b"a text of mine, longer than a header is\n" * 5, b"x"])
def test_a_file_of_something_else_is_refused_and_stays_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(ForeignIndex, match="is no feedback log"):
        FeedbackLog(path)
    assert path.read_bytes() == content


def test_another_database_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE mine (x); PRAGMA user_version = 1;")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ForeignIndex, match="is no feedback log"):
        FeedbackLog(path)
    assert path.read_bytes() == before


def test_a_log_of_a_newer_format_is_refused(log: FeedbackLog) -> None:
    log.close()
    newer = sqlite3.connect(log.path)
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(ForeignIndex, match="format 2, this version reads up to 1"):
        FeedbackLog(log.path)


def test_a_damaged_log_says_that_it_is_damaged(log: FeedbackLog) -> None:
    for _ in range(50):
        log.search(REQUEST, ANSWER)
    log.close()
    with log.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(20_000))
    with pytest.raises(DamagedIndex, match="is damaged"), FeedbackLog(log.path) as damaged:
        for _ in damaged.searches():
            pass


def test_the_writer_of_an_index_leaves_the_log_in_its_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("The mill grinds corn.")
    index = tmp_path / "my.index"
    assert shortlist("index", tmp_path / "docs", "-i", index).code == 0
    with FeedbackLog(place(index)) as log:
        id = log.search(REQUEST, ANSWER)
        with LocalStore(index).writer():  # neither waits for the other's lock
            click(log, id)
        (tmp_path / "docs/a.txt").write_text("The mill stands still.")
        for command in (["index", tmp_path / "docs"], ["verify", "--repair"], ["info", "--json"]):
            outcome = shortlist(*command, "-i", index)
            assert outcome.code == 0, outcome.err
        assert json.loads(outcome.out)["generation"] == 3
        assert verify(index).whole
        assert verify(index).strangers == []
    with FeedbackLog(place(index), create=False) as log:
        assert log.counts().clicks == 1
