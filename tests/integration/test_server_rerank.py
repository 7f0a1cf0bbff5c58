from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import RerankerBusy
from server.app import create_app
from server.wire.rerank import MOST_TEXTS
from server.wire.texts import LONGEST_BODY, LONGEST_TEXT
from tests.client import DOCUMENTS, JSON, Serve, assert_problem, client_of, serving_many
from tests.fakes import OverlapReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.testclient import TestClient

    from engine.search import SearchEngine
    from engine.types import Scores

PATHS = ["/rerank", "/v1/rerank", "/v2/rerank"]
QUERY = "cats at night"
TEXTS = ["dogs at night", "cats at night", "bread"]
# OverlapReranker: 1 - exp(-number of shared words)
SCORES = [0.8646647167633873, 0.950212931632136, 0.0]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


def ask(client: TestClient, path: str = "/rerank", **fields: object) -> Any:  # noqa: ANN401 - JSON
    response = client.post(path, json={"query": QUERY, **fields})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


# -- dialects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_cohere_v2_clients_send_null_for_what_they_do_not_ask(
    client: TestClient, path: str
) -> None:
    answer = ask(
        client, path, model="rerank-v3.5", documents=TEXTS, top_n=2, max_tokens_per_doc=None,
        priority=None, relevant_spans=None,
    )  # fmt: skip
    assert answer["results"] == [
        {"index": 1, "relevance_score": pytest.approx(SCORES[1])},
        {"index": 0, "relevance_score": pytest.approx(SCORES[0])},
    ]
    assert (answer["object"], answer["model"]) == ("rerank", "overlap")
    assert answer["id"]
    meta = answer["meta"]
    assert meta["api_version"] == {"version": "2" if path.startswith("/v2") else "1"}
    assert meta["billed_units"] == {"search_units": 0}
    assert "rerank" in meta["warnings"][0]


@pytest.mark.parametrize("top_n", [None, 0, 3, 1000])
def test_without_a_number_all_are_returned(client: TestClient, top_n: int | None) -> None:
    results = ask(client, documents=TEXTS, top_n=top_n)["results"]
    assert [r["index"] for r in results] == [1, 0, 2]
    assert len(ask(client, documents=TEXTS)["results"]) == 3


def test_cohere_v1_clients_get_back_objects(client: TestClient) -> None:
    documents = [{"text": "dogs at night", "id": 7}, "cats at night"]
    answer = ask(client, "/v1/rerank", documents=documents, return_documents=True)
    assert [r["document"] for r in answer["results"]] == [{"text": "cats at night"}, documents[0]]


def test_fields_to_rank_by_are_read_in_their_order(client: TestClient) -> None:
    documents = [
        {"title": "dogs", "text": "cats at night"},
        {"title": "cats", "body": "at night", "text": "dogs"},
    ]
    answer = ask(client, documents=documents, rank_fields=["title", "body"])
    assert [r["index"] for r in answer["results"]] == [1, 0]
    assert answer["results"][0]["relevance_score"] == pytest.approx(SCORES[1])


def test_jina_clients_find_model_and_usage(client: TestClient) -> None:
    answer = ask(client, "/v1/rerank", model="jina-reranker-v2", documents=TEXTS)
    assert answer["model"] == "overlap"
    # A quarter of the bytes of each text, and of the query once for each.
    assert answer["usage"] == {"prompt_tokens": 4 + 4 + 2 + 3 * 4, "total_tokens": 22}
    assert "document" not in answer["results"][0]


@pytest.mark.parametrize("extra", [{"top_k": None, "truncation": True}, {"top_k": 2}])
def test_voyage_clients_get_data(client: TestClient, extra: dict[str, Any]) -> None:
    answer = ask(client, documents=TEXTS, model="rerank-2.5", return_documents=True, **extra)
    wanted = [
        {"index": n, "relevance_score": pytest.approx(SCORES[n]), "document": TEXTS[n]}
        for n in (1, 0, 2)
    ]
    assert answer["data"] == wanted[: extra["top_k"]]
    assert (answer["object"], answer["model"]) == ("list", "overlap")
    assert answer["usage"]["total_tokens"] == 22


def test_tei_clients_get_a_bare_list(client: TestClient) -> None:
    answer = ask(client, texts=TEXTS, truncate=True, truncation_direction="Right", top_n=1)
    assert answer == [{"index": n, "score": pytest.approx(SCORES[n])} for n in (1, 0, 2)]
    answer = ask(client, texts=TEXTS, return_text=True, raw_scores=True)
    assert answer[0] == {"index": 1, "score": 3.0, "text": "cats at night"}
    assert ask(client, texts=TEXTS, truncate=None, return_text=None, raw_scores=None)


