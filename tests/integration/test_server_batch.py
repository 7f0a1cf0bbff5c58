from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from server.app import create_app
from tests.client import DOCUMENTS, JSON, assert_problem, client_of
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "timings_ms": {}}


def test_each_answer_is_that_of_a_search(client: TestClient) -> None:
    queries = [
        "cats at night",
        {"query": "dogs", "k": 1, "explain": True},
        {"query": "bread", "limit": 2, "fields": ["document"]},
        {"query": "cats", "filter": "type:txt", "facets": ["type"]},
    ]
    answers = client.post("/search/batch", json={"queries": queries}).json()["answers"]
    for query, answer in zip(queries, answers, strict=True):
        body = {"query": query} if isinstance(query, str) else query
        assert untimed(answer) == untimed(client.post("/search", json=body).json())


def test_options_hold_for_each_that_does_not_say_otherwise(client: TestClient) -> None:
    body = {
        "queries": ["night", {"query": "night", "limit": 2}, {"query": "night", "filter": ""}],
        "k": 1,
        "filter": "type:md",
        "rerank": False,
    }
    answers = client.post("/search/batch", json=body).json()["answers"]
    assert [len(a["results"]) for a in answers] == [1, 2, 1]
    kinds = [{r["document"].rpartition(".")[2] for r in a["results"]} for a in answers]
    assert kinds[0] == kinds[1] == {"md"}
    assert {a["models"]["reranker"] for a in answers} == {None}


def test_a_query_that_fails_is_a_problem_among_answers(client: TestClient) -> None:
    queries = [
        "cats",
        {"query": "dogs", "filter": "nonsense"},
        {"query": "dogs", "k": 0},
        {"query": "dogs", "colour": "red"},
        {},
        {"query": "dogs", "fields": ["scores"]},
        "dogs",
    ]
    response = client.post("/search/batch", json={"queries": queries})
    assert response.status_code == 200
    answers = response.json()["answers"]
    assert [("results" in a, a.get("status")) for a in answers] == [
        (True, None), *[(False, 422)] * 5, (True, None),
    ]  # fmt: skip
    pointers = [[e["pointer"] for e in a["errors"]] for a in answers[2:6]]
    assert pointers == [
        ["#/queries/2/k"], ["#/queries/3/query", "#/queries/3/colour"][1:], ["#/queries/4/query"],
        ["#/queries/5"],
    ]  # fmt: skip
    assert answers[1]["instance"] == f"urn:uuid:{response.headers['x-request-id']}"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/queries"),
        ({"queries": []}, "#/queries"),
        ({"queries": ["a"] * 1001}, "#/queries"),
        ({"queries": "a"}, "#/queries"),
        ({"queries": ["a"], "k": 0}, "#/k"),
        ({"queries": ["a"], "query": "b"}, "#/query"),
        ({"queries": ["a"] * 201}, "#/queries"),
        ({"queries": ["a"] * 101, "k": 100, "rerank": False}, "#/queries"),
        ({"queries": ["a"] * 11, "depth": 10_000, "rerank": False}, "#/queries"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(
    client: TestClient, body: dict[str, Any], pointer: str
) -> None:
    response = client.post("/search/batch", content=json.dumps(body), headers=JSON)
    problem = assert_problem(response, 422)
    assert pointer in [error["pointer"].removesuffix("/0") for error in problem["errors"]]


def test_a_batch_without_reranking_may_be_large(client: TestClient) -> None:
    body = {"queries": ["cats", "dogs"] * 500, "rerank": False, "fields": ["document"]}
    answers = client.post("/search/batch", json=body).json()["answers"]
    assert len(answers) == 1000


def test_get_has_no_batch(client: TestClient) -> None:
    assert_problem(client.get("/search/batch"), 405)
    assert_problem(client.post("/search/batch", content=b"[", headers=JSON), 400)
