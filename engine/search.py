"""Two-stage search, from top to bottom: parse, retrieve, fuse, fetch, rerank, show."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, get_args

import numpy as np

from engine.analysis import Analyzer
from engine.answer import Answer, DegradedReason, Result, SearchRequest
from engine.errors import ModelError, ShortlistError, UsageError
from engine.filters import Filter, parse_filter
from engine.fusion import convex, in_tiers
from engine.highlight import snippet
from engine.protocols import Origins
from engine.query import Query, parse, plain
from engine.rerank import combine
from engine.retrieve import (
    DenseRetriever,
    DocumentRetriever,
    LexicalRetriever,
    with_one_passage_each,
)
from engine.stale import is_stale
from engine.types import Hit, Stage, StoredPassage, context_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.protocols import Encoder, Reranker, Snapshot
    from engine.retrieve import Retriever
    from engine.types import FloatArray, Origin

_T = TypeVar("_T")
_LOG: Final = logging.getLogger(__name__)

STAGES: Final = (
    "parse", "lexical", "dense", "fuse", "fetch", "queue", "rerank", "highlight",
)  # fmt: skip

# Share of the dense source in the fused score, for a text that its vocabulary is fluent in.
# benchmarks/LOG.md, "Fusion": chosen on the dev splits.
DENSE_WEIGHT: Final = 0.25
_READ_FOR_FLUENCY: Final = 3  # passages
_FOREIGN: Final = 0.5  # fluency below which an answer says that a model's weight was lowered


@dataclass(slots=True)
class _Shortlist:
    """What stage one found for one request, and what the answer needs to know of it."""

    request: SearchRequest
    query: Query
    sources: dict[Stage, list[Hit]] = field(default_factory=dict[Stage, list[Hit]])
    fused: list[Hit] = field(default_factory=list[Hit])
    passages: dict[int, StoredPassage] = field(default_factory=dict[int, StoredPassage])
    logits: FloatArray | None = None
    timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    degraded: DegradedReason | None = None
    notes: list[str] = field(default_factory=list[str])

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the milliseconds of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] += (time.perf_counter() - start) * 1000

    def head(self) -> list[StoredPassage]:
        """The candidates that stage two reads."""
        depth = self.request.rerank_depth
        return [self.passages[h.passage] for h in self.fused[:depth] if h.passage in self.passages]


class SearchEngine:
    """Answers requests from one snapshot; safe to use from several threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        encoder: Encoder,
        reranker: Reranker | None,
        analyzer: Analyzer | None = None,
        reranker_fault: str = "",
    ) -> None:
        """Put the parts together.

        Args:
            snapshot: the commit to answer from.
            encoder: the model that made the index's vectors.
            reranker: stage two, or None for stage one alone.
            analyzer: as the index was made with.
            reranker_fault: why a reranker that was wanted is missing; answers say `degraded`.
        """
        self.snapshot = snapshot
        self.encoder = encoder
        self.reranker = reranker
        self.analyzer = analyzer or Analyzer()
        self._reranker_fault = reranker_fault

    def search(self, request: SearchRequest) -> Answer:
        """Answer one request. Raises UsageError for a filter that does not parse."""
        return self.search_many([request])[0]

    def search_many(self, requests: Sequence[SearchRequest]) -> list[Answer]:
        """Answer requests; each as if it were alone, all pairs scored in one call."""
        shortlists = [self._shortlist(request) for request in requests]
        self._score(shortlists)
        return [self._answer(shortlist) for shortlist in shortlists]

    # -- stage one -------------------------------------------------------------------------------

    def _shortlist(self, request: SearchRequest) -> _Shortlist:
        start = time.perf_counter()
        read = plain if request.plain else parse
        shortlist = _Shortlist(request, read(request.query, self.analyzer))
        where = parse_filter(request.filter)
        shortlist.timings["parse"] = (time.perf_counter() - start) * 1000
        if shortlist.query.empty and not where:
            return shortlist
        for stage, source in self._retrievers(request):
            self._retrieve(shortlist, stage, source, where)
        if shortlist.degraded and not shortlist.sources:
            raise ShortlistError("no source of stage one could answer; see the log")
        with shortlist.timed("fuse"):
            shortlist.fused = self._fuse(shortlist)
        with shortlist.timed("fetch"):
            wanted = [h.passage for h in shortlist.fused[: self._depth_read(request)]]
            shortlist.passages = {p.id: p for p in self.snapshot.passages(wanted)}
            gone = set(wanted) - shortlist.passages.keys()
            shortlist.fused = [h for h in shortlist.fused if h.passage not in gone]
        return shortlist

    def _retrievers(self, request: SearchRequest) -> list[tuple[Stage, Retriever]]:
        sources: list[tuple[Stage, Retriever]] = []
        if request.sources != "dense":
            sources.append(("lexical", LexicalRetriever(self.snapshot)))
        if request.sources != "lexical":
            sources.append(("dense", DenseRetriever(self.snapshot, self.encoder)))
        if request.group_by == "document":
            return [(stage, DocumentRetriever(source)) for stage, source in sources]
        return sources

    def _retrieve(
        self, shortlist: _Shortlist, stage: Stage, source: Retriever, where: Filter
    ) -> None:
        request = shortlist.request
        depth = self._first_tier(request)
        while depth < request.offset + request.k:
            depth *= 4
        try:
            with shortlist.timed(stage):
                hits = source.retrieve([shortlist.query], depth, where)[0]
            shortlist.sources[stage] = hits
        except UsageError:
            raise
        except ShortlistError as error:
            # The other source still answers, and the answer says that it is half of one.
            _LOG.exception("the %s source failed", stage)
            shortlist.degraded = "lexical_failed" if stage == "lexical" else "dense_failed"
            shortlist.notes.append(f"{stage} search failed: {error}")

    def _fuse(self, shortlist: _Shortlist) -> list[Hit]:
        if shortlist.request.group_by == "document":
            same = with_one_passage_each(list(shortlist.sources.values()))
            shortlist.sources = dict(zip(shortlist.sources, same, strict=True))
        runs = shortlist.sources
        if len(runs) < 2:
            return next(iter(runs.values()))
        fluency = self.encoder.fluency(shortlist.query.text)
        if fluency < _FOREIGN and runs["lexical"]:
            shortlist.notes.append(
                f"dense weight lowered to {DENSE_WEIGHT * fluency:.2f}:"
                f" {self.encoder.name} hardly knows this language"
            )
        weight = DENSE_WEIGHT * fluency
        return in_tiers(
            lambda cut: convex(cut, [1 - weight, weight]),
            [runs["lexical"], runs["dense"]],
            self._first_tier(shortlist.request),
        )

    @staticmethod
    def _first_tier(request: SearchRequest) -> int:
        """Candidates of each source whose fusion decides the order of the first results."""
        return max(request.depth, request.rerank_depth) if request.rerank else request.depth

    @staticmethod
    def _depth_read(request: SearchRequest) -> int:
        """Fused candidates whose text is needed: the page, and what stage two reads."""
        page = request.offset + request.k
        return max(page, request.rerank_depth) if request.rerank else page

    # -- stage two -------------------------------------------------------------------------------

    def _score(self, shortlists: Sequence[_Shortlist]) -> None:
        wanted = [s for s in shortlists if s.request.rerank and s.fused]
        if self.reranker is None:
            for shortlist in wanted if self._reranker_fault else ():
                shortlist.degraded = "reranker_unavailable"
                shortlist.notes.append(f"not reranked: {self._reranker_fault}")
            return
        pairs = [(s.query.text, _read(passage)) for s in wanted for passage in s.head()]
        if not pairs:
            return
        start = time.perf_counter()
        try:
            scores = self.reranker.score(pairs)
        except ModelError as error:
            _LOG.exception("the reranker failed")
            for shortlist in wanted:
                shortlist.degraded = "reranker_unavailable"
                shortlist.notes.append(f"not reranked: {error}")
            return
        spent = (time.perf_counter() - start) * 1000 / len(wanted)
        ends = np.cumsum([len(s.head()) for s in wanted])
        for shortlist, logits in zip(wanted, np.split(scores.logits, ends[:-1]), strict=True):
            shortlist.logits = logits
            shortlist.timings["rerank"] = spent
        if scores.windowed and len(wanted) == 1:
            wanted[0].notes.append(f"{scores.windowed} long passages were read in windows")

    def _ranking(self, shortlist: _Shortlist) -> list[Hit]:
        if self.reranker is None or shortlist.logits is None:
            return shortlist.fused
        read = "\n".join(p.passage.text for p in shortlist.head()[:_READ_FOR_FLUENCY])
        fluency = self.reranker.fluency(f"{shortlist.query.text}\n{read}")
        weight = self.reranker.weight * fluency
        if fluency < _FOREIGN:
            shortlist.notes.append(
                f"rerank weight lowered to {weight:.2f}:"
                f" {self.reranker.name} hardly knows this language"
            )
        alone = len(shortlist.sources) == 1  # fused, deeper tiers have the score of the first's last
        among = self._first_tier(shortlist.request) if alone else None
        return combine(shortlist.fused, shortlist.logits, weight, among)

    # -- the answer ------------------------------------------------------------------------------

    def _answer(self, shortlist: _Shortlist) -> Answer:
        request = shortlist.request
        ranking = self._ranking(shortlist)
        page = [
            (rank, hit, shortlist.passages[hit.passage])
            for rank, hit in enumerate(ranking, 1)
            if request.offset < rank <= request.offset + request.k
            and hit.passage in shortlist.passages
        ]
        origins = self._origins([passage.document.id for _, _, passage in page])
        with shortlist.timed("highlight"):
            view = _View(shortlist, self.analyzer, self.reranker)
            results = [view.result(rank, hit, stored, origins) for rank, hit, stored in page]
        timings = shortlist.timings | {"total": sum(shortlist.timings.values())}
        return Answer(
            query=request.query,
            results=results,
            total_candidates=len(shortlist.fused),
            degraded=shortlist.degraded is not None,
            degraded_reason=shortlist.degraded,
            timings_ms={stage: round(ms, 3) for stage, ms in timings.items()},
            snapshot=self.snapshot.generation,
            models={
                "encoder": self.encoder.name if request.sources != "lexical" else None,
                "reranker": self.reranker.name if self.reranker and request.rerank else None,
            },
            notes=shortlist.notes,
        )

    def _origins(self, documents: list[str]) -> dict[str, Origin]:
        return self.snapshot.origins(documents) if isinstance(self.snapshot, Origins) else {}

    def close(self) -> None:
        """Give back the snapshot."""
        self.snapshot.close()


