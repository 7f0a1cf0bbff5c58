"""Many files, in order; parsers that may crash or hang work in processes of their own.

Text, Markdown and source code are read in this process while the workers are busy: they run no
native parser, and sending their text through a pipe takes longer than reading it.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ExtractionError
from indexer.extract.files import extract
from indexer.extract.kinds import ISOLATED, kind
from indexer.extract.wire import Outcome, decoded
from indexer.extract.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_AHEAD = 8
_START_SECONDS = 60.0


def extract_many(
    paths: Iterable[Path], *, workers: int = 2, timeout: float = 60.0
) -> Iterator[tuple[Path, Outcome]]:
    """Yield every path with what it gave, in the order of the paths.

    At most a few files per worker are read ahead of the one the caller waits for, so memory does
    not grow with the number of paths. A file that takes longer than `timeout` seconds, or kills its
    worker, is an ExtractionError; the next file gets a new worker.

    Raises:
        ValueError: workers < 1 or timeout <= 0.
    """
    if workers < 1 or timeout <= 0:
        msg = f"workers and timeout must be positive, not {workers} and {timeout}"
        raise ValueError(msg)
    return _stream(paths, _Pool(workers, timeout), workers * _AHEAD)


@dataclass(slots=True, eq=False)
class _Slot:
    """One path on its way; `outcome` is set when it is done."""

    path: Path
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Task:
    """What a worker does now: nothing (None) or one slot, until the deadline."""

    slot: _Slot | None
    deadline: float
    ready: bool = False


def _stream(paths: Iterable[Path], pool: _Pool, ahead: int) -> Iterator[tuple[Path, Outcome]]:
    line: deque[_Slot] = deque()
    rest = iter(paths)
    try:
        while True:
            while len(line) < ahead and (path := next(rest, None)) is not None:
                line.append(_Slot(path))
                if kind(path) in ISOLATED:
                    pool.submit(line[-1])
            if not line:
                return
            slot = line.popleft()
            yield slot.path, pool.wait(slot) if kind(slot.path) in ISOLATED else _here(slot.path)
    finally:
        pool.stop()


def _here(path: Path) -> Outcome:
    try:
        return extract(path)
    except ExtractionError as error:
        return error


class _Pool:
    """Workers and what they do; they start when the first file needs one."""

    def __init__(self, size: int, timeout: float) -> None:
        self._size = size
        self._timeout = timeout
        self._inbox: queue.SimpleQueue[tuple[Worker, bytes | None]] = queue.SimpleQueue()
        self._tasks: dict[Worker, _Task] = {}
        self._waiting: deque[_Slot] = deque()

    def submit(self, slot: _Slot) -> None:
        """Put a file in line, and answer what has arrived meanwhile so that no worker idles."""
        self._waiting.append(slot)
        self._receive(block=False)
        self._dispatch()

    def wait(self, slot: _Slot) -> Outcome:
        """Return the outcome of a submitted file."""
        while slot.outcome is None:
            self._dispatch()
            self._receive(block=True)
            self._end_late()
        return slot.outcome

    def stop(self) -> None:
        """End every worker."""
        for worker in self._tasks:
            worker.stop()
        self._tasks.clear()

    def _dispatch(self) -> None:
        """Give waiting files to idle workers; start another worker only when none is idle."""
        idle = [w for w, task in self._tasks.items() if task.ready and task.slot is None]
        for worker in idle[: len(self._waiting)]:
            slot = self._waiting.popleft()
            self._tasks[worker] = _Task(slot, time.monotonic() + self._timeout, ready=True)
            worker.ask(slot.path)
        starting = sum(not task.ready for task in self._tasks.values())
        while len(self._tasks) < self._size and starting < len(self._waiting):
            self._tasks[Worker(self._inbox)] = _Task(None, time.monotonic() + _START_SECONDS)
            starting += 1

    def _receive(self, *, block: bool) -> None:
        """Take the answers that have arrived; `block` waits for one, or for a deadline."""
        busy = [t.deadline for t in self._tasks.values() if t.slot is not None or not t.ready]
        patience = max(0.0, min(busy, default=0.0) - time.monotonic()) if block else 0.0
        try:
            worker, line = (
                self._inbox.get(timeout=patience) if patience else self._inbox.get(block=False)
            )
        except queue.Empty:
            return
        self._take(worker, line)
        self._receive(block=False)

    def _take(self, worker: Worker, line: bytes | None) -> None:
        task = self._tasks.get(worker)
        if task is None:  # it was stopped for being late; this is its last word
            return
        if line is None:
            self._bury(worker, "the parser crashed")
        elif not task.ready:
            task.ready = True
        elif task.slot is not None:
            task.slot.outcome = decoded(line)
            task.slot = None

    def _end_late(self) -> None:
        now = time.monotonic()
        for worker, task in list(self._tasks.items()):
            if task.deadline <= now and (task.slot is not None or not task.ready):
                self._bury(worker, f"took longer than {self._timeout:g} seconds")

    def _bury(self, worker: Worker, reason: str) -> None:
        """End a worker; its file, or the next in line if it never got ready, has failed."""
        task = self._tasks.pop(worker)
        worker.stop()
        if not task.ready:
            reason = "its parser could not be started"
        slot = task.slot or (self._waiting.popleft() if not task.ready and self._waiting else None)
        if slot is not None:
            slot.outcome = ExtractionError(reason)
