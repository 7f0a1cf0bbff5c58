"""Results as an answer shows them: ranks and scores of every stage, snippet, place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, get_args

from engine.answer import Result
from engine.highlight import snippet
from engine.query import Query
from engine.stale import is_stale
from engine.types import Hit, Stage, StoredPassage

if TYPE_CHECKING:
    from engine.analysis import Analyzer
    from engine.protocols import Reranker
    from engine.shortlist import Shortlist
    from engine.types import Origin

_T = TypeVar("_T")
_NOTHING: Final = Query(text="")


class ResultView:
    """Makes results out of the ranks and scores of one request."""

    def __init__(self, shortlist: Shortlist, analyzer: Analyzer, reranker: Reranker | None) -> None:
        self._shortlist = shortlist
        self._analyzer = analyzer
        runs: dict[Stage, list[Hit]] = {**shortlist.sources, "fused": shortlist.fused}
        self._ranks: dict[Stage, dict[int, int]] = {
            stage: {hit.passage: rank for rank, hit in enumerate(run, 1)}
            for stage, run in runs.items()
        }
        self._scores: dict[Stage, dict[int, float]] = {
            stage: {hit.passage: hit.score for hit in run} for stage, run in runs.items()
        }
        self._relevance: dict[int, float] = {}
        if shortlist.logits is not None and reranker is not None:
            read = [passage.id for passage in shortlist.head()[: len(shortlist.logits)]]
            self._scores["reranked"] = dict(zip(read, shortlist.logits.tolist(), strict=True))
            chances = reranker.relevance_among(shortlist.logits)
            if chances is not None:
                self._relevance = dict(zip(read, chances.tolist(), strict=True))

    def kept(self, ranking: list[Hit]) -> list[Hit]:
        """Return what `min_score` keeps of a ranking; notes say what it could not judge."""
        least = self._shortlist.request.min_score
        if least is None or not ranking:
            return ranking
        if not self._relevance:
            self._shortlist.notes.append(
                "min_score was left aside: it compares with the reranker's calibrated relevance,"
                " and no candidate has one"
            )
            return ranking
        unread = len(ranking) - len(self._relevance)
        if unread:
            self._shortlist.notes.append(
                f"min_score left out {unread} candidates that were not reranked"
            )
        return [hit for hit in ranking if self._relevance.get(hit.passage, -1.0) >= least]

    def result(
        self, rank: int, hit: Hit, stored: StoredPassage, origins: dict[str, Origin]
    ) -> Result:
        """Return one result; `origins` tells which files to look at for staleness."""
        document, passage = stored.document, stored.passage
        query = self._shortlist.query if self._shortlist.request.highlight else _NOTHING
        shown, highlights = snippet(passage.text, query, self._analyzer)
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
