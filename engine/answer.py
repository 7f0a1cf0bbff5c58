"""What a search is asked and what it answers; `--json` and HTTP speak exactly these words."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read at run time, for the HTTP schema
from dataclasses import dataclass, field
from typing import Literal, get_args

from engine.errors import UsageError
from engine.types import MetadataValue, Sources, Stage

LONGEST_QUERY = 100_000  # characters
MOST = 10_000  # results, candidates of a source, candidates reranked
LONGEST_BUDGET = 600_000  # ms
MOST_FACETS = 20  # of one request
MOST_VALUES = 100  # of one facet

ResultField = Literal[
    "rank", "document", "passage", "title", "path", "heading", "page", "start", "end", "text",
    "snippet", "highlights", "score", "relevance", "stage", "ranks", "scores", "stale", "metadata",
]  # fmt: skip
DegradedReason = Literal[
    "reranker_unavailable", "budget", "queue", "lexical_failed", "dense_failed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One question.

    Attributes:
        query: words, or the query language of engine.query.
        k: results asked for.
        offset: results to leave out first; offset + k are ranked, so pages never overlap.
        depth: candidates that each source gives.
        sources: which of them.
        filter: an expression of engine.filters.
        group_by: `document` for the best passage of each document, None for passages.
        rerank: whether stage two ranks.
        rerank_depth: fused candidates that are reranked; the rest follows in fused order.
        min_score: least relevance in [0, 1] of a result. Only what the reranker gave a calibrated
            relevance compares with it; where nothing has one, all is kept and a note says so.
        facets: `type`, `folder` or fields of metadata, whose values are counted.
        highlight: whether matches are looked for; without, a snippet is the passage's beginning.
        fields: members of a result that are shown, None for all.
        budget_ms: milliseconds from the beginning of the search in which stage two may read, best
            candidates first; what it did not get to follows in fused order. None for no limit.
        explain: whether results carry the score of each stage.
        plain: whether the query is read without operators, as judged collections mean theirs.
    """

    query: str
    k: int = 10
    offset: int = 0
    depth: int = 100
    sources: Sources = "hybrid"
    filter: str = ""
    group_by: Literal["document"] | None = None
    rerank: bool = True
    rerank_depth: int = 50
    min_score: float | None = None
    facets: tuple[str, ...] = ()
    highlight: bool = True
    fields: tuple[ResultField, ...] | None = None
    budget_ms: int | None = None
    explain: bool = False
    plain: bool = False

    def __post_init__(self) -> None:
        if len(self.query) > LONGEST_QUERY:
            raise UsageError(
                f"the query has {len(self.query):,} characters; at most {LONGEST_QUERY:,}"
            )
        for name in ("k", "depth", "rerank_depth"):
            if not 1 <= getattr(self, name) <= MOST:
                raise UsageError(f"{name} is between 1 and {MOST:,}, not {getattr(self, name)}")
        if not 0 <= self.offset <= MOST:
            raise UsageError(f"offset is between 0 and {MOST:,}, not {self.offset}")
        if self.sources not in get_args(Sources):
            raise UsageError(f"sources is one of {', '.join(get_args(Sources))}")
        if self.group_by not in (None, "document"):
            raise UsageError("group_by is document, or left out")
        self._check_answer()

    def _check_answer(self) -> None:
        if self.budget_ms is not None and not 0 <= self.budget_ms <= LONGEST_BUDGET:
            raise UsageError(f"budget_ms is from 0 to {LONGEST_BUDGET:,}, not {self.budget_ms}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score is between 0 and 1, not {self.min_score}")
        if len(self.facets) > MOST_FACETS:
            raise UsageError(f"at most {MOST_FACETS} facets, not {len(self.facets)}")
        if not set(self.fields or ()) <= set(get_args(ResultField)):
            raise UsageError(f"fields are some of {', '.join(get_args(ResultField))}")
        if "scores" in (self.fields or ()) and not self.explain:
            raise UsageError("fields: scores are there only with explain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One passage of an answer.

    `score` is what the order follows: fused scores for candidates that were not reranked, the
    combination of both stages for those that were. `relevance` in [0, 1] is the reranker's
    probability, None where it gave none. `ranks` and `scores` name a stage only where it had the
    passage. `highlights` are [start, end) in `snippet`. `stale`: the file changed since.
    """

    rank: int
    document: str
    passage: int
    title: str
    path: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str
    snippet: str
    highlights: list[list[int]]
    score: float
    relevance: float | None
    stage: Stage
    ranks: dict[Stage, int | None]
    scores: dict[Stage, float | None] | None
    stale: bool
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One value, as the filter takes it, and the candidates that have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The values of a field: the most frequent ones first, and how many `others` there are."""

    values: list[FacetValue]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one request.

    `total_candidates` are the candidates that this answer is a page of: passages, or documents
    where they were grouped; `facets` count those, and are None where none were asked for.
    `degraded`: a part could not do its work, and `degraded_reason` says which. `notes` are for the
    user's eyes: what the engine decided by itself. `snapshot` is the generation that answered.
    `search_id` is what feedback names the search by, where a server recorded it.
    """

    query: str
    results: list[Result]
    total_candidates: int
    facets: dict[str, Facet] | None = None
    degraded: bool
    degraded_reason: DegradedReason | None
    timings_ms: dict[str, float]
    snapshot: int
    models: dict[str, str | None]
    notes: list[str] = field(default_factory=list[str])
    search_id: str | None = None
