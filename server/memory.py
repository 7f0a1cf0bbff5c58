"""How the C library hands out memory to threads."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX in glibc's malloc.h
_ARENAS: Final = 2


def share_arenas() -> None:
    """Let all threads take memory from two pools. Only glibc has such; elsewhere nothing happens.

    By default there are up to eight for each processor, and each of them keeps what the largest
    request ever took: after 200 queries of 100,000 characters 1,200 MB instead of 740.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
