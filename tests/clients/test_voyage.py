"""The official Voyage client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.asking import KEY, QUERY, TEXTS, assert_ranked

voyageai: Any = pytest.importorskip("voyageai", reason="make test-clients installs it")


def client(url: str, key: str = KEY, retries: int = 0) -> Any:  # noqa: ANN401 - the client
    return voyageai.Client(api_key=key, base_url=f"{url}/v1", max_retries=retries)


def test_rerank(url: str, scores: dict[int, float]) -> None:
    answer = client(url).rerank(QUERY, TEXTS, model="rerank-2.5")
    assert_ranked([(r.index, r.relevance_score) for r in answer.results], scores)
    assert [r.document for r in answer.results] == [TEXTS[n] for n in scores]
    assert answer.total_tokens > 0
    best = client(url).rerank(QUERY, TEXTS, model="rerank-2.5", top_k=1)
    assert [r.index for r in best.results] == list(scores)[:1]


def test_a_base_url_that_is_too_long(url: str) -> None:
    wrong = voyageai.Client(api_key=KEY, base_url=f"{url}/v1/v1")
    with pytest.raises(voyageai.error.APIError, match="base_url must not end in /v1"):
        wrong.rerank(QUERY, TEXTS, model="rerank-2.5")


def test_errors(url: str) -> None:
    with pytest.raises(voyageai.error.AuthenticationError, match="API key"):
        client(url, "wrong").rerank(QUERY, TEXTS, model="rerank-2.5")
    with pytest.raises(voyageai.error.InvalidRequestError, match="documents is empty"):
        client(url).rerank(QUERY, [], model="rerank-2.5")
    with pytest.raises(voyageai.error.MalformedRequestError, match="10,000"):
        client(url).rerank(QUERY, ["a"] * 10_001, model="rerank-2.5")
    with pytest.raises(voyageai.error.APIError, match="32,000,000"):
        client(url).rerank(QUERY, ["a" * 33_000_000], model="rerank-2.5")


@pytest.mark.parametrize(
    ("status", "name"), [(429, "RateLimitError"), (503, "ServiceUnavailableError")]
)
def test_it_comes_back_if_it_may(failing: str, status: int, name: str) -> None:
    with pytest.raises(getattr(voyageai.error, name)):
        client(failing, f"{status}-99-voyage").rerank("a", ["a"], model="rerank-2.5")
    patient = client(failing, f"{status}-1-voyage", retries=3)
    answer = patient.rerank("cats", ["dogs", "cats"], model="rerank-2.5")
    assert [r.index for r in answer.results] == [1, 0]
