from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from engine.answer import Answer, Result, SearchRequest
from engine.search import SearchEngine
from server.app import create_app
from server.schemas import SearchBody
from server.settings import ServerSettings
from tests.client import DOCUMENTS, Serve, assert_problem, client_of, serving_many
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


def test_an_answer_has_the_words_of_the_engine(client: TestClient) -> None:
    answer = client.post("/search", json={"query": "cats at night", "explain": True}).json()
    assert set(answer) == {f.name for f in fields(Answer)}
    assert set(answer["results"][0]) == {f.name for f in fields(Result)}
    assert answer["query"] == "cats at night"
    assert answer["models"] == {"encoder": "hash", "reranker": "overlap"}
    assert answer["degraded"] is False
    assert answer["snapshot"] == 1
    assert "total" in answer["timings_ms"]
    best = answer["results"][0]
    assert (best["rank"], best["document"], best["passage"]) == (1, "zoo/cats.md", 0)
    assert best["stage"] == "reranked"
    assert best["scores"]["reranked"] == 3.0


def test_scores_are_there_only_where_they_were_asked_for(client: TestClient) -> None:
    plain = client.post("/search", json={"query": "cats"}).json()
    assert plain["results"]
    assert all("scores" not in result for result in plain["results"])


def test_the_url_asks_the_same_as_the_body(client: TestClient) -> None:
    asked = {
        "k": 2, "offset": 1, "depth": 5, "sources": "lexical", "filter": "path:zoo",
        "group_by": "document", "rerank": False, "rerank_depth": 3, "explain": True,
    }  # fmt: skip
    by_body = client.post("/search", json={"query": "cats dogs night", **asked}).json()
    by_url = client.get("/search", params={"q": "cats dogs night", **asked}).json()
    assert len(by_body["results"]) == 1
    assert {**by_body, "timings_ms": {}} == {**by_url, "timings_ms": {}}
    by_words = client.get("/search", params={"query": "cats dogs night", **asked}).json()
    assert by_words["results"] == by_url["results"]


def test_limit_is_another_name_of_k(client: TestClient) -> None:
    assert len(client.post("/search", json={"query": "night", "limit": 1}).json()["results"]) == 1
    assert len(client.get("/search?q=night&limit=1").json()["results"]) == 1
    assert_problem(client.post("/search", json={"query": "night", "limit": 1, "k": 2}), 422)


def test_a_filter_keeps_only_its_documents(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "night", "filter": "type:txt"}).json()
    assert [r["document"] for r in answer["results"]] == ["zoo/dogs.txt"]


@pytest.mark.parametrize("query", ["", " ", "((((", '"', "-", "\x00", "👍 é 漢字", "a" * 100_000])
def test_any_query_is_answered(client: TestClient, query: str) -> None:
    assert client.post("/search", json={"query": query}).json()["query"] == query


def test_the_body_asks_what_the_engine_can_be_asked() -> None:
    engines = {f.name for f in fields(SearchRequest)}
    assert set(SearchBody.model_fields) == engines - {"plain"} | {"record"}
    asked = SearchBody.model_validate({"query": "a"}).request()
    assert asked == SearchRequest(query="a")


def test_facets_and_a_least_score_go_through(client: TestClient) -> None:
    asked = {"query": "cats at night", "facets": ["type", "folder"], "min_score": 0.1}
    by_body = client.post("/search", json=asked).json()
    assert by_body["facets"] == {
        "type": {
            "values": [{"value": "md", "count": 2}, {"value": "txt", "count": 1}],
            "others": 0,
        },
        "folder": {"values": [{"value": "zoo", "count": 3}], "others": 0},
    }
    assert by_body["total_candidates"] == 3
    by_url = client.get("/search?q=cats at night&facets=type,folder&min_score=0.1").json()
    assert by_url["facets"] == by_body["facets"]


def test_only_the_fields_that_were_asked_for_come_back(client: TestClient) -> None:
    asked = {"query": "cats", "fields": ["document", "start"], "highlight": False}
    by_body = client.post("/search", json=asked).json()
    assert {tuple(r) for r in by_body["results"]} == {("document", "start")}
    by_url = client.get("/search?q=cats&fields=rank,scores&explain=true").json()
    assert {tuple(r) for r in by_url["results"]} == {("rank", "scores")}
    assert {tuple(r) for r in client.get("/search?q=cats&fields=rank").json()["results"]} == {
        ("rank",)
    }


def test_a_degraded_answer_says_so_without_a_path_of_the_server(
    serving: Serve,
) -> None:
    fault = "no model: /home/ann/models/x is missing"
    client = serving(create_app(lambda: make_engine(DOCUMENTS, reranker_fault=fault)))
    response = client.get("/search?q=cats")
    assert response.json()["degraded_reason"] == "reranker_unavailable"
    assert "/home" not in response.text


def test_the_description_names_every_problem_and_leads_nowhere_else(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    searching = {"/search", "/search/batch", "/documents", "/documents/{id}", "/feedback"}
    foreign = {"/rerank", "/v1/rerank", "/v2/rerank", "/embed", "/info", "/v1/embeddings"}
    foreign |= {"/v1/models", "/health"}
    ours = {"/healthz", "/livez", "/readyz", "/metrics", "/admin/reload"}
    assert set(document["paths"]) == {*searching, *foreign, *ours}
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                good = "text/plain" if path == "/metrics" else "application/json"
                kinds = [good if status in ("200", "201") else "application/problem+json"]
                assert list(response.get("content", {})) == ([] if status == "204" else kinds)
    references = set(json.dumps(document).split("#/components/schemas/")[1:])
    assert {reference.partition('"')[0] for reference in references} <= set(schemas)
    assert "required" not in schemas["Result"]
    told = json.dumps(document).replace('"type": "http"', "")
    assert "http" not in told.replace("https://", "x").replace("HTTP", "")


def test_the_description_tells_both_ways_to_ask(client: TestClient) -> None:
    search = client.get("/openapi.json").json()["paths"]["/search"]
    assert search["post"]["requestBody"]["required"]
    assert {"400", "413", "415", "422", "503"} <= set(search["post"]["responses"])
    named = {p["name"]: p for p in search["get"]["parameters"]}
    assert set(named) == {"q", *SearchBody.model_fields} - {"query"}
    assert named["q"]["required"]
    assert named["k"]["schema"] == {
        "default": 10,
        "maximum": 10000,
        "minimum": 1,
        "type": "integer",
    }


def test_answers_come_from_the_newest_commit_with_the_same_models(
    serving: Serve,
) -> None:
    first = make_engine(DOCUMENTS)
    second = make_engine({"new.md": "cats fly"})
    waiting = [replace_snapshot(first, second)]
    app = create_app(
        lambda: first,
        lambda _: waiting.pop() if waiting else None,
        ServerSettings(check_seconds=0),
    )
    client = serving(app)
    assert client.get("/search?q=fly&k=1").json()["results"][0]["document"] == "new.md"


def replace_snapshot(engine: SearchEngine, other: SearchEngine) -> SearchEngine:
    return SearchEngine(other.snapshot, engine.encoder, engine.reranker)
