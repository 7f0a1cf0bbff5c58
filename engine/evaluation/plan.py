"""What an evaluation is asked to do."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol

from engine.errors import UsageError
from engine.evaluation.candidates import LEAST
from engine.evaluation.measures import DEFAULT, Measures
from engine.evaluation.rows import Row, file_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.scored import RememberedReranker
    from engine.types import Sources

CURVE: Final = (5, 10, 20, 30, 50, 100, 200)
DEEPEST: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is compared.

    Attributes:
        sources: of stage one, each on its own.
        depths: fused documents that are reranked.
        measures: further ones, by the names of ir-measures.
        drop_identical_ids: leave out the document that has the query's own id, as BEIR does.
        timed_queries: at most so many are answered one by one, as served, to tell the latency.
        seed: of intervals and tests.
    """

    sources: tuple[Sources, ...] = ("hybrid",)
    depths: tuple[int, ...] = (50,)
    measures: tuple[str, ...] = ()
    drop_identical_ids: bool = False
    timed_queries: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.sources or not self.depths:
            raise UsageError("an evaluation needs at least one source and one depth")
        for depth in self.depths:
            if not 1 <= depth <= DEEPEST:
                raise UsageError(f"a depth is between 1 and {DEEPEST:,}, not {depth}")
        if self.seed < 0:
            raise UsageError(f"a seed is 0 or more, not {self.seed}")

    def all_measures(self) -> Measures:
        """Return the usual measures, recall at each depth, and those asked for."""
        recall = [f"R@{max(LEAST, depth)}" for depth in self.depths]
        return Measures([*DEFAULT, *recall, *self.measures])

    def groups(self, rerankers: Sequence[RememberedReranker | None]) -> list[Group]:
        """Return the rows that share candidates, in the order of the report."""
        by_tier: dict[int, list[int]] = defaultdict(list)
        for depth in dict.fromkeys(self.depths):
            by_tier[max(LEAST, depth)].append(depth)
        named = list(zip(rerankers, file_names(rerankers), strict=True))
        return [
            Group(sources, max(depths), [Row(sources, r, d, n) for r, n in named for d in depths])
            for sources in dict.fromkeys(self.sources)
            for depths in by_tier.values()
        ]

    def fingerprint(self, *parts: object) -> str:
        """Return a digest of this plan and of what else the outcome depends on."""
        told = json.dumps([asdict(self), *parts], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows over the same candidates: one retrieval, read to `depth`, serves them all."""

    sources: Sources
    depth: int
    rows: list[Row]


class Progress(Protocol):
    """Told while an evaluation goes on."""

    def start(self, what: str, queries: int, done: int) -> None:
        """So many queries are to be answered, of which some are done already."""
        ...

    def advance(self, queries: float) -> None:
        """So many queries more are done; a part of one counts as a part."""
        ...

    def say(self, text: str) -> None:
        """A line for the user."""
        ...

    def finish(self) -> None:
        """The queries are done."""
        ...


class Silent:
    """See Progress; says nothing."""

    def start(self, what: str, queries: int, done: int) -> None:
        """See Progress."""

    def advance(self, queries: float) -> None:
        """See Progress."""

    def say(self, text: str) -> None:
        """See Progress."""

    def finish(self) -> None:
        """See Progress."""
