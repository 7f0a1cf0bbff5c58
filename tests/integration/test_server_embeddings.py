from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from server.app import create_app
from server.wire.embeddings import MOST_INPUTS
from server.wire.texts import LONGEST_TEXT
from tests.client import DOCUMENTS, JSON, assert_problem, client_of
from tests.fakes import HashEncoder, make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient

TEXTS = ["cats purr at night", "dogs bark", "\x00"]
VECTORS = HashEncoder().encode_passages(TEXTS)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


def openai(client: TestClient, **fields: object) -> dict[str, Any]:
    response = client.post("/v1/embeddings", json=fields)
    assert response.status_code == 200, response.text
    return response.json()


def vectors_of(answer: dict[str, Any]) -> list[Any]:
    assert [item["index"] for item in answer["data"]] == list(range(len(answer["data"])))
    assert {item["object"] for item in answer["data"]} == {"embedding"}
    return [item["embedding"] for item in answer["data"]]


def test_openai_clients_get_vectors(client: TestClient) -> None:
    answer = openai(client, model="text-embedding-3-small", input=TEXTS, user="x", dimensions=None)
    np.testing.assert_array_equal(np.array(vectors_of(answer), np.float32), VECTORS)
    assert (answer["object"], answer["model"]) == ("list", "hash")
    assert answer["usage"] == {"prompt_tokens": 5 + 3 + 1, "total_tokens": 9}
    one = openai(client, input=TEXTS[1], encoding_format="float")
    np.testing.assert_array_equal(np.array(vectors_of(one), np.float32), VECTORS[1:2])


def test_base64_is_little_endian_float32(client: TestClient) -> None:
    answer = openai(client, input=TEXTS, encoding_format="base64")
    rows = [np.frombuffer(base64.b64decode(text), "<f4") for text in vectors_of(answer)]
    np.testing.assert_array_equal(np.array(rows), VECTORS)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_fewer_dimensions_are_cut_and_of_length_one_again(
    client: TestClient, encoding: str
) -> None:
    given = vectors_of(openai(client, input=TEXTS, dimensions=48, encoding_format=encoding))
    if encoding == "base64":
        given = [np.frombuffer(base64.b64decode(text), "<f4") for text in given]
    rows = np.array(given, np.float32)
    assert rows.shape == (3, 48)
    # The last text has no token: a row of zeros has no length.
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(
        rows[0], VECTORS[0, :48] / np.linalg.norm(VECTORS[0, :48]), atol=1e-6
    )
    assert len(vectors_of(openai(client, input="a", dimensions=64))[0]) in (64, 344)


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": []}, 400, None),
        ({"input": ""}, 400, None),
        ({"input": ["a", ""]}, 400, None),
        ({}, 422, "input"),
        ({"input": None}, 422, "input"),
        ({"input": ["a"] * (MOST_INPUTS + 1)}, 422, "input"),
        ({"input": "a" * (LONGEST_TEXT + 1)}, 422, "input"),
        ({"input": [15339, 1917]}, 422, "input"),
        ({"input": [[15339, 1917], [1]]}, 422, "input"),
        ({"input": {"a": 1}}, 422, "input"),
        ({"input": ["a", 1.5]}, 422, "input"),
        ({"input": "a", "dimensions": 65}, 422, "dimensions"),
        ({"input": "a", "dimensions": 0}, 422, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, 422, "encoding_format"),
    ],
)
def test_openai_clients_find_their_error(
    client: TestClient, fields: dict[str, Any], status: int, param: str | None
) -> None:
    problem = assert_problem(client.post("/v1/embeddings", json=fields), status)
    assert problem["error"] == {
        "message": problem["detail"],
        "type": "invalid_request_error",
        "param": param,
        "code": None,
    }


def test_what_is_no_json_is_refused_in_the_same_shape(client: TestClient) -> None:
    response = client.post("/v1/embeddings", content=b"{", headers=JSON)
    assert assert_problem(response, 400)["error"]["message"].startswith("the body is not valid")
    response = client.post("/embed", content=b"{", headers=JSON)
    assert assert_problem(response, 400)["error_type"] == "Validation"
    assert assert_problem(client.get("/v1/embeddings"), 405)["error"]["type"]


def test_a_caller_that_sends_numbers_is_told_what_to_do(client: TestClient) -> None:
    response = client.post("/v1/embeddings", json={"input": [[1, 2]]})
    assert "check_embedding_ctx_length" in assert_problem(response, 422)["detail"]


def test_tei_clients_get_nested_lists(client: TestClient) -> None:
    asked = {"inputs": TEXTS[0], "truncate": True, "normalize": None, "prompt_name": "query"}
    answer = client.post("/embed", json=asked).json()
    np.testing.assert_array_equal(np.array(answer, np.float32), VECTORS[:1])
    answer = client.post("/embed", json={"inputs": TEXTS, "dimensions": 4}).json()
    assert np.array(answer).shape == (3, 4)
    problem = assert_problem(client.post("/embed", json={"inputs": []}), 400)
    assert (problem["error"], problem["error_type"]) == (problem["detail"], "Empty")
    problem = assert_problem(client.post("/embed", json={"inputs": [1]}), 422)
    assert problem["error_type"] == "Validation"


def test_the_models_are_listed(client: TestClient) -> None:
    answer = client.get("/v1/models").json()
    assert answer["object"] == "list"
    assert [(m["id"], m["object"]) for m in answer["data"]] == [
        ("hash", "model"),
        ("overlap", "model"),
    ]


def test_tei_clients_learn_that_it_is_a_reranker(client: TestClient) -> None:
    answer = client.get("/info").json()
    assert next(iter(answer["model_type"])) == "reranker"
    assert answer["model_id"] == "overlap"
    assert answer["max_client_batch_size"] == 10_000
    assert answer["max_input_length"] > 0
    assert client.get("/health").status_code == client.head("/health").status_code == 200


def test_without_a_reranker_it_is_an_encoder() -> None:
    with client_of(create_app(lambda: make_engine(DOCUMENTS, rerank=False))) as client:
        assert client.get("/info").json()["model_type"] == {"embedding": {"pooling": "mean"}}
        assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["hash"]
        assert client.post("/v1/embeddings", json={"input": "a"}).status_code == 200
