"""The engine of a running server: loaded in the background, renewed when the index moves on.

A request works on one snapshot from beginning to end. A newer one takes its place for the requests
that come after; the older is closed when its last request is done.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import anyio
from anyio import to_thread

from engine.errors import ShortlistError
from server.logs import SERVER, log_event

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from engine.search import SearchEngine

Progress = Literal["loading", "ready", "failed", "stopped"]
_LOG: Final = logging.getLogger(__name__)


class NotReadyError(Exception):
    """Raised when there is no engine to answer: still loading, failed, or stopped."""


class ReloadingError(Exception):
    """Raised when an engine is being loaded already."""


@dataclass(slots=True, eq=False)
class _Lease:
    engine: SearchEngine
    users: int = 0
    retired: bool = False

    @property
    def over(self) -> bool:
        return self.retired and not self.users


class LiveEngine:
    """One engine at a time, for any number of threads.

    Attributes:
        progress: how far it is.
        fault: why loading failed.
    """

    def __init__(
        self,
        load: Callable[[], SearchEngine],
        renew: Callable[[SearchEngine], SearchEngine | None],
        check_seconds: float,
    ) -> None:
        """Put it together; nothing is loaded before `start`.

        Args:
            load: makes the first engine, in a thread of its own.
            renew: returns an engine with the same models over a newer commit, or None.
            check_seconds: `renew` is asked before a search, but not more often than this.
        """
        self.progress: Progress = "loading"
        self.fault: Exception | None = None
        self._load = load
        self._renew = renew
        self._check_seconds = check_seconds
        self._next_check = 0.0
        self._complaint = ""
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._users = 0
        self._renewing = threading.Lock()
        self._reloading = threading.Lock()
        self._lease: _Lease | None = None
        self._loader = threading.Thread(target=self._run_load, name="shortlist-load")

    def start(self) -> None:
        """Begin to load."""
        self._loader.start()

    def close(self) -> None:
        """Take no more requests, wait for the last one, close.

        A loader that still runs is not waited for: it closes what it loaded itself.
        """
        with self._lock:
            self.progress = "stopped"
        with self._renewing:
            self._replace(None)
        with self._released:
            self._released.wait_for(lambda: not self._users)

    def reload(self) -> int:
        """Load an engine anew and let it answer; return its commit.

        Until it is loaded, and if it cannot be, the one before answers.

        Raises:
            ReloadingError: if one is being loaded.
            NotReadyError: if it was closed meanwhile.
            Exception: whatever `load` raises.
        """
        if self._loader.is_alive() or not self._reloading.acquire(blocking=False):
            raise ReloadingError
        try:
            engine = self._load()
        finally:
            self._reloading.release()
        generation = engine.snapshot.generation
        if not self._replace(_Lease(engine)):
            raise NotReadyError(self.progress)
        self._next_check = 0.0  # there may be a commit since it was opened
        return generation

    @property
    def loading(self) -> bool:
        """Whether something is still being loaded, also after `close`."""
        return self._loader.is_alive() or self._reloading.locked()

    @property
    def generation(self) -> int | None:
        """Number of the commit that answers, None while nothing does."""
        lease = self._lease
        return lease.engine.snapshot.generation if lease else None

    @contextmanager
    def use(self) -> Generator[SearchEngine]:
        """Hold the newest engine for one request.

        Raises:
            NotReadyError: if there is none; `progress` and `fault` say why.
        """
        self._look_for_newer()
        with self._lock:
            lease = self._lease
            if lease is None:
                raise NotReadyError(self.progress)
            lease.users += 1
            self._users += 1
        try:
            yield lease.engine
        finally:
            self._release(lease)

    def _release(self, lease: _Lease) -> None:
        with self._lock:
            lease.users -= 1
            over = lease.over
        if over:
            lease.engine.close()
        with self._released:
            self._users -= 1
            self._released.notify_all()

    def _run_load(self) -> None:
        try:
            engine = self._load()
        except Exception as error:
            _complain("loading failed", error)
            with self._lock:
                self.fault = error
                if self.progress == "loading":
                    self.progress = "failed"
            return
        self._next_check = time.monotonic() + self._check_seconds
        self._replace(_Lease(engine))

    def refresh(self) -> None:
        """Let the newest commit answer before this returns, as the one that was just made."""
        with self._renewing:
            self._swap_in_newer()

    def _look_for_newer(self) -> None:
        """Swap in a newer commit; requests that come meanwhile do not wait for it."""
        if time.monotonic() < self._next_check or not self._renewing.acquire(blocking=False):
            return
        try:
            self._swap_in_newer()
        finally:
            self._renewing.release()

    def _swap_in_newer(self) -> None:
        try:
            lease = self._lease
            newer = self._renew(lease.engine) if lease else None
            if newer is not None:
                self._replace(_Lease(newer), lease)
            self._complaint = ""
        except Exception as error:
            # The commit before still answers, whatever became of the folder.
            if str(error) != self._complaint:
                _complain("the index cannot be opened again; the commit before answers", error)
            self._complaint = str(error)
        finally:
            self._next_check = time.monotonic() + self._check_seconds

    def _replace(self, lease: _Lease | None, before: _Lease | None = None) -> bool:
        """Let another engine answer from now on.

        Args:
            lease: the engine, None for none.
            before: only if this one still answers, if it is given.

        Returns:
            Whether it was wanted; else it is closed.
        """
        with self._lock:
            wanted = lease is None or self.progress != "stopped"
            wanted = wanted and before in (None, self._lease)
            if lease is not None and wanted:
                self.progress, self.fault = "ready", None
            old = lease
            if wanted:
                old, self._lease = self._lease, lease
            if old is not None:
                old.retired = True
            over = old is not None and old.over
        if old is not None and over:
            old.engine.close()
        return wanted


async def keep_up(live: LiveEngine, seconds: float) -> None:
    """Open newer commits also while nobody asks: an old snapshot lets the index's log grow."""
    while True:
        await anyio.sleep(seconds)
        await to_thread.run_sync(_look, live, abandon_on_cancel=True)


def _look(live: LiveEngine) -> None:
    with suppress(NotReadyError), live.use():
        pass


def reload_and_tell(live: LiveEngine) -> None:
    """Load an engine anew, and log how that went."""
    try:
        log_event(SERVER, "reloaded", commit=live.reload())
    except (NotReadyError, ReloadingError):
        _LOG.warning("not reloaded: the server is loading already, or stops")
    except Exception as error:
        _complain("reloading failed; what was loaded before answers", error)


def _complain(what: str, error: Exception) -> None:
    """Log an error; one of ours says enough without its traceback."""
    _LOG.error("%s: %s", what, error, exc_info=not isinstance(error, ShortlistError))
