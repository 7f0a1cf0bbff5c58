"""How many pairs rerankers read in a second, on this machine and in this hour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.protocols import Reranker

    Pair = tuple[str, str]
    Read = Callable[[Sequence[Pair]], object]

SOME: Final = 16  # pairs that tell the speed for an estimate
_MOST: Final = 64  # and for a comparison
_LEAST: Final = 8
_SECONDS: Final = 5.0  # of one round of a comparison, as long as there are enough pairs
_ROUNDS: Final = 2


def distinct(pairs: Sequence[Pair], most: int) -> list[Pair]:
    """Return some pairs of different passages, evenly: a bi-encoder reads a passage once."""
    found = list({passage: (query, passage) for query, passage in pairs}.values())
    return found[:: -(-len(found) // most)] if found else []


def pairs_per_second(read: Read, pairs: Sequence[Pair]) -> float:
    """Return how many pairs are read in a second, the first ones untimed."""
    read(pairs[:2])
    return len(pairs) / _seconds(read, pairs)


def compared(rerankers: Sequence[Reranker], pairs: Sequence[Pair]) -> list[float]:
    """Return the pairs per second of each, taken in turn: the best of two rounds over the same."""
    chosen = distinct(pairs, _MOST)
    few = chosen[:2]
    for reranker in rerankers:
        reranker.score(few)  # what is loaded late is loaded now
    slowest = max(_seconds(reranker.score, few) for reranker in rerankers) / len(few)
    chosen = chosen[: max(_LEAST, int(_SECONDS / slowest))]
    rounds = [[_seconds(reranker.score, chosen) for reranker in rerankers] for _ in range(_ROUNDS)]
    return [len(chosen) / min(times) for times in zip(*rounds, strict=True)]


def _seconds(read: Read, pairs: Sequence[Pair]) -> float:
    began = time.perf_counter()
    read(pairs)
    return max(time.perf_counter() - began, 1e-6)
