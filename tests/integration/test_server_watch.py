"""What requests leave behind: metrics and lines in the log."""

from __future__ import annotations

import io
import json
import logging
import os
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.errors import ModelError
from engine.search import SearchEngine
from engine.shortlist import STAGES
from server.app import create_app
from server.keys import read_keys
from server.logs import logging_to
from server.settings import ServerSettings
from tests.client import DOCUMENTS, Serve, serving_many
from tests.fakes import make_engine
from tests.indexing import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from server.logs import LogFormat

NAMES = {
    "shortlist_http_requests",
    "shortlist_http_request_duration_seconds",
    "shortlist_stage_duration_seconds",
    "shortlist_requests_running",
    "shortlist_rerank_queue_size",
    "shortlist_rerank_batch_size",
    "shortlist_rerank_pairs",
    "shortlist_degraded_searches",
    "shortlist_index_documents",
    "shortlist_index_passages",
    "shortlist_index_size_bytes",
    "shortlist_index_generation",
    "shortlist_index_commit_timestamp_seconds",
    "shortlist_build_info",
}


@pytest.fixture
def serving() -> Generator[Serve]:
    with serving_many() as serve:
        yield serve


def app(fault: str = "", *, log_queries: bool = False) -> FastAPI:
    return create_app(
        lambda: make_engine(DOCUMENTS, reranker_fault=fault),
        settings=ServerSettings(log_queries=log_queries),
    )


def broken() -> SearchEngine:
    raise ModelError("no weights")


def numbers(client: TestClient) -> dict[tuple[str, ...], float]:
    """Return every sample: (name, label values...) -> value."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_every_series_is_there_from_the_start(serving: Serve) -> None:
    client = serving(create_app(broken))
    families = {f.name for f in text_string_to_metric_families(client.get("/metrics").text)}
    assert families == NAMES
    found = numbers(client)
    for status in ("200", "401", "422", "429", "503"):
        assert found["shortlist_http_requests_total", "/search", status] == 0
    for stage in STAGES:
        assert found["shortlist_stage_duration_seconds_count", stage] == 0
    for reason in ("reranker_unavailable", "budget", "queue", "lexical_failed", "dense_failed"):
        assert found["shortlist_degraded_searches_total", reason] == 0
    assert found["shortlist_index_documents",] == 0


def test_requests_and_stages_are_counted(serving: Serve) -> None:
    client = serving(app())
    before = numbers(client)
    client.get("/search?q=cats")
    client.post("/search/batch", json={"queries": [{"query": "cats"}, {"query": "dogs"}]})
    client.get("/search")
    for path in ("/no/such/path", "/search/x", "/../etc/passwd"):
        client.get(path)
    found = numbers(client)
    assert found["shortlist_http_requests_total", "/search", "200"] == 1
    assert found["shortlist_http_requests_total", "/search", "422"] == 1
    assert found["shortlist_http_requests_total", "other", "404"] == 3
    assert found["shortlist_http_requests_total", "/metrics", "200"] == 1
    assert found["shortlist_http_request_duration_seconds_count", "/search"] == 2
    for stage in ("parse", "lexical", "rerank"):
        assert found["shortlist_stage_duration_seconds_count", stage] == 3
    assert found["shortlist_requests_running",] == 1  # this one
    assert {name[:-1] for name in found if name[0].endswith("total")} >= {
        name[:-1] for name in before if name[0].endswith("total")
    }


def test_degraded_searches_are_counted_and_the_models_are_named(serving: Serve) -> None:
    client = serving(app("no weights"))
    client.get("/search?q=cats")
    found = numbers(client)
    assert found["shortlist_degraded_searches_total", "reranker_unavailable"] == 1
    [build] = [name for name in found if name[0] == "shortlist_build_info"]
    assert "hash" in build


def test_the_index_is_measured(tmp_path: Path, serving: Serve) -> None:
    shelf = Shelf(tmp_path)
    shelf.write({"a.md": "cats", "b.md": "dogs"})
    shelf.index()
    client = serving(create_app(lambda: SearchEngine(shelf.store.snapshot(), shelf.encoder, None)))
    found = numbers(client)
    assert found["shortlist_index_documents",] == 2
    assert found["shortlist_index_passages",] == 2
    assert found["shortlist_index_generation",] == 1
    assert found["shortlist_index_size_bytes",] > 1000
    written = (tmp_path / "index" / "catalog.sqlite").stat().st_mtime
    assert abs(found["shortlist_index_commit_timestamp_seconds",] - written) < 60


def lines(form: LogFormat, work: Callable[[], None]) -> str:
    file = io.BytesIO()
    with logging_to(form, file):
        work()
    return file.getvalue().decode()


def test_a_line_is_written_for_each_request_without_its_words(serving: Serve) -> None:
    settings = ServerSettings(keys=read_keys(["laptop:sesame"]))
    client = serving(create_app(lambda: make_engine(DOCUMENTS), settings=settings))

    def work() -> None:
        client.get("/livez")
        client.get("/search?q=secret+cats", headers={"X-API-Key": "sesame"})
        client.get("/private/path")

    found = [json.loads(line) for line in lines("json", work).splitlines()]
    assert [(line["route"], line["status"]) for line in found] == [("/search", 200), ("other", 401)]
    searched = found[0]
    assert searched["event"] == "request"
    assert searched["method"] == "GET"
    assert searched["key"] == "laptop"
    assert searched["ms"] > 0
    assert len(searched["id"]) == 36
    assert searched["time"].endswith("Z")
    for word in ("secret", "private", "sesame"):
        assert word not in json.dumps(found)


def test_queries_are_written_only_if_wanted_and_cannot_forge_lines(serving: Serve) -> None:
    client = serving(app(log_queries=True))
    query = 'cats\n2026 INFO request route="x"'

    def work() -> None:
        client.get("/search", params={"q": query})
        client.post("/search", json={"query": query})

    text = lines("text", work)
    assert len(text.splitlines()) == 2
    for line in text.splitlines():
        assert " INFO request method=" in line
        assert "route=/search status=200" in line
        assert f"query={json.dumps(query)}" in line
    found = [json.loads(line) for line in lines("json", work).splitlines()]
    assert {line["query"] for line in found} == {query}


@pytest.mark.parametrize("form", ["text", "json"])
def test_errors_are_written_with_their_trace(form: LogFormat) -> None:
    def work() -> None:
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("server.somewhere").exception("request %s failed", 7)

    text = lines(form, work)
    assert "request 7 failed" in text
    assert "ValueError: broken" in text
    if form == "json":
        assert json.loads(text)["level"] == "error"


def test_logging_is_left_as_it_was() -> None:
    before = logging.getLogger().handlers[:]
    assert lines("text", lambda: None) == ""
    assert logging.getLogger().handlers == before
    assert lines("none", lambda: logging.getLogger("shortlist.server").info("quiet")) == ""


def test_who_reads_no_log_stops_no_answer(serving: Serve) -> None:
    client = serving(app())
    reader, writer = os.pipe()
    full = os.fdopen(writer, "wb", buffering=0)
    with full, os.fdopen(reader, "rb"), logging_to("json", full):
        for _ in range(20):
            logging.getLogger("shortlist.server").info("x" * 10_000)
        assert client.get("/search?q=cats").status_code == 200
