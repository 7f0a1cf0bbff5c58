from __future__ import annotations

import json
import logging
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from engine.answer import Answer, Result, SearchRequest
from engine.errors import DamagedIndex, ModelError
from engine.search import SearchEngine
from server.app import create_app
from server.guard import Guard
from server.schemas import SearchBody
from server.settings import ServerSettings
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

DOCUMENTS = {
    "zoo/cats.md": "cats purr at night\ncats sleep by day\n",
    "zoo/dogs.txt": "dogs bark at night\n",
    "kitchen.md": "bread needs flour and salt\n",
}
HERE = "http://127.0.0.1:8000"
JSON = {"Content-Type": "application/json"}


def client_of(app: FastAPI, wait: bool = True) -> TestClient:
    client = TestClient(app, base_url=HERE, raise_server_exceptions=False)
    client.__enter__()
    while wait and client.get("/readyz").json().get("stage") == "loading":
        pass
    return client


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    client = client_of(create_app(lambda: make_engine(DOCUMENTS)))
    yield client
    client.__exit__()


@pytest.fixture
def serving() -> Iterator[Callable[..., TestClient]]:
    clients: list[TestClient] = []

    def serve(app: FastAPI, wait: bool = True) -> TestClient:
        clients.append(client_of(app, wait))
        return clients[-1]

    yield serve
    for client in clients:
        client.__exit__()


def assert_problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert body["title"]
    assert body["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert ("errors" in body) == (status == 422)
    for error in body.get("errors", []):
        assert isinstance(error["detail"], str)
        assert error["pointer"].startswith("#")
    if status == 503:
        assert int(response.headers["retry-after"]) > 0
    return body


# -- answers -------------------------------------------------------------------------------------


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
    assert set(SearchBody.model_fields) == engines - {"plain"}
    asked = SearchBody.model_validate({"query": "a"}).request()
    assert asked == SearchRequest(query="a")


def test_a_degraded_answer_says_so_without_a_path_of_the_server(
    serving: Callable[..., TestClient],
) -> None:
    fault = "no model: /home/ann/models/x is missing"
    client = serving(create_app(lambda: make_engine(DOCUMENTS, reranker_fault=fault)))
    response = client.get("/search?q=cats")
    assert response.json()["degraded_reason"] == "reranker_unavailable"
    assert "/home" not in response.text


# -- bad input -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/search/", "/Search", "/a%00b", "/%ff"])
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


# -- who may ask ---------------------------------------------------------------------------------

PATHS = ["/healthz", "/livez", "/readyz", "/search?q=a", "/openapi.json", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.com", "127.0.0.1.evil.com", "localhost@evil.com", "", "8.8.8.8"]
)
def test_a_request_under_a_foreign_name_is_refused(
    client: TestClient, path: str, host: str
) -> None:
    assert_problem(client.get(path, headers={"Host": host}), 421)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin", ["http://evil.com", "null", "file://", "chrome-extension://a", ""]
)
def test_a_page_from_elsewhere_is_refused(client: TestClient, path: str, origin: str) -> None:
    assert_problem(client.get(path, headers={"Origin": origin}), 403)


@pytest.mark.parametrize(
    "host", ["localhost:9", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000", "box.local"]
)
def test_names_of_this_server_are_answered(serving: Callable[..., TestClient], host: str) -> None:
    names = ServerSettings(allowed_hosts=("box.local",))
    client = serving(create_app(lambda: make_engine(DOCUMENTS), settings=names))
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert client.get("/healthz", headers=headers).status_code == 200


def test_no_answer_may_be_read_by_another_page_or_kept(client: TestClient) -> None:
    for path in PATHS:
        headers = client.get(path, headers={"Origin": "http://localhost:3000"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert not [name for name in headers if name.startswith("access-control")]


def test_an_authorization_header_is_ignored(client: TestClient) -> None:
    response = client.get("/search?q=a", headers={"Authorization": "Bearer key"})
    assert response.status_code == 200


# -- loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
def test_a_server_that_loads_is_alive_but_not_ready(
    serving: Callable[..., TestClient], path: str
) -> None:
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
    serving: Callable[..., TestClient],
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


# -- failing -------------------------------------------------------------------------------------


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
    serving: Callable[..., TestClient],
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


# -- description ---------------------------------------------------------------------------------


def test_the_description_names_every_problem_and_leads_nowhere_else(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/search", "/healthz", "/livez", "/readyz"}
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                kind = "application/json" if status == "200" else "application/problem+json"
                assert list(response["content"]) == [kind]
    references = set(json.dumps(document).split("#/components/schemas/")[1:])
    assert {reference.partition('"')[0] for reference in references} <= set(schemas)
    assert "scores" not in schemas["Result"]["required"]
    assert "http" not in json.dumps(document).replace("https://", "x").replace("HTTP", "")


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


# -- renewing ------------------------------------------------------------------------------------


def test_answers_come_from_the_newest_commit_with_the_same_models(
    serving: Callable[..., TestClient],
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
