"""Stage two within a time budget: the best candidates first, and as many as fit.

An answer for which m candidates were read is the one that `rerank_depth` = m gives: those that were
read are ordered among themselves (engine.rerank.combine normalises over them alone), the rest
follows in stage one's order. It comes at most one micro-batch after the deadline.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.protocols import AnytimeReranker
from engine.types import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.protocols import Reranker

    Pair = tuple[str, str]

MICRO_BATCH: Final = 0.1  # seconds that a model is given pairs for at once
_PAIR: Final = 32  # characters that a pair costs beyond its own
_STEP: Final = 4  # times the batch before that a batch may have at most


class Pace:
    """How fast a model reads, learnt from the batches that it read; it begins with one pair."""

    def __init__(self) -> None:
        self._most = 1.0  # characters of the next batch
        self._speed: float | None = None  # characters a second

    def room(self, seconds: float) -> float:
        """Return how many characters are read in so many seconds, as far as is known."""
        return min(self._most, seconds * (self._speed or math.inf))

    def learn(self, characters: float, seconds: float) -> None:
        """Take note of a batch."""
        speed = characters / max(seconds, 1e-6)
        # A first batch may have loaded something.
        self._speed = speed if self._speed is None else (self._speed + speed) / 2
        self._most = max(self._most, _STEP * characters)


def cost(pair: Pair) -> int:
    """Return the characters that a pair counts for."""
    return len(pair[0]) + len(pair[1]) + _PAIR


class Reading:
    """Pairs on their way through a model. Equal pairs are read once, whichever batch they are in.

    Attributes:
        pairs: the distinct ones, in the order in which each came first.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        numbers = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
        self.pairs = list(numbers)
        self._asked = np.array([numbers[pair] for pair in pairs], dtype=np.intp)
        self._logits = np.zeros(len(numbers), dtype=np.float32)
        self._in_windows = np.zeros(len(numbers), dtype=bool)
        self._read = np.zeros(len(numbers), dtype=bool)

    def take(self, numbers: Sequence[int], scores: Scores) -> None:
        """Take what a model says of some of the distinct pairs."""
        places = list(numbers)
        self._logits[places] = scores.logits
        self._read[places] = True
        if scores.in_windows is not None:
            self._in_windows[places] = scores.in_windows

    def scores(self, waited: float = 0.0) -> Scores:
        """Return the scores of the first pairs, up to the first that was not read."""
        known = self._read[self._asked]
        first = self._asked if known.all() else self._asked[: int(known.argmin())]
        return Scores(self._logits[first], self._in_windows[first], waited)


def score_until(
    reranker: Reranker,
    pairs: Sequence[Pair],
    deadline: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Scores:
    """Score pairs from the first to the last, until the deadline.

    Args:
        reranker: the model; one that keeps deadlines itself is asked to.
        pairs: best first.
        deadline: as `clock` tells the time, in seconds; infinity for none.
        clock: for tests.

    Returns:
        The scores of the first m pairs, all of them unless the deadline came before.
    """
    if isinstance(reranker, AnytimeReranker):
        return reranker.score_until(pairs, deadline)
    if deadline == math.inf:
        return reranker.score(pairs)
    reading, pace, done = Reading(pairs), Pace(), 0
    now = clock()
    while done < len(reading.pairs) and now < deadline:
        batch = _next(reading.pairs, done, pace.room(min(MICRO_BATCH, deadline - now)))
        reading.take(range(done, done + len(batch)), reranker.score(batch))
        before, now = now, clock()
        pace.learn(sum(map(cost, batch)), now - before)
        done += len(batch)
    return reading.scores()


def _next(pairs: Sequence[Pair], start: int, room: float) -> list[Pair]:
    """Return the next pair, and those after it that fit."""
    batch = [pairs[start]]
    room -= cost(pairs[start])
    for pair in pairs[start + 1 :]:
        room -= cost(pair)
        if room < 0:
            break
        batch.append(pair)
    return batch


def score_heads(
    reranker: Reranker, heads: Sequence[Sequence[Pair]], deadlines: Sequence[float]
) -> list[Scores]:
    """Score the candidates of several queries, the best of all queries first.

    Without deadlines that is one call, all pairs in one; with them each query has as many
    candidates read as its own deadline allows beside the others.

    Args:
        reranker: the model.
        heads: of each query its pairs, best first.
        deadlines: of each query, as `time.perf_counter` tells the time; infinity for none.

    Returns:
        For each query the scores of its first candidates; `waited` is each one's share.
    """
    found: list[list[Scores]] = [[] for _ in heads]
    missing: dict[int, list[Pair]] = {n: list(head) for n, head in enumerate(heads) if head}
    while missing:
        until = min(deadlines[number] for number in missing)
        owners = [number for number, pairs in missing.items() for _ in pairs]
        if until < math.inf or isinstance(reranker, AnytimeReranker):
            owners = _in_turn(missing)
        queues = {number: iter(pairs) for number, pairs in missing.items()}
        scores = score_until(reranker, [next(queues[number]) for number in owners], until)
        for number, part in _by_owner(scores, owners).items():
            found[number].append(part)
            del missing[number][: len(part.logits)]
        missing = {n: pairs for n, pairs in missing.items() if pairs and deadlines[n] > until}
    return [_joined(parts) for parts in found]


def _in_turn(missing: Mapping[int, Sequence[Pair]]) -> list[int]:
    """Return whose pair comes when: everybody's best, everybody's second, and so on."""
    places = [(rank, number) for number, pairs in missing.items() for rank in range(len(pairs))]
    return [number for _, number in sorted(places)]


def _by_owner(scores: Scores, owners: Sequence[int]) -> dict[int, Scores]:
    """Return of each owner the scores of its pairs."""
    read = np.array(owners[: len(scores.logits)], dtype=np.intp)
    windows = scores.in_windows
    if windows is None:
        windows = np.zeros(len(read), dtype=bool)
    everybody = set(owners)
    waited = scores.waited / len(everybody)
    return {
        number: Scores(scores.logits[read == number], windows[read == number], waited)
        for number in everybody
    }


def _joined(parts: Sequence[Scores]) -> Scores:
    logits = [np.zeros(0, np.float32), *(part.logits for part in parts)]
    windows = [part.in_windows for part in parts if part.in_windows is not None]
    return Scores(
        np.concatenate(logits),
        np.concatenate([np.zeros(0, bool), *windows]),
        sum(part.waited for part in parts),
    )
