"""LEAF (sqlite3): a reranker whose scores are remembered between runs.

A cross-encoder needs minutes for what an evaluation asks of it, and the same pairs come again with
every other depth, source, weight or interrupted run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import ShortlistError
from engine.types import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from engine.protocols import Reranker
    from engine.types import DoubleArray, FloatArray

Pair = tuple[str, str]
_SLICE: Final = 400  # pairs scored before they are kept: a kill loses no more
_VARIABLES: Final = 500  # keys looked up in one statement


class RememberedReranker:
    """See Reranker. The logit of a pair that was scored before comes from a file."""

    def __init__(self, reranker: Reranker, folder: Path) -> None:
        """Keep scores in a file of the folder; another model, or other weights, has another."""
        self.reranker = reranker
        self.name = reranker.name
        self.weight = reranker.weight
        self.parameters = reranker.parameters
        self.fingerprint = reranker.fingerprint
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unfit(folder, (error.strerror or str(error)).lower()) from error
        self._path = folder / f"{self.fingerprint}.sqlite"
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS score (pair BLOB PRIMARY KEY, logit REAL NOT NULL)"
                " WITHOUT ROWID"
            )

    def score(
        self, pairs: Sequence[Pair], advance: Callable[[int], None] = lambda _: None
    ) -> Scores:
        """See Reranker. `advance` is told how many pairs are done, as they are."""
        keys = [_key(pair) for pair in pairs]
        with self._connected() as connection:
            known = _read(connection, keys)
            new = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
            advance(len(keys) - len(new))  # known, or the same pair again
            for part in _slices(new):
                logits = self.reranker.score([pair for _, pair in part]).logits.tolist()
                rows = [(key, logit) for (key, _), logit in zip(part, logits, strict=True)]
                with connection:
                    connection.executemany("INSERT OR REPLACE INTO score VALUES (?, ?)", rows)
                known.update(rows)
                advance(len(part))
        return Scores(np.array([known[key] for key in keys], np.float32))

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self.reranker.relevance(logits)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self.reranker.relevance_among(logits)

    def fluency(self, text: str) -> float:
        """See Reranker."""
        return self.reranker.fluency(text)

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """Open the file for a while; what is wrong with it is said in words."""
        try:
            with closing(sqlite3.connect(self._path, timeout=60)) as connection:
                yield connection
        except sqlite3.OperationalError as error:
            raise _unfit(self._path, str(error)) from error
        except sqlite3.DatabaseError as error:
            raise ShortlistError(
                f"{self._path} is damaged ({error}); delete it and run the same command again:"
                " it holds nothing but scores that can be computed anew"
            ) from error


def _unfit(path: Path, reason: str) -> ShortlistError:
    return ShortlistError(
        f"scores cannot be kept in {path}: {reason};"
        " make it possible, or name another folder for the cache"
    )


def _key(pair: Pair) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in pair:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


def _read(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, float]:
    known: dict[bytes, float] = {}
    for at in range(0, len(keys), _VARIABLES):
        some = keys[at : at + _VARIABLES]
        marks = ",".join("?" * len(some))
        known.update(
            connection.execute(f"SELECT pair, logit FROM score WHERE pair IN ({marks})", some)  # noqa: S608
        )
    return known


def _slices(new: dict[bytes, Pair]) -> Iterator[list[tuple[bytes, Pair]]]:
    """Yield pairs, those of one passage together: a bi-encoder reads it once."""
    part: list[tuple[bytes, Pair]] = []
    for _, same in groupby(sorted(new.items(), key=lambda item: item[1][1]), lambda i: i[1][1]):
        part += same
        if len(part) >= _SLICE:
            yield part
            part = []
    if part:
        yield part
