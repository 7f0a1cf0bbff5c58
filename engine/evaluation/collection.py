"""A judged collection: queries, what is relevant to them, and the corpus that they are about."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from engine.errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Qrels = dict[str, dict[str, int]]  # query -> document -> grade; above 0 is relevant
SAMPLE_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """How queries were made that nobody asked; `shared_words` in [0, 1] is what gives them away.

    Attributes:
        how: for people, in a few words.
        shared_words: mean share of a query's words that its own document's passage holds.
        kinds: queries by what they were made from (`heading`, `title`, ...).
    """

    how: str
    shared_words: float
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Queries with their judgements; every query has some, and every judgement a query.

    Attributes:
        name: `squad`; stands in reports and in the names of cached indexes.
        split: `test`; empty where there is only one.
        queries: id -> text, in the order of their file; no text is empty.
        qrels: query id -> document id -> grade, 0 or more.
        corpus: a record file (JSON lines `_id, title, text`); None where an index must be given.
        checksums: file name -> hex digest of what was read (BLAKE2b, 16 bytes).
        synthetic: set where the queries were made, not asked.
        notes: what reading left out or repaired, for the user's eyes.
    """

    name: str
    split: str
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    corpus: Path | None = None
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    synthetic: Synthetic | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.queries:
            raise CollectionError(f"{self.label} has no query that is judged")

    @property
    def label(self) -> str:
        """Name and split, as people write them."""
        return f"{self.name}/{self.split}" if self.split else self.name

    def sample(self, most: int | None) -> Self:
        """Return at most so many of the queries: the same ones each time, in the same order."""
        if most is None or most >= len(self.queries):
            return self
        chosen = set(random.Random(SAMPLE_SEED).sample(sorted(self.queries), most))  # noqa: S311
        return replace(
            self,
            queries={q: text for q, text in self.queries.items() if q in chosen},
            qrels={q: grades for q, grades in self.qrels.items() if q in chosen},
        )
