from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from engine.answer import Answer, Result, SearchRequest
from engine.filters import parse_filter
from engine.query import parse, plain
from engine.types import Document
from tests.fakes import HashEncoder, OverlapReranker, make_engine

if TYPE_CHECKING:
    from engine.search import SearchEngine

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "中文", "🔥", "the", "run"]


@cache
def engine(weight: float | None) -> SearchEngine:
    """80 documents of one to four lines; many lines are equal, so many scores tie."""
    documents = {
        f"{'ab'[n % 2]}/{n:02}.txt": "\n".join(
            " ".join(WORDS[(n * k + line) % 7] for k in range(1 + n % 5))
            for line in range(n % 4 + 1)
        )
        for n in range(80)
    }
    reranker = None if weight is None else OverlapReranker(weight=weight)
    encoder = HashEncoder(known=0.8)
    return make_engine(documents, encoder=encoder, reranker=reranker, rerank=reranker is not None)


ENGINES = st.sampled_from([None, 1.0, 0.6, 0.0]).map(engine)
QUERY = st.lists(
    st.sampled_from([*WORDS, "+alpha", "-beta", '"alpha beta"', "path:a", "nowhere", "!!!"]),
    max_size=4,
).map(" ".join)
REQUEST = st.builds(
    SearchRequest,
    query=QUERY,
    k=st.integers(1, 60),
    offset=st.integers(0, 40),
    depth=st.integers(1, 50),
    sources=st.sampled_from(["hybrid", "lexical", "dense"]),
    filter=st.sampled_from(["", "", "path:a", "path:b type:txt", "type:pdf"]),
    group_by=st.sampled_from([None, "document"]),
    rerank=st.booleans(),
    rerank_depth=st.integers(1, 30),
    min_score=st.sampled_from([None, None, 0.0, 0.5, 0.9, 1.0]),
    facets=st.sampled_from([(), ("type", "folder", "letter"), ("letter",)]),
    highlight=st.booleans(),
    explain=st.booleans(),
    plain=st.booleans(),
)


def untimed(answer: Answer) -> Answer:
    return replace(answer, timings_ms={})


def places(results: list[Result]) -> list[tuple[str, int]]:
    return [(result.document, result.passage) for result in results]


@given(ENGINES, st.lists(REQUEST, max_size=4))
def test_many_are_answered_as_each_alone(
    engine: SearchEngine, requests: list[SearchRequest]
) -> None:
    together = [untimed(answer) for answer in engine.search_many(requests)]
    assert together == [untimed(engine.search(request)) for request in requests]


@given(ENGINES, REQUEST, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_pages_never_overlap_and_make_up_the_long_page(
    engine: SearchEngine, request_: SearchRequest, sizes: list[int]
) -> None:
    long = engine.search(replace(request_, offset=0, k=sum(sizes))).results
    begin = 0
    for size in sizes:
        page = engine.search(replace(request_, offset=begin, k=size)).results
        assert places(page) == places(long[begin : begin + size])
        assert [r.score for r in page] == [r.score for r in long[begin : begin + size]]
        assert [r.rank for r in page] == list(range(begin + 1, begin + len(page) + 1))
        begin += size
    assert len(set(places(long))) == len(long)


@given(ENGINES, REQUEST)
def test_an_answer_keeps_its_promises(engine: SearchEngine, request_: SearchRequest) -> None:
    answer = engine.search(request_)
    results = answer.results
    assert len(results) <= request_.k
    assert all(a.score >= b.score for a, b in pairwise(results))
    assert not answer.degraded
    assert answer.total_candidates >= len(results)
    documents = [result.document for result in results]
    if request_.group_by == "document":
        assert len(set(documents)) == len(documents)
    if request_.filter.startswith("path:a"):
        assert all(document.startswith("a/") for document in documents)
    asked = plain if request_.plain else parse
    words = asked(request_.query, engine.analyzer).text
    reranked = request_.rerank and engine.reranker is not None and words != ""
    for result in results:
        head = reranked and result.rank <= request_.rerank_depth
        alone = "fused" if request_.sources == "hybrid" else request_.sources
        assert result.stage == ("reranked" if head else alone)
        assert (result.relevance is not None) is head
        assert result.ranks["reranked"] == (result.rank if head else None)
        if reranked and request_.min_score is not None:
            assert result.relevance is not None
            assert result.relevance >= request_.min_score
        assert request_.highlight or not result.highlights
        assert (result.scores is not None) is request_.explain
        assert all(0 <= a < b <= len(result.snippet) for a, b in result.highlights)


@given(ENGINES, REQUEST)
def test_a_longer_answer_begins_with_the_shorter(
    engine: SearchEngine, request_: SearchRequest
) -> None:
    short = engine.search(replace(request_, offset=0)).results
    long = engine.search(replace(request_, offset=0, k=request_.k + 37)).results
    assert places(long[: len(short)]) == places(short)


@given(st.sampled_from([1.0, 0.6]).map(engine), REQUEST)
def test_what_stage_two_does_not_read_stays_in_the_order_of_stage_one(
    engine: SearchEngine, request_: SearchRequest
) -> None:
    request_ = replace(request_, rerank=True, offset=0, k=60, depth=max(30, request_.depth))
    request_ = replace(request_, min_score=None)
    both = engine.search(request_).results
    first = engine.search(replace(request_, rerank=False)).results
    depth = request_.rerank_depth
    assert sorted(places(both[:depth])) == sorted(places(first[:depth]))
    assert places(both[depth:]) == places(first[depth:])


@given(ENGINES, REQUEST, st.integers(0, 100))
def test_pages_of_one_depth_have_one_total_and_the_same_facets(
    engine: SearchEngine, request_: SearchRequest, offset: int
) -> None:
    first = replace(request_, offset=0, k=1, depth=100, facets=("type", "folder", "letter"))
    page = engine.search(replace(first, offset=offset % 100))
    answer = engine.search(first)
    assert page.total_candidates == answer.total_candidates
    assert page.facets == answer.facets


@given(ENGINES, REQUEST)
def test_a_facet_counts_what_its_filter_would_keep(
    engine: SearchEngine, request_: SearchRequest
) -> None:
    names = ("type", "folder", "letter")
    whole = replace(request_, offset=0, k=1000, depth=1000, facets=names)
    answer = engine.search(whole)
    assert answer.facets is not None
    for name, field in zip(names, ("type", "path", "letter"), strict=True):
        facet = answer.facets[name]
        assert facet.others == 0
        for value in facet.values:
            where = parse_filter(f'{field}:"{value.value}"')
            kept = sum(
                where.keeps(Document(id="", path=r.path, type=r.path[-3:], metadata=r.metadata))
                for r in answer.results
            )
            assert value.count == kept
    typed = sum(value.count for value in answer.facets["type"].values)
    assert typed == answer.total_candidates == len(answer.results)
