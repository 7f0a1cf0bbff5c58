"""Passages drawn from a whole index."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from indexer.training.guards import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from engine.protocols import Snapshot

_PAGE: Final = 10_000  # documents listed at once
_REMEMBERED: Final = 20_000  # documents


class WholeIndex:
    """Draws a document, then a passage of it.

    So a long document is drawn as often as a short one, as rankings count them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._documents = list_documents(snapshot)
        self._passages = lru_cache(_REMEMBERED)(self._ids)

    def _ids(self, document: str) -> tuple[int, ...]:
        return tuple(stored.id for stored, _ in self._snapshot.document_passages(document))

    def draw(self, random: Random, most: int) -> Iterator[Found]:
        """Yield up to `most` passages, of as many documents."""
        most = min(most, len(self._documents))
        for number in random.sample(range(len(self._documents)), most):
            if ids := self._passages(self._documents[number]):
                yield from map(Found.stored, self._snapshot.passages([random.choice(ids)]))


def list_documents(snapshot: Snapshot) -> list[str]:
    """Return the ids of all documents, ascending."""
    ids: list[str] = []
    while page := snapshot.documents("", ids[-1] if ids else "", _PAGE):
        ids += [document.id for document in page]
    return ids
