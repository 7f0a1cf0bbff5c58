"""`python -m benchmarks.one_by_one INDEX HOW`: the server without micro-batches, to compare with.

Everything is as in `shortlist serve`, but that requests do not share the model in turn: whoever
comes first has it until all of its pairs are read, and the others wait (HOW is `request`), or each
pair is a call of its own (`pair`). A request's time limit still ends its wait, not its reading.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.types import Scores
from server.calls import CALL, Call
from server.queue import SharedReranker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.anytime import Pair
    from engine.protocols import Reranker
    from engine.search import SearchEngine


class OneByOne(SharedReranker):
    """See SharedReranker. Whole requests, first come, first served."""

    def __init__(self, reranker: Reranker, most: int) -> None:
        """Share a model; it reads at most `most` pairs in one call."""
        super().__init__(reranker)
        self._model = reranker
        self._part = most
        self._turn = _Turns()

    def score_until(self, pairs: Sequence[Pair], deadline: float) -> Scores:
        """See AnytimeReranker."""
        began = time.perf_counter()
        until = min(deadline, (CALL.get() or Call()).deadline)
        if not self._turn.take(until):
            return Scores(np.empty(0, np.float32), None, time.perf_counter() - began)
        waited = time.perf_counter() - began
        try:
            parts = [
                self._model.score(pairs[at : at + self._part]).logits
                for at in range(0, len(pairs), self._part)
            ]
        finally:
            self._turn.give_back()
        return Scores(np.concatenate([np.empty(0, np.float32), *parts]), None, waited)


class _Turns:
    """A lock that is given to whoever waits longest."""

    def __init__(self) -> None:
        self._line: list[threading.Event] = []
        self._lock = threading.Lock()

    def take(self, until: float) -> bool:
        """Wait for the lock until then (`time.perf_counter`); return whether it was given."""
        turn = threading.Event()
        with self._lock:
            self._line.append(turn)
            if len(self._line) == 1:
                turn.set()
        left = min(until - time.perf_counter(), threading.TIMEOUT_MAX)
        if turn.wait(max(0.0, left)):
            return True
        with self._lock:
            if turn.is_set():
                return True
            self._line.remove(turn)
            return False

    def give_back(self) -> None:
        with self._lock:
            self._line.pop(0)
            if self._line:
                self._line[0].set()


def shared_otherwise(load: Callable[[], SearchEngine], most: int) -> Callable[[], SearchEngine]:
    """Return what loads the same engine, whose reranker reads one request at a time."""

    def loaded() -> SearchEngine:
        engine = load()
        if engine.reranker is not None:
            engine.reranker = OneByOne(engine.reranker, most)
        return engine

    return loaded


def main(index: Path, most: int, reranker: str) -> None:
    """Serve an index until a signal."""
    from engine.assemble import open_store
    from server.app import create_app
    from server.logs import logging_to
    from server.process import run
    from server.serving import IndexFolder, bound
    from server.settings import ServerSettings

    settings = ServerSettings(port=0, log="json")
    folder = IndexFolder(open_store(index), reranker)
    with logging_to("json"), bound(settings) as listener:
        app = create_app(shared_otherwise(folder.load, most), folder.renew, settings)
        run(app, listener)


if __name__ == "__main__":
    _, _place, _how, *_rest = sys.argv
    main(Path(_place), 1 if _how == "pair" else sys.maxsize, *(_rest or [""]))
