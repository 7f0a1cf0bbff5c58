from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from engine.errors import DamagedIndex, ModelError
from engine.search import SearchEngine
from server.app import create_app
from server.guard import Guard
from tests.client import DOCUMENTS, HERE, Serve, assert_problem, serving_many
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

    from engine.answer import Answer, SearchRequest


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
def test_a_server_that_loads_is_alive_but_not_ready(serving: Serve, path: str) -> None:
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait()
        return make_engine(DOCUMENTS)

    client = serving(create_app(load), wait=False)
    try:
        assert client.get(path).json() == {"status": "alive"}
        assert client.head(path).status_code == 200
        for asked in ("/readyz", "/search?q=a"):
            assert assert_problem(client.get(asked), 503)["stage"] == "loading"
    finally:
        go.set()
    while client.get("/readyz").status_code == 503:
        pass
    assert client.get("/readyz").json() == {"status": "ready", "snapshot": 1}
    assert client.get("/search?q=cats").json()["results"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ModelError("no model at /home/ann"), "a model"), (ValueError("/home/ann"), "went wrong")],
)
def test_a_server_that_could_not_load_says_why_and_stays_alive(
    serving: Serve,
    error: Exception,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load() -> SearchEngine:
        raise error

    client = serving(create_app(load))
    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", "/search?q=a"):
        problem = assert_problem(client.get(path), 503)
        assert problem["stage"] == "failed"
        assert reason in problem["detail"]
        assert "/home" not in problem["detail"]
    assert "/home/ann" in caplog.text


class Failing(SearchEngine):
    """Fails at every search."""

    def __init__(self, error: Exception) -> None:
        inner = make_engine(DOCUMENTS)
        super().__init__(inner.snapshot, inner.encoder, inner.reranker)
        self.error = error

    def search(self, request: SearchRequest) -> Answer:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DamagedIndex("/home/ann/index"), 503),
        (ModelError("/home/ann/model"), 500),
        (RuntimeError("/home/ann"), 500),
        (RecursionError(), 500),
    ],
)
def test_a_search_that_fails_is_logged_with_its_id_and_tells_no_path(
    serving: Serve,
    error: Exception,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = serving(create_app(lambda: Failing(error)))
    with caplog.at_level(logging.ERROR):
        response = client.get("/search?q=a")
    problem = assert_problem(response, status)
    assert "/home" not in response.text
    assert problem["instance"].removeprefix("urn:uuid:") in caplog.text
    assert str(error) in caplog.text
    assert client.get("/readyz").status_code == 200


def test_an_answer_that_breaks_off_is_not_followed_by_another() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("broken")

    client = TestClient(Guard(broken, frozenset()), base_url=HERE)
    with pytest.raises(ValueError, match="broken"):
        client.get("/")