class _View:
    """Makes results out of the ranks and scores of one request."""

    def __init__(
        self, shortlist: _Shortlist, analyzer: Analyzer, reranker: Reranker | None
    ) -> None:
        self._shortlist = shortlist
        self._analyzer = analyzer
        runs: dict[Stage, list[Hit]] = {**shortlist.sources, "fused": shortlist.fused}
        self._ranks = {
            stage: {hit.passage: rank for rank, hit in enumerate(run, 1)}
            for stage, run in runs.items()
        }
        self._scores = {
            stage: {hit.passage: hit.score for hit in run} for stage, run in runs.items()
        }
        self._relevance: dict[int, float] = {}
        if shortlist.logits is not None and reranker is not None:
            read = [passage.id for passage in shortlist.head()]
            self._scores["reranked"] = dict(zip(read, shortlist.logits.tolist(), strict=True))
            chances = reranker.relevance(shortlist.logits)
            if chances is not None:
                self._relevance = dict(zip(read, chances.tolist(), strict=True))

    def result(
        self, rank: int, hit: Hit, stored: StoredPassage, origins: dict[str, Origin]
    ) -> Result:
        document, passage = stored.document, stored.passage
        shown, highlights = snippet(passage.text, self._shortlist.query, self._analyzer)
        relevance = self._relevance.get(stored.id)
        return Result(
            rank=rank,
            document=document.id,
            passage=passage.number,
            title=document.title,
            path=document.path,
            heading=" > ".join(passage.heading),
            page=passage.page,
            start=passage.start,
            end=passage.end,
            text=passage.text,
            snippet=shown,
            highlights=highlights,
            score=round(hit.score, 6),
            relevance=None if relevance is None else round(relevance, 4),
            stage=self._stage(stored.id),
            ranks=_by_stage(self._ranks, stored.id) | self._rank_of_head(rank, stored.id),
            scores=_by_stage(self._scores, stored.id) if self._shortlist.request.explain else None,
            stale=is_stale(origins.get(document.id)),
            metadata=document.metadata,
        )

    def _stage(self, passage: int) -> Stage:
        if passage in self._scores.get("reranked", {}):
            return "reranked"
        used = list(self._shortlist.sources)
        return used[0] if len(used) == 1 else "fused"

    def _rank_of_head(self, rank: int, passage: int) -> dict[Stage, int | None]:
        return {"reranked": rank if passage in self._scores.get("reranked", {}) else None}


def _by_stage(table: dict[Stage, dict[int, _T]], passage: int) -> dict[Stage, _T | None]:
    return {stage: table.get(stage, {}).get(passage) for stage in get_args(Stage)}


def _read(stored: StoredPassage) -> str:
    """A passage as stage two reads it: its title and headings stand before it."""
    passage = stored.passage
    return context_text(stored.document.title, passage.heading, passage.text)