def test_a_reranker_without_calibration_says_so(serving: Serve) -> None:
    reranker = OverlapReranker(calibrated=False)
    client = serving(create_app(lambda: make_engine(DOCUMENTS, reranker=reranker)))
    answer = ask(client, documents=TEXTS)
    assert answer["results"][0]["relevance_score"] == pytest.approx(0.9525741268224334)
    assert "not calibrated" in answer["meta"]["warnings"][0]
    assert "warnings" not in ask(client, documents=TEXTS, raw_scores=True)["meta"]


def test_equal_scores_stay_in_their_order(client: TestClient) -> None:
    answer = ask(client, texts=["bread", "cats", "night", "flour", "at"])
    assert [r["index"] for r in answer] == [1, 2, 4, 0, 3]


def test_ten_thousand_texts_are_not_too_many(client: TestClient) -> None:
    texts = [f"word {number}" for number in range(MOST_TEXTS)]
    texts[7777] = QUERY
    answer = ask(client, texts=texts)
    assert len(answer) == MOST_TEXTS
    assert answer[0]["index"] == 7777


def test_odd_texts_are_ranked(client: TestClient) -> None:
    texts = ["", " ", "\x00", "👍", "x" * LONGEST_TEXT, "cats"]
    assert ask(client, texts=texts)[0]["index"] == 5
    assert client.post("/rerank", json={"query": "", "texts": ["a"]}).status_code == 200


def test_what_comes_along_with_a_document_comes_back(client: TestClient) -> None:
    document = {"text": "a", "deep": [{"b": [None, 1.5, 10**400]}]}
    answer = ask(client, documents=[document], return_documents=True)
    assert answer["results"][0]["document"] == document
    # No JSON can hold what this number is read as.
    body = b'{"query": "a", "return_documents": true, "documents": [{"text": "a", "n": 1e400}]}'
    answer = client.post("/rerank", content=body, headers=JSON).json()
    assert answer["results"][0]["document"] == {"text": "a", "n": None}


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"documents": []}, 400, ""),
        ({"documents": ["a"] * (MOST_TEXTS + 1)}, 422, "#/documents"),
        ({"documents": ["a", "b" * (LONGEST_TEXT + 1)]}, 422, "#/documents/1"),
        ({"documents": ["a", 1]}, 422, "#/documents/1"),
        ({"documents": ["a", {"image": "b"}]}, 422, "#/documents/1"),
        ({"documents": [{"title": 1}], "rank_fields": ["title"]}, 422, "#/documents/0"),
        ({"documents": "a"}, 422, "#/documents"),
        ({"documents": ["a"], "top_n": -1}, 422, "#/top_n"),
        ({"documents": ["a"], "query": None}, 422, "#/query"),
        ({"documents": ["a"], "query": "a" * 100_001}, 422, "#/query"),
        ({"documents": ["a"], "return_documents": "maybe"}, 422, "#/return_documents"),
    ],
)
def test_cohere_clients_find_a_message(
    client: TestClient, path: str, fields: dict[str, Any], status: int, field: str
) -> None:
    problem = assert_problem(client.post(path, json={"query": QUERY, **fields}), status)
    assert problem["message"] == problem["detail"]
    assert "error" not in problem
    if field:
        assert [e["pointer"] for e in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"texts": []}, 400, "Empty"),
        ({"texts": ["a"] * (MOST_TEXTS + 1)}, 422, "Validation"),
        ({"texts": ["a", None]}, 422, "Validation"),
        ({"texts": ["b" * (LONGEST_TEXT + 1)]}, 422, "Validation"),
        ({"texts": ["a"], "raw_scores": "maybe"}, 422, "Validation"),
    ],
)
def test_tei_clients_find_an_error_and_its_type(
    client: TestClient, fields: dict[str, Any], status: int, kind: str
) -> None:
    problem = assert_problem(client.post("/rerank", json={"query": QUERY, **fields}), status)
    assert (problem["error"], problem["error_type"]) == (problem["detail"], kind)
    assert "message" not in problem


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"texts": ["a"], "documents": ["a"]}, "#"),
        ({}, "#/documents"),
        ({"texts": None, "documents": None}, "#/documents"),
    ],
)
def test_a_body_of_no_dialect_is_refused_in_all_that_share_the_path(
    client: TestClient, fields: dict[str, Any], field: str
) -> None:
    problem = assert_problem(client.post("/rerank", json={"query": QUERY, **fields}), 422)
    assert problem["message"] == problem["error"] == problem["detail"]
    assert [e["pointer"] for e in problem["errors"]] == [field]
    assert "error" not in assert_problem(client.post("/v2/rerank", json=fields), 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"query": "\\ud800", "documents": ["a"]}', 400),
        (b"[" * 100_000, 400),
        (b'{"query": "a", "documents": [' + b'{"text":' * 1000, 400),
        (b'"a"', 422),
        (b"null", 422),
    ],
)
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes, status: int) -> None:
    problem = assert_problem(client.post("/v1/rerank", content=body, headers=JSON), status)
    assert problem["message"] == problem["detail"]


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    large = b" " * (LONGEST_BODY + 1)
    problem = assert_problem(client.post("/rerank", content=large, headers=JSON), 413)
    assert problem["message"] == problem["error"]
    assert problem["error_type"] == "Validation"
    fits = json.dumps({"query": "a", "texts": ["a"]}).encode().ljust(LONGEST_BODY)
    assert client.post("/rerank", content=fits, headers=JSON).status_code == 200


