"""Which engines share which queue: those with one model, whatever commit they answer from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from server.queue import SharedReranker

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.search import SearchEngine


class Sharing:
    """Makes the engines of a server rerank through a queue for each model.

    A model that is loaded anew gets a queue of its own, so a request works with one model from
    beginning to end, and the one before is gone when its last request is.
    """

    def __init__(self, seen: Callable[[int], None]) -> None:
        """See SharedReranker for `seen`."""
        self._seen = seen
        self._queues: WeakSet[SharedReranker] = WeakSet()

    def load(self, load: Callable[[], SearchEngine]) -> Callable[[], SearchEngine]:
        """Return what loads the same engine, with its reranker shared."""
        return lambda: self._shared(load())

    def renew(
        self, renew: Callable[[SearchEngine], SearchEngine | None]
    ) -> Callable[[SearchEngine], SearchEngine | None]:
        """Return what renews an engine, with its reranker shared."""

        def renewed(engine: SearchEngine) -> SearchEngine | None:
            newer = renew(engine)
            return newer and self._shared(newer)

        return renewed

    @property
    def waiting(self) -> int:
        """Pairs that wait, of all requests."""
        return sum(queue.waiting for queue in list(self._queues))

    def close(self) -> None:
        """Close all queues."""
        for queue in list(self._queues):
            queue.close()

    def _shared(self, engine: SearchEngine) -> SearchEngine:
        reranker = engine.reranker
        if reranker is not None and not isinstance(reranker, SharedReranker):
            engine.reranker = SharedReranker(reranker, seen=self._seen)
            self._queues.add(engine.reranker)
        return engine
