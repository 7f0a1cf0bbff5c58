"""A row of a report, (sources, reranker, depth), and the rankings that it compares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Final, Literal

from engine.evaluation.candidates import LEAST
from engine.evaluation.columns import always, ceiling
from engine.rerank import combine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.evaluation.candidates import Candidates
    from engine.evaluation.scored import RememberedReranker
    from engine.types import FloatArray, Hit, Sources

Column = Literal[
    "base", "realistic", "always_rerank_positives", "ceiling",
    "realistic_alone", "always_rerank_positives_alone",
]  # fmt: skip
NONE: Final = "none"  # the model of a row that reranks nothing
_LONGEST: Final = 60  # characters of a model in the name of a file
# Where the run of a column lies in a report's folder; {} is the row's name.
RUNS: Final[Mapping[Column, str]] = {
    "base": "runs/{}.base.trec",
    "realistic": "runs/{}.realistic.trec",
    "always_rerank_positives": "runs/{}.always.trec",
    "ceiling": "runs/ceiling/{}.trec",
    "realistic_alone": "runs/alone/{}.realistic.trec",
    "always_rerank_positives_alone": "runs/alone/{}.always.trec",
}


def file_names(rerankers: Sequence[RememberedReranker | None]) -> list[str]:
    """Return what each is called in names of files; a name that is taken gets a number behind it.

    Two models may have one name (of `a/final` and `b/final` it is `final`); their runs are two
    files nevertheless, also where case does not count.
    """
    taken, found = {NONE}, list[str]()
    for reranker in rerankers:
        if reranker is None:
            found.append(NONE)
            continue
        name = re.sub(r"[^\w.-]+", "_", reranker.name.partition(" (")[0]).strip("_")[:_LONGEST]
        numbered = (f"{name}-{n}" for n in count(2))
        name = next(one for one in chain([name], numbered) if one.casefold() not in taken)
        taken.add(name.casefold())
        found.append(name)
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One system: a source of candidates, what reranks them (None: nothing), and how many.

    Attributes:
        sources: of candidates.
        reranker: what reranks them.
        depth: how many of them.
        model: the reranker for the names of files; see `file_names`.
    """

    sources: Sources
    reranker: RememberedReranker | None
    depth: int
    model: str = NONE

    @property
    def name(self) -> str:
        """For files and tables; no two rows of a plan share one."""
        return f"{self.sources}-{self.model}-{self.depth}"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that this row has."""
        return tuple(RUNS) if self.reranker is not None else ("base", "ceiling")


@dataclass(frozen=True, slots=True)
class Scored:
    """What stage two says of a query's candidates and extra positives: (n,) logits, its weight."""

    logits: FloatArray
    weight: float


def rankings(
    candidates: Candidates, scored: Scored | None, grades: Mapping[str, int], depth: int
) -> dict[Column, list[Hit]]:
    """Return the rankings at a depth, at most that of the candidates; as long as an answer is.

    What a search would not show is in no ranking, but it takes part in normalisation as it does
    there.

    Args:
        candidates: of one query.
        scored: None where there is no reranker.
        grades: document -> grade; those above 0 are the positives.
        depth: fused documents that are reranked.
    """
    found = _rankings(candidates, scored, grades, depth)
    return {column: ranking[: max(LEAST, candidates.depth)] for column, ranking in found.items()}


def _rankings(
    candidates: Candidates, scored: Scored | None, grades: Mapping[str, int], depth: int
) -> dict[Column, list[Hit]]:
    fused = candidates.fused
    found: dict[Column, list[Hit]] = {"base": fused, "ceiling": ceiling(fused, grades, depth)}
    if scored is None:
        return found
    if not len(scored.logits):  # it cannot read this language, or there is nothing to read
        for column in RUNS:
            found.setdefault(column, fused)
        return found
    read = min(candidates.depth, len(fused))
    head = scored.logits[: min(depth, read)]
    deeper = zip(fused[depth:read], scored.logits[depth:read].tolist(), strict=True)
    extra = zip((hit for hit, _ in candidates.extra), scored.logits[read:].tolist(), strict=True)
    lacking = [(hit, x) for hit, x in chain(deeper, extra) if grades.get(hit.document, 0) > 0]
    among, weight = candidates.shortlist.among, scored.weight
    found["realistic"] = combine(fused, head, weight, among)
    found["realistic_alone"] = combine(fused, head, 1.0, among)
    found["always_rerank_positives"] = always(fused, head, lacking, weight, among)
    found["always_rerank_positives_alone"] = always(fused, head, lacking, 1.0, among)
    return found


def documents(ranking: Sequence[Hit]) -> list[str]:
    """Return the documents of a ranking, best first."""
    return [hit.document for hit in ranking]
