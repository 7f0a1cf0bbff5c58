"""LEAF (sqlite3): the record of searches, clicks and judgements, one file, written by any number.

What is kept: the query and its filter as typed, which results were shown at which rank (document,
passage number, a digest of the text), which of them were clicked, and grades with the name that
the judge gave. **No** address, no account, no key, no text of a document. But queries alone can say
much about a person: the file is readable by its owner only, `forget` overwrites what it removes,
and the oldest searches give way when the file reaches its limit.

One transaction a write, so `kill -9` loses the write that was going on and no other (a power cut
may take the last seconds). Writers of several processes wait for each other, readers for nobody;
the lock of the index's writer plays no part.
"""

from __future__ import annotations

import itertools
import json
import math
import secrets
import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Self

from engine.analysis import Analyzer, clean
from engine.answer import LONGEST_QUERY
from engine.errors import IndexFault, UsageError
from engine.feedback import BEST_GRADE, Counts, Judgement, Search, Shown, digest_of
from engine.feedback.file import LogFile
from engine.query import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engine.answer import Answer, SearchRequest

MOST_BYTES: Final = 100_000_000  # about 150,000 searches
MOST_SHOWN: Final = 200  # results of one search; nobody looks further, and a client may ask for all
_LONGEST_NAME: Final = 200  # characters of a judge's name
_NUMBERS: Final = range(2**31)  # what a passage's number can be
_SEARCHES: Final = """SELECT s.id, s.key, s.time, s.query, s.plain, s.filter, s.snapshot, s.models,
    h.rank, h.document, h.passage, h.digest, h.stage, c.time, c.dwell
    FROM search s LEFT JOIN shown h ON h.search = s.id
    LEFT JOIN click c ON c.search = h.search AND c.rank = h.rank ORDER BY s.id, h.rank"""
_JUDGEMENTS: Final = """SELECT query, document, passage, digest, grade, judge, time
    FROM judgement ORDER BY query, document, passage, judge"""
_COUNTS: Final = """SELECT (SELECT count(*) FROM search), (SELECT count(*) FROM shown),
    (SELECT count(*) FROM click), (SELECT count(*) FROM judgement)"""


