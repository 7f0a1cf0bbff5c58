"""What collections of every layout share: files line by line, faults, and judgements."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import CollectionError
from engine.runs import id_of_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from engine.evaluation.collection import Qrels

# trec_eval keeps a count of every grade: it needs a minute for 2**31, and 2**40 ends the process.
GRADE_LIMIT: Final = 10_000
_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?")
_QUERY: Final = frozenset({"query-id", "query", "queryid", "qid", "topic", "topic-id"})
_DOCUMENT: Final = frozenset(
    {"corpus-id", "document-id", "document", "doc-id", "docid", "docno", "doc", "passage-id", "pid"}
)
_GRADE: Final = frozenset({"score", "grade", "relevance", "rel", "label"})
SHOWN: Final = 100  # characters of an id in a message


def new_digest() -> hashlib.blake2b:
    """Return the digest that stands in a collection's `checksums`."""
    return hashlib.blake2b(digest_size=16)


def lines(path: Path, digest: hashlib.blake2b | None = None) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank, with its number, in one pass that also fills `digest`.

    A byte order mark is left out, and what is no UTF-8 is replaced.

    Raises:
        CollectionError: If the file cannot be read.
    """
    digest = digest or new_digest()
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                digest.update(raw)
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8", "replace").rstrip("\r\n")
                if line and not line.isspace():
                    yield number, line
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CollectionError(f"{path} cannot be read: {reason}") from error


class Faults:
    """What is wrong with a collection: an error at once, or where lenient, counted for a note."""

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient
        self._counts: Counter[str] = Counter()

    def found(self, problem: str, note: str, *, more: int = 0) -> None:
        """Raise a problem, which starts with its place; `more` of the kind come after it.

        Where lenient, count it under a note, which says what became of it.
        """
        if not self.lenient:
            others = f" ({more:,} more of the kind follow)" if more else ""
            raise CollectionError(problem + others)
        self.note(note, 1 + more)

    def note(self, text: str, count: int = 1) -> None:
        """Count something that the user should know and that is no error."""
        self._counts[text] += count

    @property
    def notes(self) -> tuple[str, ...]:
        """`judgements of unknown documents, left out: 3`."""
        return tuple(f"{text}: {count:,}" for text, count in self._counts.items() if count)


class Judgement(NamedTuple):
    """One line of judgements; the grade is not yet known to be usable."""

    line: int
    query: str
    document: str
    grade: str


class Judgements:
    """The judgements of one file, in BEIR's three columns or TREC's four.

    Columns are separated by tabs, or by white space where a line has no tab. A header may say which
    column is which. Four columns without one are `query, iteration, document, grade`, and their ids
    are read as `engine.runs.column` writes them.
    """

    def __init__(self, path: Path, faults: Faults, digest: hashlib.blake2b | None = None) -> None:
        """Raises CollectionError for a line that is no judgement, or differs from one before it."""
        self.path = path
        self.qrels: Qrels = {}
        self._faults = faults
        for judgement in _judgements(path, digest):
            self._add(judgement)
        if not self.qrels:
            raise CollectionError(f"{path} holds no judgement")

    @property
    def documents(self) -> set[str]:
        """The ids of all documents that were judged."""
        return {document for grades in self.qrels.values() for document in grades}

    def check_queries(self, known: Callable[[str], bool], where: str) -> None:
        """Leave out queries that are not known; unless lenient, they are an error."""
        unknown = {query for query in self.qrels if not known(query)}
        if unknown:
            self._unknown(
                lambda one: one.query in unknown,
                lambda one: f"judges the query {one.query[:SHOWN]!r}, which {where} does not hold",
                "judgements of unknown queries, left out",
            )
            self.drop(unknown)

    def check_documents(self, unknown: AbstractSet[str], where: str) -> None:
        """Leave out documents that are not known; unless lenient, they are an error."""
        if not unknown:
            return
        self._unknown(
            lambda one: one.query in self.qrels and one.document in unknown,
            lambda one: (
                f"judges the document {one.document[:SHOWN]!r}, which {where} does not hold"
            ),
            "judgements of unknown documents, left out",
        )
        for grades in self.qrels.values():
            for document in unknown & grades.keys():
                del grades[document]
        empty = {query for query, grades in self.qrels.items() if not grades}
        if empty:
            self._faults.note("queries left without a judgement, left out", len(empty))
            self.drop(empty)

    def drop(self, queries: AbstractSet[str]) -> None:
        """Forget the judgements of some queries."""
        for query in queries:
            self.qrels.pop(query, None)

    def note_hopeless(self) -> None:
        """Note how many queries have no relevant document: no ranking scores for them."""
        hopeless = sum(max(grades.values()) <= 0 for grades in self.qrels.values())
        self._faults.note("queries without a relevant document, which score 0", hopeless)

    def _unknown(
        self, concerns: Callable[[Judgement], bool], says: Callable[[Judgement], str], note: str
    ) -> None:
        concerned = [one for one in _judgements(self.path) if concerns(one)]
        first = concerned[0]
        self._faults.found(
            f"{self.path}:{first.line}: {says(first)}", note, more=len(concerned) - 1
        )

    def _add(self, one: Judgement) -> None:
        place = f"{self.path}:{one.line}"
        whole = _WHOLE.fullmatch(one.grade)
        if whole is None:
            raise CollectionError(f"{place}: the grade {one.grade[:SHOWN]!r} is not a whole number")
        grade = int(whole[1])
        if grade > GRADE_LIMIT:
            raise CollectionError(f"{place}: the grade {grade} is more than {GRADE_LIMIT:,}")
        if grade < 0:
            self._faults.found(
                f"{place}: the grade {grade} is negative; what is not relevant has grade 0",
                "negative grades, read as 0",
            )
            grade = 0
        before = self.qrels.setdefault(one.query, {}).setdefault(one.document, grade)
        if before != grade:
            raise CollectionError(
                f"{place}: grade {grade} for query {one.query[:SHOWN]!r} and document"
                f" {one.document[:SHOWN]!r}, which a line before gives {before}"
            )


class _Layout(NamedTuple):
    """Which column holds what, of how many; whether ids are encoded."""

    query: int
    document: int
    grade: int
    width: int
    encoded: bool


def _judgements(path: Path, digest: hashlib.blake2b | None = None) -> Iterator[Judgement]:
    layout: _Layout | None = None
    for number, line in lines(path, digest):
        cells = _cells(line)
        if layout is None:
            layout = _named(cells)
            if layout is not None:
                continue
            layout = _unnamed(cells, f"{path}:{number}")
        if len(cells) != layout.width:
            raise CollectionError(f"{path}:{number}: has {len(cells)} columns, not {layout.width}")
        query, document = cells[layout.query], cells[layout.document]
        if not query or not document:
            what = "document" if query else "query"
            raise CollectionError(f"{path}:{number}: has no id of the {what}")
        if layout.encoded:
            query, document = id_of_column(query), id_of_column(document)
        yield Judgement(number, query, document, cells[layout.grade])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.rstrip().split("\t")] if "\t" in line else line.split()


def _named(cells: Sequence[str]) -> _Layout | None:
    """Return the layout of which a line is the header."""
    names = [re.sub(r"[\s_]+", "-", cell.lower()) for cell in cells]
    places = [
        next((place for place, name in enumerate(names) if name in known), None)
        for known in (_QUERY, _DOCUMENT, _GRADE)
    ]
    query, document, grade = places
    if query is None or document is None or grade is None:
        return None
    return _Layout(query, document, grade, len(cells), encoded=False)


def _unnamed(cells: Sequence[str], place: str) -> _Layout:
    if len(cells) == 3:
        return _Layout(0, 1, 2, 3, encoded=False)
    if len(cells) == 4:
        return _Layout(0, 2, 3, 4, encoded=True)
    raise CollectionError(
        f"{place}: has {len(cells)} columns; judgements have three (query-id, corpus-id, score)"
        " or TREC's four"
    )
