"""Search from top to bottom, over stores and models that can be worked out by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from engine.answer import LONGEST_QUERY, MOST, Answer, Result, ResultField, SearchRequest
from engine.errors import DamagedIndex, FilterError, ModelError, ShortlistError, UsageError
from engine.memory import MemoryStore
from engine.search import DENSE_WEIGHT, SearchEngine
from engine.types import Document, Origin, Passage, Scores
from tests.fakes import HashEncoder, OverlapReranker, fill, make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.filters import Filter
    from engine.protocols import Snapshot
    from engine.query import Query
    from engine.types import DoubleArray, FloatArray, Hit, StoredPassage

TEXTS = {
    "guide/install.md": "how to install the program\ninstall it from source",
    "guide/use.md": "use the program every day",
    "notes/cats.txt": "cats sleep all day\nand eat",
    "notes/dogs.txt": "dogs bark at cats",
}


@dataclass
class Tampered:
    """See Snapshot: another one, some of whose methods fail."""

    real: Snapshot
    text_fails: bool = False
    vectors_fail: bool = False
    gone: set[int] = field(default_factory=set[int])
    found_origins: dict[str, Origin] = field(default_factory=dict[str, Origin])

    @property
    def generation(self) -> int:
        return self.real.generation

    def search_text(self, queries: Sequence[Query], depth: int, where: Filter) -> list[list[Hit]]:
        if self.text_fails:
            raise DamagedIndex("text is damaged")
        return self.real.search_text(queries, depth, where)

    def search_vectors(
        self, queries: Sequence[Query], vectors: FloatArray, depth: int, where: Filter
    ) -> list[list[Hit]]:
        if self.vectors_fail:
            raise DamagedIndex("dense is damaged")
        return self.real.search_vectors(queries, vectors, depth, where)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        return [p for p in self.real.passages(ids) if p.id not in self.gone]

    def document_passages(self, document: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        return self.real.document_passages(document)

    def documents(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[Document]:
        return self.real.documents(prefix, after, limit)

    def known(self, documents: Sequence[str]) -> set[str]:
        return self.real.known(documents)

    def origins(self, documents: Sequence[str]) -> dict[str, Origin]:
        return {d: self.found_origins[d] for d in documents if d in self.found_origins}

    def count(self) -> tuple[int, int]:
        return self.real.count()

    def close(self) -> None:
        self.real.close()


class BrokenReranker(OverlapReranker):
    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        raise ModelError("no weights")


@dataclass(frozen=True)
class Recorder(OverlapReranker):
    """Keeps what it was asked."""

    calls: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.calls.append(list(pairs))
        return super().score(pairs)


def tampered(**changes: object) -> SearchEngine:
    engine = make_engine(TEXTS)
    return SearchEngine(
        Tampered(engine.snapshot, **changes),  # type: ignore[arg-type]
        engine.encoder,
        engine.reranker,
    )


def found(answer: Answer) -> list[tuple[str, int]]:
    return [(result.document, result.passage) for result in answer.results]


def ask(engine: SearchEngine, query: str, **options: object) -> Answer:
    return engine.search(replace(SearchRequest(query=query), **options))  # type: ignore[arg-type]


# -- what is found ---------------------------------------------------------------------------------


def test_the_passage_that_answers_comes_first_with_its_place() -> None:
    answer = ask(make_engine(TEXTS), "install source")
    best = answer.results[0]
    assert (best.rank, best.document, best.passage) == (1, "guide/install.md", 1)
    assert (best.title, best.path) == ("install", "guide/install.md")
    assert best.text == "install it from source"
    assert (best.start, best.end) == (27, 49)
    assert (best.stage, best.heading, best.page, best.stale) == ("reranked", "", None, False)
    assert [best.snippet[a:b] for a, b in best.highlights] == ["install", "source"]
    assert (answer.query, answer.snapshot) == ("install source", 1)
    assert answer.models == {"encoder": "hash", "reranker": "overlap"}
    assert (answer.degraded, answer.degraded_reason, answer.notes) == (False, None, [])


@pytest.mark.parametrize("query", ["", "   ", "\0", "*", '""', "+", "\ud800"])
def test_a_query_without_anything_in_it_finds_nothing(query: str) -> None:
    answer = ask(make_engine(TEXTS), query)
    assert (answer.results, answer.total_candidates, answer.degraded) == ([], 0, False)


def test_a_filter_alone_lists_its_documents_without_reranking_them() -> None:
    reranker = Recorder()
    answer = ask(make_engine(TEXTS, reranker=reranker), "", filter="path:notes")
    assert found(answer) == [("notes/cats.txt", 0), ("notes/cats.txt", 1), ("notes/dogs.txt", 0)]
    assert reranker.calls == []
    assert {result.stage for result in answer.results} == {"fused"}


def test_exclusions_alone_list_the_rest() -> None:
    answer = ask(make_engine(TEXTS), "-install -day", group_by="document")
    assert [d for d, _ in found(answer)] == ["notes/cats.txt", "notes/dogs.txt"]


def test_what_has_no_words_is_left_to_the_vectors() -> None:
    answer = ask(make_engine(TEXTS), "🔥")
    assert answer.results == []


def test_a_source_that_is_switched_off_is_not_asked() -> None:
    engine = tampered(text_fails=True)
    answer = ask(engine, "cats", sources="dense", rerank=False)
    assert answer.degraded is False
    assert {result.stage for result in answer.results} == {"dense"}
    lexical = ask(tampered(vectors_fail=True), "cats", sources="lexical", rerank=False)
    assert {result.stage for result in lexical.results} == {"lexical"}
    assert lexical.models["encoder"] is None
    assert {d for d, _ in found(lexical)} == {"notes/cats.txt", "notes/dogs.txt"}


def test_scores_of_stage_one_are_the_weighted_sum_of_both_sources() -> None:
    engine = make_engine(TEXTS, encoder=HashEncoder(known=0.5), rerank=False)
    answer = ask(engine, "install program", explain=True)
    best = answer.results[0]
    assert best.scores is not None
    assert set(best.scores) == {"lexical", "dense", "fused", "reranked"}
    assert best.scores["reranked"] is None
    assert best.ranks == {"lexical": 1, "dense": 1, "fused": 1, "reranked": None}
    assert abs(best.score - 1.0) < 1e-5
    weight = DENSE_WEIGHT * 0.5
    only_lexical = [r for r in answer.results if r.ranks["dense"] is None]
    assert all(r.score <= 1 - weight + 1e-6 for r in only_lexical)


def test_scores_are_explained_only_on_demand() -> None:
    assert all(r.scores is None for r in ask(make_engine(TEXTS), "cats").results)


def test_grouping_by_document_gives_each_once_with_its_best_passage() -> None:
    texts = {f"d{n}": "\n".join(["cats"] * 9 + ["cats and dogs"]) for n in range(5)}
    answer = ask(make_engine(texts), "cats dogs", group_by="document", k=10, depth=5)
    assert found(answer) == [(f"d{n}", 9) for n in range(5)]


def test_plain_queries_have_no_operators() -> None:
    engine = make_engine(TEXTS)
    assert found(ask(engine, "dogs -cats", sources="lexical")) == []
    plain = ask(engine, "dogs -cats", sources="lexical", plain=True)
    assert found(plain)[0] == ("notes/dogs.txt", 0)


# -- stage two -------------------------------------------------------------------------------------


def test_k_beyond_the_rerank_depth_continues_in_fused_order() -> None:
    texts = {f"d{n:02}": f"cats {'purr ' * (n % 7)}" for n in range(30)}
    for weight in (1.0, 0.5):
        engine = make_engine(texts, reranker=OverlapReranker(weight=weight))
        answer = ask(engine, "cats purr", k=30, rerank_depth=8)
        stages = [result.stage for result in answer.results]
        assert stages == ["reranked"] * 8 + ["fused"] * 22
        scores = [result.score for result in answer.results]
        assert scores == sorted(scores, reverse=True)
        assert all((r.relevance is None) is (r.stage == "fused") for r in answer.results)
        first = ask(engine, "cats purr", k=30, rerank=False)
        assert found(answer)[8:] == found(first)[8:]


def test_the_reranker_reads_title_and_headings_above_the_text() -> None:
    store, encoder, reranker = MemoryStore(), HashEncoder(), Recorder()
    with store.writer() as writer:
        passage = Passage(number=0, start=0, end=4, text="cats", heading=("Pets", "Small"))
        rows = encoder.encode_passages(["cats"])
        writer.add(Document(id="a", title="Animals"), [passage], rows)
        writer.commit()
    answer = ask(SearchEngine(store.snapshot(), encoder, reranker), "cats")
    assert reranker.calls == [[("cats", "Animals > Pets > Small\ncats")]]
    assert answer.results[0].heading == "Pets > Small"
    assert answer.results[0].text == "cats"


def test_a_batch_is_scored_in_one_call() -> None:
    reranker = Recorder()
    engine = make_engine(TEXTS, reranker=reranker)
    engine.search_many([SearchRequest(query=q) for q in ("cats", "", "nothing here", "day")])
    assert len(reranker.calls) == 1
    assert {query for query, _ in reranker.calls[0]} <= {"cats", "nothing here", "day"}


def test_a_reranker_that_is_not_calibrated_gives_no_relevance() -> None:
    engine = make_engine(TEXTS, reranker=OverlapReranker(calibrated=False))
    results = ask(engine, "cats").results
    assert results
    assert all(r.relevance is None and r.stage == "reranked" for r in results)


def test_the_relevance_of_a_result_is_that_among_all_that_were_read() -> None:
    class Standing(OverlapReranker):
        def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
            return logits.astype(np.float64) / logits.sum()

    answer = make_engine(TEXTS, reranker=Standing()).search(SearchRequest(query="cats day", k=100))
    said = [result.relevance for result in answer.results if result.relevance is not None]
    assert sum(said) == pytest.approx(1, abs=1e-3)


def test_a_language_that_the_models_hardly_know_lowers_their_weight_and_says_so() -> None:
    knows_nothing = OverlapReranker(known=0.0)
    engine = make_engine(TEXTS, encoder=HashEncoder(known=0.0), reranker=knows_nothing)
    answer = ask(engine, "cats day")
    plain = ask(make_engine(TEXTS, encoder=HashEncoder(known=0.0), rerank=False), "cats day")
    assert found(answer) == found(plain)
    assert len(answer.notes) == 2
    assert all("hardly knows this language" in note for note in answer.notes)
    assert answer.degraded is False


def test_passages_that_are_gone_do_not_shift_the_reranker_s_scores() -> None:
    engine = make_engine(TEXTS)
    whole = ask(engine, "cats day install program")
    first, *others = found(whole)
    [(gone, _)] = engine.snapshot.document_passages(first[0])[first[1] : first[1] + 1]
    left = SearchEngine(Tampered(engine.snapshot, gone={gone.id}), engine.encoder, engine.reranker)
    assert found(ask(left, "cats day install program")) == others


# -- when a part fails -----------------------------------------------------------------------------


def test_one_source_failing_leaves_the_other_s_answer_marked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for broken, reason, stage in (
        (tampered(text_fails=True), "lexical_failed", "dense"),
        (tampered(vectors_fail=True), "dense_failed", "lexical"),
    ):
        answer = ask(broken, "cats", rerank=False)
        assert (answer.degraded, answer.degraded_reason) == (True, reason)
        assert found(answer)
        assert {result.stage for result in answer.results} == {stage}
        assert any("is damaged" in note for note in answer.notes)
    assert "is damaged" in caplog.text


def test_both_sources_failing_is_an_error_and_no_empty_answer() -> None:
    for sources in ("hybrid", "lexical"):
        with pytest.raises(ShortlistError, match="no source"):
            ask(tampered(text_fails=True, vectors_fail=True), "cats", sources=sources)


def test_a_failing_reranker_leaves_stage_one_s_answer_marked() -> None:
    answer = ask(make_engine(TEXTS, reranker=BrokenReranker()), "cats day")
    assert (answer.degraded, answer.degraded_reason) == (True, "reranker_unavailable")
    assert found(answer) == found(ask(make_engine(TEXTS, rerank=False), "cats day"))
    assert {result.stage for result in answer.results} == {"fused"}
    assert answer.notes == ["not reranked: no weights"]


def test_a_missing_reranker_is_told_only_where_it_was_wanted() -> None:
    engine = make_engine(TEXTS, reranker_fault="not installed")
    assert ask(engine, "cats").degraded_reason == "reranker_unavailable"
    assert ask(engine, "cats").notes == ["not reranked: not installed"]
    assert ask(engine, "cats", rerank=False).degraded is False
    assert ask(make_engine(TEXTS, rerank=False), "cats").degraded is False


def test_a_source_that_honestly_finds_nothing_is_no_failure() -> None:
    answer = ask(make_engine(TEXTS), "zzz", sources="lexical")
    assert (answer.results, answer.degraded) == ([], False)


@pytest.mark.parametrize("expression", ["nonsense", "date:yesterday", "a:b:", "path:\ud800"])
def test_a_filter_that_does_not_parse_is_an_error(expression: str) -> None:
    if expression == "a:b:":
        assert ask(make_engine(TEXTS), "cats", filter=expression).results == []
    else:
        with pytest.raises(FilterError):
            ask(make_engine(TEXTS), "cats", filter=expression)


@pytest.mark.parametrize(
    "options",
    [
        {"k": 0}, {"k": -1}, {"k": MOST + 1}, {"depth": 0}, {"rerank_depth": 0}, {"offset": -1},
        {"offset": MOST + 1}, {"sources": "all"}, {"group_by": "passage"},
        {"query": "x" * (LONGEST_QUERY + 1)},
    ],
)  # fmt: skip
def test_requests_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SearchRequest(**{"query": "x", **options})  # type: ignore[arg-type]


# -- the rest --------------------------------------------------------------------------------------


def test_results_of_files_that_changed_are_stale(tmp_path: Path) -> None:
    file = tmp_path / "cats.txt"
    file.write_text("cats")
    state = file.stat()
    origin = Origin(path=str(file), size=state.st_size, mtime_ns=state.st_mtime_ns)
    engine = tampered(found_origins={"notes/cats.txt": origin})

    def stale() -> dict[str, bool]:
        return {r.document: r.stale for r in ask(engine, "cats").results}

    assert stale()["notes/cats.txt"] is False
    file.write_text("cats and dogs")
    assert stale() | {"notes/dogs.txt": False} == stale()
    assert stale()["notes/cats.txt"] is True
    file.unlink()
    assert stale()["notes/cats.txt"] is True


def test_timings_name_every_stage_and_their_sum() -> None:
    timings = ask(make_engine(TEXTS), "cats").timings_ms
    assert list(timings) == [
        *("parse", "lexical", "dense", "fuse", "fetch", "queue", "rerank", "highlight", "total"),
    ]
    assert abs(timings["total"] - sum(timings.values()) / 2) < 0.01


def test_many_threads_get_the_answers_that_one_gets() -> None:
    texts = {f"d{n:02}": f"cats {'purr ' * (n % 7)}GitHub schnurren" for n in range(40)}
    engine = make_engine(texts)
    queries = ["cats", "purr cats", "github", "schnurr*", '"cats purr"', "-purr", "running cats"]
    alone = [found(ask(engine, query)) for query in queries]
    wrong: list[str] = []

    def work() -> None:
        for _ in range(5):
            for query, expected in zip(queries, alone, strict=True):
                if found(ask(engine, query)) != expected:
                    wrong.append(query)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_engine_over_an_empty_index_answers() -> None:
    store = MemoryStore()
    fill(store, {}, HashEncoder())
    answer = ask(SearchEngine(store.snapshot(), HashEncoder(), OverlapReranker()), "cats")
    assert (answer.results, answer.total_candidates, answer.degraded) == ([], 0, False)


def test_closing_the_engine_closes_the_snapshot() -> None:
    class Closing(Tampered):
        closed = False

        def close(self) -> None:
            self.closed = True

    snapshot = Closing(make_engine(TEXTS).snapshot)
    SearchEngine(snapshot, HashEncoder(), None).close()
    assert snapshot.closed


def test_logits_that_are_all_equal_keep_stage_one_s_order() -> None:
    class Same(OverlapReranker):
        def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
            return Scores(np.zeros(len(pairs), np.float32))

    texts = {f"d{n}": f"cats {'purr ' * n}" for n in range(9)}
    both = ask(make_engine(texts, reranker=Same(weight=0.5)), "cats purr")
    assert found(both) == found(ask(make_engine(texts, rerank=False), "cats purr"))


# -- what an answer is narrowed to ----------------------------------------------------------------


def test_min_score_keeps_what_the_reranker_finds_relevant() -> None:
    engine = make_engine(TEXTS)
    asked = SearchRequest(query="cats day", sources="dense", facets=("type",))
    every = engine.search(asked)
    relevances = [r.relevance for r in every.results]
    assert relevances == [0.8647, 0.6321, 0.6321, 0.6321, 0.0, 0.0]
    some = engine.search(replace(asked, min_score=0.6))
    assert some.results == every.results[:4]
    assert some.total_candidates == 4
    assert some.facets is not None
    assert {v.value: v.count for v in some.facets["type"].values} == {"txt": 3, "md": 1}
    assert some.notes == every.notes
    assert engine.search(replace(asked, min_score=0.9)).results == []


def test_min_score_leaves_out_what_was_not_reranked_and_says_so() -> None:
    asked = SearchRequest(query="cats day", sources="dense", rerank_depth=2, min_score=0.0)
    answer = make_engine(TEXTS).search(asked)
    assert [r.stage for r in answer.results] == ["reranked", "reranked"]
    assert answer.total_candidates == 2
    assert "min_score left out 4 candidates that were not reranked" in answer.notes


@pytest.mark.parametrize("way", ["no reranker", "not asked", "not calibrated", "failed"])
def test_min_score_compares_with_no_other_score_and_says_so(way: str) -> None:
    reranker = OverlapReranker(calibrated=way != "not calibrated")
    fault = "gone" if way == "failed" else ""
    engine = make_engine(
        TEXTS, reranker=reranker, rerank=way != "no reranker", reranker_fault=fault
    )
    asked = SearchRequest(query="cats day", rerank=way != "not asked")
    answer = engine.search(replace(asked, min_score=1.0))
    assert answer.results == engine.search(asked).results
    assert any(note.startswith("min_score was left aside") for note in answer.notes)


def test_without_highlighting_a_snippet_is_the_beginning() -> None:
    text = "filler " * 200 + "needle"
    engine = make_engine({"a.txt": text}, rerank=False)
    asked = SearchRequest(query="needle")
    assert "needle" in engine.search(asked).results[0].snippet
    plain = engine.search(replace(asked, highlight=False)).results[0]
    assert plain.snippet.startswith("filler filler")
    assert plain.highlights == []


def test_the_fields_that_can_be_asked_for_are_those_of_a_result() -> None:
    assert list(get_args(ResultField)) == [f.name for f in fields(Result)]
    with pytest.raises(UsageError, match="explain"):
        SearchRequest(query="a", fields=("scores",))
    with pytest.raises(UsageError, match="fields are some of rank"):
        SearchRequest(query="a", fields=("colour",))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_min_score_is_a_probability(score: float) -> None:
    with pytest.raises(UsageError, match="min_score"):
        SearchRequest(query="a", min_score=score)


def test_there_are_not_any_number_of_facets() -> None:
    with pytest.raises(UsageError, match="20 facets"):
        SearchRequest(query="a", facets=("a",) * 21)


# -- many at once ---------------------------------------------------------------------------------


class Encodings(HashEncoder):
    """Remembers how many queries each call had."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "calls", [])

    calls: list[int]

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        self.calls.append(len(texts))
        return super().encode_queries(texts)


def test_the_error_of_one_is_no_other_s_and_each_model_is_called_once() -> None:
    calls: list[int] = []

    class Counting(OverlapReranker):
        def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
            calls.append(len(pairs))
            return super().score(pairs)

    encoder = Encodings()
    engine = make_engine(TEXTS, encoder=encoder, reranker=Counting())
    asked = [
        SearchRequest(query="cats"),
        SearchRequest(query="dogs", filter="nonsense"),
        SearchRequest(query="program", sources="lexical"),
        SearchRequest(query="dogs", k=1),
        SearchRequest(query=""),
    ]
    answers = engine.search_each(asked)
    assert encoder.calls == [2]
    assert len(calls) == 1
    assert isinstance(answers[1], FilterError)
    for request, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Answer):
            alone = engine.search(request)
            assert replace(answer, timings_ms={}) == replace(alone, timings_ms={})
    with pytest.raises(FilterError):
        engine.search_many(asked)
