"""Rows of training examples as queries with labelled candidates; what cannot be used is refused."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from engine.analysis import clean
from engine.errors import CollectionError
from engine.evaluation.judgements import SHOWN
from indexer.training.columns import choose, negative_columns, refuse_others
from indexer.training.examples import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.evaluation.judgements import Faults
    from indexer.judged.rows import Row
    from indexer.training.columns import Columns

_TRUTHS: Final = {"true": 1.0, "false": 0.0}


class _Text(NamedTuple):
    """One text or document id of a row, and the column that it stands in."""

    column: str
    text: str
    document: str = ""


class JudgedRows:
    """Reads rows one by one; knows the columns after the first."""

    def __init__(self, place: str, faults: Faults) -> None:
        """`place` stands in messages for the source."""
        self.columns: Columns | None = None
        self._place = place
        self._faults = faults
        self._negatives: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._ignored: dict[str, None] = {}

    def read(self, rows: Iterable[Row]) -> Iterator[tuple[int, str, Candidate]]:
        """Yield (line, query, candidate) of everything that rows judge.

        Raises:
            CollectionError: naming the line that cannot be used, or the columns that there are.
        """
        for line, row in rows:
            yield from self._row(line, row)
        if self._ignored:
            listed = ", ".join(name[:SHOWN] for name in self._ignored)
            self._faults.note(f"columns ignored ({listed})", len(self._ignored))

    def _row(self, line: int, row: dict[str, object]) -> Iterator[tuple[int, str, Candidate]]:
        place = f"{self._place}:{line}"
        columns = self.columns = self.columns or choose(row, self._place)
        negatives = self._negatives_of(columns, tuple(row), place)
        query = plain_text(row.get(columns.query), f"{place}: the query")
        texts = _answers(columns, row, place)
        if not query.strip():
            problem = f"{place}: has no query in the column {columns.query!r}"
            self._faults.found(problem, "rows without a query, left out")
            return
        if not texts:
            problem = f"{place}: has no answer in the column {columns.answer}"
            self._faults.found(problem, "rows without an answer, left out")
            return
        answers = len(texts)
        for column in negatives:
            texts += [
                _Text(column, text) for text in _texts(row.get(column), place, column) or [""]
            ]
        labels = self._labels(columns, row.get(columns.label or ""), answers, len(texts), place)
        for text, label in zip(texts, labels, strict=True):
            if not text.text.strip() and not text.document:
                problem = f"{place}: has an empty text in the column {text.column!r}"
                self._faults.found(problem, "empty texts, left out")
            elif label is not None:
                yield line, query, Candidate(text.text, label, text.document)

    def _negatives_of(
        self, columns: Columns, names: tuple[str, ...], place: str
    ) -> tuple[str, ...]:
        """Return a row's columns of negatives, of which each row may have its own number."""
        known = self._negatives.get(names)
        if known is None:
            refuse_others(columns, names, place)
            known = self._negatives[names] = negative_columns(names)
            others = columns.others(names)
            self._ignored |= dict.fromkeys(name for name in others if name not in known)
        return known

    def _labels(
        self, columns: Columns, cell: object, answers: int, count: int, place: str
    ) -> list[float | None]:
        """Return the label of each text, None for one that has none."""
        if columns.label is None:
            return [1.0 if at < answers else 0.0 for at in range(count)]
        values = cast("list[object]", cell) if isinstance(cell, list) else [cell]
        if len(values) != count:
            raise CollectionError(
                f"{place}: has {len(values)} of {columns.label!r} for {count} texts; each text"
                " needs its own"
            )
        return [self._label(columns, value, place) for value in values]

    def _label(self, columns: Columns, value: object, place: str) -> float | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            problem = f"{place}: has nothing in the column {columns.label!r}"
            self._faults.found(problem, "texts without a label, left out")
            return None
        label = _number(value)
        if label is None:
            shown = str(value)[:SHOWN]
            raise CollectionError(f"{place}: the {columns.label} {shown!r} is not a number")
        if not columns.scores and not 0 <= label <= 1:
            raise CollectionError(
                f"{place}: the {columns.label} {label:g} is out of range: it goes from 0 (not"
                " relevant) to 1; divide grades by the highest, and call the column of a teacher's"
                " scores 'score'"
            )
        return label


def _answers(columns: Columns, row: dict[str, object], place: str) -> list[_Text]:
    """Return what a row judges apart from its negatives: texts, ids, or both side by side."""
    texts = _texts(row.get(columns.text or ""), place, columns.text)
    documents = _texts(row.get(columns.document or ""), place, columns.document)
    if texts and documents and len(texts) != len(documents):
        raise CollectionError(
            f"{place}: has {len(texts)} texts and {len(documents)} document ids; each text needs"
            " its own"
        )
    if not documents:
        return [_Text(columns.text or "", text) for text in texts]
    ids = [document.strip() for document in documents]
    both = zip(texts or [""] * len(ids), ids, strict=True)
    return [_Text(columns.document or "", text, document) for text, document in both]


def _texts(value: object, place: str, column: str | None) -> list[str]:
    """Return the texts of a cell: those of a list, one, or none where it is empty."""
    if isinstance(value, list):
        cells = cast("list[object]", value)
        return [plain_text(cell, f"{place}: a text of {column!r}") for cell in cells]
    text = plain_text(value, f"{place}: what {column!r} says")
    return [text] if text.strip() else []


def plain_text(value: object, place: str) -> str:
    """Return the text of a cell; `place` says in messages what it is.

    Raises:
        CollectionError: If it is no text.
    """
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return clean(str(value))
    raise CollectionError(f"{place} is no text but a {type(value).__name__}")


def _number(value: object) -> float | None:
    """Return a finite number; tables say numbers and truths in words."""
    if isinstance(value, str):
        word = value.strip().lower()
        value = _TRUTHS.get(word, word)
    if not isinstance(value, str | int | float | Decimal) or "_" in str(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
