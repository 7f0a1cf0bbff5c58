from __future__ import annotations

from typing import TYPE_CHECKING

from engine.analysis import Analyzer
from engine.filters import Filter, parse_filter
from engine.query import Query, parse
from engine.retrieve import (
    DEEPEST,
    DenseRetriever,
    DocumentRetriever,
    LexicalRetriever,
    best_of_documents,
    with_one_passage_each,
)
from engine.types import Hit
from tests.fakes import HashEncoder, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = Query(text="word", terms=("word",))


class Listed:
    """See Retriever: gives the beginning of a list, and notes how much was asked."""

    def __init__(self, hits: list[Hit]) -> None:
        self.hits = hits
        self.asked: list[int] = []

    def retrieve(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        self.asked.append(depth)
        return [self.hits[:depth] for _ in queries]


def hits(*documents: str) -> list[Hit]:
    """Hits of falling scores; the number counts within the document."""
    return [
        Hit(n, document, documents[:n].count(document), -float(n))
        for n, document in enumerate(documents)
    ]


def test_documents_are_found_below_many_passages_of_others() -> None:
    source = Listed(hits(*["a"] * 50, "b", *["a"] * 30, "c", "d"))
    [found] = DocumentRetriever(source).retrieve([WORD], 3, Filter())
    assert [(hit.document, hit.number) for hit in found] == [("a", 0), ("b", 0), ("c", 0)]
    assert source.asked == [3, 12, 48, 192]


def test_asking_ends_where_there_is_no_more_and_where_it_is_deep_enough() -> None:
    source = Listed(hits("a", "a", "b"))
    [found] = DocumentRetriever(source).retrieve([WORD], 3, Filter())
    assert [hit.document for hit in found] == ["a", "b"]
    assert source.asked == [3, 12]
    endless = Listed([Hit(n, "a", n, 1.0) for n in range(DEEPEST + 10)])
    [found] = DocumentRetriever(endless).retrieve([WORD], 10, Filter())
    assert [hit.document for hit in found] == ["a"]
    assert max(endless.asked) == DEEPEST


def test_a_document_scores_as_its_best_passage() -> None:
    listed = hits("b", "a", "b", "a", "c")
    assert best_of_documents(listed) == [listed[0], listed[1], listed[4]]
    assert best_of_documents([]) == []


def test_a_document_stands_with_one_passage_in_every_run() -> None:
    first, second = hits("a", "b"), [Hit(70, "b", 7, 0.9), Hit(80, "c", 8, 0.5)]
    same = with_one_passage_each([first, second])
    assert same[0] == first
    assert same[1] == [Hit(1, "b", 0, 0.9), Hit(80, "c", 8, 0.5)]
    assert with_one_passage_each([]) == []


def test_both_sources_ask_the_snapshot_with_the_filter() -> None:
    engine = make_engine({"a/x": "word here", "b/x": "word there"})
    queries = [parse(text, Analyzer()) for text in ("word", "here")]
    where = parse_filter("path:b")
    for source in (
        LexicalRetriever(engine.snapshot),
        DenseRetriever(engine.snapshot, HashEncoder()),
    ):
        word, here = source.retrieve(queries, 5, where)
        assert [hit.document for hit in word] == ["b/x"]
        assert all(hit.document == "b/x" for hit in here)
        assert source.retrieve([], 5, where) == []
