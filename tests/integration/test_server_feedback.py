from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.feedback import Counts, digest_of
from engine.feedback.log import FeedbackLog
from server.app import create_app
from server.keys import read_keys
from server.settings import ServerSettings
from tests.client import DOCUMENTS, Serve, assert_problem, serving_many
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


@pytest.fixture
def log(tmp_path: Path) -> Iterator[FeedbackLog]:
    with FeedbackLog(tmp_path / "feedback.sqlite") as log:
        yield log


@pytest.fixture
def client(log: FeedbackLog, serving: Serve) -> TestClient:
    return serving(create_app(lambda: make_engine(DOCUMENTS), log=log))


def about(answer: dict[str, Any], place: int = 0) -> dict[str, Any]:
    result = answer["results"][place]
    return {
        "search_id": answer["search_id"], "document": result["document"],
        "passage": result["passage"],
    }  # fmt: skip


def test_what_was_shown_is_recorded_as_it_was_shown(client: TestClient, log: FeedbackLog) -> None:
    asked = {"query": "cats at night", "k": 2, "filter": "path:zoo"}
    answer = client.post("/search", json=asked).json()
    [search] = log.searches()
    assert (search.id, search.query, search.filter) == (
        answer["search_id"], "cats at night", "path:zoo",
    )  # fmt: skip
    assert [(s.rank, s.document, s.passage, s.digest) for s in search.shown] == [
        (r["rank"], r["document"], r["passage"], digest_of(r["text"])) for r in answer["results"]
    ]
    assert len(search.shown) == 2


def test_a_click_and_a_judgement_are_recorded(client: TestClient, log: FeedbackLog) -> None:
    answer = client.get("/search?q=night&fields=document,passage").json()
    click = client.post("/feedback", json={**about(answer, 1), "kind": "click"})
    assert (click.status_code, click.content) == (204, b"")
    graded = {**about(answer), "kind": "judgement", "grade": 2}
    assert client.post("/feedback", json=graded).status_code == 204
    [search] = log.searches()
    assert [s.clicked is not None for s in search.shown][:2] == [False, True]
    [judgement] = log.judgements()
    assert (judgement.query, judgement.grade, judgement.by) == ("night", 2, "")


def test_keys_judge_each_for_themselves(log: FeedbackLog, serving: Serve) -> None:
    settings = ServerSettings(keys=read_keys(["ann:one", "bob:two"]))
    client = serving(create_app(lambda: make_engine(DOCUMENTS), settings=settings, log=log))
    answer = client.get("/search?q=night", headers={"X-API-Key": "one"}).json()
    for key, grade in (("one", 0), ("two", 3)):
        body = {**about(answer), "kind": "judgement", "grade": grade}
        assert client.post("/feedback", json=body, headers={"X-API-Key": key}).status_code == 204
    assert [(j.by, j.grade) for j in log.judgements()] == [("ann", 0), ("bob", 3)]


def test_only_searches_that_someone_looks_at_are_recorded(
    client: TestClient, log: FeedbackLog
) -> None:
    typed = client.get("/search?q=ca&record=false").json()
    assert typed["search_id"] is None
    batch = client.post("/search/batch", json={"queries": ["cats", "dogs"]}).json()
    assert [a["search_id"] for a in batch["answers"]] == [None, None]
    assert_problem(client.get("/search?q=cats&filter=nonsense"), 422)
    assert log.counts() == Counts(searches=0, shown=0, clicks=0, judgements=0)


def test_nothing_is_recorded_unless_the_server_was_told_to(serving: Serve) -> None:
    client = serving(create_app(lambda: make_engine(DOCUMENTS)))
    assert client.get("/search?q=cats").json()["search_id"] is None
    body = {"search_id": "x", "document": "a", "passage": 0, "kind": "click"}
    assert "--feedback" in assert_problem(client.post("/feedback", json=body), 403)["detail"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"search_id": "other"}, "#"),
        ({"document": "kitchen.md"}, "#"),
        ({"passage": 99}, "#"),
        ({"passage": -1}, "#/passage"),
        ({"passage": 10**30}, "#"),
        ({"kind": "like"}, "#/kind"),
        ({"kind": "judgement"}, "#"),
        ({"grade": 1}, "#"),
        ({"kind": "judgement", "grade": 4}, "#/grade"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_feedback_that_cannot_be_is_refused(
    client: TestClient, log: FeedbackLog, change: dict[str, Any], pointer: str
) -> None:
    answer = client.get("/search?q=dogs&filter=type:txt").json()
    body = {**about(answer), "kind": "click", **change}
    problem = assert_problem(client.post("/feedback", json=body), 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert (log.counts().clicks, log.counts().judgements) == (0, 0)


def test_a_log_that_fails_stops_no_search(client: TestClient, log: FeedbackLog) -> None:
    log.close()
    answer = client.get("/search?q=cats").json()
    assert answer["results"]
    assert answer["search_id"] is None
    assert "not recorded: the feedback log failed" in answer["notes"]
