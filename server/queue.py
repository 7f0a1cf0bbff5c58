"""One model for many requests: their pairs wait in one queue and are read in small batches.

A thread of its own gives the model one micro-batch after the other. Each takes a pair of every
request in turn, so a long request keeps no short one waiting, and between two requests that wait at
the same time neither gets ahead by more than one pair. Pairs of a request with a deadline are read
in rank order; what was read when it comes is its answer. What nobody waits for any more is not
read: requests whose client left, or whose time is over, are out of the queue at once.

One batch at a time: a model has one pool of threads, and calls beside each other only share it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from engine.anytime import MICRO_BATCH, Pace, Reading, cost
from engine.errors import ModelError, RerankerBusy
from engine.types import Scores
from server.calls import CALL, Call, ClientLeftError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.anytime import Pair
    from engine.protocols import Reranker
    from engine.types import DoubleArray, FloatArray

MOST_WAITING: Final = 4096  # pairs
_CALM: Final = 0.25  # seconds that a batch takes while nobody has a deadline
_LEAST: Final = 4000  # characters of such a batch: fewer cost a processor more for each pair
_BLOCK: Final = 16  # candidates in a row whose order may be changed
IDLE: Final = 5.0  # seconds
_LOG: Final = logging.getLogger(__name__)


class _Task:
    """The pairs that one call wants scored. All of it is the queue's, under its lock."""

    def __init__(self, pairs: Sequence[Pair], deadline: float, lock: threading.Lock) -> None:
        self.reading = Reading(pairs)
        self.deadline = deadline
        self.given = 0  # pairs of `order` that the model was given
        self.flying = 0  # those that it reads now
        self.busy = 0.0  # seconds that it read some
        self.error: ModelError | None = None
        self.changed = threading.Condition(lock)
        numbers = range(len(self.reading.pairs))
        # Neighbours of one length waste no padding; a deadline wants the best first.
        self.order = list(numbers)
        if deadline == math.inf:
            self.order.sort(key=lambda n: (n // _BLOCK, -cost(self.reading.pairs[n])))

    @property
    def missing(self) -> int:
        """Pairs that the model was not given."""
        return len(self.order) - self.given

    @property
    def over(self) -> bool:
        return self.error is not None or not (self.missing or self.flying)


class SharedReranker:
    """See Reranker and AnytimeReranker. A reranker for any number of threads.

    Scores are those of the model alone but for padding (1e-5). A call ends early when the request
    that it is made for (CALL) does.
    """

    def __init__(
        self,
        reranker: Reranker,
        most: int = MOST_WAITING,
        seen: Callable[[int], None] = lambda _: None,
        idle: float = IDLE,
    ) -> None:
        """Share a model.

        Args:
            reranker: the model; nobody else may use it meanwhile.
            most: pairs that may wait. A request that is alone may bring more.
            seen: told the size of each batch that was read.
            idle: seconds after which the thread ends; the next request starts another.
        """
        self._reranker = reranker
        self._most = most
        self._seen = seen
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._turns: deque[_Task] = deque()
        self._pace = Pace()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._idle = idle

    # -- what it is --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """See Reranker."""
        return self._reranker.name

    @property
    def weight(self) -> float:
        """See Reranker."""
        return self._reranker.weight

    @property
    def parameters(self) -> int | None:
        """See Reranker."""
        return self._reranker.parameters

    @property
    def fingerprint(self) -> str:
        """See Reranker."""
        return self._reranker.fingerprint

    @property
    def waiting(self) -> int:
        """Pairs that wait."""
        with self._lock:
            return self._waiting()

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._reranker.relevance(logits)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._reranker.relevance_among(logits)

    def fluency(self, text: str) -> float:
        """See Reranker."""
        return self._reranker.fluency(text)

    # -- for requests ------------------------------------------------------------------------------

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """See Reranker.

        Raises:
            RerankerBusy: it has no room for them, or did not get to all of them in the time that
                the request has.
            ModelError: the model failed at a batch with one of them.
            ClientLeftError: nobody waits for them any more.
        """
        scores = self.score_until(pairs, math.inf)
        if len(scores.logits) < len(pairs):
            raise RerankerBusy("the reranker did not get to all texts in time")
        return scores

    def score_until(self, pairs: Sequence[Pair], deadline: float) -> Scores:
        """See AnytimeReranker. Raises as `score`, but gives what it has when the time is over."""
        call = CALL.get() or Call()
        began = time.perf_counter()
        task = _Task(pairs, deadline, self._lock)
        until = min(deadline, call.deadline)
        if call.left:
            raise ClientLeftError
        call.wake = lambda: self._wake(task)
        with self._lock:
            if until > began and task.missing:
                self._enter(task)
                left = min(until - time.perf_counter(), threading.TIMEOUT_MAX)
                task.changed.wait_for(lambda: task.over or call.left, max(0.0, left))
                self._withdraw(task)
                # What the model reads now is nearly there.
                task.changed.wait_for(lambda: call.left or task.error or not task.flying)
        call.wake = None
        if call.left:
            raise ClientLeftError
        if task.error:
            raise type(task.error)(str(task.error)) from task.error
        return task.reading.scores(max(0.0, time.perf_counter() - began - task.busy))

    def close(self) -> None:
        """Take no more pairs, give up those that wait, and wait for those that are being read."""
        with self._lock:
            self._closed, thread = True, self._thread
            while self._turns:
                self._fail(self._turns[0], RerankerBusy("the reranker is being closed"))
            self._work.notify_all()
        if thread:
            thread.join()

    def _enter(self, task: _Task) -> None:
        if self._closed:
            raise RerankerBusy("the reranker is being closed")
        if self._turns and self._waiting() + task.missing > self._most:
            raise RerankerBusy("too many requests wait for the reranker")
        self._turns.append(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="shortlist-rerank", daemon=True)
            self._thread.start()
        self._work.notify()

    def _withdraw(self, task: _Task) -> None:
        if task in self._turns:
            self._turns.remove(task)

    def _wake(self, task: _Task) -> None:
        with self._lock:
            task.changed.notify_all()

    def _waiting(self) -> int:
        return sum(task.missing for task in self._turns)

    # -- the thread that reads ---------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._lock:
                some = self._work.wait_for(lambda: self._turns or self._closed, self._idle)
                if not some or self._closed:
                    self._thread = None
                    return
                batch = self._batch()
            if batch:
                self._read(batch)

    def _batch(self) -> list[tuple[_Task, int]]:
        """Take a pair of each request in turn, as many as are read in the time of a batch."""
        now = time.perf_counter()
        hurry = any(task.deadline < math.inf for task in self._turns)
        room = self._pace.room(MICRO_BATCH) if hurry else max(self._pace.room(_CALM), _LEAST)
        batch: list[tuple[_Task, int]] = []
        while self._turns:
            task = self._turns[0]
            if task.deadline <= now:
                self._turns.popleft()
                continue
            number = task.order[task.given]
            room -= cost(task.reading.pairs[number])
            if batch and room < 0:
                break
            batch.append((task, number))
            task.given += 1
            task.flying += 1
            self._turns.rotate(-1)
            if not task.missing:
                self._turns.pop()
        return batch

    def _read(self, batch: list[tuple[_Task, int]]) -> None:
        pairs = [task.reading.pairs[number] for task, number in batch]
        start = time.perf_counter()
        try:
            scores = self._reranker.score(pairs)
            self._seen(len(pairs))
            if len(scores.logits) != len(pairs):
                raise ModelError(f"{self.name} gave {len(scores.logits)} scores for {len(pairs)}")
        except Exception as error:
            _LOG.exception("the reranker failed at a batch of %d pairs", len(pairs))
            failure = error if isinstance(error, ModelError) else ModelError(f"it failed: {error}")
            with self._lock:
                for task, _ in batch:
                    self._fail(task, failure)
            return
        seconds = time.perf_counter() - start
        with self._lock:
            self._pace.learn(sum(map(cost, pairs)), seconds)
            self._hand_back(batch, scores, seconds)

    def _hand_back(self, batch: list[tuple[_Task, int]], scores: Scores, seconds: float) -> None:
        for place, (task, number) in enumerate(batch):
            windows = scores.in_windows
            one = slice(place, place + 1)
            part = Scores(scores.logits[one], None if windows is None else windows[one])
            task.reading.take([number], part)
            task.flying -= 1
        for task in {task for task, _ in batch}:
            task.busy += seconds
            task.changed.notify_all()

    def _fail(self, task: _Task, error: ModelError) -> None:
        task.error = error
        self._withdraw(task)
        task.changed.notify_all()
