"""What stage one finds for the queries of a collection, and the positives that it missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.answer import SearchRequest
from engine.errors import ShortlistError
from engine.evaluation.best_passage import best_passage
from engine.evaluation.columns import missed
from engine.types import Hit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.search import SearchEngine
    from engine.shortlist import Shortlist
    from engine.types import FloatArray, Sources

LEAST: Final = 100  # documents that each source gives, whatever the depth


@dataclass(frozen=True, slots=True)
class Candidates:
    """One query's shortlist, read to some depth.

    Attributes:
        query: its id.
        shortlist: stage one's documents, best first, each by its best passage.
        depth: so many of them are read by stage two.
        extra: (hit, text) of each positive beyond that depth, by its best passage. The hit's own
            score means nothing.
    """

    query: str
    shortlist: Shortlist
    depth: int
    extra: list[tuple[Hit, str]]

    @property
    def fused(self) -> list[Hit]:
        """Stage one's documents, best first."""
        return self.shortlist.fused

    def texts(self) -> list[str]:
        """Return what stage two reads: the first `depth` candidates, then the extra ones."""
        passages = self.shortlist.passages
        head = [passages[hit.passage].context for hit in self.fused[: self.depth]]
        return head + [text for _, text in self.extra]


def find(
    engine: SearchEngine, sources: Sources, depth: int, text: str, *, read: bool = True
) -> Shortlist:
    """Return the shortlist of a query as a search would have it.

    Args:
        engine: what searches.
        sources: of stage one.
        depth: documents that stage two may read; each source gives at least 100.
        text: of the query.
        read: whether they are wanted with their texts.

    Raises:
        ShortlistError: if one of the sources fails.
    """
    tier = max(LEAST, depth)
    request = SearchRequest(
        query=text, k=1, depth=tier, sources=sources, group_by="document",
        rerank=read, rerank_depth=depth, plain=True,
    )  # fmt: skip
    shortlist = engine.shortlist(request)
    if shortlist.degraded:  # a search answers by the other source; a report must not
        raise ShortlistError(
            f"{'; '.join(shortlist.notes)}; the figures would not be those of {sources}:"
            " mend the index (shortlist verify --repair) or evaluate the other source alone"
        )
    return shortlist


def with_missed(
    engine: SearchEngine, query: str, shortlist: Shortlist, depth: int, grades: Mapping[str, int]
) -> Candidates:
    """Return a shortlist with the best passages of the positives that its head lacks.

    A positive further down the list has its passage already. Of one that no source named it is the
    passage with the best cosine to the query, the first among equals.
    """
    lacking = missed(shortlist.fused, grades, depth)
    deeper = [hit for hit in shortlist.fused[depth:] if hit.document in lacking]
    stored = engine.snapshot.passages([hit.passage for hit in deeper])
    extra = [(hit, found.context) for hit, found in zip(deeper, stored, strict=True)]
    unnamed = sorted(lacking - {hit.document for hit, _ in extra})
    if unnamed:
        vector = engine.encoder.encode_queries([shortlist.query.text])[0]
        best = (_best(engine, document, vector) for document in unnamed)
        extra += [found for found in best if found is not None]
    return Candidates(query, shortlist, depth, extra)


def _best(engine: SearchEngine, document: str, vector: FloatArray) -> tuple[Hit, str] | None:
    stored = best_passage(engine.snapshot.document_passages(document), vector)
    if stored is None:
        return None
    return Hit(stored.id, document, stored.passage.number, 0.0), stored.context
