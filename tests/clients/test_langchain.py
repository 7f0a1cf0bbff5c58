"""LangChain's reranker for Cohere, over the version of the Cohere client that it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.asking import KEY, QUERY, TEXTS, assert_ranked

langchain: Any = pytest.importorskip("langchain_cohere", reason="make test-clients installs it")
documents_of: Any = pytest.importorskip("langchain_core.documents")
cohere: Any = pytest.importorskip("cohere")


def reranker(url: str, **options: object) -> Any:  # noqa: ANN401 - the client
    return langchain.CohereRerank(
        model="any", base_url=url, **{"cohere_api_key": KEY, "top_n": None, **options}
    )


def test_rerank(url: str, scores: dict[int, float]) -> None:
    found = reranker(url).rerank(TEXTS, QUERY, top_n=None)
    assert_ranked([(r["index"], r["relevance_score"]) for r in found], scores)
    documents = [documents_of.Document(page_content=text) for text in TEXTS]
    kept = reranker(url, top_n=2).compress_documents(documents, QUERY)
    assert [d.page_content for d in kept] == [TEXTS[n] for n in scores][:2]
    assert kept[0].metadata["relevance_score"] == pytest.approx(max(scores.values()), abs=1e-5)


def test_errors(url: str) -> None:
    with pytest.raises(cohere.UnprocessableEntityError):
        reranker(url).rerank(["a"] * 10_001, QUERY)
    with pytest.raises(cohere.UnauthorizedError):
        reranker(url, cohere_api_key="wrong").rerank(TEXTS, QUERY)
    with pytest.raises(cohere.NotFoundError):
        reranker(f"{url}/v1").rerank(TEXTS, QUERY)


@pytest.mark.parametrize("status", [429, 503])
def test_it_comes_back_when_the_server_says_so(failing: str, status: int) -> None:
    patient = reranker(failing, cohere_api_key=f"{status}-2-langchain")
    found = patient.rerank(["dogs", "cats"], "cats", top_n=None)
    assert [r["index"] for r in found] == [1, 0]
