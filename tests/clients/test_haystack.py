"""Haystack's rankers for text-embeddings-inference and for Jina."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.asking import KEY, QUERY, TEXTS, assert_ranked

haystack: Any = pytest.importorskip("haystack", reason="make test-clients installs it")
tei: Any = pytest.importorskip("haystack_integrations.components.rankers.huggingface_api")
jina: Any = pytest.importorskip("haystack_integrations.components.rankers.jina")


def secret(key: str) -> Any:  # noqa: ANN401 - the client's own type
    return haystack.utils.Secret.from_token(key)


def documents(texts: list[str]) -> list[Any]:
    return [haystack.Document(content=text) for text in texts]


def jina_ranker(url: str, key: str = KEY, **options: object) -> Any:  # noqa: ANN401 - the client
    return jina.JinaRanker(api_key=secret(key), base_url=f"{url}/v1/rerank", **options)


def tei_ranker(url: str, key: str = KEY, **options: object) -> Any:  # noqa: ANN401 - the client
    return tei.HuggingFaceTEIRanker(url=url, token=secret(key), **options)


def test_tei(url: str, scores: dict[int, float]) -> None:
    ranked = tei_ranker(url).run(QUERY, documents(TEXTS))["documents"]
    assert_ranked([(TEXTS.index(d.content), d.score) for d in ranked], scores)
    right = tei.TruncationDirection.RIGHT
    assert tei_ranker(url).run(QUERY, documents(TEXTS), truncation_direction=right)["documents"]
    logits = tei_ranker(url, raw_scores=True).run(QUERY, documents(TEXTS))["documents"]
    assert [d.content for d in logits] == [d.content for d in ranked]
    assert [d.score for d in logits] != [d.score for d in ranked]


def test_jina(url: str, scores: dict[int, float]) -> None:
    answer = jina_ranker(url).run(QUERY, documents(TEXTS))
    ranked = answer["documents"]
    assert_ranked([(TEXTS.index(d.content), d.score) for d in ranked], scores)
    assert answer["meta"]["model"]
    assert answer["meta"]["usage"]["total_tokens"] > 0
    assert len(jina_ranker(url, top_k=2).run(QUERY, documents(TEXTS))["documents"]) == 2


def test_errors(url: str) -> None:
    with pytest.raises(RuntimeError, match="API key"):
        jina_ranker(url, "wrong").run(QUERY, documents(TEXTS))
    with pytest.raises(RuntimeError, match="API key"):
        tei_ranker(url, "wrong", max_retries=1).run(QUERY, documents(TEXTS))
    many = [haystack.Document(content="a", id=str(number)) for number in range(10_001)]
    with pytest.raises(RuntimeError, match="10,000"):
        jina_ranker(url).run(QUERY, many)
    with pytest.raises(RuntimeError, match="10,000"):
        tei_ranker(url, max_retries=1).run(QUERY, many)
    with pytest.raises(RuntimeError, match="32,000,000"):
        jina_ranker(url).run(QUERY, documents(["a" * 33_000_000]))


@pytest.mark.parametrize("status", [429, 503])
def test_it_comes_back_if_it_may(failing: str, status: int) -> None:
    with pytest.raises(RuntimeError, match="come back in a second"):
        jina_ranker(failing, f"{status}-99-jina").run("a", documents(["a"]))
    key = f"{status}-1-tei"
    ranker = tei_ranker(failing, key, max_retries=2, retry_status_codes=[status])
    ranked = ranker.run("cats", documents(["dogs", "cats"]))["documents"]
    assert [d.content for d in ranked] == ["cats", "dogs"]
    with pytest.raises(RuntimeError, match="come back in a second"):
        tei_ranker(failing, f"{status}-99-tei", max_retries=1).run("a", documents(["a"]))
