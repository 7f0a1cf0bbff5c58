from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from engine.answer import SearchRequest
from engine.errors import NoIndex
from engine.memory import MemorySnapshot, MemoryStore
from engine.search import SearchEngine
from server.app import create_app
from server.live import LiveEngine, NotReadyError, ReloadingError, reload_and_tell
from server.settings import ServerSettings
from tests.client import client_of
from tests.fakes import HashEncoder, OverlapReranker, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.filters import Filter
    from engine.query import Query
    from engine.types import Hit, StoredPassage


class Watched(MemorySnapshot):
    """Fails when it is used after it was closed, or closed twice."""

    closed = False

    def search_text(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        assert not self.closed
        return super().search_text(queries, depth, where)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        time.sleep(0.0005)
        assert not self.closed
        return super().passages(ids)

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class Shelf:
    """A store in memory, and every engine that was made of it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.encoder = HashEncoder()
        self.engines: list[SearchEngine] = []
        self.commit()

    def commit(self) -> None:
        number = self.store.state.generation + 1
        fill(
            self.store, {"a.md": f"word{number} apple", "b.md": f"word{number} pear"}, self.encoder
        )

    def load(self) -> SearchEngine:
        engine = SearchEngine(Watched(self.store.state), self.encoder, OverlapReranker())
        self.engines.append(engine)
        return engine

    def renew(self, engine: SearchEngine) -> SearchEngine | None:
        newer = self.store.state.generation != engine.snapshot.generation
        return self.load() if newer else None

    def closed(self) -> list[bool]:
        return [e.snapshot.closed for e in self.engines if isinstance(e.snapshot, Watched)]


class SlowShelf(Shelf):
    """Nothing newer comes of it before it may `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def renew(self, engine: SearchEngine) -> SearchEngine | None:
        self.entered.set()
        self.go.wait()
        return super().renew(engine)


def started(live: LiveEngine) -> LiveEngine:
    live.start()
    while live.progress == "loading":
        time.sleep(0.001)
    return live


def answering(live: LiveEngine) -> SearchEngine:
    with live.use() as engine:
        return engine


def test_no_answer_is_dropped_or_mixed_while_commits_come() -> None:
    shelf = Shelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    stop = threading.Event()

    def ask(_: int) -> int:
        asked = 0
        while not stop.is_set():
            with live.use() as engine:
                answer = engine.search(SearchRequest(query="apple pear"))
            words = {result.text.split()[0] for result in answer.results}
            assert words == {f"word{answer.snapshot}"}
            assert len(answer.results) == 2
            asked += 1
        return asked

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(ask, n) for n in range(6)]
        for _ in range(30):
            shelf.commit()
            time.sleep(0.005)
        stop.set()
        assert all(r.result() for r in running)
    assert len(shelf.engines) > 5
    assert shelf.closed() == [True] * (len(shelf.engines) - 1) + [False]
    live.close()
    assert all(shelf.closed())


def test_a_snapshot_closes_only_when_its_last_request_is_done() -> None:
    shelf = Shelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    with live.use() as first, live.use() as second:
        assert first is second
        shelf.commit()
        with live.use() as newer:
            assert newer is not first
        assert shelf.closed() == [False, False]
    assert shelf.closed() == [True, False]
    live.close()


def test_an_engine_that_stops_closes_when_its_last_request_is_done() -> None:
    shelf = Shelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    with ThreadPoolExecutor(1) as pool:
        with live.use():
            closing = pool.submit(live.close)
            while live.generation is not None:
                time.sleep(0.001)
            assert shelf.closed() == [False]
            assert not closing.done()
            with pytest.raises(NotReadyError, match="stopped"), live.use():
                pass
        closing.result()
    assert shelf.closed() == [True]


def test_the_index_is_not_asked_more_often_than_said() -> None:
    shelf = Shelf()
    asked: list[int] = []
    live = started(LiveEngine(shelf.load, lambda _: asked.append(1), 3600))
    for _ in range(5):
        with live.use():
            pass
    assert not asked
    live.close()


def test_the_commit_before_answers_when_the_newer_cannot_be_opened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    faults = [NoIndex("gone"), NoIndex("gone"), OSError("broken")]

    def renew(engine: SearchEngine) -> SearchEngine | None:
        if faults:
            raise faults.pop(0)
        return shelf.renew(engine)

    live = started(LiveEngine(shelf.load, renew, 0))
    shelf.commit()
    for generation in (1, 1, 1, 2):
        with live.use() as engine:
            assert engine.snapshot.generation == generation
    # Said once for each fault, not for each request.
    assert [r.getMessage().rpartition(": ")[2] for r in caplog.records] == ["gone", "broken"]
    live.close()


def test_a_slow_renewal_keeps_nobody_waiting() -> None:
    shelf = SlowShelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    shelf.commit()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answering, live)
        shelf.entered.wait()
        assert answering(live) is shelf.engines[0]
        shelf.go.set()
        assert first.result().snapshot.generation == 2
    live.close()


def test_closing_while_loading_waits_for_nothing_and_leaves_nothing_open() -> None:
    shelf = Shelf()
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait()
        return shelf.load()

    live = LiveEngine(load, shelf.renew, 0)
    live.start()
    live.close()
    assert live.progress == "stopped"
    assert live.loading
    go.set()
    while live.loading:
        time.sleep(0.001)
    assert shelf.closed() == [True]
    assert live.generation is None


def test_what_was_loaded_before_answers_until_it_is_loaded_anew() -> None:
    shelf = Shelf()
    entered, go = threading.Event(), threading.Event()

    def load() -> SearchEngine:
        if shelf.engines:
            entered.set()
            go.wait()
        return shelf.load()

    live = started(LiveEngine(load, shelf.renew, 0))
    with ThreadPoolExecutor(1) as pool:
        reloading = pool.submit(live.reload)
        entered.wait()
        with live.use() as engine:
            assert engine is shelf.engines[0]
        assert live.loading
        with pytest.raises(ReloadingError):
            live.reload()
        with live.use() as before:
            go.set()
            assert reloading.result() == 1
            with live.use() as after:
                assert after is not before
            assert shelf.closed() == [False, False]
    assert shelf.closed() == [True, False]
    live.close()


def test_a_commit_renews_what_answers_and_never_brings_back_the_models_before() -> None:
    shelf = SlowShelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    shelf.commit()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(answering, live)  # renews the first engine
        shelf.entered.wait()
        assert live.reload() == 2
        reloaded = shelf.engines[1]
        shelf.go.set()
        assert asked.result() is reloaded
    assert answering(live) is reloaded
    assert shelf.closed() == [True, False, True]
    live.close()


def test_a_reload_mends_what_could_not_be_loaded_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    faults: list[Exception] = [NoIndex("not yet")]

    def load() -> SearchEngine:
        if faults:
            raise faults.pop()
        return shelf.load()

    live = started(LiveEngine(load, shelf.renew, 0))
    assert live.progress == "failed"
    assert live.reload() == 1
    assert (live.progress, live.fault) == ("ready", None)
    faults.append(NoIndex("gone"))
    with pytest.raises(NoIndex):
        live.reload()
    faults.append(NoIndex("gone"))
    reload_and_tell(live)
    assert "what was loaded before answers: gone" in caplog.text
    with live.use() as engine:
        assert engine is shelf.engines[0]
    live.close()


def test_what_is_loaded_anew_while_the_server_stops_is_closed() -> None:
    shelf = Shelf()
    live = started(LiveEngine(shelf.load, shelf.renew, 0))
    live.close()
    with pytest.raises(NotReadyError):
        live.reload()
    assert shelf.closed() == [True, True]


def test_a_commit_is_opened_although_nobody_asks() -> None:
    shelf = Shelf()
    settings = ServerSettings(check_seconds=0, idle_seconds=0.02)
    with client_of(create_app(shelf.load, shelf.renew, settings)) as client:
        assert client.get("/readyz").json()["snapshot"] == 1
        shelf.commit()
        end = time.monotonic() + 30
        # /readyz tells what answers, and does not look for more.
        while client.get("/readyz").json()["snapshot"] == 1 and time.monotonic() < end:
            time.sleep(0.01)
        assert client.get("/readyz").json()["snapshot"] == 2
        assert shelf.closed() == [True, False]