class FeedbackLog:
    """A log of feedback; safe to use from several threads, and from several processes at once."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a log.

        Args:
            path: the file; its folder must be there.
            create: whether to make one where there is none.
            most_bytes: size of what is kept; beyond it the oldest searches are removed.
            clock: seconds since the epoch.

        Raises:
            UsageError: if there is none and none is to be made.
            ForeignIndex: if the file is something else, or of another format.
            IndexFault: if it cannot be opened.
        """
        self.path = path
        self._most_bytes = most_bytes
        self._clock = clock
        self._file = LogFile(path, create=create)

    # -- writing ---------------------------------------------------------------------------------

    def search(self, request: SearchRequest, answer: Answer) -> str:
        """Record an answer that a person sees (its first 200 results); return the search's id."""
        key = secrets.token_urlsafe(16)
        asked = (clean(request.query), request.plain, clean(request.filter))
        shown = [
            (result.rank, result.document, result.passage, digest_of(result.text), result.stage)
            for result in answer.results[:MOST_SHOWN]
        ]
        with self._file.writing():
            self._make_room()
            number = self._file.execute(
                "INSERT INTO search (key, time, query, plain, filter, snapshot, models)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, self._clock(), *asked, answer.snapshot, json.dumps(answer.models)),
            ).lastrowid
            self._file.execute_many(
                "INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?)", [(number, *row) for row in shown]
            )
        return key

    def click(self, search: str, document: str, passage: int, dwell: float | None = None) -> None:
        """Record that a result was opened; again for the same one, only a longer stay counts.

        Args:
            search: the id that `search` returned.
            document: of the result.
            passage: its number in its document.
            dwell: seconds spent there, where known.

        Raises:
            UsageError: if that search is not known, or did not show that result.
        """
        if dwell is not None and not (math.isfinite(dwell) and dwell >= 0):
            raise UsageError(f"dwell is a number of seconds, not {dwell}")
        with self._file.writing():
            number, rank, *_ = self._find(search, document, passage)
            self._file.execute(
                "INSERT INTO click VALUES (?, ?, ?, ?) ON CONFLICT (search, rank) DO UPDATE"
                " SET dwell = max(coalesce(dwell, 0), excluded.dwell)"
                " WHERE excluded.dwell IS NOT NULL",
                (number, rank, self._clock(), dwell),
            )

    def judge(
        self, query: str, document: str, passage: int, grade: int, *, text: str, by: str = ""
    ) -> None:
        """Record what someone says of a passage; a judge's last word on it counts.

        Args:
            query: words alone; what looks like an operator is read as a word.
            document: its id.
            passage: its number in the document.
            grade: 0 not relevant, 1 relevant, up to 3, exactly what was asked for.
            text: of the passage, as it was read; its digest is kept.
            by: a name for the judge; may be empty.

        Raises:
            UsageError: if an argument cannot be what it is.
        """
        _require_judgement(query, passage, grade, by)
        with self._file.writing():
            self._judge((query, document, passage, by), digest_of(text), grade)

    def judge_shown(
        self, search: str, document: str, passage: int, grade: int, *, by: str = ""
    ) -> None:
        """Record what someone says of a result of a search, to its words without operators.

        See `click` and `judge`.
        """
        with self._file.writing():
            _, _, digest, query, plain = self._find(search, document, passage)
            query = query if plain else parse(query, Analyzer()).text
            _require_judgement(query, passage, grade, by)
            self._judge((query, document, passage, by), digest, grade)

    def _judge(self, about: tuple[str, str, int, str], digest: bytes, grade: int) -> None:
        query, document, passage, by = about
        self._make_room()
        self._file.execute(
            "INSERT OR REPLACE INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?)",
            (clean(query), clean(document), passage, clean(by), digest, grade, self._clock()),
        )

    def _find(self, search: str, document: str, passage: int) -> tuple[int, int, bytes, str, int]:
        """Return (number of the search, rank, digest, query, whether plain) of a result."""
        row = self._file.execute(
            "SELECT s.id, h.rank, h.digest, s.query, s.plain FROM search s LEFT JOIN shown h"
            " ON h.search = s.id AND h.document = ? AND h.passage = ? WHERE s.key = ?",
            (clean(document), passage if passage in _NUMBERS else -1, clean(search)),
        ).fetchone()
        if row is None:
            raise UsageError("there is no such search; it may have been forgotten")
        if row[1] is None:
            raise UsageError(f"that search did not show passage {passage} of {document[:100]!r}")
        return row

    # -- forgetting ------------------------------------------------------------------------------

    def forget(self, before: float) -> tuple[int, int]:
        """Remove what was recorded before a time; return how many (searches, judgements).

        What is removed is overwritten, and the file becomes smaller.
        """
        with self._file.writing():
            searches = self._file.execute("DELETE FROM search WHERE time < ?", (before,)).rowcount
            judged = self._file.execute("DELETE FROM judgement WHERE time < ?", (before,)).rowcount
        self._file.shrink()
        return searches, judged

    def _make_room(self) -> None:
        """Remove the oldest searches, a tenth at a time, while the log is larger than it may be."""
        while self._file.used() > self._most_bytes:
            count = self._file.value("SELECT count(*) FROM search")
            if not count:
                raise IndexFault(
                    f"the feedback log {self.path} is full of judgements"
                    f" ({self._most_bytes / 1e6:,.0f} MB): train from it and forget old ones"
                )
            self._file.execute(
                "DELETE FROM search WHERE id IN (SELECT id FROM search ORDER BY id LIMIT ?)",
                (max(1, count // 10),),
            )

    # -- reading ---------------------------------------------------------------------------------

    def searches(self) -> Iterator[Search]:
        """Yield all searches, the oldest first, as they are when the first one is asked for."""
        for _, rows in itertools.groupby(self._file.rows(_SEARCHES), itemgetter(0)):
            found = list(rows)
            _, key, when, query, plain, where, snapshot, models = found[0][:8]
            yield Search(
                id=key, time=when, query=query, plain=bool(plain), filter=where, snapshot=snapshot,
                models=json.loads(models),
                shown=tuple(_shown(row[8:]) for row in found if row[8] is not None),
            )  # fmt: skip

    def judgements(self) -> Iterator[Judgement]:
        """Yield all judgements, by query, document, passage and judge."""
        for query, document, passage, digest, grade, by, when in self._file.rows(_JUDGEMENTS):
            yield Judgement(
                query=query, document=document, passage=passage, digest=digest, grade=grade, by=by,
                time=when,
            )  # fmt: skip

    def counts(self) -> Counts:
        """Return how much there is."""
        [(searches, shown, clicks, judgements)] = self._file.rows(_COUNTS)
        return Counts(searches=searches, shown=shown, clicks=clicks, judgements=judgements)

    def close(self) -> None:
        """Give the file back; using the log afterwards is an error."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _require_judgement(query: str, passage: int, grade: int, by: str) -> None:
    if not 0 <= grade <= BEST_GRADE:
        raise UsageError(f"a grade is between 0 and {BEST_GRADE}, not {grade}")
    if not query.strip() or len(query) > LONGEST_QUERY:
        raise UsageError(f"a judged query has between 1 and {LONGEST_QUERY:,} characters")
    if passage not in _NUMBERS:
        raise UsageError(f"a passage's number counts from 0; {passage} is none")
    if len(by) > _LONGEST_NAME:
        raise UsageError(f"a judge's name has at most {_LONGEST_NAME} characters")


def _shown(row: Sequence[Any]) -> Shown:
    rank, document, passage, digest, stage, clicked, dwell = row
    return Shown(
        rank=rank, document=document, passage=passage, digest=digest, stage=stage,
        clicked=clicked, dwell=dwell,
    )  # fmt: skip
