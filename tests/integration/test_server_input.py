from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.app import create_app
from server.schemas import SearchBody
from tests.client import DOCUMENTS, JSON, assert_problem, client_of
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/query"),
        ({"query": None}, "#/query"),
        ({"query": 5}, "#/query"),
        ({"query": "a" * 100_001}, "#/query"),
        ({"query": "a", "k": 0}, "#/k"),
        ({"query": "a", "k": 10_001}, "#/k"),
        ({"query": "a", "k": "5"}, "#/k"),
        ({"query": "a", "k": True}, "#/k"),
        ({"query": "a", "k": 1.5}, "#/k"),
        ({"query": "a", "k": 10**30}, "#/k"),
        ({"query": "a", "limit": 0}, "#/limit"),
        ({"query": "a", "offset": -1}, "#/offset"),
        ({"query": "a", "depth": 0}, "#/depth"),
        ({"query": "a", "sources": "both"}, "#/sources"),
        ({"query": "a", "filter": "night"}, "#/filter"),
        ({"query": "a", "filter": "date:yesterday"}, "#/filter"),
        ({"query": "a", "filter": "a:b " * 5000}, "#/filter"),
        ({"query": "a", "group_by": "folder"}, "#/group_by"),
        ({"query": "a", "rerank": "yes"}, "#/rerank"),
        ({"query": "a", "rerank_depth": 0}, "#/rerank_depth"),
        ({"query": "a", "explain": 1}, "#/explain"),
        ({"query": "a", "min_score": 1.1}, "#/min_score"),
        ({"query": "a", "min_score": "0.5"}, "#/min_score"),
        ({"query": "a", "facets": "type"}, "#/facets"),
        ({"query": "a", "facets": ["a"] * 21}, "#/facets"),
        ({"query": "a", "facets": [""]}, "#/facets/0"),
        ({"query": "a", "highlight": 1}, "#/highlight"),
        ({"query": "a", "fields": ["rank", "colour"]}, "#/fields/1"),
        ({"query": "a", "fields": ["scores"]}, "#"),
        ({"query": "a", "colour": "red"}, "#/colour"),
        ({"query": "a", "plain": True}, "#/plain"),
        ([], "#"),
        ("query", "#"),
        (None, "#"),
    ],
)
def test_a_field_that_cannot_be_is_named(client: TestClient, body: object, pointer: str) -> None:
    response = client.post("/search", content=json.dumps(body), headers=JSON)
    problem = assert_problem(response, 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("/search", "#/q"),
        ("/search?q=a&k=x", "#/k"),
        ("/search?q=a&k=0", "#/k"),
        ("/search?q=a&k=NaN", "#/k"),
        ("/search?q=a&k=" + "9" * 5000, "#/k"),
        ("/search?q=a&k=1&k=2", "#/k"),
        ("/search?q=a&rerank=maybe", "#/rerank"),
        ("/search?q=a&fields=rank,colour", "#/fields/1"),
        ("/search?q=a&min_score=NaN", "#/min_score"),
        ("/search?q=a&colour=red", "#/colour"),
        ("/search?q=a&filter=b", "#/filter"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(client: TestClient, url: str, pointer: str) -> None:
    problem = assert_problem(client.get(url), 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"query": "\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "\\ud800"}',
        b'{"\\udfff": 1, "query": "a"}',
        b'{"query": "a", "k": NaN}',
        b'{"query": "a", "k": -Infinity}',
        b'{"query": "a", "k": 1e999}',
        b'{"query": "a", "k": ' + b"9" * 100_000 + b"}",
        b"[" * 500_000,
        b'{"query": ' * 50_000,
        b'{"query": "a"} {"query": "b"}',
        b'\xef\xbb\xbf{"query": "a"}',
        b"\x00",
        json.dumps({f"field{n}": n for n in range(40_000)}).encode(),
    ],
    ids=range(18),
)
def test_what_is_no_question_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/search", content=body, headers=JSON)
    assert_problem(response, response.status_code)
    assert response.status_code in (400, 422)


def test_unpaired_bytes_in_a_url_do_no_harm(client: TestClient) -> None:
    assert client.get("/search?q=%ff%ed%a0%80&filter=type:%ff").status_code == 200


def test_a_body_may_have_a_megabyte_and_no_more(client: TestClient) -> None:
    for size, status in ((1_000_000, 422), (1_000_001, 413)):
        body = b'{"query": "' + b"a" * (size - 13) + b'"}'
        assert len(body) == size
        assert_problem(client.post("/search", content=body, headers=JSON), status)


def test_a_body_without_a_length_is_read_only_as_far_as_it_may_go(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 100_000

    assert_problem(client.post("/search", content=endless(), headers=JSON), 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_a_body_that_is_not_said_to_be_json_is_refused(client: TestClient, kind: str) -> None:
    response = client.post("/search", content=b'{"query": "a"}', headers={"Content-Type": kind})
    assert_problem(response, 415)


def test_json_may_name_its_characters(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/search", content=b'{"query": "a"}', headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "BREW"])
def test_a_method_that_a_path_lacks_is_answered_with_those_it_has(
    client: TestClient, method: str
) -> None:
    response = client.request(method, "/search")
    assert_problem(response, 405)
    assert response.headers["allow"] == "GET, POST"
    assert client.request(method, "/healthz").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/search/", "/Search", "/a%00b", "/%ff"])
def test_other_paths_are_not_there(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
search_fields = st.sampled_from([*SearchBody.model_fields, "limit", "q"])
questions = st.dictionaries(search_fields, json_values, max_size=6)


def with_query(query: str, fields: dict[str, object]) -> dict[str, object]:
    return {**fields, "query": query}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=json_values | questions | st.builds(with_query, st.text(), questions))
def test_any_json_is_answered_or_refused_with_a_problem(client: TestClient, body: object) -> None:
    response = client.post("/search", content=json.dumps(body).encode(), headers=JSON)
    if response.status_code == 200:
        assert isinstance(body, dict)
        assert response.json()["query"] == (body["query"] if "query" in body else body["q"])
    else:
        assert response.status_code in (400, 422)
        assert_problem(response, response.status_code)
