"""Many requests, one model: budgets, time limits, full lines, clients that leave, reloads."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from server.app import create_app
from server.settings import ServerSettings
from tests.client import Serve, assert_problem, serving_many
from tests.fakes import OverlapReranker, SlowReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from fastapi import FastAPI
    from starlette.types import Message, Scope

    from engine.answer import Answer, SearchRequest
    from engine.search import SearchEngine
    from engine.types import Scores

TEXTS = {f"d{n:02}.md": f"cats {'purr ' * (n % 7)} and{n} sleep" for n in range(40)}
ASKED = {"query": "cats purr", "k": 40, "rerank_depth": 30}


@dataclass(frozen=True)
class Stuck(OverlapReranker):
    """Reads nothing before it may."""

    go: threading.Event = field(default_factory=threading.Event)
    reading: threading.Event = field(default_factory=threading.Event)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.reading.set()
        assert self.go.wait(30)
        return super().score(pairs)


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    stuck = Stuck()
    yield stuck
    stuck.go.set()


def app_of(reranker: OverlapReranker, settings: ServerSettings | None = None) -> FastAPI:
    return create_app(lambda: make_engine(TEXTS, reranker=reranker), settings=settings)


# -- budgets ---------------------------------------------------------------------------------------


def test_a_budget_is_kept_and_told(serving: Serve) -> None:
    client = serving(app_of(SlowReranker(seconds=0.01)))
    start = time.perf_counter()
    answer = client.post("/search", json={**ASKED, "budget_ms": 150}).json()
    assert time.perf_counter() - start < 1
    read = [result["stage"] for result in answer["results"]].count("reranked")
    assert 0 < read < 30
    assert (answer["degraded"], answer["degraded_reason"]) == (True, "budget")
    assert answer["notes"] == [f"reranked {read} of 30 candidates: the budget was used up"]
    by_url = client.get("/search?q=cats purr&budget_ms=0").json()
    assert by_url["degraded_reason"] == "budget"
    assert {result["stage"] for result in by_url["results"]} == {"fused"}
    assert_problem(client.post("/search", json={**ASKED, "budget_ms": -1}), 422)
    free = client.post("/search", json={**ASKED, "rerank_depth": 5}).json()
    assert free["degraded"] is False


def test_the_wait_for_others_counts_against_the_budget_and_is_told(
    serving: Serve, stuck: Stuck
) -> None:
    client = serving(app_of(stuck, ServerSettings(threads=1)))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/search", json=ASKED)
        assert stuck.reading.wait(30)
        second = pool.submit(client.post, "/search", json={**ASKED, "budget_ms": 100})
        time.sleep(0.4)
        stuck.go.set()
        assert first.result().json()["degraded"] is False
        answer = second.result().json()
    assert answer["degraded_reason"] == "budget"
    assert answer["timings_ms"]["queue"] >= 200
    assert answer["timings_ms"]["total"] >= answer["timings_ms"]["queue"]


def test_short_searches_do_not_wait_for_long_ones(serving: Serve) -> None:
    client = serving(app_of(SlowReranker(seconds=0.003)))
    texts = [f"text {number}" for number in range(300)]
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(client.post, "/rerank", json={"query": "cats", "texts": texts})
        time.sleep(0.1)
        short = client.post("/search", json={"query": "cats purr", "rerank_depth": 5}).json()
        assert not long.done()
        assert len(long.result().json()) == 300
    assert short["degraded"] is False
    assert short["timings_ms"]["queue"] > 0


# -- too much, too long ----------------------------------------------------------------------------


def test_a_full_line_is_answered_503_and_health_goes_on(serving: Serve, stuck: Stuck) -> None:
    app = app_of(stuck, ServerSettings(threads=2, line=1))
    client = serving(app)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(client.get, "/search?q=cats") for _ in range(3)]
        while not app.state.limiter.statistics().tasks_waiting:
            time.sleep(0.01)
        problem = assert_problem(client.get("/search?q=cats"), 503)
        assert "too many requests" in problem["detail"]
        assert client.get("/healthz").status_code == 200
        stuck.go.set()
        assert [r.result().status_code for r in running] == [200] * 3


def test_a_search_whose_time_is_over_answers_with_what_was_read(
    serving: Serve, stuck: Stuck
) -> None:
    client = serving(app_of(stuck, ServerSettings(timeout=0.3)))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(client.post, "/rerank", json={"query": "cats", "texts": ["cats"]})
        assert stuck.reading.wait(30)
        answer = client.post("/search", json=ASKED).json()
        assert answer["degraded_reason"] == "queue"
        assert answer["notes"] == ["reranked 0 of 30 candidates: the reranker is busy"]
        assert {result["stage"] for result in answer["results"]} == {"fused"}
        # There is no second best for texts that come with the request.
        late = client.post("/rerank", json={"query": "cats", "documents": ["a", "b"]})
        assert "too many requests" in assert_problem(late, 503)["detail"]
        stuck.go.set()
        reading.result()


def test_what_cannot_be_interrupted_is_not_waited_for(serving: Serve) -> None:
    go = threading.Event()

    class Slow(type(make_engine({}))):
        def search(self, request: SearchRequest) -> Answer:
            assert go.wait(30)
            return super().search(request)

    def load() -> SearchEngine:
        engine = make_engine(TEXTS)
        return Slow(engine.snapshot, engine.encoder, None)

    client = serving(create_app(load, settings=ServerSettings(timeout=0.2)))
    try:
        problem = assert_problem(client.get("/search?q=cats"), 503)
        assert problem["detail"] == "there is no answer within 0.2 seconds"
    finally:
        go.set()
    assert client.get("/search?q=cats").json()["results"]


# -- clients that leave ----------------------------------------------------------------------------


def talk(
    app: FastAPI,
    path: str,
    body: bytes | None,
    then: Callable[[], Awaitable[object]],
    after: Callable[[], None] = lambda: None,
) -> list[Message]:
    """Send a request, do something, leave, and return what was sent to nobody.

    A body of None never arrives.
    """

    async def all_of_it() -> list[Message]:
        messages: list[Message] = [{"type": "http.request", "body": body or b""}]
        sent: list[Message] = []

        async def receive() -> Message:
            if body is not None and messages:
                return messages.pop()
            await then()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }  # fmt: skip
        async with app.router.lifespan_context(app):
            while app.state.live.generation is None:
                await asyncio.sleep(0.01)
            await asyncio.wait_for(app(scope, receive, send), 30)
            after()
        return sent

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("path", ["/search", "/rerank"])
def test_a_client_that_leaves_takes_its_work_along(
    path: str, stuck: Stuck, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(stuck)
    read: list[int] = []

    async def reading() -> None:
        while not stuck.reading.is_set():
            await asyncio.sleep(0.01)

    def after() -> None:
        # The batch that is being read cannot be stopped; nothing else is left.
        stuck.go.set()
        time.sleep(0.2)
        read.append(app.state.metrics.queue_size.collect()[0].samples[0].value)

    body = ASKED if path == "/search" else {"query": "cats", "texts": ["a", "b", "c"]}
    sent = talk(app, path, json.dumps(body).encode(), reading, after)
    assert [message.get("status") for message in sent][:1] == [499]
    assert read == [0]
    assert app.state.limiter.statistics().borrowed_tokens == 0
    assert not [r for r in caplog.records if r.exc_info]


def test_a_body_that_does_not_arrive_ends_the_request() -> None:
    app = create_app(lambda: make_engine(TEXTS), settings=ServerSettings(timeout=0.2))
    sent = talk(app, "/search", None, lambda: asyncio.sleep(60))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_client_that_leaves_while_it_sends_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(lambda: make_engine(TEXTS))
    sent = talk(app, "/search", None, lambda: asyncio.sleep(0))
    assert sent[0]["status"] == 499
    assert not [r for r in caplog.records if r.exc_info]


# -- another model ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Versioned(SlowReranker):
    """Adds its number to each logit."""

    number: int = 0

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        scores = super().score(pairs)
        return replace(scores, logits=scores.logits + self.number * 100)


def test_every_answer_is_that_of_one_model_while_models_are_reloaded(serving: Serve) -> None:
    loaded: list[int] = []

    def load() -> SearchEngine:
        loaded.append(len(loaded))
        number = len(loaded)
        reranker = Versioned(f"model {number}", seconds=0.0005, number=number)
        return make_engine(TEXTS, reranker=reranker)

    app = create_app(load)
    client = serving(app)
    stop = threading.Event()
    seen: set[str] = set()

    def ask() -> None:
        while not stop.is_set():
            answer = client.post("/search", json={**ASKED, "explain": True}).json()
            assert answer["degraded"] is False
            scores = [result["scores"]["reranked"] for result in answer["results"]]
            numbers = {int(score // 100) for score in scores if score is not None}
            assert {f"model {number}" for number in numbers} == {answer["models"]["reranker"]}
            seen.add(answer["models"]["reranker"])

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        for _ in range(5):
            while f"model {len(loaded)}" not in seen and not any(a.done() for a in asking):
                time.sleep(0.01)
            app.state.live.reload()
        stop.set()
        for asked in asking:
            asked.result()
    assert seen >= {f"model {number}" for number in range(1, 6)}


def test_searches_whose_time_goes_by_in_the_line_keep_the_order_of_stage_one(
    serving: Serve, stuck: Stuck
) -> None:
    class Careful(type(make_engine({}))):
        """Takes its time for stage one, as a busy machine does."""

        def search(self, request: SearchRequest) -> Answer:
            time.sleep(0.15)
            return super().search(request)

    def load() -> SearchEngine:
        engine = make_engine(TEXTS, reranker=stuck)
        return Careful(engine.snapshot, engine.encoder, engine.reranker)

    client = serving(create_app(load, settings=ServerSettings(threads=1, timeout=0.3)))
    with ThreadPoolExecutor(26) as pool:
        first = pool.submit(client.post, "/search", json=ASKED)
        assert stuck.reading.wait(30)
        rest = [pool.submit(client.post, "/search", json=ASKED) for _ in range(24)]
        time.sleep(0.5)
        # Until here nobody was answered; from now on it takes 24 times stage one.
        stuck.go.set()
        answers = [each.result() for each in (first, *rest)]
    assert [answer.status_code for answer in answers] == [200] * 25
    assert {a.json()["degraded_reason"] for a in answers[1:]} <= {"queue", None}
    assert answers[-1].json()["degraded_reason"] == "queue"
