"""Candidates to judge for a query: as many from each source, in an order that tells nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from engine.answer import SearchRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.answer import Result
    from engine.search import SearchEngine


@dataclass(frozen=True, slots=True)
class Pool:
    """Documents with the passages of theirs that were found; what the judge should know."""

    documents: Mapping[str, list[Result]]
    notes: tuple[str, ...]


def pool(engine: SearchEngine, text: str, depth: int) -> Pool:
    """Return the first `depth` documents of lexical, dense, both together, and the reranker if any.

    Every source gives as many, so that none is favoured when it is evaluated with the judgements;
    where they name different passages of a document, it has them all. The order is drawn by a
    digest: the same each time, and unknown to every source.
    """
    both = SearchRequest(query=text, k=depth, group_by="document", rerank=False, plain=True)
    asked = [replace(both, sources="lexical"), replace(both, sources="dense"), both]
    if engine.reranker is not None:
        asked.append(replace(both, rerank=True))
    answers = engine.search_many(asked)
    found: dict[str, dict[int, Result]] = {}
    for answer in answers:
        for result in answer.results:
            found.setdefault(result.document, {}).setdefault(result.passage, result)

    def drawn(document: str) -> bytes:
        return blake2b(f"{text}\0{document}".encode(), digest_size=8).digest()

    return Pool(
        {document: list(found[document].values()) for document in sorted(found, key=drawn)},
        tuple(dict.fromkeys(n for answer in answers if answer.degraded for n in answer.notes)),
    )
