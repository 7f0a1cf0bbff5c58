"""Requests that no server wants, made from a seed: what is sent, byte for byte.

Each kind is a function of a random generator. All are sent to a server that has `--writable` and
`--feedback`, so that every route can be reached.
"""

from __future__ import annotations

import random
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final

from benchmarks import attack_bodies, attack_heads, attack_timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.raw_requests import Attack, Make

# Their order is part of what a seed makes.
KINDS: Final[tuple[Make, ...]] = (
    *attack_bodies.KINDS,
    *attack_heads.KINDS,
    *attack_timing.KINDS,
    *attack_bodies.OFTEN,
    *attack_heads.OFTEN,
)


def attacks(count: int, seed: int) -> Iterator[Attack]:
    """Make so many requests, of all kinds in turn."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for make in islice((make for turn in repeat(KINDS) for make in turn), count):
        yield make(chance)