def test_a_body_that_is_not_said_to_be_json_is_refused(client: TestClient) -> None:
    response = client.post("/v2/rerank", content=b"{}", headers={"Content-Type": "text/plain"})
    assert assert_problem(response, 415)["message"]


@pytest.mark.parametrize(
    ("path", "prefix", "known"),
    [
        ("/v1/v2/rerank", "/v1", "/v2/rerank"),
        ("/v1/v1/rerank", "/v1", "/v1/rerank"),
        ("/v1/rerank/rerank", "/v1/rerank", "/rerank"),
        ("/v1/v1/embeddings", "/v1", "/v1/embeddings"),
        ("/api/info", "/api", "/info"),
    ],
)
def test_a_base_url_that_is_too_long_is_told(
    client: TestClient, path: str, prefix: str, known: str
) -> None:
    problem = assert_problem(client.post(path, json={}), 404)
    assert problem["detail"].startswith(known)
    assert problem["detail"].endswith(f"base_url must not end in {prefix}")
    assert {"message", "error"} & set(problem)


@pytest.mark.parametrize("name", ["texts", "documents"])
def test_a_server_without_a_reranker_says_so(serving: Serve, name: str) -> None:
    client = serving(create_app(lambda: make_engine(DOCUMENTS, rerank=False)))
    problem = assert_problem(client.post("/rerank", json={"query": "a", name: ["a"]}), 424)
    assert "no reranker" in problem["detail"]
    assert problem.get("error_type") == ("Backend" if name == "texts" else None)


def test_a_server_that_loads_asks_to_come_back(serving: Serve) -> None:
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait()
        return make_engine(DOCUMENTS)

    client = serving(create_app(load), wait=False)
    try:
        problem = assert_problem(client.post("/rerank", json={"query": "a", "texts": ["a"]}), 503)
        assert problem["error_type"] == "Unhealthy"
        assert assert_problem(client.get("/health"), 503)["error_type"] == "Unhealthy"
        assert assert_problem(client.get("/info"), 503)["error_type"] == "Unhealthy"
        problem = assert_problem(client.post("/v1/embeddings", json={"input": "a"}), 503)
        assert problem["error"]["type"] == "server_error"
    finally:
        go.set()


class Busy(OverlapReranker):
    """Has no time."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        raise RerankerBusy("the queue is full")


def test_a_server_that_is_full_asks_to_come_back(serving: Serve) -> None:
    client = serving(create_app(lambda: make_engine(DOCUMENTS, reranker=Busy())))
    problem = assert_problem(client.post("/rerank", json={"query": "a", "texts": ["a"]}), 503)
    assert problem["error_type"] == "Overloaded"
    asked = {"query": "a", "documents": ["a"]}
    assert assert_problem(client.post("/v2/rerank", json=asked), 503)["message"]


# -- the description -----------------------------------------------------------------------------


def test_the_description_shows_each_dialect(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path in PATHS:
        route = document["paths"][path]["post"]
        taken = route["requestBody"]["content"]["application/json"]["examples"]
        answered = route["responses"]["200"]["content"]["application/json"]["examples"]
        assert set(taken) == set(answered) == {
            "cohere_v1", "cohere_v2", "jina", "voyage", "text_embeddings_inference"
        }  # fmt: skip
        for name, example in taken.items():
            answer = client.post(path, json=example["value"]).json()
            shown = answered[name]["value"]
            assert (
                sorted(answer) == sorted(shown)
                if name != "text_embeddings_inference"
                else ([sorted(item) for item in answer] == [["index", "score"]] * len(shown))
            )
        assert {"400", "413", "415", "422", "424", "503"} <= set(route["responses"])


def test_the_description_lets_what_may_be_absent_be_null(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("RerankDocuments", "RerankTexts", "EmbeddingsBody", "EmbedBody"):
        for field, schema in schemas[name]["properties"].items():
            nullable = {"type": "null"} in schema.get("anyOf", [])
            assert nullable == (field not in schemas[name]["required"]), (name, field)
