"""What stage one found for one request, on its way through the stages."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.facets import count_facets
from engine.filters import Filter
from engine.rerank import combine
from engine.types import Hit, Stage, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from engine.answer import DegradedReason, Facet, SearchRequest
    from engine.query import Query
    from engine.types import FloatArray, Scores

STAGES: Final = (
    "parse", "lexical", "dense", "fuse", "fetch", "queue", "rerank", "highlight",
)  # fmt: skip


@dataclass(slots=True)
class Shortlist:
    """The candidates of one request, and what its answer needs to know of them."""

    request: SearchRequest
    query: Query
    where: Filter = field(default_factory=Filter)
    sources: dict[Stage, list[Hit]] = field(default_factory=dict[Stage, list[Hit]])
    fused: list[Hit] = field(default_factory=list[Hit])
    passages: dict[int, StoredPassage] = field(default_factory=dict[int, StoredPassage])
    logits: FloatArray | None = None
    weight: float = 0.0
    timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    degraded: DegradedReason | None = None
    notes: list[str] = field(default_factory=list[str])

    @property
    def asks(self) -> bool:
        """Whether there is anything to look for."""
        return not self.query.empty or bool(self.where)

    @property
    def first_tier(self) -> int:
        """Candidates of each source whose fusion decides the order of the first results."""
        request = self.request
        return max(request.depth, request.rerank_depth) if request.rerank else request.depth

    @property
    def depth_read(self) -> int:
        """Fused candidates that are read: the page, what stage two reads, what facets count."""
        page = self.request.offset + self.request.k
        if self.request.facets:
            return len(self.fused)
        return max(page, self.request.rerank_depth) if self.request.rerank else page

    @property
    def among(self) -> int | None:
        """Fused hits whose scores stage one is normalised over; see engine.rerank.combine."""
        # Fused, deeper tiers have the score of the first one's last hit.
        return self.first_tier if len(self.sources) == 1 else None

    @property
    def milliseconds(self) -> float:
        """What the stages took so far."""
        return sum(self.timings.values())

    @contextmanager
    def timed(self, stage: str) -> Generator[None]:
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

    def deadline(self, began: float) -> float:
        """Return until when stage two may read, for a search that began at a time, in seconds."""
        budget = self.request.budget_ms
        return math.inf if budget is None else began + budget / 1000

    def take(self, scores: Scores, wanted: int, short: DegradedReason) -> None:
        """Take what stage two says of the first candidates.

        Args:
            scores: of those that it read.
            wanted: how many it was given to read.
            short: why it did not read all of them, where it did not.
        """
        read = len(scores.logits)
        if read:
            self.logits = scores.logits
        if scores.windowed:
            self.notes.append(f"{scores.windowed} long passages were read in windows")
        if read < wanted:
            self.degraded = self.degraded or short
            why = "the budget was used up" if short == "budget" else "the reranker is busy"
            self.notes.append(f"reranked {read} of {wanted} candidates: {why}")

    def ranking(self) -> list[Hit]:
        """The final order: by both stages where stage two read, else stage one's."""
        if self.logits is None:
            return self.fused
        return combine(self.fused, self.logits, self.weight, self.among)

    def facets(self, ranking: Sequence[Hit]) -> dict[str, Facet] | None:
        """Count the facets that were asked for over the candidates of a ranking."""
        if not self.request.facets:
            return None
        documents = [self.passages[hit.passage].document for hit in ranking]
        return count_facets(self.request.facets, documents)
