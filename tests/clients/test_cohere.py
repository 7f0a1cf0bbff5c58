"""The official Cohere client, in the two versions of its API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.asking import KEY, QUERY, TEXTS, assert_ranked

cohere: Any = pytest.importorskip("cohere", reason="make test-clients installs it")


def v2(url: str, key: str = KEY) -> Any:  # noqa: ANN401 - the client
    return cohere.ClientV2(api_key=key, base_url=url)


def found(answer: Any) -> list[tuple[int, float]]:  # noqa: ANN401 - the client's own type
    return [(result.index, result.relevance_score) for result in answer.results]


def test_v2(url: str, scores: dict[int, float]) -> None:
    answer = v2(url).rerank(model="rerank-v3.5", query=QUERY, documents=TEXTS)
    assert_ranked(found(answer), scores)
    assert answer.id
    assert answer.meta.api_version.version == "2"
    assert "one reranker" in answer.meta.warnings[0]
    best = v2(url).rerank(model="any", query=QUERY, documents=TEXTS, top_n=2)
    assert [number for number, _ in found(best)] == list(scores)[:2]


def test_v2_async(url: str, scores: dict[int, float]) -> None:
    client = cohere.AsyncClientV2(api_key=KEY, base_url=url)
    answer = asyncio.run(client.rerank(model="any", query=QUERY, documents=TEXTS))
    assert_ranked(found(answer), scores)


def test_v1(url: str, scores: dict[int, float]) -> None:
    client = cohere.Client(api_key=KEY, base_url=url)
    documents = [TEXTS[0], *({"text": text} for text in TEXTS[1:])]
    answer = client.rerank(query=QUERY, documents=documents, return_documents=True, top_n=3)
    assert_ranked(found(answer), dict(list(scores.items())[:3]))
    assert [r.document.text for r in answer.results] == [TEXTS[n] for n in scores][:3]


def test_an_empty_list(url: str) -> None:
    with pytest.raises(cohere.BadRequestError) as error:
        v2(url).rerank(model="any", query=QUERY, documents=[])
    assert error.value.body["message"] == "documents is empty: there is nothing to do"


def test_a_wrong_key(url: str) -> None:
    with pytest.raises(cohere.UnauthorizedError) as error:
        v2(url, "wrong").rerank(model="any", query=QUERY, documents=TEXTS)
    assert "API key" in error.value.body["message"]


def test_too_many_documents(url: str) -> None:
    with pytest.raises(cohere.UnprocessableEntityError) as error:
        v2(url).rerank(model="any", query=QUERY, documents=["a"] * 10_001)
    assert "10,000" in error.value.body["message"]


def test_too_large_a_body(url: str) -> None:
    with pytest.raises(cohere.core.ApiError) as error:
        v2(url).rerank(model="any", query=QUERY, documents=["a" * 33_000_000])
    assert error.value.status_code == 413
    assert "32,000,000" in error.value.body["message"]


def test_a_base_url_that_is_too_long(url: str) -> None:
    with pytest.raises(cohere.NotFoundError) as error:
        v2(f"{url}/v1").rerank(model="any", query=QUERY, documents=TEXTS)
    assert "base_url must not end in /v1" in error.value.body["detail"]


@pytest.mark.parametrize("status", [429, 503])
def test_it_comes_back_when_the_server_says_so(failing: str, status: int) -> None:
    client = v2(failing, f"{status}-2-cohere")
    answer = client.rerank(model="any", query="cats", documents=["dogs", "cats"])
    assert [number for number, _ in found(answer)] == [1, 0]


@pytest.mark.parametrize(
    ("status", "name"), [(429, "TooManyRequestsError"), (503, "ServiceUnavailableError")]
)
def test_it_gives_up_in_the_end(failing: str, status: int, name: str) -> None:
    with pytest.raises(getattr(cohere, name)) as error:
        v2(failing, f"{status}-99-cohere").rerank(model="any", query="a", documents=["a"])
    assert error.value.body["message"] == "come back in a second"
