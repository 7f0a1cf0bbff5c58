"""Runs an application under uvicorn until a signal: says when it listens, ends within 10 s."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from server.connection import Connection
from server.live import reload_and_tell
from server.logs import SERVER, log_event
from server.memory import share_arenas

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator
    from types import FrameType

    from fastapi import FastAPI

# A request line may hold a query of 100,000 characters, percent-encoded.
LONGEST_HEAD: Final = 2_000_000  # bytes
GRACE: Final = 5  # seconds that running requests are given after a signal
DEADLINE: Final = 7.0  # seconds after a signal when the process ends, whatever still runs
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOG: Final = logging.getLogger(__name__)


def run(
    app: FastAPI, listener: socket.socket, grace: int = GRACE, deadline: float = DEADLINE
) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; a second signal ends the process at once."""
    config = uvicorn.Config(
        app,
        # Named, so that the server is the same whatever else is installed.
        loop="asyncio", http=Connection, ws="none", lifespan="on",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=grace,
        log_config=None, log_level=logging.WARNING, access_log=False,
        proxy_headers=False, server_header=False,
    )  # fmt: skip
    share_arenas()  # before threads have pools of their own
    end = _End(deadline)
    with _signals_end_here():
        _Server(config, app, url_of(listener), end).run(sockets=[listener])
    if app.state.live.loading:
        # Nobody needs what is being loaded, and native code cannot be interrupted.
        logging.shutdown()
        os._exit(0)
    end.reached.set()


def url_of(listener: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _End:
    """Ends the process some time after it was asked to: a thread that searches has no brakes."""

    def __init__(self, seconds: float) -> None:
        self.asked = threading.Event()
        self.reached = threading.Event()
        self._seconds = seconds
        # Waits from the beginning: a signal handler must not start a thread, as the thread that it
        # interrupts may be starting one and hold the lock.
        threading.Thread(target=self._watch, name="shortlist-deadline", daemon=True).start()

    def _watch(self) -> None:
        self.asked.wait()
        if not self.reached.wait(self._seconds):
            _LOG.warning("stopped while a search was still running")
            logging.shutdown()
            os._exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: FastAPI, url: str, end: _End) -> None:
        super().__init__(config)
        self._app = app
        self._url = url
        self._end = end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        if self._app.state.settings.log == "json":
            log_event(SERVER, "listening", url=self._url)
        else:
            sys.stderr.write(f"listening on {self._url}\n")
            sys.stderr.flush()
        if threading.current_thread() is threading.main_thread():
            # The loop calls it between other things: a signal handler must not start a thread.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        live = self._app.state.live
        threading.Thread(target=reload_and_tell, args=(live,), daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(1)
        self._end.asked.set()
        super().handle_exit(sig, frame)


@contextmanager
def _signals_end_here() -> Generator[None]:
    """Let the caller go on after a graceful end: uvicorn raises the signal that ended it again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sig: signal.signal(sig, _do_nothing) for sig in _SIGNALS}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _do_nothing(sig: int, frame: FrameType | None) -> None:
    pass
