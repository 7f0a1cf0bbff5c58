"""Two-stage search, from top to bottom: parse, retrieve, fuse, fetch, rerank, answer."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.analysis import Analyzer
from engine.answer import Answer
from engine.anytime import score_heads
from engine.attempts import or_raise, tried
from engine.errors import ModelError, RerankerBusy, ShortlistError, UsageError
from engine.filters import parse_filter
from engine.fusion import convex, in_tiers
from engine.protocols import Origins
from engine.query import parse, plain
from engine.results import ResultView
from engine.retrieve import (
    DenseRetriever,
    DocumentRetriever,
    EncodedTogether,
    LexicalRetriever,
    with_one_passage_each,
)
from engine.shortlist import Shortlist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.answer import DegradedReason, SearchRequest
    from engine.protocols import Encoder, Reranker, Snapshot
    from engine.retrieve import QueryEncoder, Retriever
    from engine.types import Hit, Origin, Stage

_LOG: Final = logging.getLogger(__name__)

# Share of the dense source in the fused score, for a text that its vocabulary is fluent in.
# benchmarks/LOG.md, "Fusion": chosen on the dev splits.
DENSE_WEIGHT: Final = 0.25
_PASSAGES_FOR_FLUENCY: Final = 3
_FOREIGN: Final = 0.5  # fluency below which an answer says that a model's weight was lowered


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
        self.dense_weight = DENSE_WEIGHT
        self._reranker_fault = reranker_fault

    def search(self, request: SearchRequest) -> Answer:
        """Answer one request. Raises UsageError for a filter that does not parse."""
        return self.search_many([request])[0]

    def search_many(self, requests: Sequence[SearchRequest]) -> list[Answer]:
        """Answer requests, each as if it were alone. Raises the first error of one of them."""
        return [or_raise(answer) for answer in self.search_each(requests)]

    def search_each(self, requests: Sequence[SearchRequest]) -> list[Answer | ShortlistError]:
        """Answer requests, each as if it were alone; the error of one is no other's.

        All queries are encoded in one call, and all pairs scored in one; budgets are counted from
        here on.
        """
        start = time.perf_counter()
        shortlists = self._shortlists(requests)
        self._score([s for s in shortlists if isinstance(s, Shortlist)], start)
        return [tried(self._answer, shortlist) for shortlist in shortlists]

    # -- stage one -------------------------------------------------------------------------------

    def shortlist(self, request: SearchRequest) -> Shortlist:
        """Return what stage one finds. Raises UsageError for a filter that does not parse."""
        return or_raise(self._shortlists([request])[0])

    def _shortlists(self, requests: Sequence[SearchRequest]) -> list[Shortlist | ShortlistError]:
        read = [tried(self._read, request) for request in requests]
        dense = [s for s in read if isinstance(s, Shortlist) and s.request.sources != "lexical"]
        encoder = EncodedTogether(self.encoder, [s.query.text for s in dense if s.asks])
        return [tried(partial(self._find, encoder=encoder), shortlist) for shortlist in read]

    def _read(self, request: SearchRequest) -> Shortlist:
        start = time.perf_counter()
        read = plain if request.plain else parse
        shortlist = Shortlist(request, read(request.query, self.analyzer))
        shortlist.where = parse_filter(request.filter)
        shortlist.timings["parse"] = (time.perf_counter() - start) * 1000
        return shortlist

    def _find(self, shortlist: Shortlist, encoder: QueryEncoder) -> Shortlist:
        if not shortlist.asks:
            return shortlist
        for stage, source in self._retrievers(shortlist.request, encoder):
            self._retrieve(shortlist, stage, source)
        if shortlist.degraded and not shortlist.sources:
            raise ShortlistError("no source of stage one could answer; see the log")
        with shortlist.timed("fuse"):
            shortlist.fused = self._fuse(shortlist)
        with shortlist.timed("fetch"):
            wanted = [h.passage for h in shortlist.fused[: shortlist.depth_read]]
            shortlist.passages = {p.id: p for p in self.snapshot.passages(wanted)}
            gone = set(wanted) - shortlist.passages.keys()
            shortlist.fused = [h for h in shortlist.fused if h.passage not in gone]
        return shortlist

    def _retrievers(
        self, request: SearchRequest, encoder: QueryEncoder
    ) -> list[tuple[Stage, Retriever]]:
        sources: list[tuple[Stage, Retriever]] = []
        if request.sources != "dense":
            sources.append(("lexical", LexicalRetriever(self.snapshot)))
        if request.sources != "lexical":
            sources.append(("dense", DenseRetriever(self.snapshot, encoder)))
        if request.group_by == "document":
            return [(stage, DocumentRetriever(source)) for stage, source in sources]
        return sources

    def _retrieve(self, shortlist: Shortlist, stage: Stage, source: Retriever) -> None:
        request = shortlist.request
        depth = shortlist.first_tier
        while depth < request.offset + request.k:
            depth *= 4
        try:
            with shortlist.timed(stage):
                hits = source.retrieve([shortlist.query], depth, shortlist.where)[0]
            shortlist.sources[stage] = hits
        except UsageError:
            raise
        except ShortlistError as error:
            # The other source still answers, and the answer says that it is half of one.
            _LOG.exception("the %s source failed", stage)
            shortlist.degraded = "lexical_failed" if stage == "lexical" else "dense_failed"
            shortlist.notes.append(f"{stage} search failed: {error}")

    def _fuse(self, shortlist: Shortlist) -> list[Hit]:
        runs = shortlist.sources
        if len(runs) < 2:
            return next(iter(runs.values()))
        fluency = self.encoder.fluency(self._read_for_fluency(shortlist, runs["lexical"]))
        if fluency < _FOREIGN and runs["lexical"]:
            shortlist.notes.append(
                f"dense weight lowered to {self.dense_weight * fluency:.2f}:"
                f" {self.encoder.name} hardly knows this language"
            )
        weight = self.dense_weight * fluency
        weights, both = [1 - weight, weight], [runs["lexical"], runs["dense"]]
        depth = shortlist.first_tier
        if shortlist.request.group_by is None:
            return in_tiers(lambda cut: convex(cut, weights), both, depth)
        fused = in_tiers(
            lambda cut: convex(with_one_passage_each(cut), weights),
            both,
            depth,
            lambda hit: hit.document,
        )
        same = with_one_passage_each([fused, *both])[1:]
        shortlist.sources = dict(zip(runs, same, strict=True))
        return fused

    def _read_for_fluency(self, shortlist: Shortlist, hits: Sequence[Hit]) -> str:
        """Return the query and a few passages: a word or two do not tell a language."""
        found = self.snapshot.passages([hit.passage for hit in hits[:_PASSAGES_FOR_FLUENCY]])
        return "\n".join([shortlist.query.text, *(p.passage.text[:400] for p in found)])

    # -- stage two -------------------------------------------------------------------------------

    def _score(self, shortlists: Sequence[Shortlist], began: float) -> None:
        # What asks for nothing in words, a filter alone, is a list: there is nothing to judge by.
        wanted = [s for s in shortlists if s.request.rerank and s.fused and s.query.text]
        if self.reranker is None:
            if self._reranker_fault:
                _unavailable(wanted, self._reranker_fault)
            return
        wanted = [s for s in wanted if self._weigh(self.reranker, s)]
        heads = [[(s.query.text, passage.context) for passage in s.head()] for s in wanted]
        deadlines = [shortlist.deadline(began) for shortlist in wanted]
        start = time.perf_counter()
        try:
            read = score_heads(self.reranker, heads, deadlines)
        except RerankerBusy as error:
            _unavailable(wanted, str(error), "queue")
            return
        except ModelError as error:
            _LOG.exception("the reranker failed")
            _unavailable(wanted, str(error))
            return
        end = time.perf_counter()
        spent = (end - start) / max(1, len(wanted))
        for number, shortlist in enumerate(wanted):
            scores = read[number]
            shortlist.timings["queue"] = scores.waited * 1000
            shortlist.timings["rerank"] = max(0.0, spent - scores.waited) * 1000
            short = "budget" if end >= deadlines[number] else "queue"
            shortlist.take(scores, len(heads[number]), short)

    def _weigh(self, reranker: Reranker, shortlist: Shortlist) -> bool:
        """Set the reranker's share of the final score; return whether it can read at all."""
        fluency = self.fluency_of(reranker, shortlist)
        shortlist.weight = reranker.weight * fluency
        if fluency < _FOREIGN:
            done = f"rerank weight lowered to {shortlist.weight:.2f}" if fluency else "not reranked"
            shortlist.notes.append(f"{done}: {reranker.name} hardly knows this language")
        return fluency > 0

    def fluency_of(self, reranker: Reranker, shortlist: Shortlist) -> float:
        """Return in [0, 1] how well a reranker reads the language of a query and its candidates."""
        return reranker.fluency(self._read_for_fluency(shortlist, shortlist.fused))

    # -- the answer ------------------------------------------------------------------------------

    def _answer(self, shortlist: Shortlist) -> Answer:
        request = shortlist.request
        view = ResultView(shortlist, self.analyzer, self.reranker)
        ranking = view.kept(shortlist.ranking())
        page = [
            (rank, hit, shortlist.passages[hit.passage])
            for rank, hit in enumerate(ranking, 1)
            if request.offset < rank <= request.offset + request.k
            and hit.passage in shortlist.passages
        ]
        origins = self._origins([passage.document.id for _, _, passage in page])
        with shortlist.timed("highlight"):
            results = [view.result(rank, hit, stored, origins) for rank, hit, stored in page]
        timings = shortlist.timings | {"total": shortlist.milliseconds}
        return Answer(
            query=request.query,
            results=results,
            total_candidates=len(ranking),
            facets=shortlist.facets(ranking),
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


def _unavailable(
    shortlists: Sequence[Shortlist],
    reason: str,
    word: DegradedReason = "reranker_unavailable",
) -> None:
    for shortlist in shortlists:
        shortlist.degraded = word
        shortlist.notes.append(f"not reranked: {reason}")
