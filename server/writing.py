"""The write side of a running server: one commit at a time, searched as soon as it is told."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import NoIndex
from indexer.documents import make_ready, put, remove
from server.problems import HttpError

if TYPE_CHECKING:
    from collections.abc import Generator

    from engine.local.store import LocalStore
    from engine.types import Document
    from indexer.types import Extracted
    from server.live import LiveEngine

MOST_WAITING: Final = 16  # documents that are read or wait; each may hold 32 MB


class Writes:
    """Puts and removes documents of one index.

    The lock of the index is held while one document is written, so that other processes write in
    between; within this process writers wait for each other.
    """

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._writing = threading.Lock()
        self._waiting = 0

    @contextmanager
    def place(self) -> Generator[None]:
        """Hold a place in the line; only the event loop asks. Raises HttpError 503: no place."""
        if self._waiting >= MOST_WAITING:
            raise HttpError(503, "too many documents are being written", {"Retry-After": "1"})
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def put(
        self, live: LiveEngine, document: Document, extracted: Extracted
    ) -> tuple[bool, int, int]:
        """Put a document; return (whether it is new, passages, commit). Searches find it then.

        Raises:
            NotReadyError: if there is no engine.
            DocumentTaken: if it belongs to a file.
            IndexLocked: if another process is writing.
        """
        with live.use() as engine:
            encoder = engine.encoder
        settings = self._store.settings()
        if settings is None:
            raise NoIndex("the index is gone")
        ready = make_ready(document, extracted, settings, encoder)
        with self._writing:
            created, generation = put(self._store, ready, encoder)
        live.refresh()
        return created, len(ready.passages), generation

    def remove(self, live: LiveEngine, document: str) -> int | None:
        """Remove a document; return the commit, or None if it was not there.

        Raises:
            DocumentTaken: if it belongs to a file.
            IndexLocked: if another process is writing.
        """
        with self._writing:
            generation = remove(self._store, document)
        live.refresh()
        return generation
