"""What stage one found for one request, on its way through the stages."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.types import Hit, Stage, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Generator

    from engine.answer import DegradedReason, SearchRequest
    from engine.query import Query
    from engine.types import FloatArray

STAGES: Final = (
    "parse", "lexical", "dense", "fuse", "fetch", "queue", "rerank", "highlight",
)  # fmt: skip


@dataclass(slots=True)
class Shortlist:
    """The candidates of one request, and what its answer needs to know of them."""

    request: SearchRequest
    query: Query
    sources: dict[Stage, list[Hit]] = field(default_factory=dict[Stage, list[Hit]])
    fused: list[Hit] = field(default_factory=list[Hit])
    passages: dict[int, StoredPassage] = field(default_factory=dict[int, StoredPassage])
    logits: FloatArray | None = None
    weight: float = 0.0
    timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    degraded: DegradedReason | None = None
    notes: list[str] = field(default_factory=list[str])

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
