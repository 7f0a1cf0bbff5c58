"""LlamaIndex's reranker for text-embeddings-inference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.asking import KEY, QUERY, TEXTS, assert_ranked

tei: Any = pytest.importorskip(
    "llama_index.postprocessor.tei_rerank", reason="make test-clients installs it"
)
schema: Any = pytest.importorskip("llama_index.core.schema")


def ranked(url: str, query: str, texts: list[str], **options: object) -> list[Any]:
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text)) for text in texts]
    reranker = tei.TextEmbeddingInference(base_url=url, **{"auth_token": KEY, **options})
    return reranker.postprocess_nodes(nodes, query_str=query)


def test_rerank(url: str, scores: dict[int, float]) -> None:
    found = ranked(url, QUERY, TEXTS)
    assert_ranked([(TEXTS.index(n.text), n.score) for n in found], scores)
    assert len(ranked(url, QUERY, TEXTS, top_n=2)) == 2


def test_long_lists_are_not_refused(url: str) -> None:
    assert len(ranked(url, QUERY, ["a red fish"] * 3000, top_n=3000)) == 3000


@pytest.mark.parametrize("key", ["429-99-llama", "503-99-llama", "401-99-llama"])
def test_it_looks_at_no_status_and_fails_at_any_error(failing: str, key: str) -> None:
    with pytest.raises(AssertionError):
        ranked(failing, "a", ["a"], auth_token=key)
