"""Runs the application under uvicorn: one address, one line when it listens, an end within 10 s."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from server.settings import ServerSettings, is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from types import FrameType

    from engine.local.store import LocalStore
    from engine.search import SearchEngine

# A request line may hold a query of 100,000 characters, percent-encoded.
LONGEST_HEAD: Final = 2_000_000  # bytes
GRACE: Final = 6  # seconds that running requests are given after SIGTERM
DEADLINE: Final = 9.0  # seconds after SIGTERM when the process ends, whatever still runs
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOG: Final = logging.getLogger(__name__)


class IndexFolder:
    """An index folder as the source of a server's engines; the models are loaded once."""

    def __init__(self, store: LocalStore, reranker: str) -> None:
        """Watch a store. Raises NoIndex if nothing was ever committed there."""
        self._store = store
        self._reranker = reranker
        self._version = store.version()

    def load(self) -> SearchEngine:
        """Return an engine over the newest commit, with its models."""
        from engine.assemble import open_engine

        # Asked before it is opened: a commit in between is seen as new and opened once more.
        self._version = self._store.version()
        return open_engine(self._store.folder, self._reranker)

    def renew(self, engine: SearchEngine) -> SearchEngine | None:
        """Return an engine over a newer commit, with the same models, or None."""
        from engine.assemble import renew_engine

        version = self._store.version()
        if version == self._version:
            return None
        renewed = renew_engine(self._store.folder, engine)
        self._version = version
        return renewed


def serve(
    index: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    reranker: str = "",
    allowed_hosts: Sequence[str] = (),
    insecure: bool = False,
) -> None:
    """Serve an index until SIGTERM or SIGINT; say on stderr where, once it listens.

    The index must be there; its models load while the server already listens (see /readyz).

    Args:
        index: its folder.
        host: address to listen on.
        port: 0 takes a free one.
        reranker: as open_engine takes it.
        allowed_hosts: further names that requests may come in under.
        insecure: whether anything but loopback may be bound.

    Raises:
        NoIndex: if nothing was ever committed there.
        UsageError: if the address cannot be bound, or is open to others without `insecure`.
    """
    from engine.assemble import open_store

    settings = ServerSettings(
        host=host, port=port, allowed_hosts=tuple(allowed_hosts), insecure=insecure
    )
    folder = IndexFolder(open_store(index), reranker)
    with bound(settings) as listener:
        _run(folder, settings, listener)


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
    if not (settings.insecure or is_loopback(str(address[0]))):
        raise UsageError(
            f"{settings.host} can be reached from other machines, and this server has no keys:"
            " listen on 127.0.0.1, or say --insecure"
        )
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(
                f"cannot listen on {settings.host} port {settings.port}: {reason}"
            ) from error
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(folder: IndexFolder, settings: ServerSettings, listener: socket.socket) -> None:
    import uvicorn

    from server.app import create_app

    url = url_of(listener)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                sys.stderr.write(f"listening on {url}\n")
                sys.stderr.flush()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self.should_exit:
                os._exit(1)  # asked twice: at once
            deadline.start()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        create_app(folder.load, folder.renew, settings),
        # Named, so that the server is the same whatever else is installed.
        loop="asyncio", http="h11", ws="none", lifespan="on",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=GRACE,
        log_config=None, log_level=logging.WARNING, access_log=False,
        proxy_headers=False, server_header=False,
    )  # fmt: skip
    deadline = threading.Timer(DEADLINE, _end)
    deadline.daemon = True
    with _signals_are_answered():
        Server(config).run(sockets=[listener])
    deadline.cancel()


def _end() -> None:
    """End the process: a thread that searches or loads cannot be interrupted."""
    _LOG.warning("stopped while a search or the loading still ran")
    os._exit(0)


def _do_nothing(sig: int, frame: FrameType | None) -> None:
    pass


@contextmanager
def _signals_are_answered() -> Generator[None]:
    """Keep the process after a graceful end: uvicorn raises the signals that ended it again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sig: signal.signal(sig, _do_nothing) for sig in _SIGNALS}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
