"""What people asked, saw, clicked and judged: labels from use, kept on this machine alone.

    log          LEAF (sqlite3): the record, a file beside the index
    propensity   how likely a rank is looked at, and what clicks say of relevance once that is known

Nothing is recorded unless someone opens a log and hands it searches. `indexer.training` makes
examples of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "feedback.sqlite"
BEST_GRADE: Final = 3  # 0 not relevant, 1 relevant, 2 more so, 3 exactly what was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One result that a person saw; `clicked` is the time of the first click.

    `dwell` is the longest time spent there, in seconds, where the client told it.
    """

    rank: int
    document: str
    passage: int
    digest: bytes
    stage: str
    clicked: float | None = None
    dwell: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One answer that a person saw. Times are seconds since the epoch.

    Attributes:
        id: what clicks name it by; it cannot be guessed.
        query: as it was typed; `plain` says that it was read without operators.
        snapshot: the generation of the index that answered.
        models: as in the answer.
        shown: by rank.
    """

    id: str
    time: float
    query: str
    plain: bool
    filter: str
    snapshot: int
    models: Mapping[str, str | None]
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What someone said of a passage for a query; `grade` from 0 to 3."""

    query: str
    document: str
    passage: int
    digest: bytes
    grade: int
    by: str
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a log holds."""

    searches: int
    shown: int
    clicks: int
    judgements: int


def digest_of(text: str) -> bytes:
    """Return what tells a passage's text from every other one; the text itself is not kept."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def place(index: Path) -> Path:
    """Return where the log of an index lies; the writer of the index leaves it alone."""
    return index / FILE
