"""The ranking that stage two would read for a query, without what is labelled relevant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.answer import SearchRequest
from engine.evaluation.candidates import LEAST
from indexer.training.guards import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.search import SearchEngine
    from engine.types import Hit
    from indexer.training.examples import Candidate
    from indexer.training.guards import Judged, MiningOptions


@dataclass(frozen=True, slots=True)
class Ranking:
    """What stage one has for a query, best first.

    Attributes:
        found: passages, and positives where they are wanted in their places.
        missed: positives that are not there; None where nobody looked.
        spared: passages of a positive's document that are not the positive.
    """

    found: Sequence[Found | Candidate]
    missed: Sequence[Candidate] | None = None
    spared: int = 0


def ranking(engine: SearchEngine, options: MiningOptions, query: str, judged: Judged) -> Ranking:
    """Return the places `range_min` to `range_max` of stage one for a query.

    It is the ranking of engine.evaluation.candidates.find, or its like of passages.
    """
    request = SearchRequest(
        query=query, k=1, depth=max(LEAST, options.range_max), sources=options.sources,
        group_by="document" if options.unit == "document" else None, rerank=False, plain=True,
    )  # fmt: skip
    head = _head(engine.shortlist(request).fused, options, judged)
    stored = {p.id: p for p in engine.snapshot.passages([hit.passage for hit in head])}
    places = _Places(options, judged)
    for rank, hit in enumerate(head):
        if hit.passage in stored:
            places.put(Found.stored(stored[hit.passage]), in_range=rank < options.range_max)
    return places.ranking()


def _head(fused: Sequence[Hit], options: MiningOptions, judged: Judged) -> list[Hit]:
    """Return as many hits as fill the places when all positives and their documents are away."""
    head: list[Hit] = []
    wanted = options.range_max + len(judged.positives)
    for hit in fused:
        if not wanted:
            break
        head.append(hit)
        wanted -= not (options.spare_documents and judged.of_document(hit.document))
    return head


class _Places:
    """Fills the places of a ranking. Positives take none, unless they are wanted there."""

    def __init__(self, options: MiningOptions, judged: Judged) -> None:
        self._options = options
        self._judged = judged
        self._found: list[Found | Candidate] = []
        self._in_range: list[Found] = []
        self._seen: set[int] = set()  # positives
        self._placed: set[int] = set()
        self._spared = 0

    def put(self, found: Found, *, in_range: bool) -> None:
        """Take the next passage of stage one."""
        judged, options = self._judged, self._options
        same, theirs = judged.same(found), judged.of_document(found.document)
        # A document stands by its best passage: that is how evaluations count a positive as found.
        met = same | theirs if options.unit == "document" else same
        if in_range:
            self._seen |= met
            self._in_range.append(found)
        if not same and not (theirs and options.spare_documents):
            self._found.append(found)
            return
        self._spared += not same
        if options.include_positives:
            self._found += [judged.positives[number] for number in sorted(met - self._placed)]
            self._placed |= met

    def ranking(self) -> Ranking:
        """Return the places that the options ask for."""
        places = self._found[self._options.range_min : self._options.range_max]
        return Ranking(places, self._missed(), self._spared)

    def _missed(self) -> list[Candidate]:
        """Return the positives that stand nowhere, also not as what repeats them."""
        everyone = set(range(len(self._judged.positives)))
        share = self._options.near_duplicate
        for found in self._in_range:
            if share is None or self._seen == everyone:
                break
            self._seen |= self._judged.alike(found, share)
        return [self._judged.positives[number] for number in sorted(everyone - self._seen)]
