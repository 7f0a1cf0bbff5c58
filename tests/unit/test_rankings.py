"""Candidates of a query and the rankings made of them, worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.analysis import Analyzer
from engine.answer import SearchRequest
from engine.errors import ModelError, ShortlistError
from engine.evaluation.candidates import Candidates, find, with_missed
from engine.evaluation.rows import Scored, rankings
from engine.query import parse
from engine.shortlist import Shortlist
from engine.types import Hit
from tests.fakes import HashEncoder, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import FloatArray


def found(hits: int, depth: int, extra: tuple[str, ...] = ()) -> Candidates:
    """Return candidates d0, d1, ... of falling score from one source."""
    request = SearchRequest(query="x", depth=max(100, depth), sources="lexical", rerank_depth=depth)
    fused = [Hit(n, f"d{n}", 0, float(hits - n)) for n in range(hits)]
    query = parse("x", Analyzer())
    shortlist = Shortlist(request, query, sources={"lexical": fused}, fused=fused)
    return Candidates("q", shortlist, depth, [(Hit(900, name, 0, 0.0), "") for name in extra])


def scored(*logits: float, weight: float) -> Scored:
    return Scored(np.array(logits, np.float32), weight)


def names(ranking: list[Hit]) -> str:
    return " ".join(hit.document for hit in ranking)


def test_each_column_reads_what_it_should_by_the_weight_that_it_should() -> None:
    # The candidates are read to depth 5, the row has depth 2; d4 was read for another row.
    grades = {"d4": 1, "x": 2, "d3": 0}
    by = rankings(found(6, 5, ("x",)), scored(0, 1, 2, 3, 4, 9, weight=0.1), grades, 2)
    assert {column: names(ranking) for column, ranking in by.items()} == {
        "base": "d0 d1 d2 d3 d4 d5",
        "ceiling": "d0 d1 d2 d3 d4 d5",
        "realistic": "d0 d1 d2 d3 d4 d5",
        "realistic_alone": "d1 d0 d2 d3 d4 d5",
        "always_rerank_positives": "x d4 d0 d1 d2 d3 d5",
        "always_rerank_positives_alone": "x d4 d1 d0 d2 d3 d5",
    }


@pytest.mark.parametrize(("depth", "shown"), [(1, 100), (100, 100), (120, 120)])
def test_rankings_are_as_long_as_an_answer(depth: int, shown: int) -> None:
    by = rankings(found(130, depth), scored(*range(depth), weight=0.5), {"d129": 1}, depth)
    assert {len(ranking) for ranking in by.values()} == {shown}


def test_stage_one_is_normalised_over_the_first_tier_alone() -> None:
    by = rankings(found(102, 2), scored(1, 2, weight=0.5), {}, 2)
    for column in ("realistic", "always_rerank_positives"):
        assert by[column][99].score == 0.0
        assert by[column][98].score > 0.0


def test_every_source_gives_a_hundred_documents_however_little_is_read() -> None:
    engine = make_engine({"a.txt": "mill"})
    for depth, tier in ((10, 100), (150, 150)):
        request = find(engine, "lexical", depth, "mill").request
        assert (request.depth, request.rerank_depth, request.rerank) == (tier, depth, True)


@dataclass(frozen=True)
class Failing(HashEncoder):
    """See Encoder; reads passages and no query."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        raise ModelError("the model is gone")


def test_half_a_hybrid_is_not_evaluated_as_one() -> None:
    engine = make_engine({"a.txt": "mill"}, encoder=Failing())
    with pytest.raises(ShortlistError, match=r"dense search failed: the model is gone; .*hybrid"):
        find(engine, "hybrid", 10, "mill")
    assert [hit.document for hit in find(engine, "lexical", 10, "mill").fused] == ["a.txt"]


def test_a_positive_behind_the_depth_is_read_by_the_passage_that_stage_one_names() -> None:
    texts = {"a.txt": "mill mill mill", "b.txt": "nothing\nmill", "c.txt": "mill c d e f g h"}
    engine = make_engine(texts)
    shortlist = find(engine, "lexical", 1, "mill")
    mine = with_missed(engine, "q", shortlist, 1, {"b.txt": 1, "c.txt": 1, "a.txt": 1})
    assert [hit for hit, _ in mine.extra] == shortlist.fused[1:]
    assert {hit.document: text.split("\n", 1)[1] for hit, text in mine.extra} == {
        "b.txt": "mill", "c.txt": "mill c d e f g h",
    }  # fmt: skip


def test_a_positive_that_no_source_named_is_read_by_its_best_passage_once() -> None:
    # `the` is no term of the lexical source, but the encoder knows it.
    texts = {"a.txt": "mill", "far.txt": "nothing of it\nthe\nelse"}
    engine = make_engine(texts)
    mine = with_missed(
        engine, "q", find(engine, "lexical", 5, "the mill"), 5, {"far.txt": 1, "gone.txt": 1}
    )
    [(hit, text)] = mine.extra
    assert (hit.document, text.split("\n")[1]) == ("far.txt", "the")
