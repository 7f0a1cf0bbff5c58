"""`shortlist serve` without its command line: an index, an address, an application, a process."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from engine.errors import UsageError
from server.logs import logging_to
from server.settings import ServerSettings, is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from engine.feedback.log import FeedbackLog
    from engine.local.store import LocalStore
    from engine.search import SearchEngine


class IndexFolder:
    """An index folder as the source of a server's engines; a model is loaded once."""

    def __init__(self, store: LocalStore, reranker: str) -> None:
        """Watch a store. Raises NoIndex if nothing was ever committed there."""
        self._store = store
        self._reranker = reranker
        self._versions: WeakKeyDictionary[SearchEngine, tuple[int, int]] = WeakKeyDictionary()
        store.version()

    def load(self) -> SearchEngine:
        """Return an engine over the newest commit, with its models."""
        from engine.assemble import open_engine

        # Asked before it is opened: a commit in between is seen as new and opened once more.
        version = self._store.version()
        engine = open_engine(self._store.folder, self._reranker)
        self._versions[engine] = version
        return engine

    def renew(self, engine: SearchEngine) -> SearchEngine | None:
        """Return an engine over a newer commit, or None; only another encoder is loaded anew."""
        from engine.assemble import renew_engine

        version = self._store.version()
        if version == self._versions.get(engine):
            return None
        renewed = renew_engine(self._store.folder, engine)
        self._versions[renewed] = version
        return renewed


def serve(index: Path, reranker: str = "", settings: ServerSettings | None = None) -> None:
    """Serve an index until SIGTERM or SIGINT; say on stderr where, once it listens.

    The index must be there; its models load while the server already listens (see /readyz).

    Args:
        index: its folder.
        reranker: as open_engine takes it.
        settings: where it listens, who may come in, limits.

    Raises:
        NoIndex: if nothing was ever committed there.
        UsageError: if the address cannot be bound, or is open to others without a key.
    """
    from engine.assemble import open_store

    settings = settings or ServerSettings()
    store = open_store(index)
    folder = IndexFolder(store, reranker)
    with logging_to(settings.log), bound(settings) as listener, _log_of(index, settings) as log:
        from server.app import create_app
        from server.process import run
        from server.writing import Writes

        writes = Writes(store) if settings.writable else None
        run(create_app(folder.load, folder.renew, settings, writes, log), listener)


def _log_of(index: Path, settings: ServerSettings) -> AbstractContextManager[FeedbackLog | None]:
    """Open the record of searches, if there is to be one."""
    if not settings.feedback:
        return nullcontext()
    from engine.feedback import place
    from engine.feedback.log import FeedbackLog

    return FeedbackLog(place(index))


@contextmanager
def bound(settings: ServerSettings) -> Generator[socket.socket]:
    """Bind the address, before anything is loaded.

    Raises:
        UsageError: see serve.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"there is no address for host {settings.host!r}: {error}") from error
    family, kind, protocol, _, address = min(found, key=lambda a: a[0] != socket.AF_INET)
    # The address counts, not the name: what `localhost` is stands in a file.
    if not (settings.insecure or settings.keys or is_loopback(str(address[0]))):
        raise UsageError(
            f"{settings.host} can be reached from other machines, and this server has no keys:"
            " give --api-key-file, listen on 127.0.0.1, or say --insecure"
        )
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(
                f"cannot listen on {settings.host} port {settings.port}: {reason}"
            ) from error
        yield listener
